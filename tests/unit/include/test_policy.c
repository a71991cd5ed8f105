/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include "seed.h"
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/policy.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A blob with something in each table. */
struct blob {
	struct meridian_policy_blob head;
	struct meridian_policy_nic nic[3];
	struct meridian_policy_queue queue[3];
	struct meridian_policy_worker worker[2];
	struct meridian_policy_address address[2];
	struct meridian_policy_access access[2];
	struct meridian_policy_device device[1];
};

#define TABLE(table, count)                                                                        \
	{                                                                                          \
		offsetof(struct blob, table), count                                                \
	}

static struct blob sane_blob(uint64_t generation)
{
	return (struct blob){
		.head = {.generation = generation,
			.size = sizeof(struct blob),
			.counter_id = 1,
			.nics = TABLE(nic, 3),
			.queues = TABLE(queue, 3),
			.workers = TABLE(worker, 2),
			.addresses = TABLE(address, 2),
			.access = TABLE(access, 2),
			.devices = TABLE(device, 1)},
		.nic = {{.name = "eth0", .kind = MERIDIAN_NIC_AF_XDP, .queue_count = 2},
			{.name = "eth1", .kind = MERIDIAN_NIC_AF_XDP, .queue_count = 64},
			{.name = "null0", .kind = MERIDIAN_NIC_VDEV, .queue_count = 1}},
		.queue = {{0, 0, 0, 0}, {0, 1, 1, 0}, {1, 63, 1, 0}},
		.address = {{.family = MERIDIAN_FAMILY_IPV4}, {.family = MERIDIAN_FAMILY_IPV6}},
		.access = {{.family = MERIDIAN_FAMILY_IPV4, .prefix_len = 32},
			{.family = MERIDIAN_FAMILY_IPV6, .prefix_len = 128, .allow = 1}},
		.device = {{"net_null0,size=64"}},
	};
}

/* In memory of exactly the blob's size. */
static int check(const struct blob *blob, uint64_t size)
{
	struct blob *exact = malloc(sizeof(*exact));
	int r;

	assert_non_null(exact);
	*exact = *blob;
	r = meridian_policy_check(&exact->head, size);
	free(exact);
	return r;
}

