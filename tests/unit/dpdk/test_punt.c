/* SPDX-License-Identifier: BSD-3-Clause */
#include <eal_start.h>
#include <meridian/counter.h>
#include <packet_pool.h>
#include <poll.h>
#include <punt.h>
#include <rte_lcore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_MB  32
#define BUFFERS    4095
#define WAIT_MS    5000
#define FAST_PPS   1000000
#define SLOW_PPS   1000
#define ROOM       64   /* in a ring, at that rate */
#define FLOOD      2000 /* more than that */
#define OTHERS     16
#define NEIGHBOURS 10
#define BURST      32 /* the kernel gets so many together */
#define SECOND_NS  UINT64_C(1000000000)

#define ROOM_OF_BUFFER RTE_MBUF_DEFAULT_DATAROOM
#define JUMBO_BUFFERS  MTU_BUFFERS_MAX
#define JUMBO          (JUMBO_BUFFERS * ROOM_OF_BUFFER)

/* A socket for datagrams stands for the TAP device; the kernel's end is ours. */
static int device, kernel;
static struct rte_mempool *pool;
static struct punt *punt;
static struct punt_queue queue;

/* As if packets had been there before. */
static void buffer_fill(struct rte_mempool *of, void *argument, void *object, unsigned int index)
{
	struct rte_mbuf *mbuf = object;

	(void)of;
	(void)argument;
	(void)index;
	memset(mbuf->buf_addr, 0xff, mbuf->buf_len);
}

static int group_setup(void **state)
{
	static struct eal_arguments arguments;
	int r;

	(void)state;
	eal_arguments_add(&arguments, "test_punt");
	eal_arguments_add(&arguments, "--no-pci");
	eal_arguments_memory(&arguments, MEMORY_MB, false);
	if (eal_arguments_start(&arguments) < 0)
		return -1;
	r = packet_pool_create(&pool, "test", BUFFERS, 0, SOCKET_ID_ANY);
	if (r == 0)
		rte_mempool_obj_iter(pool, buffer_fill, NULL);
	return r;
}

static void start_for(uint32_t packets_per_s, unsigned int buffers)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
	device = ends[0];
	kernel = ends[1];
	memset(&queue, 0, sizeof(queue));
	assert_int_equal(punt_open(&punt, "test", device, pool, packets_per_s, buffers), 0);
}

static void start(uint32_t packets_per_s)
{
	start_for(packets_per_s, 1);
}

/* Whatever happened, all buffers are back. */
static void stop(void)
{
	punt_close(punt);
	close(device);
	close(kernel);
	assert_int_equal(rte_mempool_avail_count(pool), BUFFERS);
}

static struct rte_mbuf *frame(uint16_t length, uint8_t fill)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	assert_non_null(mbuf);
	memset(rte_pktmbuf_append(mbuf, length), fill, length);
	return mbuf;
}

/* Length of the next frame that the kernel gets; -1: there is none. */
static ssize_t kernel_receive(uint8_t *octets, size_t size)
{
	struct pollfd wait = {.fd = kernel, .events = POLLIN};

	poll(&wait, 1, WAIT_MS);
	return recv(kernel, octets, size, 0);
}

static struct rte_mbuf *nic_receive(void)
{
	struct rte_mbuf *mbuf = NULL;

	for (int ms = 0; ms < WAIT_MS && punt_from_kernel(punt, &mbuf, 1) == 0; ms++)
		usleep(1000);
	assert_non_null(mbuf);
	return mbuf;
}

static void hands_frames_to_the_kernel(void **state)
{
	struct rte_mbuf *mbuf[3] = {frame(60, 1), frame(1500, 2), frame(100, 3)};
	uint8_t octets[2048];

	(void)state;
	mbuf[2]->next = frame(50, 4); /* a frame in two buffers */
	mbuf[2]->nb_segs = 2;
	start(FAST_PPS);
	assert_int_equal(punt_to_kernel(punt, &queue, mbuf, 3), 3);
	assert_int_equal(kernel_receive(octets, sizeof(octets)), 60);
	assert_int_equal(octets[59], 1);
	assert_int_equal(kernel_receive(octets, sizeof(octets)), 1500);
	assert_int_equal(octets[1499], 2);
	assert_int_equal(kernel_receive(octets, sizeof(octets)), 150);
	assert_int_equal(octets[99], 3);
	assert_int_equal(octets[100], 4);
	stop();
}

