/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <ethdev_queue.h>
#include <port_delay.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/*
 * A device of ours under DPDK's functions: time is simulated, a ns a tick, and how long packets
 * take to the wire is known.
 */

#define PORT     5
#define TURN_NS  100000000
#define LEARN    (TRANSMIT_DELAY_SAMPLES_MIN + 4) /* turns */
#define ERROR_NS 40

#define PACKETS 8

static struct {
	uint64_t now;       /* counter */
	uint64_t ahead;     /* device minus counter */
	uint64_t delay_ns;  /* of the first packet of a burst, */
	uint64_t behind_ns; /* and from one to the next */
	uint16_t room;      /* packets that it takes in a burst */
	bool deaf;          /* stamps nothing */
	bool clings;        /* tells a stamp again and again, and takes the next all the same */
	bool valid;
	uint64_t stamp;
	unsigned int marked, reads, enabled;
	unsigned int marked_at[PACKETS]; /* by position in their burst */
} nic;

static struct port_transmit transmit;
static struct port_delay delay;
static struct ethdev_queue queue;
static struct rte_mbuf mbuf[PACKETS];
static struct device_line line;

int rte_eth_timesync_enable(uint16_t port_id)
{
	assert_int_equal(port_id, PORT);
	nic.enabled++;
	return 0;
}

/* Seconds and ns since long ago. */
int rte_eth_timesync_read_tx_timestamp(uint16_t port_id, struct timespec *ret_time)
{
	assert_int_equal(port_id, PORT);
	nic.reads++;
	if (!nic.valid)
		return -EINVAL;
	nic.valid = nic.clings;
	ret_time->tv_sec = (time_t)(nic.stamp / 1000000000);
	ret_time->tv_nsec = (long)(nic.stamp % 1000000000);
	return 0;
}

/* Takes what there is room for; one stamp at a time, which is kept until it is read. */
static uint16_t nic_transmit(void *own, struct rte_mbuf **packet, uint16_t count)
{
	(void)own;
	for (uint16_t i = 0; i < count && i < nic.room; i++) {
		if ((packet[i]->ol_flags & RTE_MBUF_F_TX_IEEE1588_TMST) == 0)
			continue;
		nic.marked++;
		nic.marked_at[i]++;
		if (nic.deaf || (nic.valid && !nic.clings))
			continue;
		nic.valid = true;
		nic.stamp = nic.now + nic.ahead + nic.delay_ns + i * nic.behind_ns;
	}
	return count < nic.room ? count : nic.room;
}

/* A device that the dataplane has opened, with a clock that is known. */
static int setup(void **state)
{
	static void *queues[1], *no_callbacks[1];
	const struct stamp_driver *hns3 = stamp_driver_find("net_hns3");

	(void)state;
	memset(&nic, 0, sizeof(nic));
	nic.now = UINT64_C(77000000000);
	nic.ahead = UINT64_C(1700000000123456789);
	nic.delay_ns = 1800;
	nic.room = PACKETS;
	rte_eth_fp_ops[PORT].tx_pkt_burst = nic_transmit;
	rte_eth_fp_ops[PORT].txq.data = queues;
	rte_eth_fp_ops[PORT].txq.clbk = no_callbacks;
	memset(&transmit, 0, sizeof(transmit));
	memset(mbuf, 0, sizeof(mbuf));
	ethdev_queue_init(&queue, PORT, 0);
	ethdev_queue_sample(&queue, &transmit);
	port_delay_init(&delay, &transmit, PORT, hns3);
	return 0;
}

/* A worker sends `count` packets. Returns how many were taken. */
static unsigned int burst(unsigned int count)
{
	struct port_packet packet[PACKETS];

	for (unsigned int i = 0; i < count; i++) {
		mbuf[i].ol_flags = RTE_MBUF_F_RX_RSS_HASH;
		packet[i] = (struct port_packet){.buffer = &mbuf[i], .length = 90};
	}
	queue.base.handed_counter = nic.now;
	return queue.base.operations->transmit(&queue.base, packet, count);
}

/* The main thread's turn, with what it knows of the clock by then. */
static void turn_with(uint64_t bits)
{
	nic.now += TURN_NS / 2;
	line = (struct device_line){.counter = nic.now,
		.device = nic.now + nic.ahead,
		.counter_ticks_frac32 = UINT64_C(1) << 32,
		.device_ticks_frac32 = UINT64_C(1) << 32,
		.fresh_until_counter = nic.now + 150000000,
		.until_counter = nic.now + 1000000000,
		.error_ns = ERROR_NS,
		.late_error_ns = ERROR_NS + 1000,
		.ahead_max_ticks = ERROR_NS,
		.counter_hz = 1000000000,
		.ns_per_tick_frac32 = UINT64_C(1) << 32,
		.bits = bits};
	port_delay_turn(&delay, &line, nic.now);
	nic.now += TURN_NS / 2;
}

