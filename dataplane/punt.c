/* SPDX-License-Identifier: BSD-3-Clause */
#include "punt.h"
#include "random_seed.h"
#include "triage.h"
#include <errno.h>
#include <meridian/counter.h>
#include <poll.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define RING_MAX    1024
#define RING_MIN    64
#define BURST       32
#define SENDER_PART 8  /* of a ring a sender may fill, while it is half full */
#define FRAME_MIN   60 /* what goes on an Ethernet, without its checksum */

/* While frames come, the ring is looked at again so soon; after a while without, less often. */
#define NAP_BUSY_NS  50000
#define NAP_QUIET_NS 1000000
#define QUIET_NS     UINT64_C(100000000)

#define SECOND_NS    UINT64_C(1000000000)
#define ALLOWANCE_NS (SECOND_NS / 10) /* of frames that may go at once after a rest */

struct punt {
	struct rte_ring *to_kernel[MERIDIAN_PUNT_COUNT]; /* many producers */
	struct rte_ring *from_kernel;                    /* one each way */
	struct triage *triage;
	struct rte_mempool *pool;
	int fd;
	uint32_t packets_per_s;
	uint32_t more[MERIDIAN_PUNT_COUNT]; /* buffers in to_kernel beyond one a frame; of all */
	pthread_t thread;
	bool running; /* the thread was made */
	bool stop;    /* written by the main thread */

	/* The thread's own. */
	struct rte_mbuf *spare[MTU_BUFFERS_MAX]; /* for the next frame from the kernel ... */
	unsigned int buffers;                    /* ... so many of them */
	uint64_t credit_ns; /* of time in which frames may go, up to ALLOWANCE_NS */
	uint64_t last_ns;   /* when it was counted */
	uint64_t active_ns; /* when a frame went either way */
	unsigned int class; /* whose turn it is ... */
	unsigned int left;  /* ... and how many frames are left of it */
	uint32_t window;    /* tenths of a second; read by workers */
	uint64_t refused;   /* read by others */
};

/* How many frames the kernel may have now. */
static unsigned int allowance(struct punt *punt, uint64_t now_ns)
{
	uint64_t frames;

	punt->credit_ns += now_ns - punt->last_ns;
	punt->last_ns = now_ns;
	if (punt->credit_ns > ALLOWANCE_NS)
		punt->credit_ns = ALLOWANCE_NS;
	frames = punt->credit_ns * punt->packets_per_s / SECOND_NS;
	return frames < BURST ? (unsigned int)frames : BURST;
}

/* One write(2), which the TAP device takes as one frame. */
static bool frame_write(const struct punt *punt, const struct rte_mbuf *mbuf)
{
	struct iovec piece[MTU_BUFFERS_MAX];
	int count = 0;

	for (; mbuf && count < MTU_BUFFERS_MAX; mbuf = mbuf->next)
		piece[count++] = (struct iovec){rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len};
	return mbuf == NULL && writev(punt->fd, piece, count) >= 0;
}

/* Frames of a class have left its ring. */
static void more_give_back(struct punt *punt, struct rte_mbuf *const *mbuf, unsigned int count)
{
	uint32_t more = 0;

	for (unsigned int i = 0; i < count; i++)
		more += mbuf[i]->nb_segs - 1U;
	if (more > 0)
		__atomic_fetch_sub(&punt->more[punt->class], more, __ATOMIC_RELAXED);
}

/* Up to `most` frames: by turns each class has its share, and what one leaves, the others get. */
static unsigned int frames_choose(
	struct punt *punt, struct rte_mbuf *mbuf[BURST], unsigned int most)
{
	unsigned int count = 0;

