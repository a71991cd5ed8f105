/* SPDX-License-Identifier: BSD-3-Clause */

/* `meridianctl nics` out of a stats page: how replies' way to the wire is known, above all, which
 * no device of the other tests has. */

#include "ctl.h"
#include "rundir.h"
#include <jansson.h>
#include <meridian/stats.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *directory;
static struct meridian_page page;
static struct meridian_stats *stats;
static bool stop;

/* The dataplane's main loop, as far as it shows that it lives. */
static void *main_loop(void *argument)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&stats->main_heartbeat, 1, __ATOMIC_RELAXED);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return argument;
}

/* What `nics` prints; the caller frees it. */
static char *printed(enum output_mode mode)
{
	struct ctl ctl = {.rundir = directory};
	FILE *terminal = stdout;
	char *text = NULL;
	pthread_t thread;
	size_t size;

	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, main_loop, NULL), 0);
	stdout = open_memstream(&text, &size);
	assert_non_null(stdout);
	output_begin("nics", mode, true);
	assert_int_equal(ctl_nics(&ctl), EXIT_SUCCESS);
	assert_int_equal(output_end(), 0);
	fclose(stdout);
	stdout = terminal;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return text;
}

static void port_fill(uint32_t i, const char *name, const struct meridian_stats_clock *clock)
{
	memset(&stats->port[i], 0, sizeof(stats->port[i]));
	memcpy(stats->port[i].name, name, strlen(name));
	memcpy(stats->port[i].driver, "net_igc", 7);
	stats->port[i].stamp = MERIDIAN_STAMP_counter;
	stats->clock[i] = *clock;
	stats->port_count = i + 1;
}

static void ports_fill(void)
{
	port_fill(0, "0000:01:00.0", &(struct meridian_stats_clock){.transmit_samples = 0});
	port_fill(1, "0000:02:00.0",
		&(struct meridian_stats_clock){
			.transmit = MERIDIAN_TRANSMIT_CONFIGURED, .transmit_delay_ns = -950});
	port_fill(2, "0000:03:00.0",
		&(struct meridian_stats_clock){.transmit = MERIDIAN_TRANSMIT_SAMPLED,
			.transmit_delay_ns = 1875,
			.transmit_error_ns = 240,
			.transmit_samples = 64,
			.transmit_refused = 3,
			.transmit_lost = 2});
	port_fill(3, "0000:04:00.0",
		&(struct meridian_stats_clock){.transmit = MERIDIAN_TRANSMIT_TIMED,
			.transmit_delay_ns = 20000,
			.transmit_error_ns = 75,
			.transmit_late = 5});
	port_fill(4, "0000:05:00.0", &(struct meridian_stats_clock){.transmit = 99});
	port_fill(5, "eth1",
		&(struct meridian_stats_clock){.state = MERIDIAN_CLOCK_GOOD,
			.delivery_median_ns = 180000,
			.delivery_most_ns = 640000,
			.delivery_limit_ns = 250000});
}

/* Of one port; NaN is null. */
struct expected {
	const char *transmit;
	double delay_s, error_s; /* 1: null */
	int samples, refused, lost, late;
};

static void number_check(const json_t *row, const char *key, double expected)
{
	const json_t *value = json_object_get(row, key);

	if (expected == 1)
		assert_true(json_is_null(value));
	else
		assert_float_equal(json_number_value(value), expected, 1e-12);
}

static void row_check(const json_t *row, const struct expected *expected)
{
	assert_string_equal(
		json_string_value(json_object_get(row, "transmit")), expected->transmit);
	number_check(row, "transmit_delay_s", expected->delay_s);
	number_check(row, "transmit_error_s", expected->error_s);
	number_check(row, "transmit_samples", expected->samples);
	number_check(row, "transmit_refused", expected->refused);
	number_check(row, "transmit_lost", expected->lost);
	number_check(row, "transmit_late", expected->late);
}

