/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"
#include <errno.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define WAIT_MS 1 /* of the main thread, for a turn of a worker to end */

/*
 * After an empty turn that began at counter `turn_counter`. A nap leaves open when a packet without
 * a stamp came, so it is kept since when there can have been none.
 */
static void worker_idle(
	struct worker *worker, const struct server_view *view, uint64_t turn_counter)
{
	struct port_queue *queue = worker->queue[0];
	bool watchable = worker->queue_count == 1 && queue->operations->watch != NULL;
	uint32_t nap_max_ns = view->nap_max_ns;
	enum idle_step step;

	if (worker->unstamped && nap_max_ns > IDLE_UNSTAMPED_MAX_NS)
		nap_max_ns = IDLE_UNSTAMPED_MAX_NS;
	step = idle_step(&worker->idle, nap_max_ns, watchable);
	worker->empty_counter = step == IDLE_NAP ? turn_counter : 0;
	idle_wait(&worker->idle, step, queue);
}

/* Accounts for the turn that ended at `now_counter`. */
static void worker_busy(struct worker *worker, uint64_t turn_counter, uint64_t now_counter)
{
	uint64_t ns = stamp_rate_ns(&worker->server.rate, now_counter - turn_counter);

	idle_busy(&worker->idle);
	worker->empty_counter = 0;
	meridian_stats_add(&worker->slot->busy_ns, ns);
}

/* Since when a burst's packets without a stamp may have come; 0: just now, or there are none. */
static uint64_t burst_since(
	struct worker *worker, const struct port_packet *packet, unsigned int count)
{
	if (worker->empty_counter == 0)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		if (packet[i].has_stamp)
			continue;
		worker->unstamped = true;
		return worker->empty_counter;
	}
	return 0;
}

/*
 * T3 is read for each reply when the rest of it is complete: what follows for this packet is its
 * checksum, those of the replies behind it in the burst, and one transmit call for all of them.
 */
static void replies_send(struct worker *worker, struct port_queue *queue,
	struct port_packet *packet, struct server_reply *reply, unsigned int count)
{
	unsigned int sent;

	for (unsigned int i = 0; i < count; i++) {
		server_finish(&worker->server, &reply[i]);
		packet[i].length = reply[i].frame.length;
	}
	sent = queue->operations->transmit(queue, packet, count);
	if (sent < count)
		queue->operations->release(queue, packet + sent, count - sent);
	for (unsigned int i = 0; i < count; i++)
		server_sent(&worker->server, &reply[i], i < sent);
}

static void burst_serve(struct worker *worker, struct port_queue *queue,
	const struct server_view *view, struct port_packet *packet, unsigned int count)
{
	struct server_reply reply[PORT_BURST];
	unsigned int accepted = 0;

	server_begin(&worker->server, view, queue->stamp_clock, burst_since(worker, packet, count));
	for (unsigned int i = 0; i < count; i++) {
		enum meridian_stamp source =
			packet[i].has_stamp ? queue->stamp_source : MERIDIAN_STAMP_counter;

		reply[accepted].frame = (struct frame){.data = packet[i].data,
			.length = packet[i].length,
			.mac = queue->mac,
			.checksum_good = packet[i].checksum_good};
		if (server_classify(&worker->server, &reply[accepted], source, packet[i].stamp_ns))
			packet[accepted++] = packet[i];
		else
			queue->operations->release(queue, &packet[i], 1);
	}
	if (accepted > 0)
		replies_send(worker, queue, packet, reply, accepted);
	meridian_stats_add(&worker->slot->bursts, 1);
}

/* Polls every queue once. Returns whether there was anything. */
static bool queues_poll(struct worker *worker, const struct server_view *view)
{
	struct port_packet packet[PORT_BURST];
	bool busy = false;

	for (unsigned int i = 0; i < worker->queue_count; i++) {
		struct port_queue *queue = worker->queue[i];
		unsigned int count = queue->operations->receive(queue, packet);

		if (count > 0) {
			burst_serve(worker, queue, view, packet, count);
			busy = true;
		}
	}
	return busy;
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
		bool busy;

		worker_report(worker, phase, view);
		busy = queues_poll(worker, view);
		turn_end(worker);
		if (busy)
			worker_busy(worker, turn_counter,
				meridian_counter_read(worker->server.counter_id));
		else
			worker_idle(worker, view, turn_counter);
	}
	server_set(&worker->slot->state, MERIDIAN_WORKER_STOPPING);
	return 0;
}

int worker_init(struct worker *worker, struct meridian_stats_worker *slot, uint32_t core,
	const struct server_view *view)
{
	memset(worker, 0, sizeof(*worker));
	worker->queue = calloc(WORKER_QUEUES_MAX, sizeof(struct port_queue *));
	if (worker->queue == NULL)
		return -ENOMEM;
	worker->slot = slot;
	worker->view = view;
	server_init(&worker->server, slot);
	worker->server.counter_id = view->counter_id;
	server_set(&slot->core, core);
	server_set(&slot->policy_generation, 0);
	server_set(&slot->state, MERIDIAN_WORKER_STARTING);
	return 0;
}

void worker_fini(struct worker *worker)
{
	server_set(&worker->slot->state, MERIDIAN_WORKER_ABSENT);
	free(worker->queue);
	worker->queue = NULL;
}

void worker_add(struct worker *worker, struct port_queue *queue)
{
	worker->queue[worker->queue_count++] = queue;
	worker->unstamped |= queue->stamp_source == MERIDIAN_STAMP_counter;
}

void worker_set_phase(struct worker *worker, enum worker_phase phase)
{
	__atomic_store_n(&worker->phase, phase, __ATOMIC_RELAXED);
}

/* Naps are counted, not the time: a stopped process is not a worker that hangs. */
static bool worker_wait_turn(const struct worker *worker, uint64_t heartbeat)
{
	static const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000};

	for (int wait = 0; wait < WORKER_TURN_MAX_MS / WAIT_MS; wait++) {
		if (__atomic_load_n(&worker->slot->heartbeat, __ATOMIC_ACQUIRE) != heartbeat)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int worker_show(struct worker *worker, unsigned int count, const struct server_view *view,
	unsigned int *ret_hung)
{
	for (unsigned int i = 0; i < count; i++)
		__atomic_store_n(&worker[i].view, view, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t heartbeat = __atomic_load_n(&worker[i].slot->heartbeat, __ATOMIC_SEQ_CST);

		if (!worker_wait_turn(&worker[i], heartbeat)) {
			*ret_hung = i;
			return -ETIMEDOUT;
		}
	}
	return 0;
}
