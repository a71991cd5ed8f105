/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include <errno.h>
#include <meridian/counter.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <units.h>

#define WATCHES_MAX 160
#define TIMERS_MAX  96

/* A signal that arrives between the look at its flag and poll(2) waits at most this long. */
#define POLL_TIMEOUT_MAX_MS 1000

struct watch {
	int fd;
	unsigned int events;
	event_fd_handler handler;
	void *arg;
	unsigned int serial; /* tells a watch from a later one of the same descriptor number */
};

struct timer {
	int id;
	uint64_t deadline_ns;
	event_timer_handler handler;
	void *arg;
};

static struct watch watches[WATCHES_MAX];
static size_t watch_count;
static unsigned int watch_serial;

static struct timer timers[TIMERS_MAX];
static size_t timer_count;
static int timer_last_id;

static uint64_t woken_ns, longest_turn_ns;

static volatile sig_atomic_t quit_requested, reload_requested;
static event_timer_handler reload_handler;
static void *reload_arg;

static struct watch *watch_find(int fd)
{
	for (size_t i = 0; i < watch_count; i++) {
		if (watches[i].fd == fd)
			return &watches[i];
	}
	return NULL;
}

int event_add_fd(int fd, unsigned int events, event_fd_handler handler, void *arg)
{
	if (watch_find(fd))
		return -EEXIST;
	if (watch_count == WATCHES_MAX)
		return -ENOSPC;
	watches[watch_count++] = (struct watch){fd, events, handler, arg, ++watch_serial};
	return 0;
}

void event_remove_fd(int fd)
{
	struct watch *watch = watch_find(fd);

	if (watch)
		*watch = watches[--watch_count];
}

static bool timer_id_taken(int id)
{
	for (size_t i = 0; i < timer_count; i++) {
		if (timers[i].id == id)
			return true;
	}
	return false;
}

static int timer_next_id(void)
{
	do {
		timer_last_id = timer_last_id == INT32_MAX ? 1 : timer_last_id + 1;
	} while (timer_id_taken(timer_last_id));
	return timer_last_id;
}

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	struct timer *timer = &timers[timer_count];

	if (timer_count == TIMERS_MAX)
		return -ENOSPC;
	*timer = (struct timer){.id = timer_next_id(),
		.deadline_ns = meridian_clock_ns(CLOCK_MONOTONIC) + delay_ns,
		.handler = handler,
		.arg = arg};
	timer_count++;
	return timer->id;
}

void event_remove_timer(int id)
{
	for (size_t i = 0; i < timer_count; i++) {
		if (timers[i].id == id) {
			timers[i] = timers[--timer_count];
			return;
		}
	}
}

static struct timer *timer_first(void)
{
	struct timer *first = NULL;

	for (size_t i = 0; i < timer_count; i++) {
		if (first == NULL || timers[i].deadline_ns < first->deadline_ns)
			first = &timers[i];
	}
	return first;
}

/* Runs what is due. At most as many as there are now, so that a handler which adds a timer
 * without delay cannot keep the descriptors waiting. */
static void timers_run(void)
{
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	for (size_t left = timer_count; left > 0 && !quit_requested; left--) {
		const struct timer *first = timer_first();
		struct timer due;

		if (first == NULL || first->deadline_ns > now_ns)
			return;
		due = *first;
		event_remove_timer(due.id);
		due.handler(due.arg);
	}
}

static int poll_timeout_ms(void)
{
	const struct timer *first = timer_first();
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	uint64_t delay_ms;

	if (first == NULL)
		return POLL_TIMEOUT_MAX_MS;
	if (first->deadline_ns <= now_ns)
		return 0;
	delay_ms = (first->deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return delay_ms > POLL_TIMEOUT_MAX_MS ? POLL_TIMEOUT_MAX_MS : (int)delay_ms;
}

/* POLLPRI tells of the error queue where POLLERR does not; end of file is something to read. */
static short poll_events(unsigned int events)
{
	int poll_bits = POLLPRI;

	if (events & EVENT_READ)
		poll_bits |= POLLIN;
	if (events & EVENT_WRITE)
		poll_bits |= POLLOUT;
	return (short)poll_bits;
}

static unsigned int event_bits(const struct watch *watch, short revents)
{
	unsigned int bits = 0;

	if (revents & (POLLIN | POLLHUP))
		bits |= watch->events & EVENT_READ;
	if (revents & POLLOUT)
		bits |= EVENT_WRITE;
	if (revents & (POLLERR | POLLPRI | POLLHUP | POLLNVAL))
		bits |= EVENT_ERROR;
	return bits;
}

/* Handlers may add and remove watches: each one is looked up again before it is called. */
static void dispatch(const struct pollfd *polled, const unsigned int *serials, size_t count)
{
	for (size_t i = 0; i < count && !quit_requested; i++) {
		const struct watch *watch = polled[i].revents ? watch_find(polled[i].fd) : NULL;

		if (watch && watch->serial == serials[i])
			watch->handler(watch->fd, event_bits(watch, polled[i].revents), watch->arg);
	}
}

/* The time since poll(2) returned. */
static void turn_note(void)
{
	uint64_t turn_ns = woken_ns ? meridian_clock_ns(CLOCK_MONOTONIC) - woken_ns : 0;

	if (turn_ns > longest_turn_ns)
		longest_turn_ns = turn_ns;
}

uint64_t event_longest_turn_ns(void)
{
	uint64_t longest_ns;

	turn_note();
	longest_ns = longest_turn_ns;
	longest_turn_ns = 0;
	return longest_ns;
}

static int poll_once(void)
{
	struct pollfd polled[WATCHES_MAX];
	unsigned int serials[WATCHES_MAX];
	size_t count = watch_count;
	int r;

	for (size_t i = 0; i < count; i++) {
		polled[i] = (struct pollfd){
			.fd = watches[i].fd, .events = poll_events(watches[i].events)};
		serials[i] = watches[i].serial;
	}
	turn_note();
	r = poll(polled, count, poll_timeout_ms()) < 0 ? -errno : 0;
	woken_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	if (r < 0)
		return r == -EINTR ? 0 : r;
	dispatch(polled, serials, count);
	return 0;
}

int event_loop(void)
{
	int r = 0;

	while (r == 0 && !quit_requested) {
		if (reload_requested) {
			reload_requested = 0;
			if (reload_handler)
				reload_handler(reload_arg);
		}
		timers_run();
		if (!quit_requested)
			r = poll_once();
	}
	quit_requested = 0;
	return r;
}

void event_quit(void)
{
	quit_requested = 1;
}

void event_on_reload(event_timer_handler handler, void *arg)
{
	reload_handler = handler;
	reload_arg = arg;
}

void event_request_reload(void)
{
	reload_requested = 1;
}
