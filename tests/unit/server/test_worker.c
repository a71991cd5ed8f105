/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_bench.h"
#include <errno.h>
#include <inttypes.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void answers_what_its_queue_holds(void **state)
{
	struct setup *setup = *state;

	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.core, 3);
	assert_int_equal(setup->slot.policy_generation, setup->policy->generation);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], PACKETS * 9 / 10);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_short_frame], PACKETS / 10);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_counter], PACKETS);
	for (unsigned int i = 0; i < PACKETS; i++) {
		const struct pkt *pkt = &setup->ring.packet[i];

		assert_int_equal(pkt->data[pkt->payload] == 0x24, i % 10 != 9);
	}
}

/* As far as it takes them; NTP for us that is no good request is not handed over. */
static void hands_what_is_not_for_us_to_the_kernel(void **state)
{
	struct setup *setup = *state;
	const uint64_t *verdict = setup->slot.verdict;
	struct port_operations operations = bench_operations;

	operations.punt = bench_punt;
	setup->ring.base.operations = &operations;
	setup->ring.kernel_room = 4;
	setup->ring.packet[0].data[0] = 0xff;                                /* to a group */
	setup->ring.packet[1].data[13] = 6;                                  /* ARP */
	setup->ring.packet[2].data[setup->ring.packet[2].payload - 5] = 124; /* another port */
	setup->ring.packet[3].data[setup->ring.packet[3].ip + 16] ^= 1;      /* another address */
	setup->ring.packet[4].data[setup->ring.packet[4].payload] = 0x24;    /* a reply */
	for (unsigned int i = 2; i < 5; i++)
		pkt_checksum(&setup->ring.packet[i]);
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->ring.punted, 4);
	assert_int_equal(verdict[MERIDIAN_VERDICT_punt], 4);
	assert_int_equal(verdict[MERIDIAN_VERDICT_punt_limited], PACKETS / 10);
	assert_int_equal(verdict[MERIDIAN_VERDICT_bad_mode], 1);
	assert_int_equal(verdict[MERIDIAN_VERDICT_answered], PACKETS * 9 / 10 - 5);
}

/* What goes to the kernel has its receive time along, stamped or not. */
static void tells_when_it_came_what_the_kernel_gets(void **state)
{
	struct setup *setup = *state;
	struct port_operations operations = bench_operations;
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC), begin, end;
	const uint64_t *arrival = setup->ring.arrival;

	operations.punt = bench_punt;
	setup->ring.base.operations = &operations;
	setup->ring.kernel_room = 4;
	for (unsigned int i = 0; i < 4; i++)
		setup->ring.packet[i].data[13] = 6;
	setup->ring.stamp_ns[0] = now_ns - 20000000;
	setup->ring.stamp_ns[1] = now_ns - 10000000;
	bench_model_publish(&setup->model);
	begin = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	bench_start(setup);
	bench_drain(setup);
	end = meridian_clock_ns(CLOCK_MONOTONIC_RAW);
	assert_int_equal(setup->ring.punted, 4);
	assert_in_range(arrival[1] - arrival[0], 9999999, 10000001);
	assert_true(arrival[1] < begin);
	assert_in_range(arrival[2], begin, end);
	assert_int_equal(arrival[3], arrival[2]);
}

/* What comes while the worker naps is told to have come when it wakes up: no earlier than true. */
static void tells_no_time_that_is_too_early(void **state)
{
	static const struct timespec idle = {.tv_nsec = 50000000};
	struct setup *setup = *state;
	struct port_operations operations = bench_operations;
	uint64_t before, after;

	operations.punt = bench_punt;
	setup->ring.base.operations = &operations;
	setup->ring.kernel_room = 1;
	setup->ring.packet[0].data[13] = 6;
	setup->ring.count = 0;
	bench_model_publish(&setup->model);
	setup->view.nap_max_ns = 100 * IDLE_UNSTAMPED_MAX_NS;
	setup->worker.unstamped = true;
	bench_start(setup);
	nanosleep(&idle, NULL);
	before = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	__atomic_store_n(&setup->ring.count, 1, __ATOMIC_RELEASE);
	bench_drain(setup);
	after = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	assert_int_equal(setup->ring.punted, 1);
	assert_in_range(setup->ring.arrival[0], before, after);
}

