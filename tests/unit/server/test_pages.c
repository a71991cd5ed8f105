/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <log.h>
#include <pages.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define POLICY_PAGE_SIZE 16384
#define SLOT_CAPACITY    4096

struct setup {
	char rundir[32];
	struct pages pages;
	struct meridian_page policy, model; /* control's side */
};

static void path_unlink(const struct setup *setup, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", setup->rundir, name);
	unlink(path);
}

static int setup(void **state)
{
	struct setup *setup = calloc(1, sizeof(*setup));

	assert_non_null(setup);
	log_open("test", false, LOG_EMERG);
	strcpy(setup->rundir, "/tmp/meridian-pages-XXXXXX");
	assert_non_null(mkdtemp(setup->rundir));
	assert_int_equal(
		pages_init(&setup->pages, setup->rundir, &meridian_stats_dataplane_kind), 0);
	*state = setup;
	return 0;
}

static int teardown(void **state)
{
	struct setup *setup = *state;

	pages_fini(&setup->pages);
	meridian_page_close(&setup->policy);
	meridian_page_close(&setup->model);
	path_unlink(setup, MERIDIAN_POLICY_NAME);
	path_unlink(setup, MERIDIAN_POLICY_NAME ".lock");
	path_unlink(setup, MERIDIAN_TIMEMODEL_NAME);
	path_unlink(setup, MERIDIAN_TIMEMODEL_NAME ".lock");
	path_unlink(setup, MERIDIAN_STATS_DATAPLANE_NAME);
	path_unlink(setup, MERIDIAN_STATS_DATAPLANE_NAME ".lock");
	assert_int_equal(rmdir(setup->rundir), 0);
	free(setup);
	return 0;
}

static void policy_page_make(struct setup *setup)
{
	struct meridian_slots *policy;

	assert_int_equal(meridian_page_create(&setup->policy, setup->rundir, &meridian_policy_kind,
				 POLICY_PAGE_SIZE, 0600, NULL),
		0);
	policy = setup->policy.addr;
	policy->slot[0] = (struct meridian_slot){4096, SLOT_CAPACITY};
	policy->slot[1] = (struct meridian_slot){8192, SLOT_CAPACITY};
}

/* Publishes a policy without NICs and with a table of transmit times. */
static void policy_publish_interleaved(struct setup *setup, uint8_t hugepages, uint32_t entries)
{
	struct meridian_slots *policy = setup->policy.addr;
	uint64_t generation = policy->generation + 1;
	struct meridian_policy_table empty = {.offset = sizeof(struct meridian_policy_blob)};
	struct meridian_policy_blob blob = {.generation = generation,
		.size = sizeof(blob),
		.hugepages = hugepages,
		.idle_sleep_us = 70,
		.interleave_entries = entries,
		.nics = empty,
		.queues = empty,
		.workers = empty,
		.addresses = empty,
		.access = empty};

	memcpy((uint8_t *)setup->policy.addr + policy->slot[generation % 2].offset, &blob,
		sizeof(blob));
	__atomic_store_n(&policy->generation, generation, __ATOMIC_RELEASE);
}

/* `hugepages` out of its range makes it a bad one. */
static void policy_publish(struct setup *setup, uint8_t hugepages)
{
	policy_publish_interleaved(setup, hugepages, 0);
}

static void model_page_make(struct setup *setup)
{
	meridian_page_close(&setup->model);
	path_unlink(setup, MERIDIAN_TIMEMODEL_NAME);
	assert_int_equal(
		meridian_page_create(&setup->model, setup->rundir, &meridian_timemodel_kind,
			sizeof(struct meridian_timemodel), 0600, NULL),
		0);
}

