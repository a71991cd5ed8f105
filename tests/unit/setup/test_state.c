/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rundir.h"
#include "state.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char error[STATE_ERROR_SIZE];

static void path_make(char path[static PATH_MAX], void **state)
{
	snprintf(path, PATH_MAX, "%s/setup.state", (const char *)*state);
}

/* Each member of a step has another value than zero. */
static void step_fill(struct step *step)
{
	step->ifindex = 9;
	for (int i = 0; i < STEP_VALUES; i++) {
		step->from[i] = i + 1;
		step->to[i] = -i;
	}
	strcpy(step->driver, "igb");
	strcpy(step->override, "mlx5_core");
	strcpy(step->interface, "eth1");
	step->table_size = 3;
	step->table[2] = UINT16_MAX;
}

static void test_steps_come_back(void **state)
{
	static const char *const on[STEP_KINDS] = {[STEP_MODULE] = "vfio-pci",
		[STEP_PAGES] = "",
		[STEP_TABLE] = "eth1",
		[STEP_QUEUES] = "eth1",
		[STEP_HASH] = "eth1",
		[STEP_STAMPS] = "eth1",
		[STEP_BIND] = "0000:3b:00.0"};
	struct state written, read;
	char path[PATH_MAX];
	struct stat status;

	path_make(path, state);
	assert_int_equal(state_open(&written, path, true, error), 0);
	assert_int_equal(written.steps.count, 0);
	for (int kind = 0; kind < STEP_KINDS; kind++)
		step_fill(steps_add(&written.steps, (enum step_kind)kind, on[kind]));
	assert_int_equal(state_save(&written), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(state_open(&read, path, true, error), -EBUSY);
	assert_int_equal(state_open(&read, path, false, error), 0);
	assert_int_equal(read.steps.count, STEP_KINDS);
	for (size_t i = 0; i < STEP_KINDS; i++)
		assert_memory_equal(
			&read.steps.step[i], &written.steps.step[i], sizeof(struct step));
	state_close(&read);
	steps_free(&written.steps);
	assert_int_equal(state_save(&written), 0);
	assert_int_equal(stat(path, &status), -1);
	state_close(&written);
}

/* A step is changed in one member into what cannot have been written. */
static void test_steps_that_cannot_be(void **state)
{
	static const struct {
		const char *key, *value;
	} changes[] = {
		{"kind", "\"sing\""},
		{"kind", "5"},
		{"on", "\"../../etc\""},
		{"on", "\"eth1\""},
		{"on", "\"0000:3b:00.0/driver\""},
		{"driver", "\"../igb\""},
		{"override", "\"a b\""},
		{"interface", "\"a/b\""},
		{"from", "[1, 2, 3]"},
		{"to", "[1, 2, 3, \"4\"]"},
		{"table", "[65536]"},
		{"table", "[-1]"},
		{"ifindex", "null"},
	};
	struct step *step = calloc(1, sizeof(*step));

	(void)state;
	assert_non_null(step);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		json_t *json;

		memset(step, 0, sizeof(*step));
		step->kind = STEP_BIND;
		strcpy(step->on, "0000:3b:00.0");
		step_fill(step);
		json = step_to_json(step);
		assert_int_equal(step_from_json(step, json), 0);
		json_object_set_new(
			json, changes[i].key, json_loads(changes[i].value, JSON_DECODE_ANY, NULL));
		assert_int_equal(step_from_json(step, json), -EINVAL);
		json_decref(json);
	}
	free(step);
}

static void test_too_many_steps(void **state)
{
	struct steps steps = {NULL, 0};

	(void)state;
	for (int i = 0; i < STEP_STEPS_MAX; i++)
		assert_non_null(steps_add(&steps, STEP_PAGES, ""));
	assert_null(steps_add(&steps, STEP_PAGES, ""));
	steps_free(&steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_steps_come_back, rundir_setup, rundir_teardown),
		cmocka_unit_test(test_steps_that_cannot_be),
		cmocka_unit_test(test_too_many_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
