/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include "kernel_clock.h"
#include "leap_second.h"
#include "order.h"
#include "publish.h"
#include "script_clock.h"
#include "source/pool.h"
#include "track.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <units.h>

#include <cmocka.h>

#define BOOT_S  INT64_C(1900000000) /* UTC when the counter was 0 */
#define DELAY_S 1e-4
#define NOISE_S 1e-6
#define RATE    1.00001 /* seconds of UTC per second of the counter */

/* The machine: its counter stands still while it sleeps. */
static uint64_t counter_ns, slept_ns;

/* Its only source, and what the tracker does with it, with the page and with the kernel's clock. */
static struct source source;
static const struct config_source source_config;
static bool heard;
static unsigned int selections;
static unsigned int pool_starts, pool_stops, kernel_clock_starts, kernel_clock_steps;
static struct meridian_timemodel_data page, left; /* `left` by the run before */
static const struct reference_ids reference_ids;
static event_timer_handler tick;

static const struct counter counter = {
	.id = MERIDIAN_COUNTER_MONOTONIC_RAW, .hz = NS_PER_SECOND, .precision_log2 = -30};
static struct config config;

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	uint64_t ns = counter_ns;

	if (clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME)
		ns += slept_ns;
	*ret_time = (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
	if (clock == CLOCK_REALTIME)
		ret_time->tv_sec += BOOT_S;
	return 0;
}

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	assert_int_equal(delay_ns, NS_PER_SECOND);
	assert_null(arg);
	tick = handler;
	return 1;
}

void event_remove_timer(int id)
{
	assert_int_equal(id, 1);
}

int publish_init(const struct config *opened, struct meridian_timemodel_data *ret_adopted)
{
	(void)opened;
	*ret_adopted = left;
	return 0;
}

void publish_model(const struct meridian_timemodel_data *data, const struct reference_ids *ids)
{
	assert_ptr_equal(ids, &reference_ids);
	page = *data;
}

void publish_fini(void)
{
}

bool script_clock_runs(void)
{
	return false;
}

int script_clock_start(
	const struct config *started, const struct counter *its_counter, struct model *model)
{
	(void)started, (void)its_counter, (void)model;
	return 0;
}

void driftfile_read(const char *path, const struct counter *its_counter, struct drift_start *ret)
{
	(void)path, (void)its_counter;
	*ret = (struct drift_start){0, 1e-4};
}

int driftfile_write(
	const char *path, const struct counter *its_counter, double frequency, double frequency_sd)
{
	(void)path, (void)its_counter, (void)frequency, (void)frequency_sd;
	return 0;
}

void leap_second_init(
	struct model *model, struct timescale *timescale, const struct config *its_config)
{
	(void)model, (void)timescale, (void)its_config;
}

void leap_second_reload(const struct config *its_config)
{
	(void)its_config;
}

bool leap_second_tick(const struct leap_votes *votes, uint64_t now, bool disciplined)
{
	(void)votes, (void)now, (void)disciplined;
	return false;
}

bool leap_second_admit(uint64_t from, uint64_t to, struct sample *sample)
{
	(void)from, (void)to, (void)sample;
	return true;
}

void kernel_clock_start_again(void)
{
	kernel_clock_starts++;
}

void kernel_clock_tick(const struct meridian_timemodel_data *model, double rate, bool led)
{
	(void)model, (void)rate, (void)led;
}

bool kernel_clock_step(void)
{
	kernel_clock_steps++;
	return true;
}

void pool_start(struct pool *pool, const struct source_context *context)
{
	pool_starts++;
	heard = false;
	source = (struct source){.context = context, .config = &source_config, .stratum = 1};
	estimator_init(&source.estimator, context->timescale, context->start.frequency,
		context->start.frequency_sd);
	pool->source[0] = &source;
	pool->count = 1;
}

const struct reference_ids *pool_reference_ids(const struct pool *pool)
{
	(void)pool;
	return &reference_ids;
}

void pool_stop(struct pool *pool)
{
	pool->count = 0;
	pool_stops++;
}

bool pool_settle(struct pool *pool, uint64_t now)
{
	(void)now;
	pool->settled = heard;
	return heard;
}

bool pool_is_settled(const struct pool *pool, uint64_t now)
{
	(void)pool, (void)now;
	return heard;
}

const struct source *pool_select(
	struct pool *pool, const struct source *best, uint64_t now, struct estimate *ret_combined)
{
	(void)pool, (void)best;
	selections++;
	estimator_predict(&source.estimator, now, ret_combined);
	source.state = SELECT_BEST;
	return &source;
}

size_t pool_agreeing(const struct pool *pool)
{
	return pool->count;
}

struct leap_votes pool_leap_votes(const struct pool *pool)
{
	(void)pool;
	return (struct leap_votes){.voters = 0};
}

size_t pool_bounds(const struct pool *pool, const struct clock_line *line,
	struct bound bound[POOL_SOURCES_MAX])
{
	(void)pool, (void)line, (void)bound;
	return 0;
}

struct bound pool_bound(
	const struct pool *pool, const struct source *best, const struct clock_line *line)
{
	(void)pool;
	return bound_of_line(&best->estimator, line);
}

void pool_shift(struct pool *pool, double seconds)
{
	(void)pool;
	estimator_shift(&source.estimator, seconds);
}