static void learn(unsigned int turns, uint64_t bits)
{
	for (unsigned int i = 0; i < turns; i++) {
		turn_with(bits);
		burst(1);
		nic.now += i; /* odd and even */
	}
}

static void expect_way(int32_t delay_ns, int32_t error_ns)
{
	struct port_way way = port_transmit_way(&transmit);

	assert_int_equal(way.delay_ns, delay_ns);
	assert_in_range(way.error_ns, error_ns, error_ns + 1);
}

static void learns_how_long_replies_take(void **state)
{
	struct meridian_stats_clock report = {.transmit = MERIDIAN_TRANSMIT_UNKNOWN};

	(void)state;
	learn(TRANSMIT_DELAY_SAMPLES_MIN / 2, 64);
	expect_way(0, 0);
	learn(LEARN, 64);
	expect_way(1800, ERROR_NS);
	port_delay_report(&delay, &report);
	assert_int_equal(report.transmit, MERIDIAN_TRANSMIT_SAMPLED);
	assert_int_equal(report.transmit_delay_ns, 1800);
	assert_in_range(report.transmit_samples, TRANSMIT_DELAY_SAMPLES_MIN,
		TRANSMIT_DELAY_SAMPLES_MIN + 1);
	assert_int_equal(report.transmit_refused + report.transmit_lost, 0);
}

/* NICs keep one. All other packets are as they were. */
static void samples_one_reply_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(burst(3), 3); /* nobody has asked for one */
	assert_int_equal(nic.marked, 0);
	for (unsigned int turn = 1; turn <= TRANSMIT_DELAY_SAMPLES_MIN; turn++) {
		turn_with(64);
		for (unsigned int i = 0; i < 20; i++)
			burst(1 + i % PACKETS);
		assert_int_equal(nic.marked, turn);
	}
	for (unsigned int i = 0; i < PACKETS; i++)
		assert_int_equal(mbuf[i].ol_flags, RTE_MBUF_F_RX_RSS_HASH);
}

/* Once a second, when it is known. */
static void samples_rarely(void **state)
{
	unsigned int marked;

	(void)state;
	learn(LEARN, 64);
	marked = nic.marked;
	learn(100, 64);
	assert_in_range(nic.marked - marked, 9, 10);
}

/* Those behind others in their burst take longer, and are replies, too. */
static void samples_any_reply_of_a_burst(void **state)
{
	struct port_way way;

	(void)state;
	nic.behind_ns = 1000;
	for (unsigned int i = 0; i < 2000; i++) {
		turn_with(64);
		nic.now += i * 7919;
		burst(PACKETS);
	}
	for (unsigned int i = 0; i < PACKETS; i++)
		assert_true(nic.marked_at[i] > 0);
	way = port_transmit_way(&transmit);
	assert_in_range(way.delay_ns, 1800 + 2000, 1800 + 5000);
	assert_true(way.delay_ns + way.error_ns >= 1800 + (PACKETS - 1) * 1000);
	assert_true(way.delay_ns - way.error_ns <= 1800);
}

/* The next one that fits is the sample. */
static void tries_again_when_there_is_no_room(void **state)
{
	(void)state;
	turn_with(64);
	nic.room = 0;
	assert_int_equal(burst(2), 0);
	assert_int_equal(transmit.sample, PORT_SAMPLE_WANTED);
	nic.room = PACKETS;
	assert_int_equal(burst(2), 2);
	assert_int_equal(transmit.sample, PORT_SAMPLE_SENT);
	turn_with(64);
	assert_int_equal(delay.delay.taken, 1);
}

static void lets_go_of_an_old_stamp_first(void **state)
{
	(void)state;
	nic.valid = true; /* of who had the NIC before */
	nic.stamp = nic.now + nic.ahead - 12345;
	learn(LEARN, 64);
	expect_way(1800, ERROR_NS);
	assert_int_equal(delay.delay.refused, 0);
}

/* A driver that has none may tell the last one instead. */
static void believes_no_stamp_twice(void **state)
{
	(void)state;
	nic.clings = true;
	learn(LEARN, 64);
	expect_way(1800, ERROR_NS);
	nic.deaf = true;
	learn(30, 64);
	assert_in_range(delay.delay.refused, 2, 3);
	expect_way(1800, ERROR_NS);
	learn(30, 64);
	expect_way(0, 0); /* given up */
}