	for (unsigned int empty = 0; count < most && empty <= MERIDIAN_PUNT_COUNT;) {
		unsigned int wanted = punt->left < most - count ? punt->left : most - count;
		unsigned int taken = rte_ring_dequeue_burst(
			punt->to_kernel[punt->class], (void **)(mbuf + count), wanted, NULL);

		more_give_back(punt, mbuf + count, taken);
		count += taken;
		punt->left -= taken;
		empty = taken > 0 ? 0 : empty + 1;
		if (taken == wanted && punt->left > 0)
			break;
		punt->class = (punt->class + 1) % MERIDIAN_PUNT_COUNT;
		punt->left = meridian_punt_share(punt->class);
	}
	return count;
}

/* Returns how many frames were there to be moved. */
static unsigned int move_to_kernel(struct punt *punt, uint64_t now_ns)
{
	struct rte_mbuf *mbuf[BURST];
	unsigned int most = allowance(punt, now_ns);
	unsigned int count = frames_choose(punt, mbuf, most);

	punt->credit_ns -= count * SECOND_NS / punt->packets_per_s;
	for (unsigned int i = 0; i < count; i++) {
		if (!frame_write(punt, mbuf[i]))
			__atomic_store_n(&punt->refused, punt->refused + 1, __ATOMIC_RELAXED);
	}
	rte_pktmbuf_free_bulk(mbuf, count);
	return count;
}

/* Frames from the kernel may be shorter than a NIC can send. */
static void frame_pad(struct rte_mbuf *mbuf)
{
	uint16_t missing = mbuf->pkt_len < FRAME_MIN ? (uint16_t)(FRAME_MIN - mbuf->pkt_len) : 0;

	memset(rte_pktmbuf_append(mbuf, missing), 0, missing);
}

/* A spare buffer with the next octets of `*left`, which is less by them then. */
static struct rte_mbuf *spare_take(struct punt *punt, unsigned int i, size_t *left)
{
	struct rte_mbuf *mbuf = punt->spare[i];
	uint16_t room = rte_pktmbuf_tailroom(mbuf);
	uint16_t length = *left < room ? (uint16_t)*left : room;

	punt->spare[i] = NULL;
	rte_pktmbuf_append(mbuf, length);
	*left -= length;
	return mbuf;
}

/* The first `length` octets of the spare buffers as a frame. */
static struct rte_mbuf *frame_take(struct punt *punt, size_t length)
{
	struct rte_mbuf *frame = spare_take(punt, 0, &length);

	for (unsigned int i = 1; length > 0; i++)
		rte_pktmbuf_chain(frame, spare_take(punt, i, &length));
	frame_pad(frame);
	return frame;
}

/* Returns the octets that a frame may have, and one more; 0: there are not enough buffers. */
static size_t spares_prepare(struct punt *punt, struct iovec piece[MTU_BUFFERS_MAX])
{
	size_t room = 0;

	for (unsigned int i = 0; i < punt->buffers; i++) {
		if (punt->spare[i] == NULL)
			punt->spare[i] = rte_pktmbuf_alloc(punt->pool);
		if (punt->spare[i] == NULL)
			return 0;
		piece[i] = (struct iovec){rte_pktmbuf_mtod(punt->spare[i], void *),
			rte_pktmbuf_tailroom(punt->spare[i])};
		room += piece[i].iov_len;
	}
	return room;
}

/* Returns false when there is no frame, or no buffers for one. One that fills all of them was cut:
 * the TAP device has just got a larger MTU than the NIC. */
static bool frame_read(struct punt *punt, struct rte_mbuf **ret_frame)
{
	struct iovec piece[MTU_BUFFERS_MAX];
	size_t room = spares_prepare(punt, piece);
	ssize_t length = room == 0 ? 0 : readv(punt->fd, piece, (int)punt->buffers);

	if (length <= 0)
		return false;
	*ret_frame = (size_t)length < room ? frame_take(punt, (size_t)length) : NULL;
	return true;
}

