/* SPDX-License-Identifier: BSD-3-Clause */

/* Pulses stamped by a network card, whose clock and pins the test plays. */

#undef _FORTIFY_SOURCE /* which makes poll() and read() inline: here they are our own */

#include "source/refclock/device.h"
#include "source/refclock/refclock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <units.h>

#include <cmocka.h>

#define CARD_AHEAD_S 7000 /* of CLOCK_MONOTONIC_RAW, which is the counter here */
#define WIDTH_NS     100
#define FD           1000

static struct {
	int pins, channels;
	bool strict_known;
	int error; /* of readings, negative errno */

	struct ptp_pin_desc pin; /* as it was set */
	unsigned int pin_sets;
	struct ptp_extts_request request; /* the last one that was accepted */
	struct ptp_extts_event event[4];  /* that wait */
	size_t waiting;
	bool open;
} card;

static uint64_t now_ns;
static struct refclock_reading taken[4];
static size_t taken_count;

static const struct counter counter = {
	.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = NS_PER_SECOND, .precision_s = 1e-7};
static const struct source_context context = {.counter = &counter};
static struct config_refclock config;
static struct refclock refclock;

int device_open(const char *path, int flags)
{
	assert_string_equal(path, "/dev/ptp3");
	assert_int_equal(flags & O_ACCMODE, O_RDWR); /* else no pin could be set */
	card.open = true;
	return FD;
}

int close(int fd)
{
	assert_int_equal(fd, FD);
	card.open = false;
	return 0;
}

static struct ptp_clock_time ptp_time(uint64_t ns, int64_t ahead_s)
{
	return (struct ptp_clock_time){.sec = (int64_t)(ns / NS_PER_SECOND) + ahead_s,
		.nsec = (uint32_t)(ns % NS_PER_SECOND)};
}

static int read_brackets(struct ptp_sys_offset_extended *offset)
{
	if (card.error < 0)
		return card.error;
	assert_int_equal(offset->rsv[0], CLOCK_MONOTONIC_RAW);
	for (unsigned int i = 0; i < offset->n_samples; i++) {
		uint64_t ns = now_ns - (offset->n_samples - i) * WIDTH_NS;

		offset->ts[i][0] = ptp_time(ns, 0);
		offset->ts[i][1] = ptp_time(ns + WIDTH_NS / 2, CARD_AHEAD_S);
		offset->ts[i][2] = ptp_time(ns + WIDTH_NS, 0);
	}
	return 0;
}

static int stamps_request(const struct ptp_extts_request *request, bool strict_known)
{
	if (!strict_known)
		return -ENOTTY;
	if (request->index >= (unsigned int)card.channels)
		return -EINVAL;
	card.request = *request;
	return 0;
}

static int request_handle(unsigned long request, void *argument)
{
	switch (request) {
	case PTP_SYS_OFFSET_EXTENDED:
		return read_brackets(argument);
	case PTP_CLOCK_GETCAPS:
		*(struct ptp_clock_caps *)argument =
			(struct ptp_clock_caps){.n_ext_ts = card.channels, .n_pins = card.pins};
		return 0;
	case PTP_PIN_SETFUNC:
		card.pin = *(struct ptp_pin_desc *)argument;
		card.pin_sets++;
		return card.pin.index < (unsigned int)card.pins ? 0 : -EINVAL;
	case PTP_EXTTS_REQUEST2:
		return stamps_request(argument, card.strict_known);
	case PTP_EXTTS_REQUEST:
		return stamps_request(argument, true);
	default:
		return -EOPNOTSUPP;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	int r;

	assert_int_equal(fd, FD);
	va_start(arguments, request);
	r = request_handle(request, va_arg(arguments, void *));
	va_end(arguments);
	errno = -r;
	return r < 0 ? -1 : 0;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	assert_int_equal(count, 1);
	assert_int_equal(timeout, 0);
	fds->revents = card.waiting > 0 ? POLLIN : 0;
	return card.waiting > 0 ? 1 : 0;
}

ssize_t read(int fd, void *buffer, size_t size)
{
	size_t length = card.waiting * sizeof(card.event[0]);

	assert_int_equal(fd, FD);
	assert_true(card.waiting > 0); /* it would wait for ever */
	assert_true(size >= length && size % sizeof(card.event[0]) == 0);
	memcpy(buffer, card.event, length);
	card.waiting = 0;
	return (ssize_t)length;
}

struct counter_realtime counter_read_clock(const struct counter *read, clockid_t clock)
{
	(void)read, (void)clock;
	return (struct counter_realtime){.counter = now_ns,
		.time = {.tv_sec = (time_t)(now_ns / NS_PER_SECOND),
			.tv_nsec = (long)(now_ns % NS_PER_SECOND)}};
}

struct meridian_utc counter_utc(const struct timespec *time)
{
	return (struct meridian_utc){
		.s = time->tv_sec, .frac64 = (uint64_t)ldexp((double)time->tv_nsec / 1e9, 64)};
}

void refclock_take(struct refclock *of, const struct refclock_reading *reading)
{
	assert_ptr_equal(of, &refclock);
	assert_true(taken_count < 4);
	taken[taken_count++] = *reading;
}

static int setup(void **state)
{
	(void)state;
	memset(&card, 0, sizeof(card));
	card.pins = 4;
	card.channels = 2;
	card.strict_known = true;
	now_ns = 100 * (uint64_t)NS_PER_SECOND;
	taken_count = 0;
	config = (struct config_refclock){
		.parameter = "/dev/ptp3", .extpps = true, .pin = 3, .channel = 1};
	refclock = (struct refclock){.source.context = &context, .config = &config};
	return 0;
}

static void event_add(uint64_t at_ns, unsigned int channel)
{
	card.event[card.waiting++] =
		(struct ptp_extts_event){.t = ptp_time(at_ns, CARD_AHEAD_S), .index = channel};
}

static void polls(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		now_ns += NS_PER_SECOND;
		assert_int_equal(refclock_phc_pulse.poll(&refclock), 0);
	}
}

