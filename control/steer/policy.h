/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_POLICY_H
#define CONTROL_STEER_POLICY_H

/* The writer of the policy page: turns its content into a blob and publishes generations. */

#include <meridian/policy.h>
#include <stdbool.h>
#include <stddef.h>

/* Content of a generation; the tables belong to the caller. */
struct policy_content {
	uint32_t memory_mb;
	uint8_t counter_id; /* MERIDIAN_COUNTER_* */
	uint8_t hugepages;  /* MERIDIAN_HUGEPAGES_* */
	int8_t ratelimit_interval_log2;
	uint8_t ratelimit_burst; /* 0: no limit */
	uint8_t ratelimit_leak_log2;
	uint8_t ratelimit_rollup_log2;
	uint8_t ratelimit_kod_log2;
	uint16_t ratelimit_kod_after_s;
	uint16_t idle_sleep_us;
	uint8_t smear_shape; /* MERIDIAN_SMEAR_* */
	uint32_t smear_duration_s;
	bool no_client_log;
	bool ntpv5;
	uint32_t interleave_entries; /* 0: no interleaved replies */
	const struct meridian_policy_nic *nics;
	const struct meridian_policy_queue *queues;
	const struct meridian_policy_worker *workers;
	const struct meridian_policy_address *addresses;
	const struct meridian_policy_access *access; /* stays as it is until they are others */
	uint64_t access_id;                          /* moves when they are others */
	const struct meridian_policy_device *devices;
	const struct meridian_policy_access *kod_exempt;
	size_t nic_count, queue_count, worker_count, address_count, access_count, device_count,
		kod_exempt_count;
};

/* Makes or adopts the page in `rundir`. Returns 0, -EBUSY when another control has it, or a
 * negative errno. */
int policy_init(const char *rundir);

/*
 * Publishes `content` as a new generation unless the current one says the same, in steps, as there
 * may be many access rules. Begins: returns 1 when the content is on its way to the page, 0 when
 * nothing changed, or a negative errno. `content` is copied, but for its access rules, which must
 * stay until the last step. What was on its way before is dropped.
 */
int policy_publish_begin(const struct policy_content *content);

/* Allocates or copies `octets` of it at most. Returns 0 to be called again, 1 when published,
 * -EBADMSG when a field is out of its range, or a negative errno; on failure the current generation
 * stays. The last step looks at every access rule once. */
int policy_publish_step(uint64_t octets);

/* Drops what is on its way, if anything: the current generation stays. */
void policy_publish_cancel(void);

/* The generation published last; 0: none. */
uint64_t policy_generation(void);

/* Closes the page; it stays in the run directory. */
void policy_fini(void);

#endif
