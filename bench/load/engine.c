/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine.h"
#include "reflect.h"
#include "token.h"
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <prefetch.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <sched.h>
#include <time.h>
#include <units.h>

/* How often CLOCK_REALTIME is read beside the counter. */
#define CLOCK_PER_S 200

/* Replies whose check takes longer than it takes to read the counter. */
#define RECEIVED_LONG 4

/* For an array that is written before it is read: the build zeroes every other variable. */
#define UNSET __attribute__((uninitialized))

/* The core is given away when nothing is due for 1/YIELDS_PER_S. */
#define YIELDS_PER_S 200000

/* Of another thread, for the end of a turn; a turn takes microseconds. */
#define WAIT_NS   1000000
#define WAITS_MAX 2000

uint64_t engine_hz(void)
{
	return rte_get_tsc_hz();
}

static uint64_t ntp_now(void)
{
	uint64_t ns = meridian_clock_ns(CLOCK_REALTIME);
	uint64_t s = ns / NS_PER_SECOND, rest = ns % NS_PER_SECOND;

	return (s + MERIDIAN_NTP_UNIX_OFFSET_S) << 32 | (rest << 32) / NS_PER_SECOND;
}

/* The reading is taken between two of the counter; a pair that something came between is not
 * used. */
static void clock_follow(struct engine *engine)
{
	uint64_t before = rte_rdtsc();
	uint64_t ntp = ntp_now();
	uint64_t after = rte_rdtsc();

	engine->clock_ticks = after + engine->meter->hz / CLOCK_PER_S;
	if (after - before < engine->meter->hz / 1000000)
		engine->meter->clock = (struct meter_clock){before + (after - before) / 2, ntp};
}

/*
 * The soft interrupts of a port that the kernel shares may run on this core, in a thread of their
 * own; while we only poll they would wait for the end of our time slice, which is milliseconds.
 */
static void idle(const struct engine *engine, uint64_t ticks)
{
	if (engine->port->interface[0] && (int64_t)ticks > (int64_t)(engine_hz() / YIELDS_PER_S))
		sched_yield();
	else
		rte_pause();
}

/* Sequentially consistent: what the next turn reads was not read before. */
static void turn_end(struct engine *engine)
{
	__atomic_store_n(&engine->turns, engine->turns + 1, __ATOMIC_SEQ_CST);
}

void engine_wait(const struct engine *engine)
{
	static const struct timespec pause = {.tv_nsec = WAIT_NS};
	uint64_t turns = __atomic_load_n(&engine->turns, __ATOMIC_SEQ_CST);

	for (int wait = 0; wait < WAITS_MAX; wait++) {
		if (rte_eal_get_lcore_state(engine->port->lcore) != RUNNING ||
			__atomic_load_n(&engine->turns, __ATOMIC_SEQ_CST) != turns)
			return;
		nanosleep(&pause, NULL);
	}
}

/* --- receiving ------------------------------------------------------------------------------- */

/* Answers a neighbour's question; else the frame is of no use. */
static void other_frame(struct engine *engine, struct rte_mbuf *mbuf)
{
	uint32_t length = 0;

	if (mbuf->nb_segs == 1)
		length = neighbour_answer(
			&engine->self, rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->data_len);
	mbuf->data_len = (uint16_t)length;
	mbuf->pkt_len = length;
	if (length == 0 || rte_eth_tx_burst(engine->port->id, 0, &mbuf, 1) == 0)
		rte_pktmbuf_free(mbuf);
}

/* Takes what has arrived. Returns how many frames. */
static unsigned int frames_receive(struct engine *engine, uint64_t *now)
{
	UNSET struct rte_mbuf *mbuf[ENGINE_BURST];
	UNSET struct meter_frame frame[ENGINE_BURST];
	unsigned int count, valid = 0;

	count = rte_eth_rx_burst(engine->port->id, 0, mbuf, (uint16_t)engine->burst);
	*now = rte_rdtsc();
	if (count == 0)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		frame[i].data = rte_pktmbuf_mtod(mbuf[i], const uint8_t *);
		frame[i].length = mbuf[i]->nb_segs == 1 ? mbuf[i]->data_len : 0;
	}
	if (meter_replies(engine->meter, frame, count, *now) == 0) {
		rte_pktmbuf_free_bulk(mbuf, count);
		return count;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (frame[i].reason == REPLY_OTHER)
			other_frame(engine, mbuf[i]);
		else
			mbuf[valid++] = mbuf[i];
	}
	rte_pktmbuf_free_bulk(mbuf, valid);
	return count;
}

/* --- sending --------------------------------------------------------------------------------- */

static uint64_t waiting_request(const struct engine *engine)
{
	return engine->meter->next_request - engine->waiting_count;
}

