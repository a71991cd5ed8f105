/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/policy.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_SIZE_MAX (UINT64_C(1) << 30)

const struct meridian_page_kind meridian_policy_kind = {
	.name = MERIDIAN_POLICY_NAME,
	.magic = MERIDIAN_POLICY_MAGIC,
	.version = MERIDIAN_POLICY_VERSION,
	.min_size = sizeof(struct meridian_policy),
};

static int table_fits(const struct meridian_policy_table *table, size_t entry_size,
	uint64_t count_max, uint64_t size)
{
	return table->count <= count_max && table->offset >= sizeof(struct meridian_policy_blob) &&
		table->offset % 8 == 0 && table->offset <= size &&
		table->count * entry_size <= size - table->offset;
}

static int family_sane(uint8_t family)
{
	return family == MERIDIAN_FAMILY_IPV4 || family == MERIDIAN_FAMILY_IPV6;
}

static int nics_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);

	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (memchr(nic[i].name, 0, sizeof(nic[i].name)) == NULL ||
			nic[i].kind != MERIDIAN_NIC_AF_XDP ||
			nic[i].xdp_mode > MERIDIAN_XDP_OFFLOAD || nic[i].queue_count < 1 ||
			nic[i].queue_count > MERIDIAN_POLICY_QUEUES_MAX)
			return 0;
	}
	return 1;
}

static int queues_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	const struct meridian_policy_queue *queue =
		MERIDIAN_POLICY_TABLE(blob, queues, struct meridian_policy_queue);

	for (uint64_t i = 0; i < blob->queues.count; i++) {
		if (queue[i].nic >= blob->nics.count || queue[i].worker >= blob->workers.count ||
			queue[i].queue >= nic[queue[i].nic].queue_count)
			return 0;
	}
	return 1;
}

static int addresses_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_address *address =
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address);

	for (uint64_t i = 0; i < blob->addresses.count; i++) {
		if (!family_sane(address[i].family))
			return 0;
	}
	return 1;
}

static int access_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_access *rule =
		MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access);

	for (uint64_t i = 0; i < blob->access.count; i++) {
		uint8_t longest = rule[i].family == MERIDIAN_FAMILY_IPV4 ? 32 : 128;

		if (!family_sane(rule[i].family) || rule[i].prefix_len > longest ||
			rule[i].allow > 1)
			return 0;
	}
	return 1;
}

int meridian_policy_check(const struct meridian_policy_blob *blob, uint64_t size)
{
	int fits = size >= sizeof(*blob) && size <= BLOB_SIZE_MAX && blob->size == size &&
		table_fits(&blob->nics, sizeof(struct meridian_policy_nic),
			MERIDIAN_POLICY_NICS_MAX, size) &&
		table_fits(&blob->queues, sizeof(struct meridian_policy_queue),
			MERIDIAN_POLICY_NICS_MAX * MERIDIAN_POLICY_QUEUES_MAX, size) &&
		table_fits(&blob->workers, sizeof(struct meridian_policy_worker),
			MERIDIAN_POLICY_WORKERS_MAX, size) &&
		table_fits(&blob->addresses, sizeof(struct meridian_policy_address),
			MERIDIAN_POLICY_ADDRESSES_MAX, size) &&
		table_fits(&blob->access, sizeof(struct meridian_policy_access),
			MERIDIAN_POLICY_ACCESS_MAX, size);

	if (!fits || blob->hugepages > MERIDIAN_HUGEPAGES_NEVER)
		return -EBADMSG;
	if (!nics_sane(blob) || !queues_sane(blob) || !addresses_sane(blob) || !access_sane(blob))
		return -EBADMSG;
	return 0;
}

uint64_t meridian_policy_generation(const struct meridian_policy *page)
{
	return __atomic_load_n(&page->generation, __ATOMIC_ACQUIRE);
}

/* 0 when a blob may be copied from `slot` of a mapping of `mapped` bytes. */
static int slot_check(const struct meridian_policy_slot *slot, uint64_t mapped)
{
	if (slot->capacity > BLOB_SIZE_MAX ||
		slot->capacity < sizeof(struct meridian_policy_blob) ||
		slot->offset < sizeof(struct meridian_policy) || slot->offset % 64 != 0)
		return -EBADMSG;
	if (slot->offset > mapped || slot->capacity > mapped - slot->offset)
		return -EFBIG;
	return 0;
}

int meridian_policy_read(const struct meridian_page *page, struct meridian_policy_blob **ret_blob)
{
	const struct meridian_policy *policy = page->addr;
	uint64_t generation = meridian_policy_generation(policy);
	struct meridian_policy_slot slot = policy->slot[generation % 2];
	const struct meridian_policy_blob *shared;
	struct meridian_policy_blob *blob;
	uint64_t size;
	int r;

	if (generation == 0)
		return -ENODATA;
	r = slot_check(&slot, page->size);
	if (r < 0)
		return r;
	shared = (const void *)((const uint8_t *)page->addr + slot.offset);
	size = shared->size;
	if (size < sizeof(*blob) || size > slot.capacity)
		return meridian_policy_generation(policy) == generation ? -EBADMSG : -EAGAIN;
	blob = malloc(size);
	if (blob == NULL)
		return -ENOMEM;
	memcpy(blob, shared, size);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (blob->generation != generation || meridian_policy_generation(policy) != generation)
		r = -EAGAIN;
	else
		r = meridian_policy_check(blob, size);
	if (r < 0) {
		free(blob);
		return r;
	}
	*ret_blob = blob;
	return 0;
}
