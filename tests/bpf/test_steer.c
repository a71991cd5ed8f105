/* SPDX-License-Identifier: BSD-3-Clause */

/* The XDP program in the kernel that runs here, by BPF_PROG_TEST_RUN: frame in, action out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/if_xdp.h>
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

#define EXIT_SKIP       77
#define ETHERNET_LENGTH 14 /* shorter frames are refused by the test run */
#define RING_SIZE       64
#define FAR_NS          UINT64_MAX /* a deadline that does not pass */

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
	uint8_t octets[FRAME_SIZE_MAX + 64]; /* metadata and frame as they came out */
	uint32_t metadata_length, length;
};

static void run_frame(const uint8_t *octets, uint32_t length, struct run *ret_run)
{
	struct xdp_md in = {.data_end = length}, out = {0};
	struct bpf_test_run_opts options = {.sz = sizeof(options),
		.data_in = octets,
		.data_size_in = length,
		.data_out = ret_run->octets,
		.data_size_out = sizeof(ret_run->octets),
		.ctx_in = &in,
		.ctx_size_in = sizeof(in),
		.ctx_out = &out,
		.ctx_size_out = sizeof(out),
		.repeat = 1};
	int fd = bpf_program__fd(bpf->progs.xsk_def_prog);

	assert_int_equal(bpf_prog_test_run_opts(fd, &options), 0);
	ret_run->action = options.retval;
	ret_run->metadata_length = out.data - out.data_meta;
	ret_run->length = options.data_size_out;
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

static void expect_spec(const struct frame_spec *spec)
{
	struct frame frame;

	frame_build(&frame, spec);
	expect_reason(spec->name, frame.octets, frame.length, spec->expected);
}

#define REDIRECTED STEER_REASON_redirected
#define OTHER      STEER_REASON_passed_other
#define NOT_SERVED STEER_REASON_passed_not_served

static const struct frame_spec specs[] = {
	{"IPv4", REDIRECTED, .ipv6 = 0},
	{"IPv6", REDIRECTED, .ipv6 = 1},
	{"IPv4 in 802.1Q", REDIRECTED, .vlan = {0x8100}},
	{"IPv6 in 802.1Q", REDIRECTED, .vlan = {0x8100}, .ipv6 = 1},
	{"IPv4 in 802.1ad and 802.1Q", REDIRECTED, .vlan = {0x88a8, 0x8100}},
	{"IPv6 in 802.1ad and 802.1Q", REDIRECTED, .vlan = {0x88a8, 0x8100}, .ipv6 = 1},
	{"IPv4 in two 802.1Q", REDIRECTED, .vlan = {0x8100, 0x8100}},
	{"symmetric ports", REDIRECTED, .source_port = 123},
	{"don't fragment", REDIRECTED, .fragment = 0x4000},

	{"three tags", OTHER, .vlan = {0x88a8, 0x8100, 0x8100}},
	{"foreign tag", OTHER, .vlan = {0x9100}},
	{"ARP", OTHER, .protocol = 0x0806},
	{"length instead of a type", OTHER, .protocol = 100},
	{"IPv6 header, IPv4 type", OTHER, .ipv6 = 1, .protocol = 0x0800},
	{"IPv4 header, IPv6 type", OTHER, .protocol = 0x86dd},
	{"IPv4 of version 5", OTHER, .version = 5},
	{"IPv6 of version 4", OTHER, .version = 4, .ipv6 = 1},
	{"first fragment", OTHER, .fragment = 0x2000},
	{"later fragment", OTHER, .fragment = 0x2001},
	{"last fragment", OTHER, .fragment = 0x0001},
	{"highest offset", OTHER, .fragment = 0x1000},
	{"one option", OTHER, .options = 1},
	{"ten options", OTHER, .options = 10},
	{"TCP", OTHER, .next_header = 6},
	{"hop-by-hop options", OTHER, .ipv6 = 1, .next_header = FRAME_HOP_BY_HOP},
	{"ICMPv6", OTHER, .ipv6 = 1, .next_header = 58},
	{"routing header", OTHER, .ipv6 = 1, .next_header = 43},
	{"fragment header", OTHER, .ipv6 = 1, .next_header = 44},
	{"destination options", OTHER, .ipv6 = 1, .next_header = 60},
	{"port 124", OTHER, .port = 124},
	{"port 31488, 123 with its octets swapped", OTHER, .port = 0x7b00},
	{"a reply to us as a client", OTHER, .port = 40000, .source_port = 123},

	{"foreign IPv4", NOT_SERVED, .not_served = 1},
	{"foreign IPv6", NOT_SERVED, .not_served = 1, .ipv6 = 1},
};

static void test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		expect_spec(&specs[i]);
}