/* Gives the port what waits for it. Returns how many it took. */
static unsigned int waiting_send(struct engine *engine, uint64_t now)
{
	uint64_t lag_ticks = now - engine->waiting_due[engine->waiting_first];
	uint16_t sent = rte_eth_tx_burst(engine->port->id, 0,
		engine->waiting + engine->waiting_first, (uint16_t)engine->waiting_count);

	if (sent > 0)
		meter_sent(engine->meter, waiting_request(engine), sent, lag_ticks, now);
	engine->waiting_first += sent;
	engine->waiting_count -= sent;
	if (engine->waiting_count > 0)
		__atomic_store_n(&engine->refused, engine->refused + 1, __ATOMIC_RELAXED);
	return sent;
}

/* Gives up the first `count` of what waits. Returns how many of them are of the measurement. */
static unsigned int waiting_drop(struct engine *engine, unsigned int count)
{
	unsigned int measured = meter_unsent(engine->meter, waiting_request(engine), count);

	rte_pktmbuf_free_bulk(engine->waiting + engine->waiting_first, count);
	engine->waiting_first += count;
	engine->waiting_count -= count;
	return measured;
}

static void measuring_begin(struct engine *engine)
{
	meter_restart(engine->meter);
	__atomic_store_n(&engine->measuring, true, __ATOMIC_RELAXED);
}

/* Requests that are due from the end of the warm-up on are measured, whenever they are sent. */
static void measuring_look(struct engine *engine)
{
	if (!engine->measuring && engine->schedule.next_ticks >= engine->measure_ticks)
		measuring_begin(engine);
}

/* Leaves out what the port did not take in time. */
static void waiting_skip(struct engine *engine, uint64_t now)
{
	const uint64_t *due_ticks = engine->waiting_due + engine->waiting_first;
	unsigned int late = 0;

	while (late < engine->waiting_count && due_ticks[late] + engine->skip_ticks < now)
		late++;
	if (late > 0)
		engine->meter->skipped += waiting_drop(engine, late);
}

/* What is too late is left out, so that a pause is not followed by a heap. It counts from the end
 * of the warm-up on, also where the pause began before. */
static void late_skip(struct engine *engine, uint64_t now)
{
	while (engine->schedule.next_ticks + engine->skip_ticks < now &&
		engine->schedule.next_ticks < engine->end_ticks) {
		measuring_look(engine);
		schedule_advance(&engine->schedule);
		engine->meter->skipped++;
	}
}

/* Requests whose time has come, each with its own; none of warm-up and measurement together. */
static unsigned int due_take(
	struct engine *engine, uint64_t now, unsigned int room, uint64_t due_units[ENGINE_BURST])
{
	uint64_t end_ticks = engine->measuring ? engine->end_ticks : engine->measure_ticks;
	unsigned int count = 0;

	while (count < room && engine->schedule.next_ticks <= now &&
		engine->schedule.next_ticks < end_ticks) {
		engine->waiting_due[count] = engine->schedule.next_ticks;
		due_units[count++] = engine->schedule.next_ticks >> TOKEN_TICKS_LOG2;
		schedule_advance(&engine->schedule);
	}
	return count;
}

/* A buffer comes back from the port in any state, so the whole frame is written. */
static void requests_build(
	struct engine *engine, uint64_t first, const uint64_t *due_units, unsigned int count)
{
	struct rte_mbuf **mbuf = engine->waiting;
	UNSET uint8_t *frame[ENGINE_BURST];
	UNSET uint16_t length[ENGINE_BURST];

	for (unsigned int i = 0; i < count; i++)
		frame[i] = rte_pktmbuf_mtod(mbuf[i], uint8_t *);
	traffic_build_burst(engine->traffic, first, due_units, count, frame, length);
	for (unsigned int i = 0; i < count; i++) {
		mbuf[i]->data_len = length[i];
		mbuf[i]->pkt_len = length[i];
	}
}

/*
 * Sends what is due. Requests whose time has come while the port is full wait for it, and their
 * round trip counts from when they were due.
 */
static unsigned int requests_send(struct engine *engine, uint64_t now)
{
	UNSET uint64_t due_units[ENGINE_BURST];
	uint64_t first;
	unsigned int count;

	if (engine->skip_ticks != 0) {
		waiting_skip(engine, now);
		late_skip(engine, now);
	}
	if (engine->waiting_count > 0)
		return waiting_send(engine, now);
	measuring_look(engine);
	if (engine->schedule.next_ticks > now ||
		rte_pktmbuf_alloc_bulk(engine->port->pool, engine->waiting, engine->burst) < 0)
		return 0;
	count = due_take(engine, now, engine->burst, due_units);
	if (count < engine->burst)
		rte_pktmbuf_free_bulk(engine->waiting + count, engine->burst - count);
	if (count == 0)
		return 0;
	first = meter_requests(engine->meter, count);
	requests_build(engine, first, due_units, count);
	engine->waiting_first = 0;
	engine->waiting_count = count;
	return waiting_send(engine, now);
}

