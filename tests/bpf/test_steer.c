/* SPDX-License-Identifier: BSD-3-Clause */

/* The XDP program in the kernel that runs here, by BPF_PROG_TEST_RUN: frame in, action out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/if_xdp.h>
#include <matrix.h>
#include <meridian/counter.h>
#include <meridian/frame_stamp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <steer.skel.h>
#include <steer_map.h>

#define EXIT_SKIP       77
#define ETHERNET_LENGTH 14 /* shorter frames are refused by the test run */
#define RING_SIZE       64
#define FAR_NS          UINT64_MAX /* a deadline that does not pass */
#define METADATA_MAX    252        /* multiple of 4 */
#define PIECES_LENGTH   6000       /* more than a page */

static struct steer_bpf *bpf;
static int socket_fd = -1;
static int possible_cpus;

static void map_put(struct bpf_map *map, const void *key, size_t key_size, uint32_t value)
{
	size_t value_size = bpf_map__value_size(map);

	assert_int_equal(bpf_map__update_elem(map, key, key_size, &value, value_size, BPF_ANY), 0);
}

static void set_deadline(uint32_t queue, uint64_t deadline_ns)
{
	assert_int_equal(bpf_map__update_elem(bpf->maps.steer_queue, &queue, sizeof(queue),
				 &deadline_ns, sizeof(deadline_ns), BPF_ANY),
		0);
}

/* A socket with a receive ring is all that the map asks for. */
static int socket_open(void)
{
	const int ring = RING_SIZE;
	int fd = socket(AF_XDP, SOCK_RAW, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_RX_RING, &ring, sizeof(ring)), 0);
	return fd;
}

static uint64_t counter(enum steer_reason reason)
{
	uint64_t *values = calloc((size_t)possible_cpus, sizeof(*values));
	uint32_t key = reason;
	uint64_t sum = 0;

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(bpf->maps.steer_counters), &key, values), 0);
	for (int i = 0; i < possible_cpus; i++)
		sum += values[i];
	free(values);
	return sum;
}

struct run {
	uint32_t action;
	uint8_t octets[PIECES_LENGTH + METADATA_MAX]; /* metadata and frame as they came out */
	uint32_t metadata_length, length;
};

/* A frame behind so many octets of metadata. */
static int try_frame(const uint8_t *octets, uint32_t metadata, uint32_t length, struct run *ret_run)
{
	struct xdp_md in = {.data = metadata, .data_end = metadata + length}, out = {0};
	struct bpf_test_run_opts options = {.sz = sizeof(options),
		.data_in = octets,
		.data_size_in = metadata + length,
		.data_out = ret_run->octets,
		.data_size_out = sizeof(ret_run->octets),
		.ctx_in = &in,
		.ctx_size_in = sizeof(in),
		.ctx_out = &out,
		.ctx_size_out = sizeof(out),
		.repeat = 1};
	int r = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.xsk_def_prog), &options);

	ret_run->action = options.retval;
	ret_run->metadata_length = out.data - out.data_meta;
	ret_run->length = options.data_size_out;
	return r;
}

static void run_frame(const uint8_t *octets, uint32_t length, struct run *ret_run)
{
	assert_int_equal(try_frame(octets, 0, length, ret_run), 0);
}

static bool is_redirect(enum steer_reason reason)
{
	return reason == STEER_REASON_redirected || reason == STEER_REASON_redirected_unstamped;
}

/* Runs a frame; it must be decided for `expected`, counted there once and nowhere else, and not
 * be changed. */
static void expect_reason(
	const char *name, const uint8_t *octets, uint32_t length, enum steer_reason expected)
{
	uint64_t before[STEER_REASON_COUNT];
	struct run run;

	for (unsigned int i = 0; i < STEER_REASON_COUNT; i++)
		before[i] = counter(i);
	run_frame(octets, length, &run);
	for (unsigned int i = 0; i < STEER_REASON_COUNT; i++) {
		if (counter(i) - before[i] != (i == expected))
			fail_msg("%s, %u octets: counter %u moved by %lu, expected %u", name,
				length, i, (unsigned long)(counter(i) - before[i]), expected);
	}
	if (run.action != (is_redirect(expected) ? XDP_REDIRECT : XDP_PASS))
		fail_msg("%s, %u octets: action %u", name, length, run.action);
	if (run.length - run.metadata_length != length ||
		memcmp(run.octets + run.metadata_length, octets, length) != 0)
		fail_msg("%s, %u octets: the frame was changed", name, length);
	if (!is_redirect(expected))
		assert_int_equal(run.metadata_length, 0);
}

