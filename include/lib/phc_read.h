/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIB_PHC_READ_H
#define LIB_PHC_READ_H

/*
 * Readings of a PTP hardware clock between two readings of this machine's time, as closely as
 * kernel and driver can.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PHC_READINGS 10

/* Ways to read, best first. Which one works is found out by trying. */
enum phc_method {
	PHC_PRECISE,           /* one instant, latched by hardware */
	PHC_EXTENDED_RAW,      /* a bracket of CLOCK_MONOTONIC_RAW; since Linux 6.13 */
	PHC_EXTENDED_REALTIME, /* a bracket of CLOCK_REALTIME */
	PHC_PLAIN,             /* the same, of a driver that reads its clock in one piece */
	PHC_METHODS,
};

/* The device between two readings of this machine's time. */
struct phc_bracket {
	struct timespec before;
	int64_t width_ns;
	struct timespec device;
};

struct phc_readings {
	clockid_t clock; /* phc_method_clock() */
	struct phc_bracket bracket[PHC_READINGS];
	size_t count; /* at least 1 */
};

/* Whose time its brackets are of. Pure. */
clockid_t phc_method_clock(enum phc_method method);

/* Opens /dev/ptpINDEX and finds the first way that works (phc_method_find()). Returns a descriptor,
 * or a negative errno. */
int phc_open(unsigned int index, bool precise_too, enum phc_method *ret_method);

/* Finds the first way that works; `precise_too`: the first of all may be tried. Returns 0 or what
 * the last one failed with. */
int phc_method_find(int fd, bool precise_too, enum phc_method *ret_method);

/* Returns 0 or a negative errno; -ERANGE when every bracket was interrupted. */
int phc_read(int fd, enum phc_method method, struct phc_readings *ret_readings);

/* After such an error the next reading may well be one. */
static inline bool phc_error_passes(int error)
{
	return error == -EBUSY || error == -EINTR || error == -ERANGE;
}

/* The narrowest one. */
const struct phc_bracket *phc_narrowest(const struct phc_readings *readings);

#endif
