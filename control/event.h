/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_EVENT_H
#define CONTROL_EVENT_H

/*
 * The event loop: poll(2), one thread, timers on CLOCK_MONOTONIC. Each wake-up handles what poll
 * reported once; a handler receives one message and returns. Handlers and timers may be added
 * and removed from inside handlers. (The loop runs unmodified under a simulated libc: poll only,
 * no epoll, no drain loops, no descriptor in the set that is not a socket or a timer of it.)
 */

#include <stdbool.h>
#include <stdint.h>

#define EVENT_READ  1u /* data, or end of file */
#define EVENT_ERROR 2u /* error queue or socket error (POLLERR, POLLPRI, POLLHUP) */
#define EVENT_WRITE 4u

typedef void (*event_fd_handler)(int fd, unsigned int events, void *arg);
typedef void (*event_timer_handler)(void *arg);

/* Watches `fd` for `events` (EVENT_READ and/or EVENT_WRITE; errors are always reported).
 * Returns 0, -ENOSPC or -EEXIST. The caller keeps owning the descriptor. */
int event_add_fd(int fd, unsigned int events, event_fd_handler handler, void *arg);

/* Stops watching; unknown descriptors are ignored. */
void event_remove_fd(int fd);

/* Runs `handler` once after `delay_ns` nanoseconds. Returns a timer id > 0, or -ENOSPC. */
int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg);

/* Forgets a timer; 0 and ids that have fired are ignored. */
void event_remove_timer(int id);

/* Runs until event_quit(). Returns 0, or what poll(2) failed with. */
int event_loop(void);

/* The longest time that handlers kept the loop from looking for events, since the last call. */
uint64_t event_longest_turn_ns(void);

/* Ends the loop after the current handler. Async-signal-safe, like event_request_reload(). */
void event_quit(void);

/* Has `handler` run from the loop, soon, each time event_request_reload() was called. */
void event_on_reload(event_timer_handler handler, void *arg);
void event_request_reload(void);

#endif