static const struct matrix_wire wire = {
	.server_mac = {0x02, 0, 0, 0, 0, 0x01}, .client_mac = {0x02, 0, 0, 0, 0, 0x02}};

static int fill_maps(void **state)
{
	const uint32_t queue = 0;
	uint8_t ipv4[4], ipv6[16];

	(void)state;
	socket_fd = socket_open();
	inet_pton(AF_INET, MATRIX_SERVER_IPV4, ipv4);
	inet_pton(AF_INET6, MATRIX_SERVER_IPV6, ipv6);
	map_put(bpf->maps.steer_ipv4, ipv4, sizeof(ipv4), 1);
	map_put(bpf->maps.steer_ipv6, ipv6, sizeof(ipv6), 1);
	map_put(bpf->maps.xsks_map, &queue, sizeof(queue), (uint32_t)socket_fd);
	set_deadline(queue, FAR_NS);
	return 0;
}

/* The XDP program looks at no MAC address, checksum or length. */
static enum steer_reason reason_of(const struct matrix_row *row)
{
	if (row->way == MATRIX_STEERED)
		return STEER_REASON_redirected;
	return row->verdict == MERIDIAN_VERDICT_foreign_address || row->mac != MATRIX_MAC_OURS
		? STEER_REASON_passed_not_served
		: STEER_REASON_passed_other;
}

static void expect_row(const struct matrix_row *row, enum steer_reason expected)
{
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	unsigned int count = matrix_build(row, &wire, 1, frame);

	for (unsigned int i = 0; i < count; i++)
		expect_reason(row->name, frame[i].octets, frame[i].length, expected);
}

/* A plain request. */
static void expect_plain(enum steer_reason expected)
{
	expect_row(&matrix_rows[0], expected);
}

/* The acceptance matrix. */
static void test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < matrix_row_count; i++)
		expect_row(&matrix_rows[i], reason_of(&matrix_rows[i]));
}

/* Of a frame that is cut off inside its headers, nothing is steered. */
static void test_truncated_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < matrix_row_count; i++) {
		struct matrix_frame frame[MATRIX_FRAMES_MAX];

		if (matrix_rows[i].verdict != MERIDIAN_VERDICT_answered)
			continue;
		matrix_build(&matrix_rows[i], &wire, 1, frame);
		for (uint32_t length = ETHERNET_LENGTH; length <= frame->ntp; length++)
			expect_reason(matrix_rows[i].name, frame->octets, length,
				length < frame->ntp ? STEER_REASON_passed_other
						    : STEER_REASON_redirected);
	}
}

static void test_stamp(void **state)
{
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	struct meridian_frame_stamp stamp;
	uint64_t before_ns, after_ns;
	struct run run;

	(void)state;
	matrix_build(&matrix_rows[0], &wire, 1, frame);
	before_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	run_frame(frame->octets, frame->length, &run);
	after_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(run.metadata_length, sizeof(stamp));
	memcpy(&stamp, run.octets, sizeof(stamp));
	assert_int_equal(stamp.magic, MERIDIAN_FRAME_STAMP_MAGIC);
	assert_int_equal(stamp.flags, 0);
	assert_true(stamp.monotonic_ns >= before_ns && stamp.monotonic_ns <= after_ns);
}

static void test_queue_not_steered(void **state)
{
	(void)state;
	set_deadline(0, 0);
	expect_plain(STEER_REASON_passed_not_steered);
	set_deadline(0, FAR_NS);
}

/* Control has died and nobody keeps the deadline ahead. */
static void test_deadline_passes(void **state)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	(void)state;
	set_deadline(0, meridian_clock_ns(CLOCK_MONOTONIC) + 10000000);
	expect_plain(STEER_REASON_redirected);
	nanosleep(&pause, NULL);
	expect_plain(STEER_REASON_passed_not_steered);
	set_deadline(0, FAR_NS);
}

