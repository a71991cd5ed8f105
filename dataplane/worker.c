/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/*
 * An idle worker first spins, for the low latency of a loaded server, then naps, the longer the
 * longer nothing comes. A nap does not hurt T2: the stamp was taken by the XDP program. It adds to
 * the time until the reply is sent, which T3 accounts for. Where stamps are missing, T2 is the end
 * of the nap, and naps stay short.
 */
#define SPIN_TURNS   1000
#define SHORT_NAPS   40 /* a bit over 2 ms */
#define NAP_SHORT_NS 50000
#define NAP_LONG_NS  500000

#define WAIT_MS 1 /* of the main thread, for a turn of a worker to end */

static void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void worker_idle(struct worker *worker)
{
	static const struct timespec short_nap = {.tv_nsec = NAP_SHORT_NS};
	static const struct timespec long_nap = {.tv_nsec = NAP_LONG_NS};

	if (worker->empty_turns < SPIN_TURNS) {
		worker->empty_turns++;
		cpu_pause();
	} else if (worker->empty_turns < SPIN_TURNS + SHORT_NAPS) {
		worker->empty_turns += !worker->unstamped;
		nanosleep(&short_nap, NULL);
	} else {
		nanosleep(&long_nap, NULL);
	}
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

	server_begin(&worker->server, view, queue->stamp_clock);
	for (unsigned int i = 0; i < count; i++) {
		enum meridian_stamp source =
			packet[i].has_stamp ? queue->stamp_source : MERIDIAN_STAMP_counter;

		worker->unstamped |= !packet[i].has_stamp;
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

int worker_run(void *argument)
{
	struct worker *worker = argument;
	enum worker_phase phase;

	prctl(PR_SET_TIMERSLACK, 1); /* naps would be 50 us longer; no harm when it fails */
	while ((phase = __atomic_load_n(&worker->phase, __ATOMIC_RELAXED)) != WORKER_STOP) {
		const struct server_view *view = __atomic_load_n(&worker->view, __ATOMIC_SEQ_CST);
		bool busy;

		server_set(&worker->slot->state,
			phase == WORKER_DRAIN ? MERIDIAN_WORKER_STOPPING : MERIDIAN_WORKER_POLLING);
		server_set(&worker->slot->policy_generation, view->policy->generation);
		busy = queues_poll(worker, view);
		turn_end(worker);
		if (busy)
			worker->empty_turns = 0;
		else
			worker_idle(worker);
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
