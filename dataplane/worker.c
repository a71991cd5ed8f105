/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"
#include "port_stamps.h"
#include <errno.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

_Static_assert(PORT_BURST <= BURST_MAX, "a burst of a port is served at once");

/* So many full bursts empty the rings of 2048 that a nap may have filled; what comes later came
 * after it. */
#define NAP_TURNS (2048 / PORT_BURST)

#define WAIT_MS 1 /* of another thread, for a turn of a worker to end */

/*
 * After an empty turn that began at counter `turn_counter`. A nap leaves open when a packet without
 * a stamp came, so it is kept since when there can have been none.
 */
static void worker_idle(struct worker *worker, uint32_t nap_max_ns, uint64_t turn_counter)
{
	struct port_queue *first = worker->queue[0];
	struct idle_place place = {
		.watched = worker->queue_count == 1 && first->operations->watch ? first : NULL,
		.wake = worker->wake,
		.wake_count = worker->wake_count,
		.rousing = worker->wake_count == worker->queue_count && !worker->unstamped,
	};
	enum idle_step step;

	if (worker->unstamped && nap_max_ns > IDLE_UNSTAMPED_MAX_NS)
		nap_max_ns = IDLE_UNSTAMPED_MAX_NS;
	step = idle_step(&worker->idle, nap_max_ns, &place);
	worker->empty_counter = step == IDLE_NAP ? turn_counter : 0;
	worker->nap_turns = NAP_TURNS;
	idle_wait(&worker->idle, step, &place);
}

/* Accounts for the turn that ended at `now_counter`. While bursts are `full` after a nap, what came
 * during it is still being taken from the rings. */
static void worker_busy(
	struct worker *worker, bool full, uint64_t turn_counter, uint64_t now_counter)
{
	uint64_t ns = stamp_rate_ns(&worker->server.rate, now_counter - turn_counter);

	idle_busy(&worker->idle);
	if (!full || worker->nap_turns == 0)
		worker->empty_counter = 0;
	else
		worker->nap_turns--;
	meridian_stats_add(&worker->slot->busy_ns, ns);
}

/* Since when a burst's packets without a stamp may have come; 0: just now, or there are none. */
static uint64_t burst_since(struct worker *worker, unsigned int count)
{
	if (worker->empty_counter == 0)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		if (worker->packet[i].has_stamp || worker->packet[i].has_device_stamp)
			continue;
		worker->unstamped = true;
		return worker->empty_counter;
	}
	return 0;
}

static void packet_keep(struct worker *worker, unsigned int to, unsigned int from)
{
	if (to == from)
		return;
	server_keep(&worker->burst, to, from);
	worker->packet[to] = worker->packet[from];
}

/* Returns false if the frame is stale. */
static inline bool frame_place(
	struct worker *worker, const struct port_queue *queue, unsigned int i)
{
	const struct port_packet *packet = &worker->packet[i];

	if (queue->device_line != NULL && packet->has_device_stamp)
		return server_place_counter(
			&worker->server, &worker->burst, i, packet->stamp_counter);
	return server_place(&worker->server, &worker->burst, i, port_stamp_source(queue, packet),
		packet->stamp_ns);
}

/* Takes the packets for which there is a bit in `stale` out of the burst. Returns how many. */
static unsigned int stale_drop(
	struct worker *worker, const struct port_queue *queue, unsigned int count, uint64_t stale)
{
	unsigned int kept = 0, dropped = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (stale >> i & 1) {
			worker->burst.stamp[port_stamp_source(queue, &worker->packet[i])]--;
			worker->dropped[dropped++] = worker->packet[i];
		} else {
			packet_keep(worker, kept++, i);
		}
	}
	worker->burst.count = kept;
	server_stale(&worker->server, dropped);
	return dropped;
}

/* Of a queue whose packets may have stamps of different kinds. */
static void device_stamps_count(
	struct worker *worker, const struct port_queue *queue, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		worker->burst.stamp[port_stamp_source(queue, &worker->packet[i])]++;
}

/* Makes the packets' frames the burst, but for stale ones, which go to `dropped`. What is counted
 * stays in registers. */
