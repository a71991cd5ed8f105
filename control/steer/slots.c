/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#define CAPACITY_MIN 4096
#define BLOB_ALIGN   64

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Whether a slot, of a page that may be adopted, can take `size` bytes once the page reaches to its
 * end, which it may not do yet. */
static bool slot_has_room(
	const struct meridian_page *page, const struct meridian_slot *slot, uint64_t size)
{
	return slot->offset >= sizeof(struct meridian_slots) && slot->offset % BLOB_ALIGN == 0 &&
		slot->offset <= round_up(page->size, BLOB_ALIGN) && slot->capacity >= size &&
		slot->capacity <= MERIDIAN_SLOTS_BLOB_MAX;
}

static bool slot_fits(const struct meridian_page *page, const struct meridian_slot *slot)
{
	return slot_has_room(page, slot, 1) && slot->offset + slot->capacity <= page->size;
}

static struct meridian_slot *slot_of(const struct slots_writer *writer)
{
	struct meridian_slots *slots = writer->page->addr;

	return &slots->slot[(meridian_slots_generation(slots) + 1) % 2];
}

void *slots_blob(const struct slots_writer *writer)
{
	return (uint8_t *)writer->page->addr + slot_of(writer)->offset;
}

/* The unused slot gets new room at the end of the page. What it had is lost: each time the
 * room doubles, so that the page stays below twice its contents. */
void slots_begin(struct slots_writer *writer, struct meridian_page *page, uint64_t size)
{
	struct meridian_slot *slot;

	*writer = (struct slots_writer){
		.page = page, .size = size, .written = offsetof(struct meridian_slots_blob, size)};
	slot = slot_of(writer);
	if (!slot_has_room(page, slot, size))
		*slot = (struct meridian_slot){.offset = round_up(page->size, BLOB_ALIGN),
			.capacity = round_up(2 * size, CAPACITY_MIN)};
}

/* Readers look at the page's generation before and after they copy a slot: it must not lead to
 * this slot while it is written, and must be stored last. */
static void blob_begin(struct slots_writer *writer)
{
	struct meridian_slots_blob *blob = slots_blob(writer);

	__atomic_store_n(&blob->generation, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Whether the page can grow to `end` bytes. Steps that come to nothing must not take the space of
 * whoever else writes there, as a page never shrinks. */
static bool page_has_space(const struct meridian_page *page, uint64_t end)
{
	struct statvfs fs;
	uint64_t unit;

	if (fstatvfs(page->fd, &fs) < 0 || fs.f_blocks == 0)
		return true; /* as in a tmpfs without a limit */
	unit = fs.f_frsize;
	return (round_up(end, unit) - round_up(page->size, unit)) / unit <= fs.f_bavail;
}

int slots_room_step(struct slots_writer *writer, uint64_t step)
{
	uint64_t end = slot_of(writer)->offset + slot_of(writer)->capacity;
	uint64_t size = writer->page->size;
	int r;

	if (size < end) {
		if (!page_has_space(writer->page, end))
			return -ENOSPC;
		r = meridian_page_grow(writer->page, end - size > step ? size + step : end);
		return r < 0 ? r : 0;
	}
	blob_begin(writer);
	return 1;
}

void slots_write(struct slots_writer *writer, const void *data, uint64_t size)
{
	if (size > 0)
		memcpy((uint8_t *)slots_blob(writer) + writer->written, data, size);
	writer->written += size;
}

uint64_t slots_commit(struct slots_writer *writer)
{
	struct meridian_slots *slots = writer->page->addr;
	struct meridian_slots_blob *blob = slots_blob(writer);
	uint64_t generation = meridian_slots_generation(slots) + 1;

	__atomic_store_n(&blob->generation, generation, __ATOMIC_RELEASE);
	__atomic_store_n(&slots->generation, generation, __ATOMIC_RELEASE);
	return generation;
}

int slots_publish(struct meridian_page *page, const void *blob)
{
	const struct meridian_slots_blob *head = blob;
	struct slots_writer writer;
	int r;

	slots_begin(&writer, page, head->size);
	do
		r = slots_room_step(&writer, UINT64_MAX);
	while (r == 0);
	if (r < 0)
		return r;
	slots_write(&writer, &head->size, head->size - writer.written);
	slots_commit(&writer);
	return 0;
}

void slots_wipe_unused(struct meridian_page *page)
{
	struct meridian_slots *slots = page->addr;
	const struct meridian_slot *slot = &slots->slot[(meridian_slots_generation(slots) + 1) % 2];

	/* The generation leads away from the slot before it is written. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (slot_fits(page, slot))
		memset((uint8_t *)page->addr + slot->offset, 0, slot->capacity);
}

bool slots_same(const void *a, const void *b)
{
	const struct meridian_slots_blob *x = a, *y = b;

	return x != NULL && y != NULL && x->size == y->size &&
		memcmp(&x->size, &y->size, x->size - offsetof(struct meridian_slots_blob, size)) ==
		0;
}
