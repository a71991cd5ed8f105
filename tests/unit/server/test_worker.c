/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fixture.h>
#include <inttypes.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <worker.h>

#include <cmocka.h>

#define PACKETS 100

/* A port in memory: hands out `count` packets, takes back at most `accept` replies. */
struct ring {
	struct port_queue base;
	struct pkt packet[PACKETS];
	uint64_t stamp_ns[PACKETS]; /* 0: none */
	int returned[PACKETS];      /* transmitted or released, how often */
	unsigned int count, next, accept, transmitted;
	uint64_t transmit_ns; /* what a call takes at least */
};

static unsigned int ring_receive(struct port_queue *queue, struct port_packet packet[PORT_BURST])
{
	struct ring *ring = (struct ring *)queue;
	unsigned int count = 0;

	const unsigned int end = __atomic_load_n(&ring->count, __ATOMIC_ACQUIRE);

	for (; count < PORT_BURST && ring->next < end; count++, ring->next++) {
		struct pkt *pkt = &ring->packet[ring->next];

		packet[count] = (struct port_packet){.buffer = pkt,
			.data = pkt->data,
			.length = pkt->length,
			.has_stamp = ring->stamp_ns[ring->next] != 0,
			.stamp_ns = ring->stamp_ns[ring->next]};
	}
	return count;
}

static void ring_take_back(struct ring *ring, const struct port_packet *packet, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		ring->returned[(struct pkt *)packet[i].buffer - ring->packet]++;
}

static unsigned int ring_transmit(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	struct ring *ring = (struct ring *)queue;
	uint64_t end_ns = meridian_clock_ns(CLOCK_MONOTONIC_RAW) + ring->transmit_ns;

	while (meridian_clock_ns(CLOCK_MONOTONIC_RAW) < end_ns)
		;
	if (count > ring->accept - ring->transmitted)
		count = ring->accept - ring->transmitted;
	ring_take_back(ring, packet, count);
	ring->transmitted += count;
	return count;
}

static void ring_release(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count)
{
	ring_take_back((struct ring *)queue, packet, count);
}

static const struct port_operations ring_operations = {
	.receive = ring_receive, .transmit = ring_transmit, .release = ring_release};

/* Requests, every tenth of which is cut short and so not answered. */
static void ring_init(struct ring *ring, unsigned int count)
{
	uint8_t payload[PKT_NTP_SIZE];

	memset(ring, 0, sizeof(*ring));
	ring->base.operations = &ring_operations;
	ring->base.stamp_clock = CLOCK_MONOTONIC;
	ring->base.stamp_source = MERIDIAN_STAMP_xdp;
	memcpy(ring->base.mac, pkt_server_mac, sizeof(ring->base.mac));
	ring->count = count;
	ring->accept = count;
	for (unsigned int i = 0; i < count; i++) {
		pkt_ntp(payload, 0x23, i);
		pkt_build(&ring->packet[i], (struct pkt_spec){0}, payload, sizeof(payload));
		if (i % 10 == 9)
			ring->packet[i].length = 20;
	}
}

/* A page with a valid model of the counter CLOCK_MONOTONIC_RAW. */
static void model_publish(struct meridian_timemodel *page)
{
	struct meridian_timemodel_data model = fixture_model();

	model.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW;
	model.counter_hz = 1000000000;
	model.line.counter = meridian_counter_read(model.counter_id);
	model.line.period_frac64 = UINT64_MAX / model.counter_hz;
	model.period_shift = 0;
	model.slew = model.line;
	model.published_counter = model.line.counter;
	model.valid_until_counter = model.line.counter + 3600 * model.counter_hz;
	meridian_timemodel_write(page, &model);
}

struct setup {
	struct ring ring;
	struct worker worker;
	struct meridian_stats_worker slot;
	struct meridian_timemodel model;
	struct server_view view;
	struct responder_policy *policy;
	pthread_t thread;
};

static void *thread_run(void *argument)
{
	worker_run(argument);
	return NULL;
}

