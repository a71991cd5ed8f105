/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CENSUS_H
#define CONTROL_CENSUS_H

/*
 * What the pages of clients say in numbers: how many there were, and who asked the most, with the
 * error that each figure has. Errors are two standard errors wide: 19 of 20 figures are within.
 */

#include <meridian/clients.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the number of clients. */
#define CENSUS_CLIENTS_ERROR (2 * 1.04 / (1 << (MERIDIAN_CLIENTS_SKETCH_BITS / 2)))

/* Clients answered over a window, from what meridian_clients_read() took. */
double census_clients(
	const struct meridian_clients *clients, enum meridian_clients_window window, bool ipv6);

/* Requests over a window are told as if it had begun that long ago: its length, or less if counting
 * began later. 0: nothing has been counted yet. */
double census_span_s(const struct meridian_clients *clients, enum meridian_clients_window window);

/* Requests of this fate over a window. */
double census_requests(const struct meridian_clients *clients, enum meridian_clients_window window,
	unsigned int fate);

struct census_talker {
	uint8_t address[16];
	uint8_t family, prefix_len;
	double requests, error; /* over the window; it is within requests +- error */
};

/* Room for all talkers of two pages. */
#define CENSUS_TALKERS_MAX (2 * MERIDIAN_CLIENTS_TALKERS)

/*
 * Adds those of a page to the `count` talkers in `talker`, or to their figures where they are
 * already there. Those who may not have asked at all, for the error is as large, are left out.
 * Returns how many there are now.
 */
size_t census_talkers_add(struct census_talker talker[static CENSUS_TALKERS_MAX], size_t count,
	const struct meridian_clients *clients, enum meridian_clients_window window,
	unsigned int fate, unsigned int scope);

/* Puts who asked the most first. */
void census_talkers_sort(struct census_talker *talker, size_t count);

/* The page `kind` in `rundir`, for free(3). Returns 0; -ENODATA when it is of a process that has
 * stopped or does not count; or what meridian_page_open() and meridian_clients_read() return. */
int census_read(const char *rundir, const struct meridian_page_kind *kind,
	struct meridian_clients **ret_clients);

#endif