/* True UTC minus the time that the page tells. */
static double behind_s(void)
{
	double passed_s =
		(double)counter_ns * RATE / NS_PER_SECOND + (double)slept_ns / NS_PER_SECOND;
	struct meridian_utc boot = {.s = BOOT_S};

	return passed_s - timescale_utc_diff(meridian_timemodel_utc(&page, counter_ns), boot);
}

/* A second passes, at the end of which the source is heard, or not. */
static void second(bool answers)
{
	struct sample sample = {.delay_s = DELAY_S, .noise_s = NOISE_S};
	double passed_s;

	counter_ns += NS_PER_SECOND;
	source.reach = (uint8_t)(source.reach << 1);
	if (answers) {
		passed_s = (double)counter_ns * RATE / NS_PER_SECOND +
			(double)slept_ns / NS_PER_SECOND;
		sample.counter = counter_ns;
		sample.offset_s = passed_s -
			timescale_utc_diff(timescale_utc(source.context->timescale, counter_ns),
				(struct meridian_utc){.s = BOOT_S});
		estimator_add(&source.estimator, &sample);
		source.reach |= 1;
		heard = true;
		source.context->handler(&source);
	}
	tick(NULL);
}

static void seconds(unsigned int count, bool answer)
{
	while (count-- > 0)
		second(answer);
}

static int setup(void **state)
{
	(void)state;
	counter_ns = 100 * NS_PER_SECOND;
	slept_ns = 0;
	pool_starts = pool_stops = kernel_clock_starts = kernel_clock_steps = 0;
	memset(&page, 0, sizeof(page));
	memset(&left, 0, sizeof(left));
	config = (struct config){.max_error_s = 3, .holdover_s = 86400, .max_clock_error_ppm = 20};
	return track_init(&config, &counter);
}

static int teardown(void **state)
{
	(void)state;
	track_fini();
	return 0;
}

static void clock_follows_its_source(void **state)
{
	(void)state;
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_UNSYNCHRONISED);
	seconds(30, true);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_int_equal(page.stratum, 2);
	assert_true(fabs(behind_s()) < DELAY_S);
	assert_true(fabs(model_rate(track_status().model) - RATE) < 1e-6);
}

static void selects_when_ordered(void **state)
{
	unsigned int before;

	(void)state;
	second(true);
	before = selections;
	order_reselect();
	assert_int_equal(selections, before + 1);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
}

/* Where there is a time, at once, and only there. */
static void step_needs_a_time(void **state)
{
	(void)state;
	assert_false(order_step());
	second(true);
	assert_true(order_step());
	slept_ns += 3600 * NS_PER_SECOND;
	second(false);
	assert_false(order_step());
	assert_int_equal(kernel_clock_steps, 1);
}

/* With its frequency, and what else is known of it. A sleep ends that. */
static void clock_of_the_run_before_goes_on(void **state)
{
	(void)state;
	assert_false(source.context->goes_on);
	seconds(30, true);
	left = page;
	track_fini();
	assert_int_equal(track_init(&config, &counter), 0);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_true(source.context->goes_on);
	seconds(30, false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_true(fabs(behind_s()) < DELAY_S);
	slept_ns += 3600 * NS_PER_SECOND;
	second(false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_UNSYNCHRONISED);
	assert_false(source.context->goes_on);
}

/* At once nobody is told the time, and the sources are asked anew; the frequency is still known. */
static void sleep_ends_what_was_known(void **state)
{
	uint64_t disruptions;

	(void)state;
	seconds(30, true);
	disruptions = page.disruption_count;
	slept_ns += 3600 * NS_PER_SECOND;
	second(false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_UNSYNCHRONISED);
	assert_int_equal(page.stratum, MERIDIAN_NTP_STRATUM_UNSYNC);
	assert_int_equal(pool_stops, 1);
	assert_int_equal(pool_starts, 2);
	assert_int_equal(kernel_clock_starts, 1);
	assert_null(track_status().best);
	assert_true(fabs(source.context->start.frequency - (RATE - 1)) < 1e-6);
	assert_true(source.context->start.frequency_sd <= 1e-6);
	assert_int_equal(page.suspended_ns, slept_ns);
	seconds(3, false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_UNSYNCHRONISED);
	second(true);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_true(fabs(behind_s()) < DELAY_S);
	assert_true(page.disruption_count > disruptions);
	assert_int_equal(pool_starts, 2);
}

static void nap_changes_nothing(void **state)
{
	(void)state;
	seconds(30, true);
	slept_ns += NS_PER_SECOND / 2;
	second(false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_int_equal(pool_starts, 1);
	assert_int_equal(kernel_clock_starts, 0);
}

/* The bound grows above maxerror, and comes down again when the source is back. */
static void silence_is_no_reason_to_step(void **state)
{
	uint64_t disruptions;

	(void)state;
	track_fini();
	config.max_error_s = 0.001;
	config.max_clock_error_ppm = 100;
	assert_int_equal(track_init(&config, &counter), 0);
	seconds(30, true);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	disruptions = page.disruption_count;
	seconds(5, false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	seconds(15, false);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_UNSYNCHRONISED);
	seconds(2, true);
	assert_int_equal(page.status, MERIDIAN_TIMEMODEL_SYNCHRONISED);
	assert_int_equal(page.disruption_count, disruptions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clock_follows_its_source, setup, teardown),
		cmocka_unit_test_setup_teardown(step_needs_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(selects_when_ordered, setup, teardown),
		cmocka_unit_test_setup_teardown(clock_of_the_run_before_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(sleep_ends_what_was_known, setup, teardown),
		cmocka_unit_test_setup_teardown(nap_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_is_no_reason_to_step, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