static int setup(void **state)
{
	struct setup *setup = aligned_alloc(64, (sizeof(*setup) + 63) / 64 * 64);

	assert_non_null(setup);
	memset(setup, 0, sizeof(*setup));
	ring_init(&setup->ring, PACKETS);
	setup->policy = fixture_policy();
	setup->view = (struct server_view){.policy = setup->policy,
		.model = &setup->model,
		.counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW};
	assert_int_equal(worker_init(&setup->worker, &setup->slot, 3, &setup->view), 0);
	worker_add(&setup->worker, &setup->ring.base);
	*state = setup;
	return 0;
}

static int teardown(void **state)
{
	struct setup *setup = *state;

	worker_fini(&setup->worker);
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_ABSENT);
	responder_policy_free(setup->policy);
	free(setup);
	return 0;
}

static void start(struct setup *setup)
{
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_STARTING);
	assert_int_equal(pthread_create(&setup->thread, NULL, thread_run, &setup->worker), 0);
}

/* Lets the worker finish what its ring holds, then ends it. */
static void drain(struct setup *setup)
{
	worker_set_phase(&setup->worker, WORKER_DRAIN);
	while (meridian_stats_get(&setup->slot.rx_packets) < setup->ring.count)
		sched_yield();
	worker_set_phase(&setup->worker, WORKER_STOP);
	pthread_join(setup->thread, NULL);
	assert_int_equal(setup->slot.state, MERIDIAN_WORKER_STOPPING);
}

/* Each packet went back to its port once and has one verdict. */
static void check_accounts(const struct setup *setup)
{
	uint64_t verdicts = 0;

	for (unsigned int i = 0; i < setup->ring.count; i++)
		assert_int_equal(setup->ring.returned[i], 1);
	for (unsigned int i = 0; i < MERIDIAN_VERDICT_COUNT; i++)
		verdicts += setup->slot.verdict[i];
	assert_int_equal(setup->slot.rx_packets, setup->ring.count);
	assert_int_equal(verdicts, setup->ring.count);
	assert_int_equal(setup->slot.tx_packets, setup->ring.transmitted);
}

static void answers_what_its_queue_holds(void **state)
{
	struct setup *setup = *state;

	model_publish(&setup->model);
	start(setup);
	drain(setup);
	check_accounts(setup);
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

/* How many replies, all to clients in interleaved mode, are remembered once they have left. */
static uint64_t remembered(struct setup *setup)
{
	struct interleave_survey survey = {.next = 0};
	uint64_t held = 0;
	uint32_t span_s;

	for (unsigned int i = 0; i < PACKETS; i++) {
		setup->ring.packet[i].data[setup->ring.packet[i].payload + 31] |= 1; /* origin */
		pkt_checksum(&setup->ring.packet[i]);
	}
	assert_int_equal(interleave_new(&setup->policy->interleave, 1 << 20, 1), 0);
	model_publish(&setup->model);
	start(setup);
	drain(setup);
	check_accounts(setup);
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
		assert_true(held == 0 || fresh->ring.base.leave_ticks > 0);
		teardown(state);
		setup(state);
	}
	assert_int_equal(held, PACKETS / 2 - 1);
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

	model_publish(&setup->model);
	setup->ring.accept = 40;
	start(setup);
	drain(setup);
	check_accounts(setup);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], 40);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_tx_failed], 50);
}

static void is_silent_without_a_model(void **state)
{
	struct setup *setup = *state;

	start(setup);
	drain(setup);
	check_accounts(setup);
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

	model_publish(&setup->model);
	setup->ring.count = 4;
	setup->ring.stamp_ns[0] = now_ns - 120000000;
	setup->ring.stamp_ns[1] = now_ns - 20000000;
	setup->ring.stamp_ns[2] = now_ns - STAMP_AGE_MAX_NS;
	setup->ring.stamp_ns[3] = now_ns + 3600 * UINT64_C(1000000000);
	start(setup);
	drain(setup);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_xdp], 2);
	assert_int_equal(setup->slot.stamp[MERIDIAN_STAMP_counter], 0);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_stale], 2);
	check_accounts(setup);
	apart = pkt_u64(second + 32) - pkt_u64(first + 32);
	assert_in_range(apart * 1000000000 >> 32, 99999000, 100001000);
}

