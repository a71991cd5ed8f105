/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char rundir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(rundir, "/tmp/meridian-test-XXXXXX");
	return mkdtemp(rundir) ? policy_init(rundir) : -1;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	policy_fini();
	snprintf(path, sizeof(path), "%s/%s", rundir, MERIDIAN_POLICY_NAME);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.lock", rundir, MERIDIAN_POLICY_NAME);
	unlink(path);
	return rmdir(rundir);
}

static struct policy_content sample(void)
{
	static const struct meridian_policy_nic nic = {
		.name = "eth0", .kind = MERIDIAN_NIC_AF_XDP, .queue_count = 2};
	static const struct meridian_policy_queue queues[] = {{.queue = 0}, {.queue = 1}};
	static const struct meridian_policy_worker worker = {.core = 3};
	static const struct meridian_policy_address address = {
		.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4};
	static const struct meridian_policy_access access = {
		.family = MERIDIAN_FAMILY_IPV6, .allow = 1};

	return (struct policy_content){.memory_mb = 64,
		.ratelimit_interval_log2 = -5,
		.ratelimit_burst = 128,
		.ntpv5 = true,
		.interleave_entries = 4096,
		.ratelimit_leak_log2 = 2,
		.ratelimit_rollup_log2 = 3,
		.ratelimit_kod_log2 = 1,
		.ratelimit_kod_after_s = 240,
		.kod_exempt = &access,
		.kod_exempt_count = 1,
		.counter_id = 1,
		.nics = &nic,
		.nic_count = 1,
		.queues = queues,
		.queue_count = 2,
		.workers = &worker,
		.worker_count = 1,
		.addresses = &address,
		.address_count = 1,
		.access = &access,
		.access_count = 1};
}

/* What a reader finds that opens the page now; the caller frees it. */
static struct meridian_policy_blob *read_page(void)
{
	struct meridian_policy_blob *blob = NULL;
	struct meridian_page page;

	assert_int_equal(meridian_page_open(&page, rundir, &meridian_policy_kind), 0);
	assert_int_equal(meridian_policy_read(&page, &blob), 0);
	meridian_page_close(&page);
	return blob;
}

/* All steps at once. */
static int publish(const struct policy_content *content)
{
	int r = policy_publish_begin(content);

	if (r <= 0)
		return r;
	do
		r = policy_publish_step(UINT64_MAX);
	while (r == 0);
	return r;
}

static void test_reader_sees_what_was_published(void **state)
{
	struct policy_content content = sample();
	struct meridian_policy_blob *blob;

	(void)state;
	assert_int_equal(publish(&content), 1);
	blob = read_page();
	assert_int_equal(blob->generation, 1);
	assert_int_equal(blob->memory_mb, 64);
	assert_int_equal(blob->ratelimit_interval_log2, -5);
	assert_int_equal(blob->ratelimit_burst, 128);
	assert_int_equal(blob->ntpv5, 1);
	assert_int_equal(blob->interleave_entries, 4096);
	assert_int_equal(blob->ratelimit_leak_log2, 2);
	assert_int_equal(blob->ratelimit_rollup_log2, 3);
	assert_int_equal(blob->ratelimit_kod_log2, 1);
	assert_int_equal(blob->ratelimit_kod_after_s, 240);
	assert_int_equal(blob->kod_exempt.count, 1);
	assert_int_equal(blob->queues.count, 2);
	assert_string_equal(
		MERIDIAN_POLICY_TABLE(blob, nics, struct meridian_policy_nic)->name, "eth0");
	assert_int_equal(
		MERIDIAN_POLICY_TABLE(blob, workers, struct meridian_policy_worker)->core, 3);
	assert_memory_equal(MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address),
		content.addresses, sizeof(*content.addresses));
	assert_memory_equal(MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access),
		content.access, sizeof(*content.access));
	free(blob);
}

static void test_generation_moves_only_with_the_content(void **state)
{
	struct policy_content content = sample();
	struct meridian_policy_blob *blob;

	(void)state;
	assert_int_equal(publish(&content), 1);
	assert_int_equal(publish(&content), 0);
	content.memory_mb++;
	assert_int_equal(publish(&content), 1);
	blob = read_page();
	assert_int_equal(blob->generation, 2);
	assert_int_equal(blob->memory_mb, 65);
	free(blob);
}

static void test_restart_keeps_page_and_generation(void **state)
{
	struct policy_content content = sample();
	struct meridian_page reader;

	(void)state;
	assert_int_equal(publish(&content), 1);
	assert_int_equal(meridian_page_open(&reader, rundir, &meridian_policy_kind), 0);
	policy_fini();
	assert_int_equal(policy_init(rundir), 0);
	assert_false(meridian_page_replaced(&reader, rundir, &meridian_policy_kind));
	assert_int_equal(publish(&content), 0);
	assert_int_equal(meridian_slots_generation(reader.addr), 1);
	meridian_page_close(&reader);
}

static void test_page_grows_under_its_readers(void **state)
{
	enum {
		MANY = 20000
	};
	struct meridian_policy_access *access = calloc(MANY, sizeof(*access));
	struct policy_content content = sample();
	struct meridian_policy_blob *blob = NULL;
	struct meridian_page reader;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		access[i].family = MERIDIAN_FAMILY_IPV4;
		access[i].prefix_len = 32;
		memcpy(access[i].octets, &i, sizeof(i));
	}
	assert_int_equal(publish(&content), 1);
	assert_int_equal(meridian_page_open(&reader, rundir, &meridian_policy_kind), 0);
	content.access = access;
	for (size_t count = 1; count <= MANY; count = 3 * count + 7) {
		content.access_count = count;
		content.access_id++;
		assert_int_equal(publish(&content), 1);
		blob = read_page();
		assert_int_equal(blob->access.count, count);
		free(blob);
	}
	assert_int_equal(meridian_policy_read(&reader, &blob), -EFBIG);
	meridian_page_close(&reader);
	free(access);
}

