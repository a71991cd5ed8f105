/* SPDX-License-Identifier: BSD-3-Clause */

/* The life of reference clocks, with time, drivers and served clock played by the test. */

#include "core/leap.h"
#include "event.h"
#include "leap_file.h"
#include "source/refclock/refclock.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <units.h>

#include <cmocka.h>

#define START_S    1800000000
#define TIMERS_MAX 4

static struct {
	event_timer_handler handler;
	void *arg;
	uint64_t deadline_ns;
} timers[TIMERS_MAX];

static uint64_t now_ns;
static unsigned int reports, starts, stops;
static int start_result, poll_result;
static bool admitted;
static struct leap_list list;
static const struct leap_list *known_list;

/* What the driver hands over at each of its polls. */
static bool has_reading;
static struct refclock_reading reading; /* counter and utc are made from these: */
static double reading_age_s, reading_error_s;

static struct config config;
static struct counter counter = {
	.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = NS_PER_SECOND, .precision_s = 1e-7};
static struct timescale timescale = {.hz = NS_PER_SECOND, .utc = {.s = START_S}};
static struct model model;
static struct config_refclock line;
static struct refclock clocks[2];

int clock_gettime(clockid_t id, struct timespec *time)
{
	(void)id;
	*time = (struct timespec){.tv_sec = (time_t)(now_ns / NS_PER_SECOND),
		.tv_nsec = (long)(now_ns % NS_PER_SECOND)};
	return 0;
}

struct counter_realtime counter_read_clock(const struct counter *read, clockid_t clock)
{
	struct counter_realtime now = {.counter = now_ns};

	(void)read, (void)clock;
	clock_gettime(CLOCK_REALTIME, &now.time);
	now.time.tv_sec += START_S;
	return now;
}

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	for (int i = 0; i < TIMERS_MAX; i++) {
		if (timers[i].handler)
			continue;
		timers[i].handler = handler;
		timers[i].arg = arg;
		timers[i].deadline_ns = now_ns + delay_ns;
		return i + 1;
	}
	return -ENOSPC;
}

void event_remove_timer(int id)
{
	if (id > 0)
		timers[id - 1].handler = NULL;
}

const struct leap_list *leap_file_list(int64_t utc_s)
{
	(void)utc_s;
	return known_list;
}

static int driver_start(struct refclock *refclock)
{
	(void)refclock;
	starts++;
	return start_result;
}

static int driver_poll(struct refclock *refclock)
{
	uint64_t at_ns = now_ns - (uint64_t)(int64_t)(reading_age_s * (double)NS_PER_SECOND);

	if (!has_reading)
		return poll_result;
	reading.counter = at_ns;
	reading.utc = timescale_utc_add(timescale_utc(&timescale, at_ns), reading_error_s);
	refclock_take(refclock, &reading);
	return poll_result;
}

static void driver_stop(struct refclock *refclock)
{
	(void)refclock;
	stops++;
}

const struct refclock_driver refclock_shm = {driver_start, driver_poll, driver_stop};
const struct refclock_driver refclock_sock = {driver_start, driver_poll, driver_stop};
const struct refclock_driver refclock_phc_pulse = {driver_start, driver_poll, driver_stop};
const struct refclock_driver refclock_phc = {driver_start, driver_poll, driver_stop};
const struct refclock_driver refclock_pps = {driver_start, driver_poll, driver_stop};

static void on_report(struct source *source)
{
	(void)source;
	reports++;
}

static bool admit(uint64_t from, uint64_t to, struct sample *sample)
{
	(void)from, (void)to, (void)sample;
	return admitted;
}

static const struct source_context context = {.config = &config,
	.counter = &counter,
	.timescale = &timescale,
	.model = &model,
	.start = {0, 1e-4},
	.handler = on_report,
	.admit = admit};