/* --- a run ----------------------------------------------------------------------------------- */

void engine_prepare(struct engine *engine, const struct engine_run *run)
{
	uint64_t begin = rte_rdtsc() + engine->meter->hz / 1000;

	schedule_init(&engine->schedule, &run->schedule, begin);
	engine->waiting_count = 0;
	engine->refused = 0;
	engine->begin_ticks = begin;
	engine->measure_ticks = begin + run->warm_up_ticks;
	engine->end_ticks = engine->measure_ticks + run->duration_ticks;
	engine->stop_ticks = engine->end_ticks + run->timeout_ticks;
	engine->skip_ticks = run->skip_ticks;
	engine->clock_ticks = 0;
	engine->measuring = false;
	meter_restart(engine->meter);
}

/* What is rare: returns when it wants to be asked again. */
static uint64_t housekeeping(struct engine *engine, uint64_t now)
{
	measuring_look(engine);
	if (now >= engine->clock_ticks)
		clock_follow(engine);
	if (__atomic_load_n(&engine->stop, __ATOMIC_RELAXED) && engine->end_ticks > now) {
		engine->stop_ticks -= engine->end_ticks - now;
		engine->end_ticks = now;
	}
	return now + engine->meter->hz / 10000;
}

/* What was due in the measurement and has not been sent. */
static void run_end(struct engine *engine)
{
	uint64_t next_ticks = engine->schedule.next_ticks;

	if (!engine->measuring && engine->end_ticks > engine->measure_ticks) {
		measuring_begin(engine); /* it never came out of the warm-up */
		next_ticks = engine->measure_ticks;
	}
	engine->unsent = waiting_drop(engine, engine->waiting_count);
	if (next_ticks < engine->end_ticks)
		engine->unsent +=
			schedule_expected(&engine->schedule.spec, engine->end_ticks - next_ticks);
}

int engine_measure(void *argument)
{
	struct engine *engine = argument;
	uint64_t now, rare = 0;

	do {
		unsigned int busy = frames_receive(engine, &now);

		if (now >= rare)
			rare = housekeeping(engine, now);
		if (busy >= RECEIVED_LONG) /* checking them took time */
			now = rte_rdtsc();
		if (now < engine->end_ticks)
			busy += requests_send(engine, now);
		if (busy == 0)
			idle(engine, engine->schedule.next_ticks - now);
		turn_end(engine);
	} while (now < engine->stop_ticks);
	run_end(engine);
	return 0;
}

/* --- reflecting ------------------------------------------------------------------------------ */

static unsigned int reflect_burst(struct engine *engine)
{
	UNSET struct rte_mbuf *mbuf[ENGINE_BURST];
	UNSET struct rte_mbuf *answer[ENGINE_BURST];
	unsigned int count, answers = 0, sent;
	uint64_t ntp;

	count = rte_eth_rx_burst(engine->port->id, 0, mbuf, (uint16_t)engine->burst);
	if (count == 0)
		return 0;
	ntp = ntp_now();
	for (unsigned int i = 0; i < count; i++) {
		prefetch_write(rte_pktmbuf_mtod(mbuf[i], uint8_t *));
		prefetch_write(rte_pktmbuf_mtod(mbuf[i], uint8_t *) + RTE_CACHE_LINE_SIZE);
	}
	for (unsigned int i = 0; i < count; i++) {
		uint32_t length = mbuf[i]->data_len;

		if (!reflect_frame(rte_pktmbuf_mtod(mbuf[i], uint8_t *), &length, ntp, ntp + 1)) {
			other_frame(engine, mbuf[i]);
			continue;
		}
		mbuf[i]->data_len = (uint16_t)length;
		mbuf[i]->pkt_len = length;
		answer[answers++] = mbuf[i];
	}
	sent = rte_eth_tx_burst(engine->port->id, 0, answer, (uint16_t)answers);
	rte_pktmbuf_free_bulk(answer + sent, answers - sent);
	__atomic_store_n(&engine->reflected, engine->reflected + sent, __ATOMIC_RELAXED);
	return count;
}

int engine_reflect(void *argument)
{
	struct engine *engine = argument;

	while (!__atomic_load_n(&engine->stop, __ATOMIC_RELAXED)) {
		if (reflect_burst(engine) == 0)
			idle(engine, INT64_MAX);
		turn_end(engine);
	}
	return 0;
}
