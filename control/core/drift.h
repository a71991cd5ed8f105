/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_DRIFT_H
#define CONTROL_CORE_DRIFT_H

/*
 * The drift file's one line: chrony's two numbers, then the counter they are about.
 *
 *   PPM SKEW_PPM COUNTER HZ
 *
 * PPM is positive when the counter gains against UTC, at HZ nominal ticks per second; SKEW_PPM is
 * its margin of error. A file that chronyd wrote has the first two only.
 */

#include <stddef.h>
#include <stdint.h>

struct drift {
	double ppm, skew_ppm;
	char counter[32]; /* "": not said */
	uint64_t hz;      /* 0: not said */
};

/* 0, or -EINVAL when `text` is not such a line or a number is out of all reason. */
int drift_parse(const char *text, struct drift *ret_drift);

/* Writes the line, newline included; returns its length as snprintf(3) does. */
int drift_format(const struct drift *drift, char *text, size_t size);

#endif
