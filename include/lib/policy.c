/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/policy.h>
#include <string.h>

const struct meridian_page_kind meridian_policy_kind = {
	.name = MERIDIAN_POLICY_NAME,
	.magic = MERIDIAN_POLICY_MAGIC,
	.version = MERIDIAN_POLICY_VERSION,
	.min_size = sizeof(struct meridian_slots),
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

/* NUL-terminated, of graphic ASCII, and of a driver for NICs. */
static int device_sane(const struct meridian_policy_device *device)
{
	const size_t prefix = sizeof(MERIDIAN_POLICY_DRIVER_PREFIX) - 1;
	const char *end = memchr(device->text, 0, sizeof(device->text));

	if (end == NULL || strncmp(device->text, MERIDIAN_POLICY_DRIVER_PREFIX, prefix) != 0)
		return 0;
	for (const char *c = device->text; c < end; c++) {
		if (*c <= ' ' || *c > '~')
			return 0;
	}
	return end > device->text + prefix;
}

static int devices_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_device *device;

	if (blob->devices.count == 0) /* and the offset may be anything */
		return 1;
	device = MERIDIAN_POLICY_TABLE(blob, devices, struct meridian_policy_device);
	for (uint64_t i = 0; i < blob->devices.count; i++) {
		if (!device_sane(&device[i]))
			return 0;
	}
	return 1;
}

static int name_sane(const char name[MERIDIAN_POLICY_NAME_SIZE])
{
	return name[0] != '\0' && memchr(name, 0, MERIDIAN_POLICY_NAME_SIZE) != NULL;
}

static int nic_kind_sane(
	const struct meridian_policy_blob *blob, const struct meridian_policy_nic *nic)
{
	switch (nic->kind) {
	case MERIDIAN_NIC_AF_XDP:
		return nic->xdp_mode <= MERIDIAN_XDP_OFFLOAD &&
			nic->stamps < MERIDIAN_NIC_STAMPS_COUNT && nic->link <= MERIDIAN_LINK_DOWN;
	case MERIDIAN_NIC_VDEV:
		return nic->xdp_mode == MERIDIAN_XDP_NONE && nic->device < blob->devices.count;
	case MERIDIAN_NIC_BIFURCATED:
		return nic->xdp_mode == MERIDIAN_XDP_NONE &&
			(nic->device < blob->devices.count ||
				nic->device == MERIDIAN_POLICY_DEVICE_NONE);
	case MERIDIAN_NIC_TAKEOVER:
		return nic->xdp_mode == MERIDIAN_XDP_NONE && name_sane(nic->tap) &&
			nic->punt_pps >= MERIDIAN_PUNT_MIN_PPS &&
			nic->punt_pps <= MERIDIAN_PUNT_MAX_PPS;
	default:
		return 0;
	}
}

static int txtime_sane(const struct meridian_policy_nic *nic)
{
	if (nic->txtime_ns == 0)
		return 1;
	return nic->kind != MERIDIAN_NIC_AF_XDP && nic->txtime_ns >= MERIDIAN_TXTIME_MIN_NS &&
		nic->txtime_ns <= MERIDIAN_TXTIME_MAX_NS;
}

static int delivery_sane(const struct meridian_policy_nic *nic)
{
	return nic->delivery_us == 0 ||
		(nic->delivery_us >= MERIDIAN_DELIVERY_MIN_US &&
			nic->delivery_us <= MERIDIAN_DELIVERY_MAX_US);
}

static int is_beyond(int32_t ns)
{
	return ns > MERIDIAN_POLICY_COMP_MAX_NS || ns < -MERIDIAN_POLICY_COMP_MAX_NS;
}

static int nics_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);

	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (!name_sane(nic[i].name) || !nic_kind_sane(blob, &nic[i]) ||
			nic[i].queue_count < 1 || nic[i].queue_count > MERIDIAN_POLICY_QUEUES_MAX ||
			is_beyond(nic[i].rxcomp_ns) || is_beyond(nic[i].txcomp_ns) ||
			!txtime_sane(&nic[i]) || !delivery_sane(&nic[i]))
			return 0;
	}
	return 1;
}

/* Two workers on one queue would corrupt it: each queue stands once. */
static int queues_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	const struct meridian_policy_queue *queue =
		MERIDIAN_POLICY_TABLE(blob, queues, struct meridian_policy_queue);
	uint64_t seen[MERIDIAN_POLICY_NICS_MAX] = {0};

	for (uint64_t i = 0; i < blob->queues.count; i++) {
		if (queue[i].nic >= blob->nics.count || queue[i].worker >= blob->workers.count ||
			queue[i].queue >= nic[queue[i].nic].queue_count ||
			seen[queue[i].nic] >> queue[i].queue & 1)
			return 0;
		seen[queue[i].nic] |= UINT64_C(1) << queue[i].queue;
	}
	return 1;
}