/* In ns, of the model's root dispersion and of what a reply tells beyond it. */
static uint64_t told_error_ns(const struct meridian_timemodel *page, const uint8_t *reply)
{
	struct meridian_timemodel_data model;
	uint32_t dispersion = (uint32_t)pkt_u64(reply + 4);

	assert_int_equal(meridian_timemodel_read(page, &model), 0);
	return ((uint64_t)dispersion * 1000000000 >> 16) - model.root_dispersion_ns;
}

/* T2 of a reply minus `counter`, in ns. */
static int64_t receive_offset_ns(
	const struct meridian_timemodel *page, const uint8_t *reply, uint64_t counter)
{
	struct meridian_timemodel_data model;
	struct meridian_utc utc;
	int64_t offset;

	assert_int_equal(meridian_timemodel_read(page, &model), 0);
	utc = meridian_timemodel_utc(&model, counter);
	offset = (int64_t)(pkt_u64(reply + 32) -
		(((uint64_t)utc.s + MERIDIAN_NTP_UNIX_OFFSET_S) << 32 | utc.frac64 >> 32));
	return (int64_t)((double)offset * 1e9 / 4294967296.0);
}

/* A packet without a stamp comes while the worker naps: T2 is off by no more than what the reply
 * adds to the dispersion, which is half of such a nap. */
/* More than a burst, that came at once between two readings of the counter. */
static void tells_what_a_nap_hides(void **state)
{
	static const struct timespec idle = {.tv_nsec = 50000000};
	struct setup *setup = *state;
	uint64_t before, after;

	model_publish(&setup->model);
	setup->view.nap_max_ns = 100 * IDLE_UNSTAMPED_MAX_NS;
	setup->worker.unstamped = true; /* as with a queue that has no stamps */
	setup->ring.count = 0;
	start(setup);
	nanosleep(&idle, NULL);
	before = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	__atomic_store_n(&setup->ring.count, PACKETS, __ATOMIC_RELEASE);
	after = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	drain(setup);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], PACKETS - PACKETS / 10);
	for (unsigned int i = 0; i < PACKETS; i++) {
		const uint8_t *reply = setup->ring.packet[i].data + setup->ring.packet[i].payload;
		int64_t error_ns;

		if (i % 10 == 9)
			continue;
		error_ns = (int64_t)told_error_ns(&setup->model, reply);
		assert_true(error_ns > 0);
		assert_true(receive_offset_ns(&setup->model, reply, before) >= -error_ns);
		assert_true(receive_offset_ns(&setup->model, reply, after) <= error_ns);
	}
	assert_true(setup->slot.busy_ns > 0);
}

/* Once worker_show() returns, the view of before may be freed. */
static void lets_go_of_what_it_saw(void **state)
{
	struct setup *setup = *state;
	unsigned int hung;

	model_publish(&setup->model);
	start(setup);
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
	drain(setup);
	check_accounts(setup);
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
	assert_int_equal(pthread_create(&setup->thread, NULL, thread_run, &workers[0]), 0);
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

	start(setup);
	drain(setup);
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

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(answers_what_its_queue_holds),
		WORKER_TEST(remembers_when_replies_left),
		WORKER_TEST(remembers_nothing_of_a_long_call),
		WORKER_TEST(counts_what_it_cannot_send),
		WORKER_TEST(is_silent_without_a_model),
		WORKER_TEST(believes_stamps_that_can_be),
		WORKER_TEST(tells_what_a_nap_hides),
		WORKER_TEST(lets_go_of_what_it_saw),
		WORKER_TEST(names_a_worker_that_hangs),
		WORKER_TEST(waits_for_none_that_has_returned),
		WORKER_TEST(waits_for_none_that_never_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