static void does_without_stamps_that_never_come(void **state)
{
	(void)state;
	nic.deaf = true;
	learn(100, 64);
	expect_way(0, 0);
	assert_int_equal(delay.delay.taken + delay.delay.refused, 0);
	assert_in_range(delay.lost, 6, 9); /* every second or so */
	assert_in_range(nic.marked, delay.lost, delay.lost + 1);
}

static void asks_for_nothing_without_a_clock(void **state)
{
	(void)state;
	learn(LEARN, 0);
	assert_int_equal(nic.marked + nic.reads, 0);
	expect_way(0, 0);
}

/* The stamps of a card that has 32 bits wrap every 4.3 s. */
static void takes_stamps_that_wrap(void **state)
{
	(void)state;
	learn(4 * LEARN, 32);
	expect_way(1800, ERROR_NS);
	assert_int_equal(delay.delay.refused, 0);
}

static void begins_anew_with_another_link(void **state)
{
	(void)state;
	learn(LEARN, 64);
	nic.delay_ns = 300;
	port_delay_restart(&delay);
	expect_way(0, 0);
	learn(LEARN + 10, 64);
	expect_way(300, ERROR_NS);
}

#define TIME_FLAG   (UINT64_C(1) << 40)
#define TIME_OFFSET ((int)RTE_ALIGN(offsetof(struct rte_mbuf, dynfield1), sizeof(uint64_t)))

static uint64_t time_of(unsigned int i)
{
	return *RTE_MBUF_DYNFIELD(&mbuf[i], TIME_OFFSET, uint64_t *);
}

/* The first of a burst waits for its time, and the others for it. */
static void sends_a_burst_at_its_time(void **state)
{
	struct device_line_shared shared = {.seq = 0};

	(void)state;
	turn_with(64);
	device_line_publish(&shared, &line);
	transmit.line = &shared;
	transmit.ahead_ns = 7000;
	ethdev_queue_time(&queue, &transmit, TIME_OFFSET, TIME_FLAG);
	port_transmit_prepare(&queue.base, 3, 90, nic.now);
	assert_int_equal(burst(3), 3);
	assert_true(time_of(0) == nic.now + nic.ahead + 7000);
	assert_int_equal(mbuf[0].ol_flags, RTE_MBUF_F_RX_RSS_HASH | TIME_FLAG);
	assert_int_equal(mbuf[1].ol_flags, RTE_MBUF_F_RX_RSS_HASH);
	nic.now = line.until_counter; /* the clock could not be read any more */
	port_transmit_prepare(&queue.base, 3, 90, nic.now);
	burst(3);
	assert_int_equal(mbuf[0].ol_flags, RTE_MBUF_F_RX_RSS_HASH);
	assert_int_equal(nic.marked, 0);
}

/* What an operator has measured is not overwritten. */
static void reports_what_is_known_by_hand(void **state)
{
	struct meridian_stats_clock report = {
		.transmit = MERIDIAN_TRANSMIT_CONFIGURED, .transmit_delay_ns = 4711};

	(void)state;
	learn(LEARN, 64);
	port_delay_report(&delay, &report);
	assert_int_equal(report.transmit, MERIDIAN_TRANSMIT_CONFIGURED);
	assert_int_equal(report.transmit_delay_ns, 4711);
	assert_int_equal(report.transmit_error_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(learns_how_long_replies_take, setup),
		cmocka_unit_test_setup(samples_one_reply_at_a_time, setup),
		cmocka_unit_test_setup(samples_rarely, setup),
		cmocka_unit_test_setup(samples_any_reply_of_a_burst, setup),
		cmocka_unit_test_setup(tries_again_when_there_is_no_room, setup),
		cmocka_unit_test_setup(lets_go_of_an_old_stamp_first, setup),
		cmocka_unit_test_setup(believes_no_stamp_twice, setup),
		cmocka_unit_test_setup(does_without_stamps_that_never_come, setup),
		cmocka_unit_test_setup(asks_for_nothing_without_a_clock, setup),
		cmocka_unit_test_setup(takes_stamps_that_wrap, setup),
		cmocka_unit_test_setup(begins_anew_with_another_link, setup),
		cmocka_unit_test_setup(sends_a_burst_at_its_time, setup),
		cmocka_unit_test_setup(reports_what_is_known_by_hand, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
