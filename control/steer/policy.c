/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"
#include "slots.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MODE   0644
#define TABLE_ALIGN 8

static struct meridian_page page;
static struct meridian_policy_blob *current; /* as published last; NULL: nothing yet */

static uint64_t content_size(const struct policy_content *content)
{
	return sizeof(struct meridian_policy_blob) + content->nic_count * sizeof(*content->nics) +
		content->queue_count * sizeof(*content->queues) +
		content->worker_count * sizeof(*content->workers) +
		content->address_count * sizeof(*content->addresses) +
		content->access_count * sizeof(*content->access) +
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
	blob->ratelimit_leak_log2 = content->ratelimit_leak_log2;
	blob->ratelimit_rollup_log2 = content->ratelimit_rollup_log2;
	blob->ratelimit_kod_log2 = content->ratelimit_kod_log2;
	blob->ratelimit_kod_after_s = content->ratelimit_kod_after_s;
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
	blob_append(blob, &blob->kod_exempt, content->kod_exempt, content->kod_exempt_count,
		sizeof(*content->kod_exempt));
	return blob;
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
	if (r == 0 && slots_same(blob, current)) {
		free(blob);
		return 0;
	}
	if (r == 0)
		r = slots_publish(&page, blob);
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