/* The served clock: `error_s` ahead, known to within `distance_s`. */
static void serve(double error_s, double distance_s, uint8_t stratum, uint32_t refid)
{
	struct model_target target = {.counter = now_ns,
		.utc = timescale_utc_add(timescale_utc(&timescale, now_ns), error_s),
		.rate = 1};
	struct model_facts facts = {.root_dispersion_s = distance_s,
		.valid_s = 86400,
		.refid = refid,
		.status = MERIDIAN_TIMEMODEL_SYNCHRONISED,
		.stratum = stratum};

	model_steer(&model, &target);
	model_state(&model, now_ns, &facts);
}

static int setup(void **state)
{
	(void)state;
	memset(timers, 0, sizeof(timers));
	now_ns = 1000 * NS_PER_SECOND;
	reports = starts = stops = 0;
	start_result = poll_result = 0;
	admitted = has_reading = true;
	reading = (struct refclock_reading){.error_s = 1e-7};
	reading_age_s = reading_error_s = 0;
	known_list = NULL;
	line = (struct config_refclock){.poll_log2 = 4,
		.filter = 64,
		.refid = 0x47505300,
		.parameter = "0",
		.rate_hz = 1,
		.max_lock_age = 2,
		.delay_s = 1e-9};
	model_init(&model, &timescale, counter.id, -23);
	return 0;
}

static void start(void)
{
	refclock_start(&clocks[0], &context, &line, NULL);
}

static void pass(double seconds)
{
	uint64_t until_ns = now_ns + (uint64_t)(seconds * (double)NS_PER_SECOND);

	for (;;) {
		int first = -1;
		event_timer_handler handler;

		for (int i = 0; i < TIMERS_MAX; i++) {
			if (timers[i].handler && timers[i].deadline_ns <= until_ns &&
				(first < 0 || timers[i].deadline_ns < timers[first].deadline_ns))
				first = i;
		}
		if (first < 0)
			break;
		now_ns = timers[first].deadline_ns;
		handler = timers[first].handler;
		timers[first].handler = NULL;
		handler(timers[first].arg);
	}
	now_ns = until_ns;
}

/* The offset of the last sample; NAN: there was none. */
static double last_offset(void)
{
	const struct sample *sample = estimator_sample(&clocks[0].source.estimator, 0);

	return sample ? sample->offset_s : NAN;
}

static void test_samples(void **state)
{
	const struct source *source = &clocks[0].source;

	(void)state;
	line.stratum = 3;
	line.source.offset_s = 0.5;
	reading.leap = MERIDIAN_NTP_LI_INSERT;
	reading_error_s = 0.25;
	start();
	assert_string_equal(source->name, "GPS");
	assert_string_equal(source->label, "SHM 0 (GPS)");
	assert_int_equal(source->refid, 0x47505300);
	assert_false(source_settled(source));
	pass(8.5); /* the first one as soon as the jitter is known */
	assert_int_equal(reports, 1);
	assert_int_equal(source->estimator.sample_count, 1);
	assert_true(source_settled(source));
	assert_true(fabs(last_offset() - 0.75) < 1e-9);
	assert_int_equal(source->stratum, 3);
	assert_int_equal(source->leap, MERIDIAN_NTP_LI_INSERT);
	assert_true(estimator_sample(&source->estimator, 0)->dispersion_s >= 2e-7);
	pass(14);
	assert_int_equal(reports, 1);
	pass(2);
	assert_int_equal(reports, 2);
	assert_int_equal(source->reach & 6, 6);
}

/* The clock stops: reach decays, and that is told once. */
static void test_silence(void **state)
{
	(void)state;
	start();
	pass(20);
	assert_int_not_equal(clocks[0].source.reach, 0);
	has_reading = false;
	pass(16);
	reports = 0;
	pass(6 * 16);
	assert_int_not_equal(clocks[0].source.reach, 0);
	assert_int_equal(reports, 0);
	pass(3 * 16);
	assert_int_equal(clocks[0].source.reach, 0);
	assert_int_equal(reports, 1);
	pass(50 * 16);
	assert_int_equal(reports, 1);
	has_reading = true;
	pass(20);
	assert_int_not_equal(clocks[0].source.reach, 0);
	assert_true(reports > 1);
}