static void waits_for_a_policy(void **state)
{
	struct setup *setup = *state;

	assert_false(pages_poll(&setup->pages));
	model_page_make(setup);
	assert_false(pages_poll(&setup->pages));
	policy_page_make(setup);
	assert_false(pages_poll(&setup->pages));
	assert_null(setup->pages.view);
	policy_publish(setup, MERIDIAN_HUGEPAGES_AUTO);
	assert_true(pages_poll(&setup->pages));
	assert_non_null(setup->pages.view->model);
	assert_int_equal(setup->pages.view->policy->generation, 1);
	assert_int_equal(setup->pages.view->nap_max_ns, 70000);
	assert_int_equal(setup->pages.stats->policy_generation, 0);
	pages_taken(&setup->pages);
	assert_int_equal(setup->pages.stats->policy_generation, 1);
	assert_false(pages_poll(&setup->pages));
}

static void keeps_the_last_good_policy(void **state)
{
	struct setup *setup = *state;

	policy_page_make(setup);
	policy_publish(setup, MERIDIAN_HUGEPAGES_AUTO);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	policy_publish(setup, 77);
	assert_false(pages_poll(&setup->pages));
	assert_int_equal(setup->pages.view->policy->generation, 1);
	policy_publish(setup, MERIDIAN_HUGEPAGES_NEVER);
	assert_true(pages_poll(&setup->pages));
	assert_int_equal(setup->pages.view->policy->generation, 3);
	assert_int_equal(setup->pages.blob->hugepages, MERIDIAN_HUGEPAGES_NEVER);
	pages_taken(&setup->pages);
}

static struct setup *publish_after_read; /* NULL: nothing is published */

int __real_meridian_policy_read(
	const struct meridian_page *page, struct meridian_policy_blob **ret_blob);
int __wrap_meridian_policy_read(
	const struct meridian_page *page, struct meridian_policy_blob **ret_blob);

int __wrap_meridian_policy_read(
	const struct meridian_page *page, struct meridian_policy_blob **ret_blob)
{
	int r = __real_meridian_policy_read(page, ret_blob);

	if (publish_after_read != NULL)
		policy_publish(publish_after_read, MERIDIAN_HUGEPAGES_NEVER);
	publish_after_read = NULL;
	return r;
}

static void reads_what_follows_a_bad_policy_at_once(void **state)
{
	struct setup *setup = *state;

	policy_page_make(setup);
	policy_publish(setup, 77);
	publish_after_read = setup;
	assert_false(pages_poll(&setup->pages));
	assert_null(publish_after_read);
	assert_true(pages_poll(&setup->pages));
	assert_int_equal(setup->pages.view->policy->generation, 2);
	pages_taken(&setup->pages);
}

/* A page made anew counts from 1 again; the policy in it may be another one all the same. */
static void follows_a_new_policy_page(void **state)
{
	struct setup *setup = *state;

	policy_page_make(setup);
	policy_publish(setup, MERIDIAN_HUGEPAGES_AUTO);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	meridian_page_close(&setup->policy);
	path_unlink(setup, MERIDIAN_POLICY_NAME);
	policy_page_make(setup);
	assert_false(pages_poll(&setup->pages));
	policy_publish(setup, MERIDIAN_HUGEPAGES_NEVER);
	assert_true(pages_poll(&setup->pages));
	assert_int_equal(setup->pages.blob->generation, 1);
	assert_int_equal(setup->pages.blob->hugepages, MERIDIAN_HUGEPAGES_NEVER);
	pages_taken(&setup->pages);
	assert_false(pages_poll(&setup->pages));
}

/* Takes over a policy with a table for `entries` transmit times, which is returned. */
static struct interleave *interleaved(struct setup *setup, uint32_t entries)
{
	policy_publish_interleaved(setup, MERIDIAN_HUGEPAGES_AUTO, entries);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	return setup->pages.view->policy->interleave;
}