static void tells_how_the_way_to_the_wire_is_known(void **state)
{
	static const struct expected expected[] = {
		{"unknown", 1, 1, 0, 0, 0, 0},
		{"configured", -950e-9, 1, 0, 0, 0, 0},
		{"sampled", 1875e-9, 240e-9, 64, 3, 2, 0},
		{"timed", 20e-6, 75e-9, 0, 0, 0, 5},
		{"unknown", 0, 1, 0, 0, 0, 0},
		{"unknown", 1, 1, 0, 0, 0, 0},
	};
	char *text = printed(OUTPUT_JSON);
	json_t *json = json_loads(text, 0, NULL), *nics = json_object_get(json, "nics");

	(void)state;
	assert_int_equal(json_array_size(nics), sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		row_check(json_array_get(nics, i), &expected[i]);
	json_decref(json);
	free(text);
}

/* Of a port whose packets have two stamps; of the others nothing is known. */
static void tells_how_long_deliveries_take(void **state)
{
	char *text = printed(OUTPUT_JSON);
	json_t *json = json_loads(text, 0, NULL), *nics = json_object_get(json, "nics");

	(void)state;
	number_check(json_array_get(nics, 0), "delivery_s", 1);
	number_check(json_array_get(nics, 0), "delivery_limit_s", 1);
	number_check(json_array_get(nics, 5), "delivery_s", 180e-6);
	number_check(json_array_get(nics, 5), "delivery_most_s", 640e-6);
	number_check(json_array_get(nics, 5), "delivery_limit_s", 250e-6);
	json_decref(json);
	free(text);
	text = printed(OUTPUT_TEXT);
	assert_non_null(strstr(text,
		"eth1 takes up to 640 us to deliver packets that it has stamped, and stamps older "
		"than 250 us are not believed"));
	assert_null(strstr(text, "0000:01:00.0 takes"));
	free(text);
}

/* Whether the row of a table that begins so has these words. */
static bool row_has(const char *text, const char *begin, const char *words)
{
	const char *row = strstr(text, begin), *found = row ? strstr(row, words) : NULL;

	return found != NULL && found < strchr(row, '\n');
}

static void shows_it_in_the_table(void **state)
{
	char *text = printed(OUTPUT_TEXT);

	(void)state;
	assert_true(row_has(text, "Interface", "Transmit"));
	assert_true(row_has(text, "0000:03:00.0", "sampled"));
	assert_true(row_has(text, "0000:03:00.0", "1.875 us"));
	assert_true(row_has(text, "0000:03:00.0", "240.0 ns"));
	assert_true(row_has(text, "0000:04:00.0", "timed"));
	assert_true(row_has(text, "0000:04:00.0", "20.0 us"));
	assert_true(row_has(text, "0000:04:00.0", "75.0 ns"));
	free(text);
}

static void flows_fill(uint32_t i, uint32_t rules, uint32_t missing, uint32_t left)
{
	stats->port[i].bifurcated = 1;
	stats->port[i].flow_rules = rules;
	stats->port[i].flow_missing = missing;
	stats->port[i].flow_left = left;
}

/* What a driver does not know can nobody change; what could not be set is a problem. */
static void tells_of_flow_rules(void **state)
{
	char *text;

	(void)state;
	flows_fill(0, 2, 0, 4);
	flows_fill(1, 3, 1, 0);
	text = printed(OUTPUT_TEXT);
	assert_null(strstr(text, "0000:01:00.0 has not all flow rules"));
	assert_non_null(strstr(text, "0000:02:00.0 has not all flow rules that it should have"));
	free(text);
	text = printed(OUTPUT_CSV);
	assert_non_null(strstr(text, "flows,0000:01:00.0,2,0,4\n"));
	assert_non_null(strstr(text, "flows,0000:02:00.0,3,1,0\n"));
	free(text);
	ports_fill();
}

static int page_make(void **state)
{
	if (rundir_setup(state) != 0)
		return -1;
	directory = *state;
	if (meridian_page_create(&page, directory, &meridian_stats_dataplane_kind, sizeof(*stats),
		    0644, NULL) < 0)
		return -1;
	stats = page.addr;
	ports_fill();
	return 0;
}

static int page_remove(void **state)
{
	meridian_page_close(&page);
	return rundir_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_how_the_way_to_the_wire_is_known),
		cmocka_unit_test(shows_it_in_the_table),
		cmocka_unit_test(tells_how_long_deliveries_take),
		cmocka_unit_test(tells_of_flow_rules),
	};

	return cmocka_run_group_tests(tests, page_make, page_remove);
}