enum {
	STEP = 4096,
	RULES = 10000
};

static struct meridian_policy_access rule_of(size_t i)
{
	return (struct meridian_policy_access){
		.family = MERIDIAN_FAMILY_IPV6, .octets = {(uint8_t)i}, .prefix_len = 128};
}

/* Nobody sees it before the last step, and no step takes more than it was told. */
static void test_publishes_in_steps(void **state)
{
	struct meridian_policy_access *access = calloc(RULES, sizeof(*access));
	struct policy_content content = sample();
	struct meridian_policy_blob *blob;
	int steps = 1, octets = RULES * (int)sizeof(*access);

	(void)state;
	for (size_t i = 0; i < RULES; i++)
		access[i] = rule_of(i);
	assert_int_equal(publish(&content), 1);
	content.access = access;
	content.access_count = RULES;
	content.access_id++;
	assert_int_equal(policy_publish_begin(&content), 1);
	for (; policy_publish_step(STEP) == 0; steps++)
		assert_int_equal(policy_generation(), 1);
	/* Room for twice as much, and the copy, with a few steps around. */
	assert_in_range(steps, 3 * octets / STEP, 3 * octets / STEP + 10);
	blob = read_page();
	assert_int_equal(blob->generation, 2);
	assert_int_equal(blob->access.count, RULES);
	assert_memory_equal(MERIDIAN_POLICY_TABLE(blob, access, struct meridian_policy_access),
		access, RULES * sizeof(*access));
	free(blob);
	assert_int_equal(publish(&content), 0);
	free(access);
}

/* Wherever it is given up, the room for it is used by the next. */
static void test_steps_are_given_up(void **state)
{
	static struct meridian_policy_access access[RULES];
	struct policy_content content = sample();
	struct meridian_policy_blob *blob;
	struct meridian_page reader;

	(void)state;
	assert_int_equal(publish(&content), 1);
	content.access = access;
	content.access_count = RULES;
	for (size_t i = 0; i < RULES; i++)
		access[i] = rule_of(i);
	for (int given_up = 0; given_up < 57; given_up += 3) {
		content.access_id++;
		assert_int_equal(policy_publish_begin(&content), 1);
		for (int i = 0; i < given_up; i++)
			assert_int_equal(policy_publish_step(STEP), 0);
		blob = read_page();
		assert_int_equal(blob->generation, 1);
		assert_int_equal(blob->access.count, 1);
		free(blob);
	}
	access[RULES - 1].allow = 2;
	assert_int_equal(publish(&content), -EBADMSG);
	access[RULES - 1].allow = 0;
	assert_int_equal(publish(&content), 1);
	assert_int_equal(meridian_page_open(&reader, rundir, &meridian_policy_kind), 0);
	assert_in_range(reader.size, 2 * sizeof(access), 2 * sizeof(access) + 4 * STEP);
	meridian_page_close(&reader);
}

/* On a file system of its own, in a mount namespace. */
static void mount_rundir(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", rundir, "tmpfs", 0, "size=300k") < 0) {
		printf("# SKIP no mount namespace: %s\n", strerror(errno));
		skip();
	}
}

static uint64_t blocks_free(void)
{
	struct statvfs fs;

	assert_int_equal(statvfs(rundir, &fs), 0);
	return fs.f_bavail;
}

static void test_what_does_not_fit_takes_no_space(void **state)
{
	static struct meridian_policy_access access[RULES];
	struct policy_content content = sample();
	uint64_t before;

	(void)state;
	mount_rundir();
	policy_fini();
	assert_int_equal(policy_init(rundir), 0);
	assert_int_equal(publish(&content), 1);
	before = blocks_free();
	content.access = access;
	content.access_count = RULES;
	content.access_id++;
	for (size_t i = 0; i < RULES; i++)
		access[i] = rule_of(i);
	assert_int_equal(policy_publish_begin(&content), 1);
	assert_int_equal(policy_publish_step(STEP), -ENOSPC);
	assert_int_equal(blocks_free(), before);
	assert_int_equal(policy_generation(), 1);
	assert_int_equal(mount(NULL, rundir, NULL, MS_REMOUNT, "size=600k"), 0);
	assert_int_equal(publish(&content), 1);
	policy_fini();
	assert_int_equal(umount(rundir), 0);
}

/* The rules of before are known by what they are, not by a number that is lost. */
static void test_restart_compares_the_rules(void **state)
{
	static const struct meridian_policy_access other = {.family = MERIDIAN_FAMILY_IPV4};
	struct policy_content content = sample();

	(void)state;
	assert_int_equal(publish(&content), 1);
	policy_fini();
	assert_int_equal(policy_init(rundir), 0);
	content.access = &other;
	assert_int_equal(publish(&content), 1);
	assert_int_equal(policy_generation(), 2);
}

static void test_bad_content_leaves_the_page_alone(void **state)
{
	struct policy_content content = sample();
	const struct meridian_policy_queue queue = {.queue = 2}; /* of a nic that has 0 and 1 */
	struct meridian_policy_blob *blob;

	(void)state;
	assert_int_equal(publish(&content), 1);
	content.queues = &queue;
	content.queue_count = 1;
	assert_int_equal(publish(&content), -EBADMSG);
	blob = read_page();
	assert_int_equal(blob->generation, 1);
	free(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_reader_sees_what_was_published, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publishes_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_steps_are_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_does_not_fit_takes_no_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_compares_the_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_generation_moves_only_with_the_content, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_restart_keeps_page_and_generation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_grows_under_its_readers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_bad_content_leaves_the_page_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