static void burst_take(struct worker *worker, const struct port_queue *queue, unsigned int count,
	unsigned int *ret_dropped)
{
	struct server_burst *burst = &worker->burst;
	uint64_t mac = frame_mac(queue->mac), stale = 0, octets = 0;
	unsigned int stamped = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct port_packet *packet = &worker->packet[i];
		struct frame *frame = &burst->frame[i];

		frame->data = packet->data;
		frame->length = packet->length;
		frame->mac = mac;
		frame->checksum_good = packet->checksum_good;
		octets += packet->length;
		stamped += packet->has_stamp;
		if (__builtin_expect(!frame_place(worker, queue, i), 0))
			stale |= UINT64_C(1) << i;
	}
	burst->count = burst->rx_packets = count;
	burst->rx_octets = octets;
	if (queue->device_line != NULL) {
		device_stamps_count(worker, queue, count);
	} else {
		burst->stamp[queue->stamp_source] = stamped;
		burst->stamp[MERIDIAN_STAMP_counter] += count - stamped;
	}
	*ret_dropped = stale == 0 ? 0 : stale_drop(worker, queue, count, stale);
}

/* With its receive time; without a stamp, when the worker took it: who asked a server can do more
 * with a time that is surely not too early than with one in the middle of a nap. */
static void packet_punt(
	struct worker *worker, const struct port_queue *queue, unsigned int i, unsigned int place)
{
	struct port_packet *packet = &worker->punted[place];

	*packet = worker->packet[i];
	packet->stamp_counter = port_stamp_source(queue, packet) == MERIDIAN_STAMP_counter
		? worker->server.now.counter
		: worker->burst.receive_counter[i];
}

/* Moves what is answered to the front, and the other packets to `dropped` or `punted`. */
static void burst_sort(struct worker *worker, const struct port_queue *queue, unsigned int *dropped,
	unsigned int *punted)
{
	struct server_burst *burst = &worker->burst;
	unsigned int kept = 0;

	if (burst->all_answered)
		return;
	for (unsigned int i = 0; i < burst->count; i++) {
		if (server_answers(burst, i))
			packet_keep(worker, kept++, i);
		else if (server_punts(burst, i))
			packet_punt(worker, queue, i, (*punted)++);
		else
			worker->dropped[(*dropped)++] = worker->packet[i];
	}
	burst->count = kept;
}

/* When the `sent` replies left, in the call of transmit() that has just returned. Returns false if
 * that is not known. */
static bool replies_left(const struct worker *worker, struct port_queue *queue, unsigned int sent,
	struct server_left *ret_left)
{
	uint64_t begin = worker->burst.handed_counter;
	uint64_t end = meridian_counter_read(worker->server.counter_id);
	uint64_t step = sent > 0 ? (end - begin) / sent : 0;
	uint64_t together = queue->leave_share > 0 ? step : end - begin;
	struct port_leave_times times;

	if (sent == 0 || stamp_rate_ns(&worker->server.rate, together) > SERVER_LEAVE_MAX_NS)
		return false;
	*ret_left = (struct server_left){.counter = worker->server.transmit_delay_ns != 0
			? worker->burst.transmit_counter
			: end};
	if (queue->leave_share > 0) {
		times = port_leave_learn(&queue->leave, sent, step, queue->leave_share);
		*ret_left = (struct server_left){begin + times.first_ticks, times.step_ticks};
	}
	return true;
}

/* Keeps when replies left for the clients that want to know. */
static void replies_save(struct worker *worker, struct port_queue *queue, unsigned int sent)
{
	struct server_left left;

	if (server_saves(&worker->burst) && replies_left(worker, queue, sent, &left))
		server_save(&worker->server, &worker->burst, sent, left);
}

/* What was handed over only after it should have left is late for certain. */
static void late_count(const struct worker *worker, struct port_queue *queue, unsigned int sent)
{
	uint64_t now_counter = meridian_counter_read(worker->server.counter_id);

	if (now_counter > worker->burst.transmit_counter)
		meridian_stats_add(&queue->late, sent);
}

/*
 * T3 is read once, when all else is complete: what follows are a few dozen nanoseconds of
 * checksums, MACs, whose time is added to T3, and one transmit call for all replies.
 */
static void replies_send(struct worker *worker, struct port_queue *queue)
{
	unsigned int count = worker->burst.count, sent;

	server_finish(&worker->server, &worker->burst);
	for (unsigned int i = 0; i < count; i++)
		worker->packet[i].length = worker->burst.frame[i].length;
	queue->handed_counter = worker->burst.handed_counter;
	sent = queue->operations->transmit(queue, worker->packet, count);
	if (queue->timed)
		late_count(worker, queue, sent);
	replies_save(worker, queue, sent);
	if (sent < count)
		queue->operations->release(queue, worker->packet + sent, count - sent);
	server_sent(&worker->server, &worker->burst, sent);
}

