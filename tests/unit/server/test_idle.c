/* SPDX-License-Identifier: BSD-3-Clause */
#include <idle.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

/* `turns` empty turns, each of which must choose `step`. */
static void expect(struct idle *idle, uint32_t nap_max_ns, bool can_watch, unsigned int turns,
	enum idle_step step)
{
	for (unsigned int i = 0; i < turns; i++)
		assert_int_equal(idle_step(idle, nap_max_ns, can_watch), step);
}

static void spins_then_naps(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, false, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, false, 5, IDLE_NAP);
}

static void watches_where_it_can(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, true, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, true, IDLE_WATCH_TURNS, IDLE_WATCH);
	expect(&idle, MAX_NS, true, 5, IDLE_NAP);
	idle_wait(&idle, IDLE_WATCH, &queue);
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
	expect(&idle, MAX_NS, false, IDLE_SPIN_TURNS, IDLE_SPIN);
	while (last_ns < MAX_NS) {
		expect(&idle, MAX_NS, false, 1, IDLE_NAP);
		if (last_ns == 0)
			assert_int_equal(idle.nap_ns, IDLE_NAP_FIRST_NS);
		assert_true(idle.nap_ns > last_ns);
		last_ns = idle.nap_ns;
		slept_ns += last_ns;
	}
	assert_in_range(slept_ns, 5000000, 12000000);
	expect(&idle, MAX_NS, false, 100, IDLE_NAP);
	assert_int_equal(idle.nap_ns, MAX_NS);
}

static void a_packet_starts_it_anew(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, MAX_NS, false, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, false, 100, IDLE_NAP);
	idle_busy(&idle);
	expect(&idle, MAX_NS, false, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, MAX_NS, false, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, IDLE_NAP_FIRST_NS);
}

/* The limit may be below the first nap, and be lowered or taken away while the worker is idle. */
static void keeps_to_the_limit(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, 10000, false, IDLE_SPIN_TURNS, IDLE_SPIN);
	expect(&idle, 10000, false, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, 10000);
	expect(&idle, MAX_NS, false, 100, IDLE_NAP);
	assert_int_equal(idle.nap_ns, MAX_NS);
	expect(&idle, 20000, false, 1, IDLE_NAP);
	assert_int_equal(idle.nap_ns, 20000);
	expect(&idle, 0, false, 100, IDLE_SPIN);
	expect(&idle, 0, true, 100, IDLE_SPIN);
}

static void never_naps_without_a_limit(void **state)
{
	struct idle idle = {0};

	(void)state;
	expect(&idle, 0, true, 100 * IDLE_SPIN_TURNS, IDLE_SPIN);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