static void takes_frames_from_the_kernel(void **state)
{
	static const uint8_t zeros[60];
	const uint8_t arp[42] = {[41] = 7};
	uint8_t large[1500] = {[1499] = 8};
	struct rte_mbuf *mbuf;

	(void)state;
	start(FAST_PPS);
	assert_int_equal(send(kernel, arp, sizeof(arp), 0), sizeof(arp));
	assert_int_equal(send(kernel, large, sizeof(large), 0), sizeof(large));
	mbuf = nic_receive();
	assert_int_equal(mbuf->pkt_len, 60); /* as an Ethernet wants it */
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), arp, sizeof(arp));
	assert_memory_equal(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, 42), zeros, 18);
	rte_pktmbuf_free(mbuf);
	mbuf = nic_receive();
	assert_int_equal(mbuf->pkt_len, sizeof(large));
	assert_int_equal(*rte_pktmbuf_mtod_offset(mbuf, uint8_t *, 1499), 8);
	rte_pktmbuf_free(mbuf);
	stop();
}

static void send_counting(size_t length)
{
	uint8_t octets[JUMBO + 1];

	for (size_t i = 0; i < length; i++)
		octets[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(send(kernel, octets, length, 0), length);
}

static void expect_counting(struct rte_mbuf *mbuf, size_t length)
{
	uint8_t octets[JUMBO];
	const uint8_t *frame = rte_pktmbuf_read(mbuf, 0, (uint32_t)length, octets);

	assert_int_equal(mbuf->pkt_len, length);
	assert_int_equal(mbuf->nb_segs, (length + ROOM_OF_BUFFER - 1) / ROOM_OF_BUFFER);
	assert_int_equal(rte_mbuf_check(mbuf, 1, &(const char *){NULL}), 0);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(frame[i], (uint8_t)(i * 7 + i / 256));
	rte_pktmbuf_free(mbuf);
}

/* Jumbo frames, in as many buffers as each needs, short ones between them. */
static void takes_frames_of_several_buffers(void **state)
{
	static const size_t lengths[] = {JUMBO - 1, 60, ROOM_OF_BUFFER, ROOM_OF_BUFFER + 1, 1500,
		2 * ROOM_OF_BUFFER - 1, 2 * ROOM_OF_BUFFER, 2 * ROOM_OF_BUFFER + 59, 9018};

	(void)state;
	start_for(FAST_PPS, JUMBO_BUFFERS);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		send_counting(lengths[i]);
		expect_counting(nic_receive(), lengths[i]);
	}
	stop();
}

/* What may have been cut is not sent. */
static void drops_a_frame_that_is_too_long(void **state)
{
	(void)state;
	start_for(FAST_PPS, 2);
	send_counting(2 * ROOM_OF_BUFFER + 1);
	send_counting(2 * ROOM_OF_BUFFER);
	send_counting(2 * ROOM_OF_BUFFER - 1);
	expect_counting(nic_receive(), 2 * ROOM_OF_BUFFER - 1);
	stop();
}

static struct rte_mbuf *jumbo(uint8_t fill)
{
	struct rte_mbuf *mbuf = frame(ROOM_OF_BUFFER, fill);

	for (unsigned int i = 1; i < JUMBO_BUFFERS; i++)
		assert_int_equal(rte_pktmbuf_chain(mbuf, frame(ROOM_OF_BUFFER, fill)), 0);
	return mbuf;
}

/* A frame that a driver makes of more buffers than it was told to. */
static void refuses_frames_of_too_many_buffers(void **state)
{
	struct rte_mbuf *mbuf = jumbo(5), *longer = jumbo(6);
	uint8_t octets[JUMBO + 1];

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(longer, frame(60, 6)), 0);
	start_for(FAST_PPS, JUMBO_BUFFERS);
	assert_int_equal(punt_to_kernel(punt, &queue, &longer, 1), 1);
	assert_int_equal(punt_to_kernel(punt, &queue, &mbuf, 1), 1);
	assert_int_equal(kernel_receive(octets, sizeof(octets)), JUMBO);
	assert_int_equal(octets[JUMBO - 1], 5);
	assert_int_equal(punt_refused(punt), 1);
	stop();
}

