/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_POLLING_H
#define CONTROL_CORE_POLLING_H

/*
 * How often a source is worth a question. Pure.
 *
 * An interval may double while the clock can be predicted across twice its length as well as a
 * sample shows it: until then it is the path's jitter that limits, and every sample counts. Where
 * even the longest interval is limited by jitter, a third of it is left out, a fifth where that is
 * short and makes most of the requests. A source that is
 * silent is asked less and less, once it has said enough; one in dispute, or that came back, as
 * often as allowed, until it is known what it is worth. The first intervals may be shorter than
 * that (`iburst`) and double, the longer ones only while the frequency, hardly known yet, does not
 * lead the clock astray.
 */

#include <stdbool.h>
#include <stdint.h>

struct poll {
	int8_t log2;       /* the interval, s */
	int8_t score;      /* samples that would have it longer; negative: shorter */
	uint8_t samples;   /* since the start, saturating */
	uint8_t asked;     /* questions since the first sample, saturating */
	uint8_t silent;    /* questions without an answer, saturating */
	uint8_t held;      /* samples after which a first interval was kept */
	uint8_t returned;  /* samples to come quickly after a silence, and the one that ends it */
	bool jittery;      /* jitter limits, even across the interval */
	bool disputed;     /* the source contradicts what it said before */
	bool eager;        /* the first intervals are short, if they are answered */
	int8_t eager_log2; /* the interval, until it reaches the least that is allowed */
};

/* What the estimator knew of the sample that was taken. */
struct poll_sample {
	double innovation_s;   /* the sample minus what was predicted */
	double predicted_sd_s; /* how sure that was */
	double noise_sd_s;     /* of samples like it */
	double ahead_sd_s;     /* how sure it will be when poll_ahead_s() have passed */
	bool disputed;
};

/* Limits of the interval, log2 s; `min` <= `max`. */
struct poll_limits {
	int8_t min_log2, max_log2;
};

void poll_start(struct poll *poll, const struct poll_limits *limits, bool eager);

/* A question is sent. */
void poll_ask(struct poll *poll, const struct poll_limits *limits);

/* There was an answer, of which a sample may come or not. Returns true when a long silence is over,
 * or the one since the start. */
bool poll_heard(struct poll *poll);

/* Questions were lost since the last answer, and not only the one under way. */
bool poll_is_silent(const struct poll *poll);

/* Twice the interval as planned now. */
double poll_ahead_s(const struct poll *poll, const struct poll_limits *limits);

/* An answer gave a sample. */
void poll_answer(
	struct poll *poll, const struct poll_limits *limits, const struct poll_sample *sample);

/* The next question should not wait for what was planned before the last answer. */
static inline bool poll_is_urgent(const struct poll *poll)
{
	return poll->disputed || poll->returned > 0;
}

/* The wait before the next question. */
double poll_interval_s(const struct poll *poll, const struct poll_limits *limits);

#endif
