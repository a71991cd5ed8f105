/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_PLOT_H
#define LOAD_PLOT_H

/* Plots by gnuplot, which must be installed. */

#include "histogram.h"

/* Whether gnuplot is there and FILE.svg or FILE.png can be written; it is made, empty. Logs what is
 * wrong. Returns 0 or a negative errno. */
int plot_check(const char *file);

/* Round-trip times by percentile into FILE.svg or FILE.png. Logs what is wrong. Returns 0 or a
 * negative errno. */
int plot_percentiles(const char *file, const struct histogram *histogram);

/* The terminal of gnuplot for a file's name, or NULL. Pure. */
const char *plot_terminal(const char *file);

#endif