/* They take no more buffers than short ones may, and give them back. */
static void limits_buffers_of_jumbo_frames(void **state)
{
	unsigned int taken, received = 0;
	uint8_t octets[JUMBO];
	struct rte_mbuf *mbuf;

	(void)state;
	start_for(SLOW_PPS, JUMBO_BUFFERS);
	for (unsigned int i = 0; i < FLOOD; i++) {
		mbuf = jumbo((uint8_t)i);
		punt_to_kernel(punt, &queue, &mbuf, 1);
		assert_in_range(BUFFERS - rte_mempool_avail_count(pool), 0,
			ROOM + (BURST + 1) * JUMBO_BUFFERS);
		received += recv(kernel, octets, sizeof(octets), 0) == JUMBO;
	}
	taken = (unsigned int)queue.counts.to_kernel[MERIDIAN_PUNT_link];
	assert_in_range(taken, ROOM / JUMBO_BUFFERS, FLOOD - 1);
	while (received + punt_refused(punt) < taken &&
		kernel_receive(octets, sizeof(octets)) == JUMBO)
		received++;
	assert_int_equal(received + punt_refused(punt), taken);
	for (unsigned int i = 0; i < ROOM / 2; i++) {
		mbuf = frame(60, 0);
		assert_int_equal(punt_to_kernel(punt, &queue, &mbuf, 1), 1);
	}
	stop();
}

static int lcore_count(unsigned int lcore_id, void *argument)
{
	unsigned int *count = argument;

	(void)lcore_id;
	*count += 1;
	return 0;
}

/* How many threads have a cache of buffers. */
static unsigned int lcores(void)
{
	unsigned int count = 0;

	rte_lcore_iterate(lcore_count, &count);
	return count;
}

static void keeps_a_cache_of_buffers(void **state)
{
	unsigned int before = lcores();

	(void)state;
	start(FAST_PPS);
	send_counting(60);
	expect_counting(nic_receive(), 60);
	assert_int_equal(lcores(), before + 1);
	stop();
	assert_int_equal(lcores(), before);
}

static uint64_t frames_in(uint64_t ns)
{
	return ns * SLOW_PPS / SECOND_NS;
}

/* A frame of no IP, and one of IPv4 that is of no known connection. */
static struct rte_mbuf *frame_of_link(uint32_t sender)
{
	struct rte_mbuf *mbuf = frame(60, 0);

	memcpy(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, 6), &sender, sizeof(sender));
	return mbuf;
}

static struct rte_mbuf *frame_of_stranger(uint32_t sender)
{
	struct rte_mbuf *mbuf = frame(60, 0);
	uint8_t *octets = rte_pktmbuf_mtod(mbuf, uint8_t *);

	octets[12] = 8;
	octets[14] = 0x45;
	memcpy(octets + 26, &sender, sizeof(sender));
	return mbuf;
}

/* From senders of all kinds. */
static unsigned int flood(struct rte_mbuf *(*make)(uint32_t))
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < FLOOD; i++) {
		struct rte_mbuf *mbuf = make(i);

		taken += punt_to_kernel(punt, &queue, &mbuf, 1);
	}
	return taken;
}

/* The ring takes what it has room for, and the kernel gets no more than its rate allows. */
static void limits_what_the_kernel_gets(void **state)
{
	uint64_t begin_ns, elapsed_ns;
	unsigned int taken, received = 0;
	uint8_t octets[64];

	(void)state;
	begin_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	start(SLOW_PPS);
	taken = flood(frame_of_link);
	elapsed_ns = meridian_clock_ns(CLOCK_MONOTONIC) - begin_ns;
	assert_in_range(taken, ROOM, ROOM + frames_in(elapsed_ns));
	assert_int_equal(queue.counts.to_kernel[MERIDIAN_PUNT_link], taken);
	assert_int_equal(queue.counts.limited[MERIDIAN_PUNT_link], FLOOD - taken);
	while (received < ROOM && kernel_receive(octets, sizeof(octets)) == 60)
		received++;
	elapsed_ns = meridian_clock_ns(CLOCK_MONOTONIC) - begin_ns;
	assert_int_equal(received, ROOM);
	assert_in_range(frames_in(elapsed_ns), ROOM, UINT64_MAX);
	flood(frame_of_link);
	stop(); /* with frames in the ring */
}

