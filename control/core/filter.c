/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"
#include <math.h>

#define SETTLED_COUNT     4
#define CLIP_SIGMA        3.0
#define LIKELIHOOD_SIGMA  5.0 /* a single outlier must not decide between filters */
#define LIKELIHOOD_MEMORY 0.98

void filter_predict(struct filter *filter, double seconds)
{
	double d = seconds, q = filter->wander;

	if (d <= 0)
		return;
	filter->offset_s += d * filter->frequency;
	filter->var_offset +=
		2 * d * filter->covariance + d * d * filter->var_frequency + q * d * d * d / 3;
	filter->covariance += d * filter->var_frequency + q * d * d / 2;
	filter->var_frequency += q * d;
}

void filter_update(struct filter *filter, double offset_s, double var)
{
	double innovation = offset_s - filter->offset_s;
	double innovation_var = filter->var_offset + var;
	double sigma2 = innovation * innovation / innovation_var;
	double gain_offset = filter->var_offset / innovation_var;
	double gain_frequency = filter->covariance / innovation_var;

	filter->log_likelihood = LIKELIHOOD_MEMORY * filter->log_likelihood -
		0.5 * (fmin(sigma2, LIKELIHOOD_SIGMA * LIKELIHOOD_SIGMA) + log(innovation_var));
	if (filter->count > SETTLED_COUNT && sigma2 > CLIP_SIGMA * CLIP_SIGMA) {
		gain_offset *= CLIP_SIGMA / sqrt(sigma2);
		gain_frequency *= CLIP_SIGMA / sqrt(sigma2);
	}
	filter->offset_s += gain_offset * innovation;
	filter->frequency += gain_frequency * innovation;
	filter->var_frequency -= gain_frequency * filter->covariance;
	filter->covariance -= gain_offset * filter->covariance;
	filter->var_offset -= gain_offset * filter->var_offset;
	filter->count++;
}
