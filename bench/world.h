/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

/* What workers in a benchmark's own process need around them. */

#include <meridian/timemodel.h>
#include <pthread.h>

/* Publishes a model by which UTC is what CLOCK_REALTIME says now and goes on with the counter, the
 * TSC, of `hz`; for an hour. */
void world_model_publish(struct meridian_timemodel *model, double hz);

/* Keeps a thread on a CPU. Ends the program when that is not to be had. */
void world_core_take(const char *program, pthread_t thread, int core);

#endif
