/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <meridian/page.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static int page_path(char path[PATH_MAX], const char *rundir, const char *name, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s", rundir, name, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* "xxxxxxxx-xxxx-..." to 16 octets. */
static int boot_id_parse(const char *text, uint8_t boot_id[16])
{
	int digits = 0;

	memset(boot_id, 0, 16);
	for (; *text && digits < 32; text++) {
		char digit[2] = {*text, 0};
		char *end;
		unsigned long value;

		if (*text == '-')
			continue;
		value = strtoul(digit, &end, 16);
		if (*end != '\0')
			return -EINVAL;
		boot_id[digits / 2] = (uint8_t)(boot_id[digits / 2] << 4 | value);
		digits++;
	}
	return digits == 32 ? 0 : -EINVAL;
}

static int boot_id_read(uint8_t boot_id[16])
{
	char text[64] = "";
	int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -EIO; /* its own errno would sound as if the page were missing */
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n < 0 || boot_id_parse(text, boot_id) < 0 ? -EIO : 0;
}

/* What a reader relies on; `file_size` is what fstat said. */
static int head_check(const struct meridian_page_head *head, size_t file_size,
	const struct meridian_page_kind *kind)
{
	uint8_t boot_id[16];
	int r;

	if (head->magic != kind->magic)
		return -EBADMSG;
	if (head->version != kind->version)
		return -EPROTO;
	if (head->size < kind->min_size || head->size > file_size)
		return -ENODATA;
	r = boot_id_read(boot_id);
	if (r < 0)
		return r;
	return memcmp(head->boot_id, boot_id, sizeof(boot_id)) != 0 ? -ESTALE : 0;
}

/* Maps what `fd` holds; the file must at least have a head. Keeps `fd` open. */
static int page_map(
	struct meridian_page *page, int fd, const struct meridian_page_kind *kind, int protection)
{
	struct stat st;
	void *addr;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if ((uint64_t)st.st_size < sizeof(struct meridian_page_head))
		return -ENODATA;
	addr = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	r = head_check(addr, (size_t)st.st_size, kind);
	if (r < 0) {
		munmap(addr, (size_t)st.st_size);
		return r;
	}
	*page = (struct meridian_page){.addr = addr,
		.size = (size_t)st.st_size,
		.fd = -1,
		.lock_fd = -1,
		.dev = st.st_dev,
		.inode = st.st_ino};
	return 0;
}

int meridian_page_open(
	struct meridian_page *page, const char *rundir, const struct meridian_page_kind *kind)
{
	char path[PATH_MAX];
	int fd, r;

	memset(page, 0, sizeof(*page));
	r = page_path(path, rundir, kind->name, "");
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = page_map(page, fd, kind, PROT_READ);
	close(fd);
	return r;
}

static uint32_t random_writer_id(void)
{
	uint32_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id) || id == 0)
		id = 1;
	return id;
}

/*
 * Only one process may write a page: it holds this lock as long as it lives, from before it looks
 * for a page to adopt. The lock is not on the page itself, since whoever can open a file, be it
 * only for reading, can lock it and so keep its writer from starting. flock's locks stay with the
 * open file across fork.
 */
static int page_lock(const char *rundir, const struct meridian_page_kind *kind, int *ret_fd)
{
	char path[PATH_MAX];
	int fd, r = page_path(path, rundir, kind->name, ".lock");

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* Gives the file its size for good: a full file system is an error here, not a signal later. */
static int page_allocate(int fd, size_t from, size_t size)
{
	return -posix_fallocate(fd, (off_t)from, (off_t)(size - from));
}

static void page_sign(struct meridian_page_head *head, size_t size)
{
	__atomic_store_n(&head->size, size, __ATOMIC_RELEASE);
	__atomic_store_n(&head->writer_id, random_writer_id(), __ATOMIC_RELAXED);
	__atomic_store_n(&head->writer_pid, (uint32_t)getpid(), __ATOMIC_RELAXED);
}

/* Maps the page an earlier run left. -ENODATA and the like when it is no use. */
static int page_adopt(struct meridian_page *page, const char *path,
	const struct meridian_page_kind *kind, size_t size, unsigned int mode)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return -errno;
	r = page_map(page, fd, kind, PROT_READ | PROT_WRITE);
	if (r < 0) {
		close(fd);
		return r;
	}
	page->fd = fd;
	if (page->size < size)
		r = meridian_page_grow(page, size);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r < 0)
		meridian_page_close(page);
	else
		page_sign(page->addr, page->size);
	return r;
}

