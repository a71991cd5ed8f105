/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static char fired[16];

/* A letter as a handler's argument. */
#define LETTER(c) ((void *)(intptr_t)(c))

static void note(void *arg)
{
	fired[strlen(fired)] = (char)(intptr_t)arg;
}

static void quit(void *arg)
{
	(void)arg;
	event_quit();
}

static int setup(void **state)
{
	(void)state;
	memset(fired, 0, sizeof(fired));
	return 0;
}

static void test_timers_run_in_order(void **state)
{
	int removed;

	(void)state;
	assert_true(event_add_timer(3 * MS, note, LETTER('c')) > 0);
	assert_true(event_add_timer(1 * MS, note, LETTER('a')) > 0);
	removed = event_add_timer(2 * MS, note, LETTER('x'));
	assert_true(event_add_timer(2 * MS, note, LETTER('b')) > 0);
	event_remove_timer(removed);
	event_remove_timer(0);
	event_add_timer(4 * MS, quit, NULL);
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "abc");
}

static void again(void *arg)
{
	note(arg);
	if (strlen(fired) < 5)
		event_add_timer(0, again, arg);
	else
		event_quit();
}

static void test_timers_may_add_timers(void **state)
{
	(void)state;
	event_add_timer(0, again, LETTER('t'));
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "ttttt");
}

static void read_and_quit(int fd, unsigned int events, void *arg)
{
	(void)arg;
	assert_true(events & EVENT_READ);
	assert_int_equal(read(fd, fired, sizeof(fired) - 1), 2);
	event_remove_fd(fd);
	event_quit();
}

static void test_descriptor_is_read(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "ok", 2), 2);
	assert_int_equal(event_add_fd(fds[0], EVENT_READ, read_and_quit, NULL), 0);
	assert_int_equal(event_add_fd(fds[0], EVENT_READ, read_and_quit, NULL), -EEXIST);
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "ok");
	event_remove_fd(fds[0]);
	close(fds[0]);
	close(fds[1]);
}

static void end_of_file(int fd, unsigned int events, void *arg)
{
	char octet;

	(void)arg;
	assert_true(events & EVENT_READ);
	assert_int_equal(read(fd, &octet, 1), 0);
	event_remove_fd(fd);
	event_quit();
}

static void test_end_of_file_is_readable(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	assert_int_equal(event_add_fd(fds[0], EVENT_READ, end_of_file, NULL), 0);
	assert_int_equal(event_loop(), 0);
	close(fds[0]);
}

static int both[2][2];

/* Whoever comes first removes the other, which must then not be called. */
static void remove_other(int fd, unsigned int events, void *arg)
{
	(void)events;
	(void)arg;
	note(LETTER('1'));
	event_remove_fd(both[0][0]);
	event_remove_fd(both[1][0]);
	assert_true(fd == both[0][0] || fd == both[1][0]);
	event_add_timer(2 * MS, quit, NULL);
}

static void test_removed_descriptor_is_not_called(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(both[i]), 0);
		assert_int_equal(write(both[i][1], "x", 1), 1);
		assert_int_equal(event_add_fd(both[i][0], EVENT_READ, remove_other, NULL), 0);
	}
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "1");
	for (int i = 0; i < 4; i++)
		close(both[i / 2][i % 2]);
}

static void test_limits(void **state)
{
	int r = 0, count = 0;

	(void)state;
	while ((r = event_add_fd(1000 + count, EVENT_READ, read_and_quit, NULL)) == 0)
		count++;
	assert_int_equal(r, -ENOSPC);
	for (int i = 0; i < count; i++)
		event_remove_fd(1000 + i);
	assert_true(count >= 100);
}

static void on_signal(int signal_number)
{
	(void)signal_number;
	event_request_reload();
}

static void test_reload_by_signal(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)state;
	sigaction(SIGHUP, &action, NULL);
	event_on_reload(note, LETTER('r'));
	event_add_timer(5 * MS, quit, NULL);
	raise(SIGHUP);
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "r");
	signal(SIGHUP, SIG_DFL);
}

static void test_quit_before_the_loop(void **state)
{
	(void)state;
	event_add_timer(0, note, LETTER('n'));
	event_quit();
	assert_int_equal(event_loop(), 0);
	assert_string_equal(fired, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_timers_run_in_order, setup),
		cmocka_unit_test_setup(test_timers_may_add_timers, setup),
		cmocka_unit_test_setup(test_descriptor_is_read, setup),
		cmocka_unit_test_setup(test_end_of_file_is_readable, setup),
		cmocka_unit_test_setup(test_removed_descriptor_is_not_called, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_reload_by_signal, setup),
		cmocka_unit_test_setup(test_quit_before_the_loop, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
