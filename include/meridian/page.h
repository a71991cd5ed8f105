/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_PAGE_H
#define MERIDIAN_PAGE_H

/*
 * Shared-memory pages: what the files under the run directory have in common.
 *
 * Each page is a regular file that exactly one process writes and any number of processes map
 * read-only. A writer adopts a valid page that an earlier run of itself left behind, so that
 * readers keep their mapping across its restart; anything else is replaced by a new file (made
 * under a temporary name and renamed, so nobody sees half a page). A page never shrinks.
 *
 * Integers are fixed-width and little-endian, on 64-bit hosts only. Reserved fields are written
 * as 0 and ignored by readers; a new field takes reserved space and keeps the version.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_POINTER__ != 8
#error "Meridian's pages are defined for little-endian 64-bit hosts"
#endif

#ifdef __cplusplus
#define MERIDIAN_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define MERIDIAN_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define MERIDIAN_RUNDIR_DEFAULT "/run/meridian"

#define MERIDIAN_CACHE_LINE 64

/* First cache line of every page. Constant while the page exists, except `size`, which may grow,
 * and the writer's id and pid, which it changes each time it starts. */
struct meridian_page_head {
	uint32_t magic;   /* which page this is: MERIDIAN_*_MAGIC */
	uint16_t version; /* layout; moves only on an incompatible change */
	uint16_t reserved0;
	uint64_t size;       /* bytes that may be read; fstat's size is never smaller */
	uint8_t boot_id[16]; /* of the boot that wrote it: counters restart with the machine */
	uint32_t writer_id;  /* random per start of the writer, never 0 */
	uint32_t writer_pid; /* process that writes, for messages, not for signals; 0: stopped */
	uint8_t reserved1[24];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_page_head) == MERIDIAN_CACHE_LINE, "ABI");

/* What a reader or writer expects of a page. `name` is the file's name in the run directory. */
struct meridian_page_kind {
	const char *name;
	uint32_t magic;
	uint16_t version;
	uint64_t min_size; /* bytes that this build reads at fixed offsets */
};

/* A mapped page. Owned by the caller; one thread at a time. */
struct meridian_page {
	void *addr;          /* NULL while closed */
	size_t size;         /* bytes mapped */
	int fd;              /* of the file, kept by a writer to grow it; -1 for readers */
	int lock_fd;         /* a writer's lock; -1 for readers */
	uint64_t dev, inode; /* of the mapped file, to notice that it was replaced */
};

/*
 * Maps `rundir`/`kind->name` read-only and checks everything a reader relies on.
 * Returns 0, or
 *   -ENOENT     there is no such page (yet)
 *   -ENODATA    the file is shorter than its kind or than it claims (a torn or old page)
 *   -EBADMSG    it is no regular file, or the magic is foreign
 *   -EPROTO     the version is not ours
 *   -ESTALE     the page was written before this boot
 *   -EIO        the kernel does not say which boot this is (no /proc)
 * or what open, fstat and mmap return. Needs no right but to read the file, and takes no lock.
 * meridian_page_strerror() has a sentence for each.
 */
int meridian_page_open(
	struct meridian_page *page, const char *rundir, const struct meridian_page_kind *kind);

/*
 * Makes or adopts the page for writing, at least `size` bytes long, with file mode `mode`. A new
 * page is all zeroes after its head; an adopted one keeps its contents. `ret_adopted` (may be
 * NULL) says which. Until meridian_page_close() in this process and in those it forked, the page
 * is locked against a second writer: by flock on `rundir`/`kind->name`.lock, a file of mode 0600
 * that stays, so that who may only read pages cannot be in a writer's way. Does not wait. Returns
 * 0, -EBUSY when another live process writes the page, or what the system calls return.
 */
int meridian_page_create(struct meridian_page *page, const char *rundir,
	const struct meridian_page_kind *kind, size_t size, unsigned int mode, int *ret_adopted);

/* Grows a page one writes to `size` bytes and maps it anew; `page->addr` may move. 0 or -errno. */
int meridian_page_grow(struct meridian_page *page, size_t size);

/* 1 when the name now leads to another file than the mapped one, or to none; else 0. */
int meridian_page_replaced(const struct meridian_page *page, const char *rundir,
	const struct meridian_page_kind *kind);

/* Unmaps, and ends a writer's lock; legal on a closed or zeroed page whose addr is NULL. */
void meridian_page_close(struct meridian_page *page);

/* A sentence for a negative errno of the functions above; never NULL, static storage. */
const char *meridian_page_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