/* All clients in interleaved mode; the table is there afterwards. */
static void serve_interleaved(struct setup *setup)
{
	for (unsigned int i = 0; i < PACKETS; i++) {
		setup->ring.packet[i].data[setup->ring.packet[i].payload + 31] |= 1; /* origin */
		pkt_checksum(&setup->ring.packet[i]);
	}
	assert_int_equal(interleave_new(&setup->policy->interleave, 1 << 20, 1), 0);
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
}

/* How many replies are remembered once they have left. */
static uint64_t remembered(struct setup *setup)
{
	struct interleave_survey survey = {.next = 0};
	uint64_t held = 0;
	uint32_t span_s;

	serve_interleaved(setup);
	interleave_look(setup->policy->interleave, &survey, SIZE_MAX, &held, &span_s);
	assert_int_equal(setup->slot.interleaved, 0);
	interleave_free(setup->policy->interleave);
	return held;
}

/* The first request has no timestamps of its own. When the test was interrupted in a call, rightly
 * nothing is known of it: again. */
static void remembers_when_replies_left(void **state)
{
	uint64_t held = 0;

	for (unsigned int try = 0; try < 100 && held != PACKETS / 2 - 1; try++) {
		struct setup *fresh = *state;

		fresh->ring.base.leave_share = 128;
		fresh->ring.accept = PACKETS / 2;
		held = remembered(fresh);
		assert_true(held == 0 || fresh->ring.base.leave.usual_ticks > 0);
		bench_teardown(state);
		bench_setup(state);
	}
	assert_int_equal(held, PACKETS / 2 - 1);
}

/* How long after its T3 the second reply is remembered to have left, 2^-32 s; INT64_MIN: it is not.
 */
static int64_t remembered_after_t3(struct setup *setup)
{
	const uint8_t *frame = setup->ring.packet[1].data;
	const uint8_t *reply = frame + setup->ring.packet[1].payload;
	struct meridian_timemodel_data model;
	uint64_t left;

	serve_interleaved(setup);
	assert_int_equal(meridian_timemodel_read(&setup->model, &model), 0);
	left = interleave_take(interleave_key(setup->policy->interleave, frame + 30, false,
		pkt_u64(reply + 32), model.disruption_count));
	interleave_free(setup->policy->interleave);
	return left == 0 ? INT64_MIN : (int64_t)(left - pkt_u64(reply + 40));
}

/* Where that is configured, it is what T3 says, and not the end of the call, 5 ms before. */
static void remembers_when_replies_are_at_the_interface(void **state)
{
	int64_t after = INT64_MIN;

	for (unsigned int try = 0; try < 100 && after == INT64_MIN; try++) {
		struct setup *fresh = *state;

		fresh->ring.base.transmit_delay_ns = 5000000;
		after = remembered_after_t3(fresh);
		bench_teardown(state);
		bench_setup(state);
	}
	assert_in_range(after + 4, 0, 8);
}

/* The same where it was measured. */
static void remembers_when_replies_are_at_the_interface_as_measured(void **state)
{
	struct port_transmit transmit = {.way = 0};
	int64_t after = INT64_MIN;

	port_transmit_publish(&transmit, (struct port_way){5000000, 700});
	for (unsigned int try = 0; try < 100 && after == INT64_MIN; try++) {
		struct setup *fresh = *state;

		fresh->ring.base.transmit = &transmit;
		after = remembered_after_t3(fresh);
		bench_teardown(state);
		bench_setup(state);
	}
	assert_in_range(after + 4, 0, 8);
}

/* Not after a call that was interrupted, however many replies it sent. */
static void remembers_nothing_of_a_long_call(void **state)
{
	struct setup *setup = *state;

	setup->ring.transmit_ns = SERVER_LEAVE_MAX_NS + 1;
	assert_int_equal(remembered(setup), 0);
	assert_int_equal(setup->ring.transmitted, PACKETS * 9 / 10);
}

/* What a port does not take is counted and let go, not tried again. */
static void counts_what_it_cannot_send(void **state)
{
	struct setup *setup = *state;

	bench_model_publish(&setup->model);
	setup->ring.accept = 40;
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], 40);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_tx_failed], 50);
}