static void test_start_is_tried_again(void **state)
{
	(void)state;
	start_result = -ENOENT;
	start();
	assert_int_equal(starts, 1);
	pass(3 * 16);
	assert_int_equal(starts, 4);
	assert_int_equal(clocks[0].source.reach, 0);
	start_result = 0;
	pass(40);
	assert_true(starts <= 6);
	assert_int_not_equal(clocks[0].source.reach, 0);
	assert_int_equal(stops, 0);
}

static void test_lost_device(void **state)
{
	(void)state;
	start();
	pass(20);
	poll_result = -ENODEV;
	start_result = -ENOENT;
	pass(40);
	assert_int_equal(stops, 1);
	assert_true(starts > 1);
	poll_result = start_result = 0;
	pass(40);
	assert_int_equal(stops, 1);
	assert_int_equal(clocks[0].source.reach & 1, 1);
	clocks[0].source.kind->stop(&clocks[0].source);
	assert_int_equal(stops, 2);
	for (int i = 0; i < TIMERS_MAX; i++)
		assert_null(timers[i].handler);
}

static void test_age(void **state)
{
	(void)state;
	reading_age_s = 33; /* two polls are 32 s */
	start();
	pass(100);
	assert_int_equal(clocks[0].source.reach, 0);
	reading_age_s = -0.5;
	pass(100);
	assert_int_equal(clocks[0].source.reach, 0);
	reading_age_s = 31;
	pass(100);
	assert_int_not_equal(clocks[0].source.reach, 0);
}

static void test_garbage(void **state)
{
	static const double times_s[] = {-1.0 * START_S - 5000, 2e12};

	(void)state;
	reading_error_s = times_s[0];
	start();
	pass(40);
	reading_error_s = times_s[1];
	pass(40);
	assert_int_equal(clocks[0].source.reach, 0);
	reading_error_s = 0;
	reading.error_s = NAN;
	pass(40);
	assert_int_equal(clocks[0].source.reach, 0);
}

static void test_jitter_limit(void **state)
{
	unsigned int taken;

	(void)state;
	line.max_dispersion_s = 1e-3;
	start();
	pass(20);
	taken = reports;
	assert_int_not_equal(taken, 0);
	for (int i = 0; i < 100; i++) {
		reading_error_s = i % 2 ? 0.01 : -0.01;
		pass(1);
	}
	assert_true(reports <= taken + 1);
}

/* The readings of another clock give the second, this one the rest. */
static void test_pulse_by_lock(void **state)
{
	struct config_refclock pulses = line;

	(void)state;
	pulses.pps = true;
	line.source.select.noselect = true;
	refclock_start(&clocks[1], &context, &line, NULL);
	reading_error_s = 0.1; /* of both: the pulse takes only the fraction */
	refclock_start(&clocks[0], &context, &pulses, &clocks[1]);
	pass(40);
	assert_true(fabs(last_offset() - 0.1) < 1e-9);
}

static void test_pulse_and_lock_differ(void **state)
{
	struct config_refclock pulses = line;
	struct refclock_reading pulse = {.error_s = 1e-7, .pulse = true};

	(void)state;
	has_reading = false;
	refclock_start(&clocks[1], &context, &line, NULL);
	refclock_start(&clocks[0], &context, &pulses, &clocks[1]);
	for (int i = 0; i < 40; i++) {
		/* Late by 0.3 s and too late by 0.45 s, then right. */
		struct refclock_reading slow = {.counter = now_ns, .error_s = 0.01};

		slow.utc =
			timescale_utc_add(timescale_utc(&timescale, now_ns), i < 20 ? -0.45 : -0.3);
		refclock_take(&clocks[1], &slow);
		pulse.counter = now_ns;
		refclock_take(&clocks[0], &pulse);
		if (i < 20)
			assert_int_equal(clocks[0].source.reach, 0);
		pass(1);
	}
	assert_true(fabs(last_offset()) < 1e-9);
	/* The other clock falls silent: the pulses mean nothing. */
	pass(60);
	reports = 0;
	for (int i = 0; i < 200; i++) {
		pulse.counter = now_ns;
		refclock_take(&clocks[0], &pulse);
		pass(1);
	}
	assert_int_equal(clocks[0].source.reach, 0);
}