/* `change` to a sane blob makes meridian_policy_check() say `result`. */
#define CHECK(result, change)                                                                      \
	do {                                                                                       \
		struct blob b = sane_blob(1);                                                      \
		print_message("# %s\n", #change);                                                  \
		change;                                                                            \
		assert_int_equal(check(&b, sizeof(b)), result);                                    \
	} while (0)

static void refuses_tables_that_do_not_fit(void **state)
{
	(void)state;
	CHECK(0, b.head.nics.count = 3);
	CHECK(-EBADMSG, b.head.size--);
	CHECK(-EBADMSG, b.head.size++);
	CHECK(-EBADMSG, b.head.nics.count = 17);
	CHECK(-EBADMSG, b.head.access.count = 3);
	CHECK(-EBADMSG, b.head.access.count = UINT64_MAX);
	CHECK(-EBADMSG, b.head.access.count = UINT64_MAX / 24 + 2);
	CHECK(-EBADMSG, b.head.access.offset++);
	CHECK(-EBADMSG, b.head.access.offset += 8);
	CHECK(-EBADMSG, b.head.addresses.offset = 0);
	CHECK(-EBADMSG, b.head.addresses.offset = UINT64_MAX - 7);
	CHECK(-EBADMSG, b.head.workers.offset = sizeof(b) + 8);
	CHECK(0, (b.head.addresses.offset = sizeof(b), b.head.addresses.count = 0));
}

static void taken_over(struct meridian_policy_nic *nic)
{
	nic->kind = MERIDIAN_NIC_TAKEOVER;
	nic->punt_pps = MERIDIAN_PUNT_MIN_PPS;
	strcpy(nic->tap, "ntp0");
}

static void shared(struct meridian_policy_nic *nic)
{
	nic->kind = MERIDIAN_NIC_BIFURCATED;
	nic->device = MERIDIAN_POLICY_DEVICE_NONE;
}

static void refuses_fields_out_of_range(void **state)
{
	(void)state;
	CHECK(-EBADMSG, b.head.hugepages = 2);
	CHECK(-EBADMSG, b.head.idle_sleep_us = 10001);
	CHECK(0, b.head.idle_sleep_us = 10000);
	CHECK(-EBADMSG, b.head.counter_id = 4);
	CHECK(0, (b.head.ratelimit_interval_log2 = -19, b.head.ratelimit_burst = 255));
	CHECK(-EBADMSG, b.head.ratelimit_interval_log2 = -20);
	CHECK(0, b.head.ratelimit_interval_log2 = 12);
	CHECK(-EBADMSG, b.head.ratelimit_interval_log2 = 13);
	CHECK(0, b.head.ntpv5 = 1);
	CHECK(-EBADMSG, b.head.ntpv5 = 2);
	CHECK(0, b.head.interleave_entries = MERIDIAN_INTERLEAVE_MAX);
	CHECK(-EBADMSG, b.head.interleave_entries = MERIDIAN_INTERLEAVE_MAX + 1);
	CHECK(0, (b.head.ratelimit_leak_log2 = 4, b.head.ratelimit_rollup_log2 = 4));
	CHECK(-EBADMSG, b.head.ratelimit_leak_log2 = 5);
	CHECK(0, (b.head.ratelimit_kod_log2 = 4, b.head.ratelimit_kod_after_s = 3600));
	CHECK(-EBADMSG, b.head.ratelimit_kod_log2 = 5);
	CHECK(-EBADMSG, b.head.ratelimit_kod_after_s = 3601);
	CHECK(0, b.head.kod_exempt = b.head.access);
	CHECK(0, b.head.kod_exempt.offset = UINT64_C(1) << 63); /* empty; UBSan sees it followed */
	CHECK(-EBADMSG, (b.head.kod_exempt = b.head.access, b.head.kod_exempt.offset++));
	CHECK(-EBADMSG, (b.head.kod_exempt = b.head.access, b.head.kod_exempt.count = 65));
	CHECK(-EBADMSG, b.head.ratelimit_rollup_log2 = 5);
	CHECK(-EBADMSG, memset(b.nic[0].name, 'x', sizeof(b.nic[0].name)));
	CHECK(-EBADMSG, b.nic[0].name[0] = 0);
	CHECK(-EBADMSG, b.nic[0].kind = 0);
	CHECK(-EBADMSG, b.nic[1].xdp_mode = 4);
	CHECK(0, taken_over(&b.nic[1]));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].xdp_mode = 1));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].tap[0] = 0));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), memset(b.nic[1].tap, 'x', sizeof(b.nic[1].tap))));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].punt_pps = 99));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].punt_pps = 10000001));
	CHECK(0, shared(&b.nic[1]));
	CHECK(0, (shared(&b.nic[1]), b.nic[1].device = 0));
	CHECK(-EBADMSG, (shared(&b.nic[1]), b.nic[1].device = 1));
	CHECK(-EBADMSG, (shared(&b.nic[1]), b.nic[1].xdp_mode = 1));
	CHECK(-EBADMSG, b.nic[1].queue_count = 65);
	CHECK(-EBADMSG, b.nic[0].queue_count = 0);
	CHECK(0, (b.nic[0].rxcomp_ns = 1000000, b.nic[1].rxcomp_ns = -1000000));
	CHECK(-EBADMSG, b.nic[0].rxcomp_ns = 1000001);
	CHECK(-EBADMSG, b.nic[0].txcomp_ns = 1000001);
	CHECK(-EBADMSG, b.nic[0].txtime_ns = 5000); /* of AF_XDP */
	CHECK(0, (taken_over(&b.nic[1]), b.nic[1].txtime_ns = 1000));
	CHECK(0, (taken_over(&b.nic[1]), b.nic[1].txtime_ns = 100000));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].txtime_ns = 999));
	CHECK(-EBADMSG, (taken_over(&b.nic[1]), b.nic[1].txtime_ns = 100001));
	CHECK(0, (b.nic[0].delivery_us = 10, b.nic[1].delivery_us = 50000));
	CHECK(-EBADMSG, b.nic[0].delivery_us = 9);
	CHECK(-EBADMSG, b.nic[1].delivery_us = 50001);
	CHECK(-EBADMSG, b.nic[0].txcomp_ns = -1000001);
	CHECK(-EBADMSG, b.nic[0].rxcomp_ns = -1000001);
	CHECK(-EBADMSG, b.nic[0].queue_count = 1);
	CHECK(-EBADMSG, b.queue[0].nic = 3);
	CHECK(-EBADMSG, b.queue[0].worker = 2);
	CHECK(-EBADMSG, b.queue[2].queue = 64);
	CHECK(-EBADMSG, b.queue[1].queue = 0);
	CHECK(-EBADMSG, b.address[0].family = 5);
	CHECK(-EBADMSG, b.access[0].family = 0);
	CHECK(-EBADMSG, b.access[0].prefix_len = 33);
	CHECK(-EBADMSG, b.access[1].prefix_len = 129);
	CHECK(-EBADMSG, b.access[1].allow = 2);
}