static void packets_punt(struct worker *worker, struct port_queue *queue, unsigned int count)
{
	unsigned int taken;

	queue->arrival_error_ns = worker->server.stamp_error_ns;
	queue->scattered_octets = 0;
	taken = queue->operations->punt(queue, worker->punted, count);
	meridian_stats_add(&worker->slot->rx_octets, queue->scattered_octets);
	server_punted(&worker->server, taken, count - taken);
}

static void way_prepare(struct worker *worker, struct port_queue *queue, unsigned int count)
{
	struct server *server = &worker->server;
	struct port_way way =
		port_transmit_prepare(queue, count, worker->packet[0].length, server->now.counter);

	server->transmit_delay_ns = way.delay_ns;
	server->transmit_error_ns = (uint64_t)way.error_ns;
}

/* How far off the kernel's stamps in a burst may be. */
static uint64_t kernel_stamps_error_ns(const struct worker *worker, unsigned int count)
{
	const struct stamp_clock *now = &worker->server.now;
	uint64_t oldest_ns = now->clock_ns;

	if (now->strayed_ns == 0)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		const struct port_packet *packet = &worker->packet[i];

		if (packet->has_stamp && (int64_t)(packet->stamp_ns - oldest_ns) < 0)
			oldest_ns = packet->stamp_ns;
	}
	return stamp_error_ns(now, oldest_ns);
}

/* What is known of this queue's stamps and of its way to the wire. */
static void burst_prepare(struct worker *worker, struct port_queue *queue, unsigned int count)
{
	struct server *server = &worker->server;

	server->rxcomp_ns = queue->rxcomp_ns;
	server->transmit_delay_ns = queue->transmit_delay_ns;
	server->transmit_error_ns = 0;
	if (queue->transmit != NULL)
		way_prepare(worker, queue, count);
	server->stamp_error_ns = 0;
	if (queue->stamp_source != MERIDIAN_STAMP_counter)
		server->stamp_error_ns = kernel_stamps_error_ns(worker, count);
	if (queue->device_line != NULL)
		server->stamp_error_ns +=
			port_stamps_judge(queue, worker->packet, count, &server->now);
}

static void burst_serve(struct worker *worker, struct port_queue *queue,
	const struct server_view *view, unsigned int count)
{
	bool stamped = queue->stamp_source != MERIDIAN_STAMP_counter;
	bool punts = queue->operations->punt != NULL;
	unsigned int dropped, punted = 0;

	server_look(&worker->server, view, stamped ? queue->stamp_clock : SERVER_NO_CLOCK);
	burst_prepare(worker, queue, count);
	worker->burst.punts = punts;
	server_begin(&worker->server, &worker->burst, view, burst_since(worker, count));
	burst_take(worker, queue, count, &dropped);
	server_classify(&worker->server, &worker->burst);
	burst_sort(worker, queue, &dropped, &punted);
	if (dropped > 0)
		queue->operations->release(queue, worker->dropped, dropped);
	if (worker->burst.count > 0)
		replies_send(worker, queue);
	if (punts && punted > 0)
		packets_punt(worker, queue, punted);
	meridian_stats_add(&worker->slot->bursts, 1);
}

/* Polls every queue once. Returns the size of the largest burst. */
static unsigned int queues_poll(
	struct worker *worker, const struct server_view *view, uint64_t turn_counter)
{
	unsigned int largest = 0;

	for (unsigned int i = 0; i < worker->queue_count; i++) {
		struct port_queue *queue = worker->queue[i];
		unsigned int count = queue->operations->receive(queue, worker->packet);

		if (count > 0)
			burst_serve(worker, queue, view, count);
		port_stamps_taken(queue, count, turn_counter);
		if (count > largest)
			largest = count;
	}
	return largest;
}

/* The end of a turn: whoever sees the heartbeat move knows that the view of before is let go.
 * Sequentially consistent, lest the next turn's load of the view overtakes the store. */
static void turn_end(struct worker *worker)
{
	uint64_t *heartbeat = &worker->slot->heartbeat;

	__atomic_store_n(heartbeat, *heartbeat + 1, __ATOMIC_SEQ_CST);
}

/* Stores what has changed since the turn before: others read these lines. */
static void worker_report(
	struct worker *worker, enum worker_phase phase, const struct server_view *view)
{
	uint64_t state = phase == WORKER_DRAIN ? MERIDIAN_WORKER_STOPPING : MERIDIAN_WORKER_POLLING;
	uint64_t generation = view->policy->generation;

	if (worker->slot->state != state)
		server_set(&worker->slot->state, state);
	if (worker->slot->policy_generation != generation)
		server_set(&worker->slot->policy_generation, generation);
}

