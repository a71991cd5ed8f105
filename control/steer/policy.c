/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"
#include "slots.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MODE   0644
#define TABLE_ALIGN 8

static struct meridian_page page;
/* As published last, by an earlier control with the access rules, by this one without them; NULL:
 * nothing yet. */
static struct meridian_policy_blob *current;
static bool current_is_adopted;
static uint64_t current_rules_id;

/* On its way. */
static struct {
	struct slots_writer writer;
	struct meridian_policy_blob *head; /* NULL: nothing is */
	bool has_room;
	const struct meridian_policy_access *rules;
	uint64_t rules_id;
} pending;

/* Without the access rules, which are the last table. */
static uint64_t head_size(const struct policy_content *content)
{
	return sizeof(struct meridian_policy_blob) + content->nic_count * sizeof(*content->nics) +
		content->queue_count * sizeof(*content->queues) +
		content->worker_count * sizeof(*content->workers) +
		content->address_count * sizeof(*content->addresses) +
		content->device_count * sizeof(*content->devices) +
		content->kod_exempt_count * sizeof(*content->kod_exempt);
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

/* The blob but for the rows of its last table. */
static struct meridian_policy_blob *head_new(const struct policy_content *content)
{
	struct meridian_policy_blob *blob = calloc(1, head_size(content));

	if (!blob)
		return NULL;
	blob->size = sizeof(*blob);
	blob->memory_mb = content->memory_mb;
	blob->counter_id = content->counter_id;
	blob->hugepages = content->hugepages;
	blob->ratelimit_interval_log2 = content->ratelimit_interval_log2;
	blob->ratelimit_burst = content->ratelimit_burst;
	blob->ratelimit_leak_log2 = content->ratelimit_leak_log2;
	blob->ratelimit_rollup_log2 = content->ratelimit_rollup_log2;
	blob->ratelimit_kod_log2 = content->ratelimit_kod_log2;
	blob->ratelimit_kod_after_s = content->ratelimit_kod_after_s;
	blob->idle_sleep_us = content->idle_sleep_us;
	blob->smear_shape = content->smear_shape;
	blob->smear_duration_s = content->smear_duration_s;
	blob->no_client_log = content->no_client_log;
	blob->ntpv5 = content->ntpv5;
	blob->interleave_entries = content->interleave_entries;
	blob_append(blob, &blob->nics, content->nics, content->nic_count, sizeof(*content->nics));
	blob_append(blob, &blob->queues, content->queues, content->queue_count,
		sizeof(*content->queues));
	blob_append(blob, &blob->workers, content->workers, content->worker_count,
		sizeof(*content->workers));
	blob_append(blob, &blob->addresses, content->addresses, content->address_count,
		sizeof(*content->addresses));
	blob_append(blob, &blob->devices, content->devices, content->device_count,
		sizeof(*content->devices));
	blob_append(blob, &blob->kod_exempt, content->kod_exempt, content->kod_exempt_count,
		sizeof(*content->kod_exempt));
	blob->access = (struct meridian_policy_table){
		.offset = blob->size, .count = content->access_count};
	blob->size += content->access_count * sizeof(*content->access);
	return blob;
}

int policy_init(const char *rundir)
{
	int adopted;
	int r = meridian_page_create(&page, rundir, &meridian_policy_kind, 0, PAGE_MODE, &adopted);

	if (r == 0 && adopted && meridian_policy_read(&page, &current) < 0)
		current = NULL;
	current_is_adopted = current != NULL;
	return r;
}

/* `blob` may lack the access rules. */
static bool head_same(
	const struct meridian_policy_blob *head, const struct meridian_policy_blob *blob)
{
	return blob->size == head->size && blob->access.offset == head->access.offset &&
		memcmp(&blob->size, &head->size,
			head->access.offset - offsetof(struct meridian_policy_blob, size)) == 0;
}

static bool rules_same(const struct policy_content *content)
{
	if (!current_is_adopted)
		return content->access_id == current_rules_id;
	return content->access_count == 0 ||
		memcmp((const uint8_t *)current + current->access.offset, content->access,
			content->access_count * sizeof(*content->access)) == 0;
}

static void current_set(struct meridian_policy_blob *head, uint64_t rules_id)
{
	free(current);
	current = head;
	current_is_adopted = false;
	current_rules_id = rules_id;
}

void policy_publish_cancel(void)
{
	free(pending.head);
	pending.head = NULL;
}

int policy_publish_begin(const struct policy_content *content)
{
	struct meridian_policy_blob *head = head_new(content);

	policy_publish_cancel();
	if (!head)
		return -ENOMEM;
	if (current && head_same(head, current) && rules_same(content)) {
		head->generation = current->generation;
		current_set(head, content->access_id);
		return 0;
	}
	pending.head = head;
	pending.has_room = false;
	pending.rules = content->access;
	pending.rules_id = content->access_id;
	slots_begin(&pending.writer, &page, head->size);
	return 1;
}

/* The next octets of the blob: of its head, or of the access rules behind that. */
static void pending_write(uint64_t octets)
{
	uint64_t from = pending.writer.written, end = pending.head->access.offset;
	const uint8_t *octet = (const uint8_t *)pending.head + from;

	if (from >= end) {
		octet = (const uint8_t *)pending.rules + (from - end);
		end = pending.head->size;
	}
	slots_write(&pending.writer, octet, octets < end - from ? octets : end - from);
}

/* Nobody is told of what is not in its range. */
static int pending_publish(void)
{
	int r = meridian_policy_check(slots_blob(&pending.writer), pending.head->size);

	if (r < 0)
		return r;
	pending.head->generation = slots_commit(&pending.writer);
	current_set(pending.head, pending.rules_id);
	pending.head = NULL;
	return 1;
}

int policy_publish_step(uint64_t octets)
{
	int r = 0;

	if (!pending.has_room) {
		r = slots_room_step(&pending.writer, octets);
		pending.has_room = r > 0;
		r = r < 0 ? r : 0;
	} else if (pending.writer.written < pending.head->size) {
		pending_write(octets);
	} else {
		r = pending_publish();
	}
	if (r < 0)
		policy_publish_cancel();
	return r;
}

uint64_t policy_generation(void)
{
	return current ? current->generation : 0;
}

void policy_fini(void)
{
	policy_publish_cancel();
	meridian_page_close(&page);
	free(current);
	current = NULL;
}