static void test_pulses_are_told_by_the_counter(void **state)
{
	uint64_t pulse_ns;

	(void)state;
	assert_int_equal(refclock_phc_pulse.start(&refclock), 0);
	assert_int_equal(card.pin.index, 3);
	assert_int_equal(card.pin.func, PTP_PF_EXTTS);
	assert_int_equal(card.pin.chan, 1);
	assert_int_equal(card.request.index, 1);
	assert_int_equal(
		card.request.flags, PTP_ENABLE_FEATURE | PTP_STRICT_FLAGS | PTP_RISING_EDGE);
	event_add(now_ns, 1); /* the clock is not known yet */
	polls(8);
	assert_int_equal(taken_count, 0);
	pulse_ns = now_ns + 400000000;
	event_add(pulse_ns, 0);
	event_add(pulse_ns, 1);
	event_add(pulse_ns + 300000000, 1);
	polls(1);
	assert_int_equal(taken_count, 2);
	assert_true(taken[0].pulse && taken[1].pulse);
	assert_in_range(taken[0].counter, pulse_ns - 10, pulse_ns + 10);
	assert_in_range(taken[1].counter, pulse_ns + 300000000 - 10, pulse_ns + 300000000 + 10);
	assert_true(taken[0].error_s > 0 && taken[0].error_s < 1e-6);
	refclock_phc_pulse.stop(&refclock);
	assert_int_equal(card.request.index, 1);
	assert_int_equal(card.request.flags, 0);
	assert_false(card.open);
}

static void test_the_other_edge_of_an_old_driver(void **state)
{
	(void)state;
	config.clear = true;
	card.strict_known = false;
	card.pins = 0;
	assert_int_equal(refclock_phc_pulse.start(&refclock), 0);
	assert_int_equal(card.pin_sets, 0);
	assert_int_equal(card.request.flags, PTP_ENABLE_FEATURE | PTP_FALLING_EDGE);
	refclock_phc_pulse.stop(&refclock);
}

static void expect_refused(int error)
{
	assert_int_equal(refclock_phc_pulse.start(&refclock), error);
	assert_false(card.open);
	assert_int_equal(card.request.flags, 0);
}

static void test_a_card_that_cannot(void **state)
{
	(void)state;
	card.channels = 1;
	expect_refused(-ECHRNG);
	card.channels = 2;
	config.pin = 4;
	expect_refused(-ENXIO);
	assert_int_equal(card.pin_sets, 0);
	config.pin = 3;
	card.error = -ENODEV;
	expect_refused(-EOPNOTSUPP); /* what the last way to read it says */
}

static void test_a_card_that_is_gone(void **state)
{
	(void)state;
	assert_int_equal(refclock_phc_pulse.start(&refclock), 0);
	card.error = -EBUSY;
	polls(1);
	card.error = -ENODEV;
	assert_int_equal(refclock_phc_pulse.poll(&refclock), -ENODEV);
	refclock_phc_pulse.stop(&refclock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pulses_are_told_by_the_counter, setup),
		cmocka_unit_test_setup(test_the_other_edge_of_an_old_driver, setup),
		cmocka_unit_test_setup(test_a_card_that_cannot, setup),
		cmocka_unit_test_setup(test_a_card_that_is_gone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
