/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter.h"

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
	double gain = filter->var_offset / (filter->var_offset + var);

	filter_set_offset(filter, filter->offset_s + gain * (offset_s - filter->offset_s),
		(1 - gain) * filter->var_offset);
	filter->count++;
}

void filter_set_offset(struct filter *filter, double offset_s, double var)
{
	double regression = filter->covariance / filter->var_offset;
	double less = filter->var_offset - var;

	filter->frequency += regression * (offset_s - filter->offset_s);
	filter->offset_s = offset_s;
	filter->var_frequency -= less * regression * regression;
	filter->covariance = regression * var;
	filter->var_offset = var;
}