static void refuses_a_device_that_is_none(void **state)
{
	(void)state;
	CHECK(-EBADMSG, b.nic[2].kind = 3);
	CHECK(-EBADMSG, b.nic[2].device = 1);
	CHECK(-EBADMSG, b.nic[2].xdp_mode = MERIDIAN_XDP_GENERIC);
	CHECK(-EBADMSG, b.head.devices.count = 0);
	CHECK(-EBADMSG, b.head.devices.count = 17);
	CHECK(0, (b.head.nics.count = 2, b.head.devices.offset = b.head.devices.count = 0));
	CHECK(0,
		(b.head.nics.count = 2,
			b.head.devices = (struct meridian_policy_table){.offset = UINT64_MAX}));
	CHECK(-EBADMSG, memset(b.device[0].text, 0, sizeof(b.device[0].text)));
	CHECK(-EBADMSG, memset(b.device[0].text + 4, 'x', sizeof(b.device[0].text) - 4));
	CHECK(0, memset(b.device[0].text + 4, 'x', sizeof(b.device[0].text) - 5));
	CHECK(-EBADMSG, b.device[0].text[4] = 0);
	CHECK(-EBADMSG, b.device[0].text[9] = ' ');
	CHECK(-EBADMSG, b.device[0].text[9] = '\n');
	CHECK(-EBADMSG, b.device[0].text[9] = '\x7f');
	CHECK(-EBADMSG, b.device[0].text[9] = '\xe4');
	CHECK(-EBADMSG, b.device[0].text[0] = 'N');
}

static void refuses_every_cut(void **state)
{
	struct blob blob = sane_blob(1);

	(void)state;
	for (uint64_t size = 0; size < sizeof(blob); size++)
		assert_int_equal(check(&blob, size), -EBADMSG);
}

/* What has passed the check can be walked: a sanitizer watches. */
static uint64_t walk(const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_nic *nic =
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic);
	const struct meridian_policy_queue *queue =
		MERIDIAN_POLICY_TABLE(blob, queues, struct meridian_policy_queue);
	const struct meridian_policy_worker *worker =
		MERIDIAN_POLICY_TABLE(blob, workers, struct meridian_policy_worker);
	const struct meridian_policy_access *access =
		MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access);
	const struct meridian_policy_device *device =
		MERIDIAN_POLICY_TABLE(blob, devices, struct meridian_policy_device);
	uint64_t sum = 0;

	for (uint64_t i = 0; i < blob->queues.count; i++)
		sum += strlen(nic[queue[i].nic].name) + worker[queue[i].worker].core;
	for (uint64_t i = 0; i < blob->nics.count; i++) {
		if (nic[i].kind == MERIDIAN_NIC_VDEV)
			sum += strlen(device[nic[i].device].text);
	}
	for (uint64_t i = 0; i < blob->access.count; i++)
		sum += access[i].octets[15];
	return sum;
}

static void survives_damage(void **state)
{
	struct seed seed = seed_init(__func__);
	struct blob *exact = malloc(sizeof(*exact));
	int passed = 0;

	(void)state;
	assert_non_null(exact);
	for (int round = 0; round < 50000; round++) {
		struct blob blob = sane_blob(1);
		uint8_t *octets = (uint8_t *)&blob;

		for (uint64_t n = seed_next(&seed) % 4; n > 0; n--)
			octets[seed_next(&seed) % sizeof(blob)] = (uint8_t)seed_next(&seed);
		*exact = blob;
		if (meridian_policy_check(&exact->head, sizeof(blob)) == 0) {
			assert_true(walk(&exact->head) < UINT64_MAX);
			passed++;
		}
	}
	assert_in_range(passed, 1000, 49000);
	free(exact);
}

/* Puts `blob` in its slot and publishes it, as control does. */
static struct meridian_slots *publish(struct meridian_page *page, const struct blob *blob)
{
	struct meridian_slots *policy = page->addr;
	struct meridian_slot *slot = &policy->slot[blob->head.generation % 2];

	slot->offset = blob->head.generation % 2 ? 2048 : 1024;
	slot->capacity = 1024;
	memcpy((uint8_t *)page->addr + slot->offset, blob, sizeof(*blob));
	__atomic_store_n(&policy->generation, blob->head.generation, __ATOMIC_RELEASE);
	return policy;
}

static int read_result(const struct meridian_page *page, uint64_t *ret_generation)
{
	struct meridian_policy_blob *blob;
	int r = meridian_policy_read(page, &blob);

	if (r == 0) {
		*ret_generation = blob->generation;
		assert_int_equal(blob->size, sizeof(struct blob));
		free(blob);
	}
	return r;
}

