/* SPDX-License-Identifier: BSD-3-Clause */
#include "held.h"

struct held held_of_model(const struct meridian_timemodel_data *data)
{
	return (struct held){.counter = data->published_counter,
		.distance = {.delay_s = (double)data->root_delay_ns * 1e-9,
			.dispersion_s = (double)data->root_dispersion_ns * 1e-9},
		.drift = data->dispersion_rate_ppb * 1e-9};
}

struct root_distance held_distance(
	const struct held *held, const struct timescale *timescale, uint64_t now)
{
	double since_s = timescale_seconds(timescale, held->counter, now);

	return (struct root_distance){.delay_s = held->distance.delay_s,
		.dispersion_s = held->distance.dispersion_s + held->drift * since_s};
}