static int addresses_sane(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_address *address =
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address);

	for (uint64_t i = 0; i < blob->addresses.count; i++) {
		if (!family_sane(address[i].family) || address[i].smear > 1 ||
			(address[i].smear && blob->smear_shape == MERIDIAN_SMEAR_NONE))
			return 0;
	}
	return 1;
}

static int smear_sane(const struct meridian_policy_blob *blob)
{
	if (blob->smear_shape == MERIDIAN_SMEAR_NONE)
		return blob->smear_duration_s == 0;
	return blob->smear_shape <= MERIDIAN_SMEAR_COSINE &&
		blob->smear_duration_s >= MERIDIAN_SMEAR_MIN_S &&
		blob->smear_duration_s <= MERIDIAN_SMEAR_MAX_S;
}

static int access_sane(
	const struct meridian_policy_blob *blob, const struct meridian_policy_table *table)
{
	const struct meridian_policy_access *rule;

	if (table->count == 0) /* and the offset may be anything */
		return 1;
	rule = (const void *)((const uint8_t *)blob + table->offset);
	for (uint64_t i = 0; i < table->count; i++) {
		uint8_t longest = rule[i].family == MERIDIAN_FAMILY_IPV4 ? 32 : 128;

		if (!family_sane(rule[i].family) || rule[i].prefix_len > longest ||
			rule[i].allow > 1)
			return 0;
	}
	return 1;
}

static int ratelimit_sane(const struct meridian_policy_blob *blob)
{
	return blob->ratelimit_interval_log2 >= MERIDIAN_RATELIMIT_INTERVAL_MIN &&
		blob->ratelimit_interval_log2 <= MERIDIAN_RATELIMIT_INTERVAL_MAX &&
		blob->ratelimit_leak_log2 <= MERIDIAN_RATELIMIT_LEAK_MAX &&
		blob->ratelimit_kod_log2 <= MERIDIAN_RATELIMIT_KOD_MAX &&
		blob->ratelimit_kod_after_s <= MERIDIAN_RATELIMIT_KOD_AFTER_MAX_S &&
		blob->ratelimit_rollup_log2 <= MERIDIAN_RATELIMIT_ROLLUP_MAX;
}

int meridian_policy_check(const struct meridian_policy_blob *blob, uint64_t size)
{
	int fits = size >= sizeof(*blob) && size <= MERIDIAN_SLOTS_BLOB_MAX && blob->size == size &&
		table_fits(&blob->nics, sizeof(struct meridian_policy_nic),
			MERIDIAN_POLICY_NICS_MAX, size) &&
		table_fits(&blob->queues, sizeof(struct meridian_policy_queue),
			MERIDIAN_POLICY_NICS_MAX * MERIDIAN_POLICY_QUEUES_MAX, size) &&
		table_fits(&blob->workers, sizeof(struct meridian_policy_worker),
			MERIDIAN_POLICY_WORKERS_MAX, size) &&
		table_fits(&blob->addresses, sizeof(struct meridian_policy_address),
			MERIDIAN_POLICY_ADDRESSES_MAX, size) &&
		table_fits(&blob->access, sizeof(struct meridian_policy_access),
			MERIDIAN_POLICY_ACCESS_MAX, size) &&
		(blob->devices.count == 0 || /* as in blobs from before there was this table */
			table_fits(&blob->devices, sizeof(struct meridian_policy_device),
				MERIDIAN_POLICY_NICS_MAX, size)) &&
		(blob->kod_exempt.count == 0 ||
			table_fits(&blob->kod_exempt, sizeof(struct meridian_policy_access),
				MERIDIAN_POLICY_KOD_EXEMPT_MAX, size));

	if (!fits || blob->idle_sleep_us > MERIDIAN_POLICY_SLEEP_MAX_US ||
		blob->no_client_log > 1 || blob->ntpv5 > 1 ||
		blob->hugepages > MERIDIAN_HUGEPAGES_NEVER ||
		blob->counter_id > MERIDIAN_COUNTER_CNTVCT)
		return -EBADMSG;
	if (blob->interleave_entries > MERIDIAN_INTERLEAVE_MAX || !ratelimit_sane(blob))
		return -EBADMSG;
	if (!devices_sane(blob) || !nics_sane(blob) || !queues_sane(blob) ||
		!addresses_sane(blob) || !access_sane(blob, &blob->access) ||
		!access_sane(blob, &blob->kod_exempt) || !smear_sane(blob))
		return -EBADMSG;
	return 0;
}

static int check(const void *blob, uint64_t size)
{
	return meridian_policy_check(blob, size);
}

int meridian_policy_read(const struct meridian_page *page, struct meridian_policy_blob **ret_blob)
{
	void *blob;
	int r = slots_read(page, sizeof(**ret_blob), check, &blob);

	if (r == 0)
		*ret_blob = blob;
	return r;
}