/* Reads no more than there is room for: what waits, waits in the kernel. */
static unsigned int move_from_kernel(struct punt *punt, uint64_t now_ns)
{
	unsigned int room = rte_ring_free_count(punt->from_kernel), count = 0;
	struct rte_mbuf *mbuf;

	for (; count < room && count < BURST && frame_read(punt, &mbuf); count++) {
		if (mbuf == NULL)
			continue;
		triage_sent(punt->triage, rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len,
			(uint32_t)(now_ns / SECOND_NS));
		rte_ring_enqueue(punt->from_kernel, mbuf);
	}
	return count;
}

/* Until the kernel has a frame, or it is time to look at the workers' ring again. */
static void wait_for_frames(const struct punt *punt, uint64_t now_ns)
{
	bool quiet = now_ns - punt->active_ns > QUIET_NS;
	struct timespec nap = {.tv_nsec = quiet ? NAP_QUIET_NS : NAP_BUSY_NS};
	struct pollfd kernel = {.fd = punt->fd, .events = POLLIN};
	bool full = rte_ring_free_count(punt->from_kernel) == 0;

	if (ppoll(&kernel, full ? 0 : 1, &nap, NULL) > 0 && !(kernel.revents & POLLIN))
		nanosleep(&nap, NULL); /* the device was deleted: the main thread will see */
}

static void *punt_run(void *argument)
{
	struct punt *punt = argument;

	prctl(PR_SET_TIMERSLACK, 1); /* naps would be 50 us longer; no harm when it fails */
	/* With an lcore ID it has a cache of buffers, and is seldom at the pool's ring, where
	 * workers wait for a thread that lost its CPU in the midst of it. It goes on without. */
	(void)rte_thread_register();
	while (!__atomic_load_n(&punt->stop, __ATOMIC_RELAXED)) {
		uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);
		unsigned int moved = move_to_kernel(punt, now_ns);

		__atomic_store_n(
			&punt->window, (uint32_t)(now_ns / ALLOWANCE_NS), __ATOMIC_RELAXED);
		moved += move_from_kernel(punt, now_ns);

		if (moved > 0)
			punt->active_ns = now_ns;
		else
			wait_for_frames(punt, now_ns);
	}
	rte_thread_unregister();
	return NULL;
}

static struct rte_ring *ring_make(
	const char *name, const char *what, unsigned int size, unsigned int flags)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "%s_%s", name, what);
	return rte_ring_create(full, size, SOCKET_ID_ANY, flags | RING_F_EXACT_SZ);
}

/* A frame must not wait much longer than the allowance lasts, whatever a flood of its class has put
 * before it. */
static unsigned int ring_size(uint32_t packets_per_s, unsigned int share)
{
	uint64_t frames = packets_per_s * ALLOWANCE_NS / SECOND_NS * share / MERIDIAN_PUNT_SHARES;

	if (frames < RING_MIN)
		return RING_MIN;
	return frames < RING_MAX ? (unsigned int)frames : RING_MAX;
}

static bool rings_make(struct punt *punt, const char *name)
{
	bool made;

	punt->from_kernel =
		ring_make(name, "from", RING_MAX / punt->buffers, RING_F_SP_ENQ | RING_F_SC_DEQ);
	made = punt->from_kernel != NULL;
	for (unsigned int i = 0; i < MERIDIAN_PUNT_COUNT && made; i++) {
		punt->to_kernel[i] = ring_make(name, meridian_punt_name(i),
			ring_size(punt->packets_per_s, meridian_punt_share(i)), RING_F_SC_DEQ);
		made = punt->to_kernel[i] != NULL;
	}
	return made;
}

int punt_open(struct punt **ret_punt, const char *name, int fd, struct rte_mempool *pool,
	uint32_t packets_per_s, unsigned int buffers)
{
	struct punt *punt = calloc(1, sizeof(*punt));
	int r = -ENOMEM;

	if (punt == NULL)
		return r;
	punt->fd = fd;
	punt->pool = pool;
	punt->packets_per_s = packets_per_s;
	punt->buffers = buffers;
	punt->last_ns = punt->active_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	punt->left = meridian_punt_share(punt->class);
	if (rings_make(punt, name))
		r = triage_new(&punt->triage, seed_random(0));
	if (r == 0)
		r = -pthread_create(&punt->thread, NULL, punt_run, punt);
	punt->running = r == 0;
	if (r < 0)
		punt_close(punt);
	else
		*ret_punt = punt;
	return r;
}

