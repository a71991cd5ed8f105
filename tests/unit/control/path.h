/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_PATH_H
#define TEST_PATH_H

/* A simulated server behind a simulated path, seen through an oscillator that is off. */

#include "sample.h"
#include "seed.h"

struct path {
	struct timescale timescale; /* starts at `start` = true time 0 */
	double frequency;           /* UTC seconds per nominal second, minus 1 */
	double delay_s;             /* least, each way */
	double later_s;             /* how much longer answers take */
	double queue_s;             /* mean of the exponential queueing, each way */
	double server_offset_s;     /* error of the server's clock */
	double true_s;              /* now */
	struct seed seed;
};

void path_init(struct path *path, struct seed seed);

/* Uniform in [0, 1). */
double path_random(struct path *path);

/* Moves true time on by `seconds` and takes a sample that ends then. */
struct sample path_sample(struct path *path, double seconds);

/* The counter's reading at true time `true_s`, and UTC minus the timescale then. */
uint64_t path_counter(const struct path *path, double true_s);
double path_true_offset(const struct path *path, uint64_t counter);

#endif
