/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

/*
 * Judges the published clock at every second of true time, and at every publication.
 */

#include "host.h"

struct judge_result {
	double rms_s, max_s; /* error, in the time that is scored */
	double bound_s;      /* its median there */
	double rate_rms;     /* error of the published rate there, slews and all */
	double line_rms;  /* and of its final line's rate: of an interval that is measured by it */
	double sigma_rms; /* error in standard deviations that the tracker believes in, there */
	double probe_s;   /* absolute error at the probed instant */
	double within_ms_s;    /* true time from when on the error kept below 1 ms, for 300 s */
	double within_100us_s; /* or 100 us */
	double within_path_s;  /* or half a round trip of server 0 */
	double violation_s;    /* when the bound was broken first; -1: never */
	unsigned int violations, breaks, disruptions, unsynchronised;
	unsigned int wanted;   /* seconds of which it is to be synchronised */
	double wanted_share;   /* of them it was */
	double wanted_bound_s; /* median of the bound in them; infinite without synchronisation */
	unsigned int returns;  /* how often it was synchronised again */
	uint64_t requests;
};

/* What is scored: from `from_s` on; and what is probed. */
void judge_start(double duration_s, double from_s, double probe_s);

/* To be called at each second, whose error counts only if `judged`; it should be synchronised if
 * `wanted` besides; the tracker believes that its standard deviation is `sd_s`. */
void judge_second(bool judged, bool wanted, double sd_s);

/* To be called for each publication before it replaces the last one. */
void judge_publication(const struct meridian_timemodel_data *data);

/* The verdict; `path_s` is half a round trip. */
struct judge_result judge_end(double path_s);

#endif
