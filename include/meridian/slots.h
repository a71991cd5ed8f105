/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_SLOTS_H
#define MERIDIAN_SLOTS_H

/*
 * Pages with generations: what the pages `policy` and `keys` have in common. A generation is an
 * immutable blob in one of two slots; `generation` is stored last. A reader copies the blob,
 * checks it, and looks at `generation` again: the slot it copied is written only after the other
 * slot has been published.
 */

#include <meridian/page.h>

#ifdef __cplusplus
extern "C" {
#endif

struct meridian_slot {
	uint64_t offset; /* from the start of the page, a multiple of 64 */
	uint64_t capacity;
};

struct meridian_slots {
	struct meridian_page_head head;
	uint64_t
		generation; /* that readers should use; 0: none yet. It is in slot generation % 2 */
	struct meridian_slot slot[2];
	uint8_t reserved[24];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_slots) == 128, "ABI");

/* How each blob begins. */
struct meridian_slots_blob {
	uint64_t generation; /* of this blob, counted from 1; 0 while it is being written */
	uint64_t size;       /* bytes of the blob with its tables */
};

#define MERIDIAN_SLOTS_BLOB_MAX (UINT64_C(1) << 30) /* bytes */

/* The published generation, or 0. Any thread, no system call. */
static inline uint64_t meridian_slots_generation(const struct meridian_slots *page)
{
	return __atomic_load_n(&page->generation, __ATOMIC_ACQUIRE);
}

#ifdef __cplusplus
}
#endif

#endif