static void test_pulse_by_the_clock(void **state)
{
	(void)state;
	line.pps = true;
	start();
	assert_true(source_settled(&clocks[0].source)); /* nobody waits for it */
	pass(40);
	assert_int_equal(clocks[0].source.reach, 0); /* not synchronised */
	serve(0.2, 0.6, 2, 0x01020304);
	pass(40);
	assert_int_equal(clocks[0].source.reach, 0); /* it could be the next second */
	serve(0.2, 0.3, 2, 0x01020304);
	pass(40);
	assert_int_not_equal(clocks[0].source.reach, 0);
	assert_true(fabs(last_offset()) < 1e-9);
	assert_int_equal(clocks[0].source.stratum, 0);
}

/* With `local` alone, pulses do not make this host's guess of the time a primary source. */
static void test_pulse_of_the_local_clock(void **state)
{
	(void)state;
	line.pps = true;
	start();
	serve(0, 1e-6, 10, MERIDIAN_NTP_REFID_LOCAL);
	pass(40);
	assert_int_equal(clocks[0].source.stratum, 9);
	serve(0, 1e-6, 10, line.refid);
	pass(40);
	assert_int_equal(clocks[0].source.stratum, 9);
}

static void test_tai(void **state)
{
	(void)state;
	line.tai = true;
	reading_error_s = 37;
	start();
	pass(40);
	assert_int_equal(clocks[0].source.reach, 0);
	list = (struct leap_list){.entry = {{START_S - 1000000, 37}}, .count = 1};
	list.expires_s = START_S + 1000000;
	known_list = &list;
	pass(40);
	assert_true(fabs(last_offset()) < 1e-9);
	list.expires_s = START_S + 1;
	pass(200);
	assert_int_equal(clocks[0].source.reach, 0);
}

/* Around a leap second a reading may be of nobody knows which side. */
static void test_not_admitted(void **state)
{
	(void)state;
	admitted = false;
	start();
	pass(40);
	assert_int_equal(clocks[0].source.estimator.sample_count, 0);
	assert_int_not_equal(clocks[0].source.reach, 0);
}

static void test_shift(void **state)
{
	(void)state;
	reading_error_s = 1000;
	start();
	pass(17 + 8);
	source_shift(&clocks[0].source, 1000);
	timescale.utc.s += 1000;
	reading_error_s = 0;
	pass(20);
	assert_true(fabs(last_offset()) < 1e-9);
	timescale.utc.s -= 1000;
	assert_int_equal(clocks[0].source.estimator.disputed_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_samples, setup),
		cmocka_unit_test_setup(test_silence, setup),
		cmocka_unit_test_setup(test_start_is_tried_again, setup),
		cmocka_unit_test_setup(test_lost_device, setup),
		cmocka_unit_test_setup(test_age, setup),
		cmocka_unit_test_setup(test_garbage, setup),
		cmocka_unit_test_setup(test_jitter_limit, setup),
		cmocka_unit_test_setup(test_pulse_by_lock, setup),
		cmocka_unit_test_setup(test_pulse_and_lock_differ, setup),
		cmocka_unit_test_setup(test_pulse_by_the_clock, setup),
		cmocka_unit_test_setup(test_pulse_of_the_local_clock, setup),
		cmocka_unit_test_setup(test_tai, setup),
		cmocka_unit_test_setup(test_not_admitted, setup),
		cmocka_unit_test_setup(test_shift, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