static void is_silent_without_a_model(void **state)
{
	struct setup *setup = *state;

	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_no_model], PACKETS * 9 / 10);
	assert_int_equal(setup->ring.transmitted, 0);
}

/* T2 of a stamped packet is its stamp; one that waited too long, or is from the future, is not
 * answered at all. */
static void believes_stamps_that_can_be(void **state)
{
	struct setup *setup = *state;
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	const uint8_t *first = setup->ring.packet[0].data + setup->ring.packet[0].payload;
	const uint8_t *second = setup->ring.packet[1].data + setup->ring.packet[1].payload;
	uint64_t apart;

	bench_model_publish(&setup->model);
	setup->ring.count = 4;
	setup->ring.stamp_ns[0] = now_ns - 120000000;
	setup->ring.stamp_ns[1] = now_ns - 20000000;
	setup->ring.stamp_ns[2] = now_ns - STAMP_AGE_MAX_NS;
	setup->ring.stamp_ns[3] = now_ns + 3600 * UINT64_C(1000000000);
	bench_start(setup);
	bench_drain(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_xdp], 2);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_counter], 0);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_stale], 2);
	bench_check_accounts(setup);
	apart = pkt_u64(second + 32) - pkt_u64(first + 32);
	assert_in_range(apart * 1000000000 >> 32, 99999000, 100001000);
}

/* How the kernel's clock runs is not known yet when the first burst comes, with a stamp `age_ns`
 * old. Returns what the reply tells beyond the model. */
static uint64_t told_of_first_ns(struct setup *setup, uint64_t age_ns)
{
	setup->ring.count = 1;
	setup->ring.stamp_ns[0] = meridian_clock_ns(CLOCK_MONOTONIC) - age_ns;
	bench_model_publish(&setup->model);
	bench_start(setup);
	bench_drain(setup);
	bench_check_accounts(setup);
	return bench_told_error_ns(
		&setup->model, setup->ring.packet[0].data + setup->ring.packet[0].payload);
}

/* The age of a stamp may be off by what somebody slews the clock: a quarter of it, in the worst
 * case.
 */
static void tells_what_a_slew_may_hide(void **state)
{
	assert_in_range(told_of_first_ns(*state, 200000000), 50000000, 70000000);
}

static void tells_of_no_slew_where_it_is_known(void **state)
{
	struct setup *setup = *state;
	struct stamp_clock now = {.clock_ns = 0};
	struct stamp_rate rate = {.counter_hz = 0};

	stamp_rate_set(&rate, 1000000000);
	for (int i = 0; i < 4; i++) {
		nanosleep(&(struct timespec){.tv_nsec = STAMP_PACE_NS}, NULL);
		stamp_clock_read(&now, &setup->worker.server.pace[CLOCK_MONOTONIC], CLOCK_MONOTONIC,
			MERIDIAN_COUNTER_MONOTONIC_RAW, &rate);
	}
	assert_true(told_of_first_ns(setup, 200000000) < 10000000);
}

/* Packets without a stamp come while the worker naps, more than a burst at once, between two
 * readings of the counter: T2 is off by no more than what the reply adds to the dispersion, which
 * is half of such a nap. */
static void tells_what_a_nap_hides(void **state)
{
	static const struct timespec idle = {.tv_nsec = 50000000};
	struct setup *setup = *state;
	uint64_t before, after;

	bench_model_publish(&setup->model);
	setup->view.nap_max_ns = 100 * IDLE_UNSTAMPED_MAX_NS;
	setup->worker.unstamped = true; /* as with a queue that has no stamps */
	setup->ring.count = 0;
	bench_start(setup);
	nanosleep(&idle, NULL);
	before = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	__atomic_store_n(&setup->ring.count, PACKETS, __ATOMIC_RELEASE);
	after = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	bench_drain(setup);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], PACKETS - PACKETS / 10);
	for (unsigned int i = 0; i < PACKETS; i++) {
		const uint8_t *reply = setup->ring.packet[i].data + setup->ring.packet[i].payload;
		int64_t error_ns;

		if (i % 10 == 9)
			continue;
		error_ns = (int64_t)bench_told_error_ns(&setup->model, reply);
		assert_true(error_ns > 0);
		assert_true(bench_receive_offset_ns(&setup->model, reply, before) >= -error_ns);
		assert_true(bench_receive_offset_ns(&setup->model, reply, after) <= error_ns);
	}
	assert_true(setup->slot.busy_ns > 0);
}