/* Of a frame that is cut off inside its headers, nothing is steered. */
static void test_truncated_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct frame frame;
		uint32_t headers;

		if (specs[i].expected != REDIRECTED)
			continue;
		frame_build(&frame, &specs[i]);
		headers = frame.length - 48;
		for (uint32_t length = ETHERNET_LENGTH; length < frame.length; length++)
			expect_reason(specs[i].name, frame.octets, length,
				length < headers ? OTHER : REDIRECTED);
	}
}

static void test_stamp(void **state)
{
	const struct frame_spec plain = {.name = "plain"};
	struct meridian_frame_stamp stamp;
	uint64_t before_ns, after_ns;
	struct frame frame;
	struct run run;

	(void)state;
	frame_build(&frame, &plain);
	before_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	run_frame(frame.octets, frame.length, &run);
	after_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	assert_int_equal(run.metadata_length, sizeof(stamp));
	memcpy(&stamp, run.octets, sizeof(stamp));
	assert_int_equal(stamp.magic, MERIDIAN_FRAME_STAMP_MAGIC);
	assert_int_equal(stamp.reserved, 0);
	assert_true(stamp.monotonic_ns >= before_ns && stamp.monotonic_ns <= after_ns);
}

static void test_queue_not_steered(void **state)
{
	(void)state;
	set_deadline(0, 0);
	expect_spec(&(struct frame_spec){
		.name = "not steered", .expected = STEER_REASON_passed_not_steered});
	set_deadline(0, FAR_NS);
}

/* Control has died and nobody keeps the deadline ahead. */
static void test_deadline_passes(void **state)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	(void)state;
	set_deadline(0, meridian_clock_ns(CLOCK_MONOTONIC) + 10000000);
	expect_spec(&(struct frame_spec){.name = "before", .expected = REDIRECTED});
	nanosleep(&pause, NULL);
	expect_spec(
		&(struct frame_spec){.name = "after", .expected = STEER_REASON_passed_not_steered});
	set_deadline(0, FAR_NS);
}

static void test_queue_without_socket(void **state)
{
	const uint32_t queue = 0;

	(void)state;
	assert_int_equal(bpf_map__delete_elem(bpf->maps.xsks_map, &queue, sizeof(queue), 0), 0);
	expect_spec(&(struct frame_spec){
		.name = "no socket", .expected = STEER_REASON_passed_no_socket});
	map_put(bpf->maps.xsks_map, &queue, sizeof(queue), (uint32_t)socket_fd);
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

static int fill_maps(void **state)
{
	const uint32_t queue = 0;

	(void)state;
	socket_fd = socket_open();
	map_put(bpf->maps.steer_ipv4, frame_ipv4, sizeof(frame_ipv4), 1);
	map_put(bpf->maps.steer_ipv6, frame_ipv6, sizeof(frame_ipv6), 1);
	map_put(bpf->maps.xsks_map, &queue, sizeof(queue), (uint32_t)socket_fd);
	set_deadline(queue, FAR_NS);
	return 0;
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
		cmocka_unit_test(test_names_that_libxdp_looks_for),
	};
	int r = load();

	if (r == 0)
		r = cmocka_run_group_tests(tests, fill_maps, NULL);
	steer_bpf__destroy(bpf);
	return r;
}
