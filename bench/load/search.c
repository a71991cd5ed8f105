/* SPDX-License-Identifier: BSD-3-Clause */
#include "search.h"

void search_init(struct search *search, uint64_t loss_ppm, uint64_t from_milli, uint64_t to_milli,
	uint64_t resolution_ppm)
{
	*search = (struct search){.loss_ppm = loss_ppm,
		.tries = 1,
		.resolution_ppm = resolution_ppm,
		.from_milli = from_milli,
		.to_milli = to_milli};
}

bool search_next(const struct search *search, uint64_t *ret_rate_milli)
{
	uint64_t low = search->passed_milli, high = search->failed_milli;

	if (search->step_count == SEARCH_STEPS_MAX || low == search->to_milli ||
		high == search->from_milli)
		return false;
	if (high == 0)
		*ret_rate_milli = search->to_milli;
	else if (low == 0)
		*ret_rate_milli = search->from_milli;
	else
		*ret_rate_milli = low + (high - low) / 2;
	return low == 0 || high == 0 ||
		(high - low > 1 &&
			(double)(high - low) * 1e6 > (double)high * (double)search->resolution_ppm);
}

static bool passes(const struct search *search, double loss, bool limited)
{
	return !limited && loss * 1e6 <= (double)search->loss_ppm;
}

bool search_again(const struct search *search, uint32_t n, double loss, bool limited)
{
	uint32_t tries = limited && search->tries < 2 ? 2 : search->tries;

	return n < tries && !passes(search, loss, limited);
}

void search_take(struct search *search, uint64_t rate_milli, double loss, double answered_per_s,
	bool limited)
{
	bool passed = passes(search, loss, limited);

	search->step[search->step_count++] =
		(struct search_step){rate_milli, loss, answered_per_s, limited, passed};
	if (passed)
		search->passed_milli = rate_milli;
	else
		search->failed_milli = rate_milli;
}

bool search_generator_limited(const struct search *search)
{
	for (unsigned int i = 0; i < search->step_count; i++) {
		if (search->step[i].rate_milli == search->failed_milli)
			return search->step[i].limited;
	}
	return false;
}