int worker_run(void *argument)
{
	struct worker *worker = argument;
	enum worker_phase phase;

	prctl(PR_SET_TIMERSLACK, 1); /* naps would be 50 us longer; no harm when it fails */
	while ((phase = __atomic_load_n(&worker->phase, __ATOMIC_RELAXED)) != WORKER_STOP) {
		const struct server_view *view = __atomic_load_n(&worker->view, __ATOMIC_SEQ_CST);
		uint64_t turn_counter = meridian_counter_read(worker->server.counter_id);
		uint32_t nap_max_ns = view->nap_max_ns;
		unsigned int largest;

		worker_report(worker, phase, view);
		largest = queues_poll(worker, view, turn_counter);
		turn_end(worker); /* the view is let go */
		if (largest > 0)
			worker_busy(worker, largest == PORT_BURST, turn_counter,
				meridian_counter_read(worker->server.counter_id));
		else
			worker_idle(worker, nap_max_ns, turn_counter);
	}
	server_set(&worker->slot->state, MERIDIAN_WORKER_STOPPING);
	__atomic_store_n(&worker->returned, true, __ATOMIC_RELEASE);
	return 0;
}

static void queues_free(struct worker *worker)
{
	free(worker->queue);
	free(worker->wake);
	worker->queue = NULL;
	worker->wake = NULL;
}

int worker_init(struct worker *worker, struct meridian_stats_worker *slot, uint32_t core,
	const struct server_view *view)
{
	memset(worker, 0, sizeof(*worker));
	worker->queue = calloc(WORKER_QUEUES_MAX, sizeof(struct port_queue *));
	worker->wake = calloc(WORKER_QUEUES_MAX, sizeof(*worker->wake));
	worker->slot = slot;
	worker->view = view;
	if (worker->queue == NULL || worker->wake == NULL ||
		server_init(&worker->server, slot, LIMIT_SETS_LOG2) < 0) {
		queues_free(worker);
		return -ENOMEM;
	}
	worker->server.counter_id = view->counter_id;
	server_set(&slot->core, core);
	server_set(&slot->policy_generation, 0);
	server_set(&slot->state, MERIDIAN_WORKER_STARTING);
	return 0;
}

void worker_fini(struct worker *worker)
{
	server_set(&worker->slot->state, MERIDIAN_WORKER_ABSENT);
	server_fini(&worker->server);
	queues_free(worker);
}

/* A device's stamps are judged by when the queue was seen empty: these are not slept through. */
static int wake_fd(const struct port_queue *queue)
{
	if (queue->operations->wake_fd == NULL || queue->device_line != NULL)
		return -1;
	return queue->operations->wake_fd(queue);
}

void worker_add(struct worker *worker, struct port_queue *queue)
{
	int fd = wake_fd(queue);

	worker->queue[worker->queue_count++] = queue;
	if (fd >= 0)
		worker->wake[worker->wake_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	worker->unstamped |=
		queue->stamp_source == MERIDIAN_STAMP_counter && queue->device_line == NULL;
}

void worker_set_phase(struct worker *worker, enum worker_phase phase)
{
	__atomic_store_n(&worker->phase, phase, __ATOMIC_RELAXED);
}

void worker_give_up(struct worker *worker)
{
	__atomic_store_n(&worker->returned, true, __ATOMIC_RELEASE);
}

/* Naps are counted, not the time: a stopped process is not a worker that hangs. */
static bool worker_wait_turn(const struct worker *worker, uint64_t heartbeat)
{
	static const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000};

	for (int wait = 0; wait < WORKER_TURN_MAX_MS / WAIT_MS; wait++) {
		if (__atomic_load_n(&worker->slot->heartbeat, __ATOMIC_ACQUIRE) != heartbeat ||
			__atomic_load_n(&worker->returned, __ATOMIC_ACQUIRE))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int worker_wait(const struct worker *worker, unsigned int count, unsigned int *ret_hung)
{
	uint64_t heartbeat[MERIDIAN_STATS_WORKERS_MAX];

	for (unsigned int i = 0; i < count; i++)
		heartbeat[i] = __atomic_load_n(&worker[i].slot->heartbeat, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < count; i++) {
		if (!worker_wait_turn(&worker[i], heartbeat[i])) {
			*ret_hung = i;
			return -ETIMEDOUT;
		}
	}
	return 0;
}

int worker_show(struct worker *worker, unsigned int count, const struct server_view *view,
	unsigned int *ret_hung)
{
	for (unsigned int i = 0; i < count; i++)
		__atomic_store_n(&worker[i].view, view, __ATOMIC_SEQ_CST);
	return worker_wait(worker, count, ret_hung);
}