/* While strangers flood the NIC, neighbours lose nothing and wait for a few frames alone. */
static void a_flood_starves_no_other_class(void **state)
{
	unsigned int of_link = 0;
	uint8_t octets[64];

	(void)state;
	start(SLOW_PPS);
	assert_in_range(flood(frame_of_stranger), ROOM, FLOOD - 1);
	for (unsigned int i = 0; i < NEIGHBOURS; i++) {
		struct rte_mbuf *mbuf = frame_of_link(i);

		assert_int_equal(punt_to_kernel(punt, &queue, &mbuf, 1), 1);
	}
	flood(frame_of_stranger);
	for (unsigned int i = 0; i < ROOM && of_link < NEIGHBOURS; i++) {
		assert_int_equal(kernel_receive(octets, sizeof(octets)), 60);
		of_link += octets[12] == 0;
	}
	assert_int_equal(of_link, NEIGHBOURS);
	assert_int_equal(queue.counts.limited[MERIDIAN_PUNT_link], 0);
	assert_in_range(queue.counts.limited[MERIDIAN_PUNT_other], 1, UINT64_MAX);
	stop();
}

/* One sender alone, who goes on for more than a tenth of a second. */
static void one_sender_leaves_room_for_others(void **state)
{
	uint64_t begin_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	(void)state;
	start(SLOW_PPS);
	while (meridian_clock_ns(CLOCK_MONOTONIC) - begin_ns < SECOND_NS / 4) {
		struct rte_mbuf *mbuf = frame_of_stranger(1);

		punt_to_kernel(punt, &queue, &mbuf, 1);
	}
	assert_in_range(queue.counts.limited[MERIDIAN_PUNT_other], FLOOD, UINT64_MAX);
	for (uint32_t i = 2; i < 2 + OTHERS; i++) {
		struct rte_mbuf *mbuf = frame_of_stranger(i);

		assert_int_equal(punt_to_kernel(punt, &queue, &mbuf, 1), 1);
	}
	stop();
}

/* What the kernel has sent makes what answers it known. */
static void knows_the_answers(void **state)
{
	uint8_t question[60] = {
		[12] = 8, [14] = 0x45, [23] = 17, [29] = 1, [33] = 2, [34] = 200, [37] = 123};
	struct rte_mbuf *mbuf, *answer = frame_of_stranger(0);
	uint8_t *octets = rte_pktmbuf_mtod(answer, uint8_t *);

	(void)state;
	octets[23] = 17;
	octets[29] = 2;
	octets[33] = 1;
	octets[35] = 123;
	octets[36] = 200;
	start(FAST_PPS);
	assert_int_equal(send(kernel, question, sizeof(question), 0), sizeof(question));
	mbuf = nic_receive();
	rte_pktmbuf_free(mbuf);
	assert_int_equal(punt_to_kernel(punt, &queue, &answer, 1), 1);
	assert_int_equal(queue.counts.to_kernel[MERIDIAN_PUNT_answer], 1);
	stop();
}

static void counts_what_the_kernel_refuses(void **state)
{
	struct rte_mbuf *mbuf = frame(60, 0);

	(void)state;
	start(FAST_PPS);
	shutdown(device, SHUT_WR);
	assert_int_equal(punt_refused(punt), 0);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(punt_to_kernel(punt, &queue, &mbuf, 1), 1);
	for (int ms = 0; ms < WAIT_MS && punt_refused(punt) == 0; ms++)
		usleep(1000);
	assert_int_equal(punt_refused(punt), 1);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_frames_to_the_kernel),
		cmocka_unit_test(takes_frames_from_the_kernel),
		cmocka_unit_test(takes_frames_of_several_buffers),
		cmocka_unit_test(drops_a_frame_that_is_too_long),
		cmocka_unit_test(refuses_frames_of_too_many_buffers),
		cmocka_unit_test(limits_buffers_of_jumbo_frames),
		cmocka_unit_test(keeps_a_cache_of_buffers),
		cmocka_unit_test(limits_what_the_kernel_gets),
		cmocka_unit_test(a_flood_starves_no_other_class),
		cmocka_unit_test(one_sender_leaves_room_for_others),
		cmocka_unit_test(knows_the_answers),
		cmocka_unit_test(counts_what_the_kernel_refuses),
	};

	return cmocka_run_group_tests_name("punt", tests, group_setup, NULL);
}
