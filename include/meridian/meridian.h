/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_MERIDIAN_H
#define MERIDIAN_MERIDIAN_H

/*
 * libmeridian: the time of this host's Meridian, as an interval that contains true UTC.
 *
 *   struct meridian *m;
 *   int r = meridian_open(&m, NULL);
 *   struct meridian_utc earliest, latest;
 *   r = meridian_now(m, &earliest, &latest);
 *
 * The library prints nothing. A handle belongs to one thread at a time; open one per thread.
 */

#include <meridian/timemodel.h>

#ifdef __cplusplus
extern "C" {
#endif

struct meridian;

/* Opens the time model of `rundir` (NULL: MERIDIAN_RUNDIR_DEFAULT). Returns 0 and a handle for
 * meridian_close(), or what meridian_page_open() returns, or -ENOMEM. */
int meridian_open(struct meridian **ret_handle, const char *rundir);

/* Frees the handle; NULL is legal. */
void meridian_close(struct meridian *handle);

/*
 * Reads the time: true UTC lay in [*ret_earliest, *ret_latest] at some instant during the call.
 * No system call while the model is valid; an outlived page is opened anew, so a restarted
 * control is followed. Returns 0; -EAGAIN when there is no synchronised model at the moment, or a
 * script makes it (the outputs are then not written); or what meridian_page_open() returns.
 */
int meridian_now(struct meridian *handle, struct meridian_utc *ret_earliest,
	struct meridian_utc *ret_latest);

/* a + ns (ns may be negative), and a - b in ns saturating at INT64 limits. */
struct meridian_utc meridian_utc_add_ns(struct meridian_utc a, int64_t ns);
int64_t meridian_utc_diff_ns(struct meridian_utc a, struct meridian_utc b);

/* A sentence for a negative errno of this library; never NULL, static storage. */
const char *meridian_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