static void test_queue_without_socket(void **state)
{
	const uint32_t queue = 0;

	(void)state;
	assert_int_equal(bpf_map__delete_elem(bpf->maps.xsks_map, &queue, sizeof(queue), 0), 0);
	expect_plain(STEER_REASON_passed_no_socket);
	map_put(bpf->maps.xsks_map, &queue, sizeof(queue), (uint32_t)socket_fd);
}

/* Behind as much metadata as the kernel takes there is no room for a stamp. The frame goes to its
 * socket all the same, and that is told. */
static void test_no_room_for_a_stamp(void **state)
{
	uint64_t before = counter(STEER_REASON_redirected_unstamped);
	uint8_t octets[MATRIX_FRAME_MAX + METADATA_MAX] = {0};
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	uint32_t metadata = METADATA_MAX;
	struct run run;

	(void)state;
	matrix_build(&matrix_rows[0], &wire, 1, frame);
	for (; metadata > 0; metadata -= 4) {
		memcpy(octets + metadata, frame->octets, frame->length);
		if (try_frame(octets, metadata, frame->length, &run) == 0)
			break;
	}
	assert_int_equal(run.action, XDP_REDIRECT);
	assert_int_equal(counter(STEER_REASON_redirected_unstamped), before + 1);
	assert_int_equal(run.metadata_length, metadata);
	assert_memory_equal(run.octets + metadata, frame->octets, frame->length);
}

/* As control loads it for jumbo frames. Another request is whole, and small. */
static void test_frames_in_pieces(void **state)
{
	static uint8_t octets[PIECES_LENGTH];
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	struct steer_bpf *usual = bpf;
	int usual_socket = socket_fd;

	bpf = steer_bpf__open();
	assert_non_null(bpf);
	bpf->rodata->steer_has_frags = true;
	assert_int_equal(bpf_program__set_flags(bpf->progs.xsk_def_prog, BPF_F_XDP_HAS_FRAGS), 0);
	assert_int_equal(steer_bpf__load(bpf), 0);
	assert_int_equal(fill_maps(state), 0);
	matrix_build(&matrix_rows[0], &wire, 1, frame);
	memcpy(octets, frame->octets, frame->length);
	expect_reason("in pieces", octets, sizeof(octets), STEER_REASON_passed_other);
	expect_plain(STEER_REASON_redirected);
	steer_bpf__destroy(bpf);
	close(socket_fd);
	bpf = usual;
	socket_fd = usual_socket;
}

/* What makes libxdp take the program for its own. */
static void test_names_that_libxdp_looks_for(void **state)
{
	const struct btf *btf = bpf_object__btf(bpf->obj);

	(void)state;
	assert_string_equal(bpf_program__name(bpf->progs.xsk_def_prog), "xsk_def_prog");
	assert_string_equal(bpf_map__name(bpf->maps.xsks_map), "xsks_map");
	assert_int_equal(bpf_map__max_entries(bpf->maps.xsks_map), STEER_QUEUES_MAX);
	assert_non_null(btf);
	assert_true(btf__find_by_name_kind(btf, "xdp_metadata", BTF_KIND_DATASEC) > 0);
	assert_true(btf__find_by_name_kind(btf, "xsk_prog_version", BTF_KIND_VAR) > 0);
}

/* Loads the program, or says why this kernel or user cannot. */
static int load(void)
{
	libbpf_set_print(NULL);
	possible_cpus = libbpf_num_possible_cpus();
	bpf = steer_bpf__open_and_load();
	if (bpf)
		return 0;
	if (errno != EPERM && errno != ENOSYS)
		return EXIT_FAILURE;
	printf("SKIP: the kernel refuses to load BPF programs: %s\n", strerror(errno));
	return EXIT_SKIP;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_truncated_at_every_length),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_queue_not_steered),
		cmocka_unit_test(test_deadline_passes),
		cmocka_unit_test(test_queue_without_socket),
		cmocka_unit_test(test_no_room_for_a_stamp),
		cmocka_unit_test(test_frames_in_pieces),
		cmocka_unit_test(test_names_that_libxdp_looks_for),
	};
	int r = load();

	if (r == 0)
		r = cmocka_run_group_tests(tests, fill_maps, NULL);
	steer_bpf__destroy(bpf);
	return r;
}
