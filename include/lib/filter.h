/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIB_FILTER_H
#define LIB_FILTER_H

/*
 * A Kalman filter of two states: offset (s) and frequency (s/s) of one clock against another, such
 * as UTC against the timescale. Their frequency is a random walk with spectral density `wander`
 * (1/s). Pure.
 */

struct filter {
	double offset_s, frequency;
	double var_offset, covariance, var_frequency;
	double wander;
	unsigned int count; /* measurements */
};

/* What a filter, or a mixture of them, believes at one instant. */
struct estimate {
	double offset_s, frequency;
	double offset_sd_s, frequency_sd;
};

/* Moves the state `seconds` on; nothing when that is not positive. */
void filter_predict(struct filter *filter, double seconds);

/* Takes a measurement of the offset with variance `var`, at the time of the state. */
void filter_update(struct filter *filter, double offset_s, double var);

/* Takes over what a measurement of any kind has made of the offset alone; the frequency follows by
 * its covariance. */
void filter_set_offset(struct filter *filter, double offset_s, double var);

#endif
