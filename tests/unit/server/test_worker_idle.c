/* SPDX-License-Identifier: BSD-3-Clause */

/* What a worker that has nothing to do waits for. */

#include "worker_bench.h"
#include <sched.h>
#include <unistd.h>

static int wake_fd(const struct port_queue *queue)
{
	return *queue->mac;
}

/* Queues with a file that tells of frames, but not those whose device stamps. */
static void is_roused_by_its_queues(void **state)
{
	static const struct device_line_shared line;
	struct setup *setup = *state;
	struct worker *worker = &setup->worker;
	struct port_operations operations = bench_operations;
	struct port_queue rousing = {.operations = &operations, .mac = {7}};
	struct port_queue stamping = {.operations = &operations, .mac = {8}, .device_line = &line};

	assert_int_equal(worker->wake_count, 0); /* its first queue has none */
	operations.wake_fd = wake_fd;
	worker_add(worker, &rousing);
	worker_add(worker, &stamping);
	assert_int_equal(worker->queue_count, 3);
	assert_int_equal(worker->wake_count, 1);
	assert_int_equal(worker->wake[0].fd, 7);
	assert_int_equal(worker->wake[0].events, POLLIN);
}

/* The nap of a worker whose only queue rouses it, and that gets nothing. */
static uint32_t nap_of_roused(struct setup *setup, bool unstamped)
{
	struct worker *worker = &setup->worker;
	uint32_t nap_ns;
	int end[2];

	assert_int_equal(pipe(end), 0);
	worker->wake[0] = (struct pollfd){.fd = end[0], .events = POLLIN};
	worker->wake_count = 1;
	worker->unstamped = unstamped;
	setup->ring.count = 0;
	setup->view.nap_max_ns = 100 * IDLE_UNSTAMPED_MAX_NS;
	bench_model_publish(&setup->model);
	bench_start(setup);
	while ((nap_ns = __atomic_load_n(&worker->idle.nap_ns, __ATOMIC_RELAXED)) == 0)
		sched_yield();
	bench_drain(setup);
	close(end[0]);
	close(end[1]);
	return nap_ns;
}

static void sleeps_until_a_packet_comes(void **state)
{
	assert_int_equal(nap_of_roused(*state, false), IDLE_NAP_ROUSED_NS);
}

/* Of what comes without a stamp, a nap is told to hide since when it was there. */
static void naps_shortly_where_a_nap_is_told(void **state)
{
	assert_in_range(nap_of_roused(*state, true), 1, IDLE_UNSTAMPED_MAX_NS);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(is_roused_by_its_queues),
		WORKER_TEST(sleeps_until_a_packet_comes),
		WORKER_TEST(naps_shortly_where_a_nap_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
