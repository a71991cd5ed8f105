/* SPDX-License-Identifier: BSD-3-Clause */

/* What other programs write for us: the shared memory of driver 28, the datagrams of SOCK. */

#include "seed.h"
#include "source/refclock/shm_segment.h"
#include "source/refclock/sock_message.h"
#include "timescale.h"
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1800000000

static struct shm_segment segment;
static struct shm_sample shm;
static struct sock_message message;
static struct sock_sample sock;

static int setup(void **state)
{
	(void)state;
	segment = (struct shm_segment){.mode = SHM_SEGMENT_COUNT,
		.count = 6,
		.clock_s = NOW_S,
		.clock_us = 250000,
		.clock_ns = 250000125,
		.receive_s = NOW_S - 1,
		.receive_us = 999999,
		.receive_ns = 999999875,
		.leap = 1,
		.valid = 1};
	message = (struct sock_message){.time = {.tv_sec = NOW_S, .tv_usec = 500000},
		.offset_s = -0.25,
		.leap = 2,
		.magic = SOCK_MESSAGE_MAGIC};
	return 0;
}

static double seconds_of(const struct meridian_utc *utc)
{
	return timescale_utc_diff(*utc, (struct meridian_utc){.s = NOW_S});
}

static void test_shm_sample(void **state)
{
	(void)state;
	assert_true(shm_segment_take(&segment, &shm));
	assert_true(fabs(seconds_of(&shm.clock) - 0.250000125) < 1e-12);
	assert_int_equal(shm.receive.tv_sec, NOW_S - 1);
	assert_int_equal(shm.receive.tv_nsec, 999999875);
	assert_int_equal(shm.leap, MERIDIAN_NTP_LI_INSERT);
	assert_true(shm.resolution_s == 1e-9);
	assert_int_equal(segment.valid, 0);
	assert_false(shm_segment_take(&segment, &shm));
}

/* A writer that knows only microseconds leaves the nanoseconds as they were. */
static void test_shm_microseconds(void **state)
{
	(void)state;
	segment.clock_ns = 17;
	assert_true(shm_segment_take(&segment, &shm));
	assert_true(fabs(seconds_of(&shm.clock) - 0.25) < 1e-12);
	assert_int_equal(shm.receive.tv_nsec, 999999000);
	assert_true(shm.resolution_s == 1e-6);
}

static void test_shm_mode_0(void **state)
{
	(void)state;
	segment.mode = SHM_SEGMENT_FREE;
	assert_true(shm_segment_take(&segment, &shm));
	assert_int_equal(segment.valid, 0);
}

static void test_shm_refused(void **state)
{
	static const struct {
		size_t offset;
		int value;
	} wrong[] = {
		{offsetof(struct shm_segment, valid), 0},
		{offsetof(struct shm_segment, mode), 2},
		{offsetof(struct shm_segment, mode), -1},
		{offsetof(struct shm_segment, clock_us), 1000000},
		{offsetof(struct shm_segment, receive_us), -1},
		{offsetof(struct shm_segment, leap), 3}, /* not synchronised */
		{offsetof(struct shm_segment, leap), -1},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		setup(state);
		memcpy((uint8_t *)&segment + wrong[i].offset, &wrong[i].value, sizeof(int));
		assert_false(shm_segment_take(&segment, &shm));
	}
}

static void test_sock_sample(void **state)
{
	(void)state;
	assert_true(sock_message_decode(&message, sizeof(message), &sock));
	assert_int_equal(sock.time.tv_sec, NOW_S);
	assert_int_equal(sock.time.tv_nsec, 500000000);
	assert_true(fabs(seconds_of(&sock.clock) - 0.25) < 1e-12);
	assert_false(sock.pulse);
	assert_int_equal(sock.leap, MERIDIAN_NTP_LI_DELETE);
}

/* A pulse's offset is that of this machine's clock. */
static void test_sock_pulse(void **state)
{
	(void)state;
	message.pulse = 1;
	message.offset_s = 0.5;
	assert_true(sock_message_decode(&message, sizeof(message), &sock));
	assert_true(sock.pulse);
	assert_true(fabs(seconds_of(&sock.clock)) < 1e-12);
}

static void test_sock_refused(void **state)
{
	static const double offsets_s[] = {NAN, INFINITY, -INFINITY, 1e10, -1e10};
	static const long microseconds[] = {-1, 1000000};
	static const int64_t seconds[] = {-1, INT64_MAX, INT64_MIN};
	uint8_t longer[sizeof(message) + 8] = {0};

	memcpy(longer, &message, sizeof(message));
	for (size_t length = 0; length <= sizeof(longer); length++)
		assert_true(
			sock_message_decode(longer, length, &sock) == (length == sizeof(message)));
	message.magic++;
	assert_false(sock_message_decode(&message, sizeof(message), &sock));
	for (size_t i = 0; i < 5; i++) {
		setup(state);
		message.offset_s = offsets_s[i];
		assert_false(sock_message_decode(&message, sizeof(message), &sock));
	}
	for (size_t i = 0; i < 2; i++) {
		setup(state);
		message.time.tv_usec = microseconds[i];
		assert_false(sock_message_decode(&message, sizeof(message), &sock));
	}
	for (size_t i = 0; i < 3; i++) {
		setup(state);
		message.time.tv_sec = (time_t)seconds[i];
		assert_false(sock_message_decode(&message, sizeof(message), &sock));
	}
	setup(state);
	message.leap = 3;
	assert_false(sock_message_decode(&message, sizeof(message), &sock));
}

/* Whatever comes: what is taken makes sense. */
static void test_sock_garbage(void **state)
{
	struct seed seed = seed_init("sock");

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint8_t octets[sizeof(message)];

		memcpy(octets, &message, sizeof(octets));
		for (int k = 0; k < 4; k++)
			octets[seed_below(&seed, sizeof(octets) - 4)] = (uint8_t)seed_next(&seed);
		if (!sock_message_decode(octets, sizeof(octets), &sock))
			continue;
		assert_in_range(sock.time.tv_nsec, 0, 999999999);
		assert_in_range(sock.leap, 0, 2);
		assert_true(sock.time.tv_sec >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shm_sample, setup),
		cmocka_unit_test_setup(test_shm_microseconds, setup),
		cmocka_unit_test_setup(test_shm_mode_0, setup),
		cmocka_unit_test_setup(test_shm_refused, setup),
		cmocka_unit_test_setup(test_sock_sample, setup),
		cmocka_unit_test_setup(test_sock_pulse, setup),
		cmocka_unit_test_setup(test_sock_refused, setup),
		cmocka_unit_test_setup(test_sock_garbage, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