static int page_fill_new(
	int fd, const struct meridian_page_kind *kind, size_t size, unsigned int mode)
{
	struct meridian_page_head head = {.magic = kind->magic, .version = kind->version};
	int r = boot_id_read(head.boot_id);

	if (r == 0)
		r = page_allocate(fd, 0, size);
	if (r < 0)
		return r;
	page_sign(&head, size);
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return -EIO;
	return 0;
}

static int page_new(struct meridian_page *page, const char *path, const char *temporary,
	const struct meridian_page_kind *kind, size_t size, unsigned int mode)
{
	int fd, r;

	unlink(temporary);
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = page_fill_new(fd, kind, size, mode);
	if (r == 0)
		r = page_map(page, fd, kind, PROT_READ | PROT_WRITE);
	if (r == 0 && rename(temporary, path) < 0) {
		r = -errno;
		meridian_page_close(page);
	}
	if (r < 0) {
		unlink(temporary);
		close(fd);
		return r;
	}
	page->fd = fd;
	return 0;
}

static int page_adopt_or_new(struct meridian_page *page, const char *rundir,
	const struct meridian_page_kind *kind, size_t size, unsigned int mode, int *ret_adopted)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int r = page_path(path, rundir, kind->name, "");

	if (r == 0)
		r = page_path(temporary, rundir, kind->name, ".new");
	if (r < 0)
		return r;
	r = page_adopt(page, path, kind, size, mode);
	*ret_adopted = r == 0;
	if (r == 0)
		return 0;
	return page_new(page, path, temporary, kind, size, mode);
}

int meridian_page_create(struct meridian_page *page, const char *rundir,
	const struct meridian_page_kind *kind, size_t size, unsigned int mode, int *ret_adopted)
{
	int adopted = 0, lock_fd = -1, r;

	memset(page, 0, sizeof(*page));
	if (size < kind->min_size)
		size = kind->min_size;
	r = page_lock(rundir, kind, &lock_fd);
	if (r < 0)
		return r;
	r = page_adopt_or_new(page, rundir, kind, size, mode, &adopted);
	if (r < 0) {
		close(lock_fd);
		return r;
	}
	page->lock_fd = lock_fd;
	if (ret_adopted)
		*ret_adopted = adopted;
	return 0;
}

int meridian_page_grow(struct meridian_page *page, size_t size)
{
	struct meridian_page_head *head;
	void *addr;
	int r;

	if (size <= page->size)
		return 0;
	r = page_allocate(page->fd, page->size, size);
	if (r < 0)
		return r;
	addr = mremap(page->addr, page->size, size, MREMAP_MAYMOVE);
	if (addr == MAP_FAILED)
		return -errno;
	page->addr = addr;
	page->size = size;
	head = addr;
	__atomic_store_n(&head->size, size, __ATOMIC_RELEASE);
	return 0;
}

int meridian_page_replaced(
	const struct meridian_page *page, const char *rundir, const struct meridian_page_kind *kind)
{
	char path[PATH_MAX];
	struct stat st;

	if (page_path(path, rundir, kind->name, "") < 0 || stat(path, &st) < 0)
		return 1;
	return st.st_dev != page->dev || st.st_ino != page->inode;
}

void meridian_page_close(struct meridian_page *page)
{
	if (page->addr == NULL)
		return;
	munmap(page->addr, page->size);
	if (page->fd >= 0)
		close(page->fd);
	if (page->lock_fd >= 0)
		close(page->lock_fd);
	memset(page, 0, sizeof(*page));
}

const char *meridian_page_strerror(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such page: is its writer running with this run directory?";
	case -ENODATA:
		return "the page is shorter than it should be: torn, or of an older version";
	case -EBADMSG:
		return "the file is not a Meridian page of this kind";
	case -EPROTO:
		return "the page has another layout version than this program";
	case -ESTALE:
		return "the page was written before the machine was last started";
	case -EBUSY:
		return "another running process writes this page";
	default:
		return strerror(-error);
	}
}
