/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MODE    0644
#define CAPACITY_MIN 4096
#define BLOB_ALIGN   64
#define TABLE_ALIGN  8

static struct meridian_page page;
static struct meridian_policy_blob *current; /* as published last; NULL: nothing yet */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static uint64_t content_size(const struct policy_content *content)
{
	return sizeof(struct meridian_policy_blob) + content->nic_count * sizeof(*content->nics) +
		content->queue_count * sizeof(*content->queues) +
		content->worker_count * sizeof(*content->workers) +
		content->address_count * sizeof(*content->addresses) +
		content->access_count * sizeof(*content->access) +
		content->device_count * sizeof(*content->devices);
}

/* Appends a table at blob->size. */
static void blob_append(struct meridian_policy_blob *blob, struct meridian_policy_table *table,
	const void *entries, size_t count, size_t entry_size)
{
	*table = (struct meridian_policy_table){.offset = blob->size, .count = count};
	if (count > 0)
		memcpy((uint8_t *)blob + blob->size, entries, count * entry_size);
	blob->size += count * entry_size;
}
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_policy_blob) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_nic) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_queue) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_worker) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_address) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_access) % TABLE_ALIGN == 0 &&
		sizeof(struct meridian_policy_device) % TABLE_ALIGN == 0,
	"tables follow each other without gaps");

static struct meridian_policy_blob *blob_new(const struct policy_content *content)
{
	struct meridian_policy_blob *blob = calloc(1, content_size(content));

	if (!blob)
		return NULL;
	blob->size = sizeof(*blob);
	blob->memory_mb = content->memory_mb;
	blob->counter_id = content->counter_id;
	blob->hugepages = content->hugepages;
	blob->ratelimit_interval_log2 = content->ratelimit_interval_log2;
	blob->ratelimit_burst = content->ratelimit_burst;
	blob->idle_sleep_us = content->idle_sleep_us;
	blob->smear_shape = content->smear_shape;
	blob->smear_duration_s = content->smear_duration_s;
	blob->no_client_log = content->no_client_log;
	blob->interleave_entries = content->interleave_entries;
	blob_append(blob, &blob->nics, content->nics, content->nic_count, sizeof(*content->nics));
	blob_append(blob, &blob->queues, content->queues, content->queue_count,
		sizeof(*content->queues));
	blob_append(blob, &blob->workers, content->workers, content->worker_count,
		sizeof(*content->workers));
	blob_append(blob, &blob->addresses, content->addresses, content->address_count,
		sizeof(*content->addresses));
	blob_append(blob, &blob->access, content->access, content->access_count,
		sizeof(*content->access));
	blob_append(blob, &blob->devices, content->devices, content->device_count,
		sizeof(*content->devices));
	return blob;
}

/* Whether a slot, of a page that may be adopted, can take `size` bytes. */
static bool slot_fits(const struct meridian_policy_slot *slot, uint64_t size)
{
	return slot->offset >= sizeof(struct meridian_policy) && slot->offset % BLOB_ALIGN == 0 &&
		slot->offset <= page.size && slot->capacity <= page.size - slot->offset &&
		slot->capacity >= size;
}

/* Gives the unused slot new room at the end of the page. What it had is lost: each time the
 * room doubles, so that the page stays below twice its contents. */
static int slot_grow(unsigned int index, uint64_t size)
{
	struct meridian_policy_slot slot = {.offset = round_up(page.size, BLOB_ALIGN),
		.capacity = round_up(2 * size, CAPACITY_MIN)};
	struct meridian_policy *policy;
	int r = meridian_page_grow(&page, slot.offset + slot.capacity);

	if (r < 0)
		return r;
	policy = page.addr;
	policy->slot[index] = slot;
	return 0;
}

/* Readers look at the page's generation before and after they copy a slot: it must not lead to
 * this slot while it is written, and must be stored last. */
static int blob_publish(struct meridian_policy_blob *blob)
{
	struct meridian_policy *policy = page.addr;
	uint64_t generation = meridian_policy_generation(policy) + 1;
	unsigned int index = generation % 2;
	struct meridian_policy_blob *shared;

	if (!slot_fits(&policy->slot[index], blob->size)) {
		int r = slot_grow(index, blob->size);

		if (r < 0)
			return r;
		policy = page.addr;
	}
	shared = (void *)((uint8_t *)page.addr + policy->slot[index].offset);
	__atomic_store_n(&shared->generation, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((uint8_t *)shared + sizeof(shared->generation),
		(const uint8_t *)blob + sizeof(blob->generation),
		blob->size - sizeof(blob->generation));
	__atomic_store_n(&shared->generation, generation, __ATOMIC_RELEASE);
	__atomic_store_n(&policy->generation, generation, __ATOMIC_RELEASE);
	blob->generation = generation;
	return 0;
}

static bool blob_same(const struct meridian_policy_blob *a, const struct meridian_policy_blob *b)
{
	return a->size == b->size &&
		memcmp(&a->size, &b->size, a->size - offsetof(struct meridian_policy_blob, size)) ==
		0;
}

int policy_init(const char *rundir)
{
	int adopted;
	int r = meridian_page_create(&page, rundir, &meridian_policy_kind, 0, PAGE_MODE, &adopted);

	if (r == 0 && adopted && meridian_policy_read(&page, &current) < 0)
		current = NULL;
	return r;
}

int policy_publish(const struct policy_content *content)
{
	struct meridian_policy_blob *blob = blob_new(content);
	int r;

	if (!blob)
		return -ENOMEM;
	r = meridian_policy_check(blob, blob->size);
	if (r == 0 && current && blob_same(blob, current)) {
		free(blob);
		return 0;
	}
	if (r == 0)
		r = blob_publish(blob);
	if (r < 0) {
		free(blob);
		return r;
	}
	free(current);
	current = blob;
	return 1;
}

uint64_t policy_generation(void)
{
	return current ? current->generation : 0;
}

void policy_fini(void)
{
	meridian_page_close(&page);
	free(current);
	current = NULL;
}
