/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <rte_interrupts.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <unmap_guard.h>

#include <cmocka.h>

#define WAIT_NS 50000000

static bool in_interrupt_thread;
static void *page;
static int waits, waits_mapped; /* how often was waited, and with the page still there */
static bool wait_begun, wait_ended;

int rte_thread_is_intr(void)
{
	return in_interrupt_thread;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static bool page_mapped(void)
{
	return msync(page, page_size(), MS_ASYNC) == 0;
}

static int setup(void **state)
{
	(void)state;
	page = mmap(NULL, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	in_interrupt_thread = true;
	waits = waits_mapped = 0;
	wait_begun = wait_ended = false;
	return 0;
}

static void count_wait(void)
{
	waits++;
	waits_mapped += page_mapped();
}

static void long_wait(void)
{
	static const struct timespec pause = {.tv_nsec = WAIT_NS};

	__atomic_store_n(&wait_begun, true, __ATOMIC_SEQ_CST);
	nanosleep(&pause, NULL);
	__atomic_store_n(&wait_ended, true, __ATOMIC_SEQ_CST);
}

static void *page_unmap(void *argument)
{
	(void)argument;
	munmap(page, page_size());
	return NULL;
}

static void waits_before_it_unmaps(void **state)
{
	(void)state;
	unmap_guard_set(count_wait);
	assert_int_equal(munmap(page, page_size()), 0);
	unmap_guard_set(NULL);
	assert_int_equal(waits, 1);
	assert_int_equal(waits_mapped, 1);
	assert_false(page_mapped());
}

static void waits_in_the_interrupt_thread_only(void **state)
{
	(void)state;
	in_interrupt_thread = false;
	unmap_guard_set(count_wait);
	assert_int_equal(munmap(page, page_size()), 0);
	unmap_guard_set(NULL);
	assert_int_equal(waits, 0);
	assert_false(page_mapped());
}

static void unmaps_at_once_when_nobody_polls(void **state)
{
	(void)state;
	unmap_guard_set(count_wait);
	unmap_guard_set(NULL);
	assert_int_equal(munmap(page, page_size()), 0);
	assert_int_equal(waits, 0);
	assert_false(page_mapped());
}

static void is_unset_when_nobody_waits(void **state)
{
	pthread_t thread;

	(void)state;
	unmap_guard_set(long_wait);
	assert_int_equal(pthread_create(&thread, NULL, page_unmap, NULL), 0);
	while (!__atomic_load_n(&wait_begun, __ATOMIC_SEQ_CST))
		sched_yield();
	unmap_guard_set(NULL);
	assert_true(__atomic_load_n(&wait_ended, __ATOMIC_SEQ_CST));
	pthread_join(thread, NULL);
	assert_false(page_mapped());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(waits_before_it_unmaps, setup),
		cmocka_unit_test_setup(waits_in_the_interrupt_thread_only, setup),
		cmocka_unit_test_setup(unmaps_at_once_when_nobody_polls, setup),
		cmocka_unit_test_setup(is_unset_when_nobody_waits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
