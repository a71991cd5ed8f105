/* SPDX-License-Identifier: BSD-3-Clause */
#include "path.h"
#include <math.h>

#define HZ         UINT64_C(1000000000)
#define START_TICK UINT64_C(123456789)
#define START_S    INT64_C(1800000000)

void path_init(struct path *path, struct seed seed)
{
	*path = (struct path){
		.timescale = {.counter = START_TICK, .hz = HZ, .utc = {START_S, 0}, .wander = 1e-6},
		.frequency = 10e-6,
		.delay_s = 80e-6,
		.queue_s = 20e-6,
		.seed = seed};
}

double path_random(struct path *path)
{
	return (double)(seed_next(&path->seed) >> 11) / 0x1p53;
}

static double queueing(struct path *path)
{
	return -path->queue_s * log(1 - path_random(path));
}

uint64_t path_counter(const struct path *path, double true_s)
{
	return START_TICK + (uint64_t)llround(true_s / (1 + path->frequency) * (double)HZ);
}

double path_true_offset(const struct path *path, uint64_t counter)
{
	return path->frequency * timescale_seconds(&path->timescale, START_TICK, counter);
}

static struct meridian_utc server_utc(const struct path *path, double true_s)
{
	return timescale_utc_add(path->timescale.utc, true_s + path->server_offset_s);
}

struct sample path_sample(struct path *path, double seconds)
{
	double there_s = path->delay_s + queueing(path);
	double back_s = path->delay_s + path->later_s + queueing(path);
	struct sample sample = {.dispersion_s = 2e-9};
	struct sample_stamps stamps;

	path->true_s += seconds;
	stamps.t4 = path_counter(path, path->true_s);
	stamps.t3 = server_utc(path, path->true_s - back_s);
	stamps.t2 = server_utc(path, path->true_s - back_s);
	stamps.t1 = path_counter(path, path->true_s - back_s - there_s);
	sample_measure(&sample, &path->timescale, &stamps);
	return sample;
}