/* Once worker_show() returns, the view of before may be freed. */
static void lets_go_of_what_it_saw(void **state)
{
	struct setup *setup = *state;
	unsigned int hung;

	bench_model_publish(&setup->model);
	bench_start(setup);
	for (int i = 0; i < 200; i++) {
		struct responder_policy *policy = fixture_policy();
		struct server_view *view = malloc(sizeof(*view));

		assert_non_null(view);
		*view = (struct server_view){.policy = policy, .model = &setup->model};
		policy->generation = 100 + (uint64_t)i;
		assert_int_equal(worker_show(&setup->worker, 1, view, &hung), 0);
		assert_int_equal(worker_show(&setup->worker, 1, &setup->view, &hung), 0);
		responder_policy_free(policy);
		free(view);
		/* One more turn, and it has also told what it sees now. */
		assert_int_equal(worker_show(&setup->worker, 1, &setup->view, &hung), 0);
		assert_int_equal(meridian_stats_get(&setup->slot.policy_generation),
			setup->policy->generation);
	}
	bench_drain(setup);
	bench_check_accounts(setup);
}

/* The second of these never turns. */
static void names_a_worker_that_hangs(void **state)
{
	struct setup *setup = *state;
	struct meridian_stats_worker slot = {0};
	struct worker *workers = calloc(2, sizeof(*workers));
	unsigned int hung = 0;

	assert_non_null(workers);
	workers[0] = setup->worker;
	assert_int_equal(worker_init(&workers[1], &slot, 4, &setup->view), 0);
	assert_int_equal(pthread_create(&setup->thread, NULL, bench_thread_run, &workers[0]), 0);
	assert_int_equal(worker_show(workers, 2, &setup->view, &hung), -ETIMEDOUT);
	assert_int_equal(hung, 1);
	worker_set_phase(&workers[0], WORKER_STOP);
	pthread_join(setup->thread, NULL);
	worker_fini(&workers[1]);
	free(workers);
}

/* Its heartbeat never moves again. */
static void waits_for_none_that_has_returned(void **state)
{
	struct setup *setup = *state;
	unsigned int hung;

	bench_start(setup);
	bench_drain(setup);
	assert_int_equal(worker_wait(&setup->worker, 1, &hung), 0);
}

/* Whose launch failed. */
static void waits_for_none_that_never_starts(void **state)
{
	struct setup *setup = *state;
	unsigned int hung;

	worker_give_up(&setup->worker);
	assert_int_equal(worker_wait(&setup->worker, 1, &hung), 0);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(answers_what_its_queue_holds),
		WORKER_TEST(hands_what_is_not_for_us_to_the_kernel),
		WORKER_TEST(tells_when_it_came_what_the_kernel_gets),
		WORKER_TEST(tells_no_time_that_is_too_early),
		WORKER_TEST(remembers_when_replies_left),
		WORKER_TEST(remembers_when_replies_are_at_the_interface),
		WORKER_TEST(remembers_when_replies_are_at_the_interface_as_measured),
		WORKER_TEST(remembers_nothing_of_a_long_call),
		WORKER_TEST(counts_what_it_cannot_send),
		WORKER_TEST(is_silent_without_a_model),
		WORKER_TEST(believes_stamps_that_can_be),
		WORKER_TEST(tells_what_a_slew_may_hide),
		WORKER_TEST(tells_of_no_slew_where_it_is_known),
		WORKER_TEST(tells_what_a_nap_hides),
		WORKER_TEST(lets_go_of_what_it_saw),
		WORKER_TEST(names_a_worker_that_hangs),
		WORKER_TEST(waits_for_none_that_has_returned),
		WORKER_TEST(waits_for_none_that_never_starts),
	};

	/* Packets that wait for long are stale: where we may, other processes wait. */
	setpriority(PRIO_PROCESS, 0, -20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