static void ring_empty(struct rte_ring *ring)
{
	void *mbuf;

	while (ring && rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring);
}

void punt_close(struct punt *punt)
{
	if (punt->running) {
		__atomic_store_n(&punt->stop, true, __ATOMIC_RELAXED);
		pthread_join(punt->thread, NULL);
	}
	for (unsigned int i = 0; i < MERIDIAN_PUNT_COUNT; i++)
		ring_empty(punt->to_kernel[i]);
	ring_empty(punt->from_kernel);
	rte_pktmbuf_free_bulk(punt->spare, MTU_BUFFERS_MAX);
	triage_free(punt->triage);
	free(punt);
}

static void window_begin(const struct punt *punt, struct punt_queue *queue)
{
	uint32_t window = __atomic_load_n(&punt->window, __ATOMIC_RELAXED);

	if (window == queue->window)
		return;
	queue->window = window;
	memset(queue->taken, 0, sizeof(queue->taken));
}

/* Whether there is room for another frame of the sender, of so many buffers. */
static bool is_fair(unsigned int capacity, unsigned int used, unsigned int buffers, uint16_t *taken)
{
	if (used + buffers > capacity || (*taken >= capacity / SENDER_PART && used > capacity / 2))
		return false;
	*taken = (uint16_t)RTE_MIN(*taken + buffers, (unsigned int)UINT16_MAX);
	return true;
}

/* Its buffers beyond the first are counted before the frame can leave the ring. */
static bool frame_put(struct punt *punt, enum meridian_punt class, struct rte_mbuf *mbuf)
{
	uint32_t more = mbuf->nb_segs - 1U;

	if (more > 0)
		__atomic_fetch_add(&punt->more[class], more, __ATOMIC_RELAXED);
	if (rte_ring_enqueue(punt->to_kernel[class], mbuf) == 0)
		return true;
	if (more > 0)
		__atomic_fetch_sub(&punt->more[class], more, __ATOMIC_RELAXED);
	return false;
}

static bool frame_punt(struct punt *punt, struct punt_queue *queue, struct rte_mbuf *mbuf)
{
	uint32_t sender;
	enum meridian_punt class = triage_class(
		punt->triage, rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, &sender);
	const struct rte_ring *ring = punt->to_kernel[class];
	unsigned int used =
		rte_ring_count(ring) + __atomic_load_n(&punt->more[class], __ATOMIC_RELAXED);

	if (is_fair(rte_ring_get_capacity(ring), used, mbuf->nb_segs,
		    &queue->taken[class][sender % PUNT_SENDERS]) &&
		frame_put(punt, class, mbuf)) {
		meridian_stats_add(&queue->counts.to_kernel[class], 1);
		return true;
	}
	meridian_stats_add(&queue->counts.limited[class], 1);
	return false;
}

unsigned int punt_to_kernel(struct punt *punt, struct punt_queue *queue,
	struct rte_mbuf *const *mbuf, unsigned int count)
{
	struct rte_mbuf *dropped[PUNT_BURST];
	unsigned int drops = 0;

	window_begin(punt, queue);
	for (unsigned int i = 0; i < count; i++) {
		if (!frame_punt(punt, queue, mbuf[i]))
			dropped[drops++] = mbuf[i];
	}
	rte_pktmbuf_free_bulk(dropped, drops);
	return count - drops;
}

unsigned int punt_from_kernel(struct punt *punt, struct rte_mbuf **mbuf, unsigned int count)
{
	return rte_ring_dequeue_burst(punt->from_kernel, (void **)mbuf, count, NULL);
}

uint64_t punt_refused(const struct punt *punt)
{
	return __atomic_load_n(&punt->refused, __ATOMIC_RELAXED);
}