/* What clients are to be told stays from one policy to the next, unless its size changes. */
static void keeps_transmit_times(void **state)
{
	static const uint8_t address[4] = {192, 0, 2, 1};
	struct setup *setup = *state;
	struct interleave *table;

	policy_page_make(setup);
	assert_null(interleaved(setup, 0));
	table = interleaved(setup, 4096);
	assert_non_null(table);
	assert_int_equal(interleave_room(table), 4096);
	assert_true(
		interleave_save(table, interleave_key(table, address, false, 1, 0), 100, false));
	assert_ptr_equal(interleaved(setup, 4096), table);
	pages_poll(&setup->pages);
	assert_int_equal(setup->pages.stats->interleave_held, 1);
	assert_int_equal(interleave_take(interleave_key(table, address, false, 1, 0)), 100);
	assert_int_equal(interleave_room(interleaved(setup, 8192)), 8192);
	pages_poll(&setup->pages);
	assert_int_equal(setup->pages.stats->interleave_held, 0);
	assert_null(interleaved(setup, 0));
}

/* What the view of before points to is there until pages_taken(). */
static void follows_a_new_model_page(void **state)
{
	struct setup *setup = *state;
	const struct server_view *before;

	policy_page_make(setup);
	policy_publish(setup, MERIDIAN_HUGEPAGES_AUTO);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	assert_null(setup->pages.view->model);

	model_page_make(setup);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	before = setup->pages.view;

	model_page_make(setup);
	assert_true(pages_poll(&setup->pages));
	assert_ptr_not_equal(setup->pages.view, before);
	assert_ptr_not_equal(setup->pages.view->model, before->model);
	assert_int_equal(before->model->head.magic, MERIDIAN_TIMEMODEL_MAGIC);
	pages_taken(&setup->pages);
}

static void outlives_control_and_its_pages(void **state)
{
	struct setup *setup = *state;

	policy_page_make(setup);
	policy_publish(setup, MERIDIAN_HUGEPAGES_AUTO);
	model_page_make(setup);
	assert_true(pages_poll(&setup->pages));
	pages_taken(&setup->pages);
	path_unlink(setup, MERIDIAN_POLICY_NAME);
	path_unlink(setup, MERIDIAN_TIMEMODEL_NAME);
	assert_false(pages_poll(&setup->pages));
	assert_int_equal(setup->pages.view->model->head.magic, MERIDIAN_TIMEMODEL_MAGIC);
	assert_int_equal(setup->pages.view->policy->generation, 1);
}

static void notices_that_its_page_is_gone(void **state)
{
	struct setup *setup = *state;

	assert_false(pages_lost(&setup->pages));
	path_unlink(setup, MERIDIAN_STATS_DATAPLANE_NAME);
	assert_true(pages_lost(&setup->pages));
	pages_fini(&setup->pages);
	assert_int_equal(
		pages_init(&setup->pages, setup->rundir, &meridian_stats_dataplane_kind), 0);
	assert_false(pages_lost(&setup->pages));
}

static void refuses_a_second_instance(void **state)
{
	struct setup *setup = *state;
	struct pages second;

	assert_int_equal(
		pages_init(&second, setup->rundir, &meridian_stats_dataplane_kind), -EBUSY);
}

static void keeps_counters_across_a_restart(void **state)
{
	struct setup *setup = *state;
	struct meridian_stats_worker *slot = &setup->pages.stats->worker[0];

	slot->rx_packets = 5;
	slot->state = MERIDIAN_WORKER_POLLING;
	pages_fini(&setup->pages);
	assert_int_equal(
		pages_init(&setup->pages, setup->rundir, &meridian_stats_dataplane_kind), 0);
	slot = &setup->pages.stats->worker[0];
	assert_int_equal(slot->rx_packets, 5);
	assert_int_equal(slot->state, MERIDIAN_WORKER_ABSENT);
	assert_int_equal(setup->pages.stats->head.writer_pid, getpid());
}

#define PAGES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAGES_TEST(waits_for_a_policy),
		PAGES_TEST(keeps_the_last_good_policy),
		PAGES_TEST(reads_what_follows_a_bad_policy_at_once),
		PAGES_TEST(follows_a_new_policy_page),
		PAGES_TEST(keeps_transmit_times),
		PAGES_TEST(follows_a_new_model_page),
		PAGES_TEST(outlives_control_and_its_pages),
		PAGES_TEST(notices_that_its_page_is_gone),
		PAGES_TEST(refuses_a_second_instance),
		PAGES_TEST(keeps_counters_across_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