static void reads_what_was_published(void **state)
{
	struct meridian_page page, reader;
	uint64_t generation = 0;

	_Static_assert(sizeof(struct blob) <= 1024, "fits its slot");
	assert_int_equal(
		meridian_page_create(&page, *state, &meridian_policy_kind, 4096, 0644, NULL), 0);
	assert_int_equal(meridian_page_open(&reader, *state, &meridian_policy_kind), 0);
	assert_int_equal(read_result(&reader, &generation), -ENODATA);
	for (uint64_t g = 1; g < 5; g++) {
		struct blob blob = sane_blob(g);

		publish(&page, &blob);
		assert_int_equal(meridian_slots_generation(reader.addr), g);
		assert_int_equal(read_result(&reader, &generation), 0);
		assert_int_equal(generation, g);
	}
	meridian_page_close(&reader);
	meridian_page_close(&page);
}

/* Enough for a mixture to show; the time is for a machine under load. */
#define READS       20000
#define RACE_MAX_NS UINT64_C(20000000000)

struct race {
	struct meridian_page page;
	int stop;
};

/* Publishes one generation after the other, each slot marked while it is written. */
static void *race_writer(void *argument)
{
	struct race *race = argument;

	for (uint64_t g = 1; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); g++) {
		struct meridian_policy_blob *slot =
			(void *)((uint8_t *)race->page.addr + (g % 2 ? 2048 : 1024));
		struct blob blob = sane_blob(g);

		__atomic_store_n(&slot->generation, 0, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		blob.worker[0].core = blob.worker[1].core = (uint32_t)g;
		publish(&race->page, &blob);
	}
	return NULL;
}

/* A reader sees one generation, or is told to try again; never a mixture, never an error. */
static void reads_while_control_publishes(void **state)
{
	static struct race race;
	struct meridian_policy_blob *blob;
	uint64_t end = meridian_clock_ns(CLOCK_MONOTONIC) + RACE_MAX_NS;
	uint64_t found = 0;
	pthread_t writer;

	assert_int_equal(
		meridian_page_create(&race.page, *state, &meridian_policy_kind, 4096, 0644, NULL),
		0);
	assert_int_equal(pthread_create(&writer, NULL, race_writer, &race), 0);
	while (found < READS && meridian_clock_ns(CLOCK_MONOTONIC) < end) {
		int r = meridian_policy_read(&race.page, &blob);

		if (r == 0) {
			const struct meridian_policy_worker *worker =
				MERIDIAN_POLICY_TABLE(blob, workers, struct meridian_policy_worker);

			assert_int_equal(worker[0].core, (uint32_t)blob->generation);
			assert_int_equal(worker[1].core, (uint32_t)blob->generation);
			free(blob);
			found++;
		} else if (r != -ENODATA) {
			assert_int_equal(r, -EAGAIN);
		}
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	assert_int_equal(found, READS);
	meridian_page_close(&race.page);
}

static void refuses_a_bad_slot(void **state)
{
	struct blob blob = sane_blob(1);
	struct meridian_slots *policy;
	struct meridian_policy_blob *inside;
	struct meridian_page page;
	uint64_t generation;

	assert_int_equal(
		meridian_page_create(&page, *state, &meridian_policy_kind, 4096, 0644, NULL), 0);
	policy = publish(&page, &blob);
	inside = (void *)((uint8_t *)page.addr + policy->slot[1].offset);
	policy->slot[1].offset = 4096;
	assert_int_equal(read_result(&page, &generation), -EFBIG);
	policy->slot[1].offset = 64;
	assert_int_equal(read_result(&page, &generation), -EBADMSG);
	policy->slot[1].offset = 2052;
	assert_int_equal(read_result(&page, &generation), -EBADMSG);
	policy->slot[1].offset = 2048;
	policy->slot[1].capacity = 2049;
	assert_int_equal(read_result(&page, &generation), -EFBIG);
	policy->slot[1].capacity = sizeof(blob) - 8;
	assert_int_equal(read_result(&page, &generation), -EBADMSG);
	policy->slot[1].capacity = 1024;
	assert_int_equal(read_result(&page, &generation), 0);
	inside->generation = 3;
	assert_int_equal(read_result(&page, &generation), -EBADMSG);
	inside->generation = 1;
	inside->size = 8;
	assert_int_equal(read_result(&page, &generation), -EBADMSG);
	meridian_page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_tables_that_do_not_fit),
		cmocka_unit_test(refuses_fields_out_of_range),
		cmocka_unit_test(refuses_a_device_that_is_none),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test_setup_teardown(
			reads_what_was_published, rundir_setup, rundir_teardown),
		cmocka_unit_test_setup_teardown(
			reads_while_control_publishes, rundir_setup, rundir_teardown),
		cmocka_unit_test_setup_teardown(refuses_a_bad_slot, rundir_setup, rundir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
