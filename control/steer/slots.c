/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"
#include <string.h>

#define CAPACITY_MIN 4096
#define BLOB_ALIGN   64

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Whether a slot, of a page that may be adopted, can take `size` bytes. */
static bool slot_fits(
	const struct meridian_page *page, const struct meridian_slot *slot, uint64_t size)
{
	return slot->offset >= sizeof(struct meridian_slots) && slot->offset % BLOB_ALIGN == 0 &&
		slot->offset <= page->size && slot->capacity <= page->size - slot->offset &&
		slot->capacity >= size;
}

/* Gives the unused slot new room at the end of the page. What it had is lost: each time the
 * room doubles, so that the page stays below twice its contents. */
static int slot_grow(struct meridian_page *page, unsigned int index, uint64_t size)
{
	struct meridian_slot slot = {.offset = round_up(page->size, BLOB_ALIGN),
		.capacity = round_up(2 * size, CAPACITY_MIN)};
	struct meridian_slots *slots;
	int r = meridian_page_grow(page, slot.offset + slot.capacity);

	if (r < 0)
		return r;
	slots = page->addr;
	slots->slot[index] = slot;
	return 0;
}

/* Readers look at the page's generation before and after they copy a slot: it must not lead to
 * this slot while it is written, and must be stored last. */
int slots_publish(struct meridian_page *page, void *blob)
{
	struct meridian_slots *slots = page->addr;
	struct meridian_slots_blob *head = blob, *shared;
	uint64_t generation = meridian_slots_generation(slots) + 1;
	unsigned int index = generation % 2;

	if (!slot_fits(page, &slots->slot[index], head->size)) {
		int r = slot_grow(page, index, head->size);

		if (r < 0)
			return r;
		slots = page->addr;
	}
	shared = (void *)((uint8_t *)page->addr + slots->slot[index].offset);
	__atomic_store_n(&shared->generation, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(&shared->size, &head->size, head->size - offsetof(struct meridian_slots_blob, size));
	__atomic_store_n(&shared->generation, generation, __ATOMIC_RELEASE);
	__atomic_store_n(&slots->generation, generation, __ATOMIC_RELEASE);
	head->generation = generation;
	return 0;
}

void slots_wipe_unused(struct meridian_page *page)
{
	struct meridian_slots *slots = page->addr;
	const struct meridian_slot *slot = &slots->slot[(meridian_slots_generation(slots) + 1) % 2];

	/* The generation leads away from the slot before it is written. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (slot_fits(page, slot, 1))
		memset((uint8_t *)page->addr + slot->offset, 0, slot->capacity);
}

bool slots_same(const void *a, const void *b)
{
	const struct meridian_slots_blob *x = a, *y = b;

	return x != NULL && y != NULL && x->size == y->size &&
		memcmp(&x->size, &y->size, x->size - offsetof(struct meridian_slots_blob, size)) ==
		0;
}
