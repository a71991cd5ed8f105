/* SPDX-License-Identifier: BSD-3-Clause */
#include <idle.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_NS 500000

static unsigned int watched;
static uint32_t watched_ns;

static void watch(struct port_queue *queue, uint32_t ns)
{
	(void)queue;
	watched++;
	watched_ns = ns;
}

static const struct port_operations watchable = {.watch = watch};
static struct port_queue queue = {.operations = &watchable};

static const struct idle_place nowhere = {.watched = NULL};
static const struct idle_place memory = {.watched = &queue};
static const struct idle_place rousing = {.rousing = true};

/* `turns` empty turns, each of which must choose `step`. */
static void expect(struct idle *idle, uint32_t nap_max_ns, const struct idle_place *place,
	unsigned int turns, enum idle_step step)
{
	for (unsigned int i = 0; i < turns; i++)
		assert_int_equal(idle_step(idle, nap_max_ns, place), step);
}

static void spins_then_naps(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, &nowhere, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &nowhere, 5, IDLE_NAP);
}

static void watches_where_it_can(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, &memory, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &memory, IDLE_WATCH_TURNS, IDLE_WATCH);
	expect(&idle, MAX_NS, &memory, 5, IDLE_NAP);
	idle_wait(&idle, IDLE_WATCH, &memory);
	assert_int_equal(watched, 1);
	assert_int_equal(watched_ns, IDLE_WATCH_NS);
}

/* From the first to the longest: none is shorter than the one before, and the ladder to 500 us
 * takes some 8 ms. */
static void naps_grow_to_the_longest(void **state)
{
	struct idle idle = {0};
	uint64_t slept_ns = 0;
	uint32_t last_ns = 0;

	(void)state;
	expect(&idle, MAX_NS, &nowhere, IDLE_SPIN_TURNS, IDLE_SPIN);
	while (last_ns < MAX_NS) {
		expect(&idle, MAX_NS, &nowhere, 1, IDLE_NAP);
		if (last_ns == 0)
			assert_int_equal(idle.nap_ns, IDLE_NAP_FIRST_NS);
		assert_true(idle.nap_ns > last_ns);
		last_ns = idle.nap_ns;
		slept_ns += last_ns;
	}
	assert_in_range(slept_ns, 5000000, 12000000);
	expect(&idle, MAX_NS, &nowhere, 100, IDLE_NAP);
	assert_int_equal(idle.nap_ns, MAX_NS);
}

static void a_packet_starts_it_anew(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, &nowhere, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &nowhere, 100, IDLE_NAP);
	idle_busy(&idle);
	expect(&idle, MAX_NS, &nowhere, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &nowhere, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, IDLE_NAP_FIRST_NS);
}

/* The limit may be below the first nap, and be lowered or taken away while the worker is idle. */
static void keeps_to_the_limit(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, 10000, &nowhere, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, 10000, &nowhere, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, 10000);
	expect(&idle, MAX_NS, &nowhere, 100, IDLE_NAP);
	assert_int_equal(idle.nap_ns, MAX_NS);
	expect(&idle, 20000, &nowhere, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, 20000);
	expect(&idle, 0, &nowhere, 100, IDLE_SPIN);
	expect(&idle, 0, &memory, 100, IDLE_SPIN);
}

static void never_naps_without_a_limit(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, 0, &memory, 100 * IDLE_SPIN_TURNS, IDLE_SPIN);
}

/* A long nap from the first, after spinning, if a packet ends it; but none if there are to be none.
 */
static void sleeps_long_where_a_packet_rouses_it(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, 0, &rousing, 100 * IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &rousing, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, &rousing, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, IDLE_NAP_ROUSED_NS);
}

/* What ended a nap and is not found is not waited for again before a packet is, and does not make
 * the worker deaf for long. */
static void is_roused_once_in_vain(void **state)
{
	struct idle idle = {.turns = IDLE_SPIN_TURNS};
	struct pollfd wake = {.events = POLLIN};
	struct idle_place place = {.wake = &wake, .wake_count = 1, .rousing = true};
	int end[2];

	(void)state;
	assert_int_equal(pipe(end), 0);
	wake.fd = end[0];
	expect(&idle, MAX_NS, &place, 1, IDLE_NAP);
	idle_wait(&idle, IDLE_NAP, &place);
	assert_false(idle.roused);
	assert_int_equal(write(end[1], "", 1), 1);
	for (int vain = 0; vain < 3; vain++) {
		expect(&idle, MAX_NS, &place, 1, IDLE_NAP);
		assert_int_equal(idle.nap_ns, IDLE_NAP_ROUSED_NS);
		idle_wait(&idle, IDLE_NAP, &place);
		assert_true(idle.roused);
		expect(&idle, MAX_NS, &place, 1, IDLE_NAP);
		assert_int_equal(idle.nap_ns, MAX_NS);
		idle_wait(&idle, IDLE_NAP, &place);
		assert_false(idle.roused);
	}
	expect(&idle, MAX_NS, &place, 1, IDLE_NAP);
	idle_wait(&idle, IDLE_NAP, &place);
	idle_busy(&idle);
	assert_false(idle.roused);
	close(end[0]);
	close(end[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spins_then_naps),
		cmocka_unit_test(watches_where_it_can),
		cmocka_unit_test(naps_grow_to_the_longest),
		cmocka_unit_test(a_packet_starts_it_anew),
		cmocka_unit_test(keeps_to_the_limit),
		cmocka_unit_test(never_naps_without_a_limit),
		cmocka_unit_test(sleeps_long_where_a_packet_rouses_it),
		cmocka_unit_test(is_roused_once_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
