/* SPDX-License-Identifier: BSD-3-Clause */

/* Reloads turn by turn of the event loop. The test is the tracker and the steering. */

#include "event.h"
#include "publish.h"
#include "reload.h"
#include "steer/steer.h"
#include "track.h"
#include <rundir.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY      100000
#define TURNS_MAX 1000

/* At most 8192 lines in a turn, then 131072 rules: each ranked, 17 times merged, walked. */
#define TURNS_LINES (MANY / 8192 + 1)
#define TURNS_RULES (19 * MANY / 131072 + 1)

static char path[256];
static int tracker_calls, steer_calls, reopened, publishing_turns;
static size_t rules_taken;

void publish_reopen(void)
{
	reopened++;
}

void track_reload(const struct config *config)
{
	assert_ptr_not_equal(config, reload_config());
	tracker_calls++;
}

void steer_reload(const struct config *config, struct meridian_policy_access *table, size_t count)
{
	assert_ptr_not_equal(config, reload_config());
	assert_true(config->rule_count >= count);
	steer_calls++;
	rules_taken = count;
	free(table);
}

bool steer_is_publishing(void)
{
	return publishing_turns > 0 && publishing_turns-- > 0;
}

static void quit(void *arg)
{
	(void)arg;
	event_quit();
}

/* One turn of the loop: what is due, once. */
static void turn(void)
{
	event_add_timer(0, quit, NULL);
	assert_int_equal(event_loop(), 0);
}

/* Turns until steer_reload() has been called once more; 0: it never is. */
static int turns_to_take_over(void)
{
	int calls = steer_calls;

	for (int turns = 1; turns < TURNS_MAX; turns++) {
		turn();
		if (steer_calls > calls)
			return turns;
	}
	return 0;
}

static void config_write(size_t rules, const char *last)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("local\n", file);
	for (size_t i = 0; i < rules; i++)
		fprintf(file, "allow 10.%zu.%zu.%zu\n", i >> 16, i >> 8 & 255, i & 255);
	fputs(last, file);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	int r = rundir_setup(state);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/meridian.conf", (const char *)*state);
	config_write(1, "");
	assert_int_equal(config_load(reload_config(), path, stderr), 0);
	reload_init(false);
	tracker_calls = steer_calls = reopened = publishing_turns = 0;
	return 0;
}

static int teardown(void **state)
{
	reload_fini();
	config_free(reload_config());
	return rundir_teardown(state);
}

/* The work is spread over as many turns as it has parts, and taken over in one. */
static void test_no_turn_does_more_than_its_part(void **state)
{
	const struct config *before = reload_config();

	(void)state;
	config_write(MANY, "");
	event_request_reload();
	assert_in_range(
		turns_to_take_over(), TURNS_LINES + TURNS_RULES - 1, TURNS_LINES + TURNS_RULES + 2);
	assert_ptr_not_equal(reload_config(), before);
	assert_int_equal(rules_taken, MANY);
	assert_int_equal(tracker_calls, 1);
	assert_int_equal(reload_config()->rule_count, MANY);
	/* And back, though the page is still being filled. */
	publishing_turns = 5;
	config_write(2, "");
	event_request_reload();
	assert_in_range(turns_to_take_over(), 2, 4);
	assert_int_equal(rules_taken, 2);
	assert_ptr_equal(reload_config(), before);
	/* It is not over before the page is full. */
	for (unsigned int i = 0; i < 5; i++)
		turn();
	assert_int_equal(publishing_turns, 0);
}

/* Wherever the second signal comes, what was begun before it is never seen. */
static void test_second_signal_begins_anew(void **state)
{
	(void)state;
	for (int turns = 0; turns < TURNS_LINES + TURNS_RULES; turns += 3) {
		config_write(MANY, "");
		event_request_reload();
		for (int i = 0; i < turns; i++)
			turn();
		assert_int_equal(steer_calls, turns / 3);
		config_write((size_t)turns + 7, "");
		event_request_reload();
		assert_in_range(turns_to_take_over(), 1, 4);
		assert_int_equal(rules_taken, turns + 7);
		turn(); /* the end of it */
	}
	assert_int_equal(tracker_calls, steer_calls);
}

static void test_bad_config_changes_nothing(void **state)
{
	const struct config *before = reload_config();

	(void)state;
	config_write(MANY, "server\n");
	event_request_reload();
	assert_int_equal(turns_to_take_over(), 0);
	assert_ptr_equal(reload_config(), before);
	assert_int_equal(reload_config()->rule_count, 1);
	assert_int_equal(remove(path), 0);
	event_request_reload();
	assert_int_equal(turns_to_take_over(), 0);
	assert_int_equal(tracker_calls, 0);
	assert_int_equal(reopened, 2);
	/* The next one finds everything in order. */
	config_write(3, "");
	event_request_reload();
	assert_in_range(turns_to_take_over(), 1, 4);
	assert_int_equal(rules_taken, 3);
}

/* At the end of the process. */
static void test_reload_is_dropped(void **state)
{
	(void)state;
	config_write(MANY, "");
	event_request_reload();
	turn();
	reload_fini();
	assert_int_equal(turns_to_take_over(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_no_turn_does_more_than_its_part, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_signal_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_config_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_is_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
