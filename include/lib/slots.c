/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 0 when a blob may be copied from `slot` of a mapping of `mapped` bytes. */
static int slot_check(const struct meridian_slot *slot, uint64_t min_size, uint64_t mapped)
{
	if (slot->capacity > MERIDIAN_SLOTS_BLOB_MAX || slot->capacity < min_size ||
		slot->offset < sizeof(struct meridian_slots) || slot->offset % 64 != 0)
		return -EBADMSG;
	if (slot->offset > mapped || slot->capacity > mapped - slot->offset)
		return -EFBIG;
	return 0;
}

/* It may have keys. */
static void blob_free(struct meridian_slots_blob *blob, uint64_t size)
{
	explicit_bzero(blob, size);
	free(blob);
}

/* Copies what is in the slot of `generation`, which may be rewritten meanwhile: nothing that is
 * read twice is trusted, and the caller looks at the generation afterwards. */
static int slot_copy(const struct meridian_page *page, uint64_t generation, uint64_t min_size,
	struct meridian_slots_blob **ret_blob)
{
	const struct meridian_slots *slots = page->addr;
	struct meridian_slot slot = slots->slot[generation % 2];
	const struct meridian_slots_blob *shared;
	uint64_t size;
	int r = slot_check(&slot, min_size, page->size);

	if (r < 0)
		return r;
	shared = (const void *)((const uint8_t *)page->addr + slot.offset);
	size = __atomic_load_n(&shared->size, __ATOMIC_RELAXED);
	if (size < min_size || size > slot.capacity)
		return -EBADMSG;
	*ret_blob = malloc(size);
	if (*ret_blob == NULL)
		return -ENOMEM;
	memcpy(*ret_blob, shared, size);
	if ((*ret_blob)->generation == generation && (*ret_blob)->size == size)
		return 0;
	blob_free(*ret_blob, size);
	return -EBADMSG;
}

int slots_read(const struct meridian_page *page, uint64_t min_size,
	int (*check)(const void *blob, uint64_t size), void **ret_blob)
{
	uint64_t generation = meridian_slots_generation(page->addr);
	struct meridian_slots_blob *blob;
	int copied, r;

	if (generation == 0)
		return -ENODATA;
	copied = slot_copy(page, generation, min_size, &blob);
	r = copied == 0 ? check(blob, blob->size) : copied;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (meridian_slots_generation(page->addr) != generation)
		r = -EAGAIN;
	if (r == 0)
		*ret_blob = blob;
	else if (copied == 0)
		blob_free(blob, blob->size);
	return r;
}
