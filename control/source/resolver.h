/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RESOLVER_H
#define CONTROL_RESOLVER_H

/*
 * Host names to addresses, without ever blocking the loop: each look-up is a short-lived child
 * process that answers through a pipe.
 */

#include "config.h"

struct resolver;

#define RESOLVER_ADDRESSES_MAX 32

/* The addresses, the system's preferred one first; `count` is 0 when the look-up failed. The
 * resolver is gone when this is called. */
typedef void (*resolver_handler)(const struct config_address *address, size_t count, void *arg);

/* Starts a look-up of `name`. On success *ret_resolver is there until the handler was called or
 * resolver_cancel(). Returns 0 or a negative errno. */
int resolver_start(
	struct resolver **ret_resolver, const char *name, resolver_handler handler, void *arg);

/* Ends a look-up without calling its handler; NULL is legal. */
void resolver_cancel(struct resolver *resolver);

#endif
