/* SPDX-License-Identifier: BSD-3-Clause */
#include "polling.h"
#include <math.h>
#include <string.h>

#define SAMPLES_UP     10   /* before the interval is doubled the first time */
#define SAMPLES_SURE   5    /* the frequency is known by so many */
#define SCORE_UP       4    /* and between two doublings */
#define SCORE_DOWN     (-2) /* surprises in a row that halve it */
#define SURPRISE_SIGMA 4.0
#define UNSURE         2.0 /* noises: a prediction so bad halves it, too */
#define SILENT_KEEP    1   /* questions without an answer that change nothing */
#define SILENT_UNSURE  8   /* the same, after so few samples that the frequency is a guess */
#define SILENT_LONG    4   /* so many, and the clock was on its own for a while */
#define RETURN_SAMPLES 4
#define JITTERY_RATIO  0.7 /* of the longest interval, */
#define LIMITED_RATIO  0.8 /* or of one that the operator keeps below */
#define LONG_LOG2      10  /* this */
#define JITTERY_NOISES 1.4 /* a prediction so bad still leaves most to the jitter */
#define EAGER_SAMPLES  3   /* before the first intervals begin to double, */
#define EAGER_LOG2     4   /* up to this one in any case, */
#define EAGER_NOISES   0.5 /* then when a prediction is that much better than a sample, */
#define EAGER_HELD     6   /* or after so many samples that did not make it so good */

void poll_start(struct poll *poll, const struct poll_limits *limits, bool eager)
{
	memset(poll, 0, sizeof(*poll));
	poll->eager = eager;
	poll->eager_log2 = 1;
	poll->log2 = limits->min_log2;
}

static void lengthen(struct poll *poll, const struct poll_limits *limits)
{
	poll->score = 0;
	if (poll->log2 < limits->max_log2)
		poll->log2++;
}

static void shorten(struct poll *poll, const struct poll_limits *limits)
{
	poll->score = 0;
	if (poll->log2 > limits->min_log2)
		poll->log2--;
}

static bool is_early(const struct poll *poll, const struct poll_limits *limits)
{
	return poll->eager && poll->eager_log2 < limits->min_log2;
}

/* A clock that is hardly known yet is not left alone because some packets are lost. */
static uint8_t silence_kept(const struct poll *poll)
{
	return poll->samples < SAMPLES_SURE ? SILENT_UNSURE : SILENT_KEEP;
}

void poll_ask(struct poll *poll, const struct poll_limits *limits)
{
	/* The one before this got no answer. */
	if (poll->silent > silence_kept(poll) && poll->samples > 0) {
		lengthen(poll, limits);
		poll->returned = 0;
	}
	if (poll->silent < UINT8_MAX)
		poll->silent++;
	if (is_early(poll, limits) && poll->samples > 0 && poll->asked >= poll->samples)
		poll->eager_log2++;
	if (poll->asked < UINT8_MAX && poll->samples > 0)
		poll->asked++;
}

bool poll_heard(struct poll *poll)
{
	bool was_long = poll->silent > SILENT_LONG;
	bool was_late = poll->samples == 0 && poll->silent > SILENT_KEEP;

	if (was_long)
		poll->returned = RETURN_SAMPLES;
	poll->silent = 0;
	return was_long || was_late;
}

/* Who never answered has said nothing that the question under way could add to. */
bool poll_is_silent(const struct poll *poll)
{
	return poll->silent > (poll->samples > 0 ? SILENT_KEEP : 0);
}

/* The frequency is hardly known, and should not lead the clock astray before the next sample. */
static void lengthen_early(struct poll *poll, const struct poll_sample *sample)
{
	if (poll->samples <= EAGER_SAMPLES)
		return;
	if (poll->eager_log2 < EAGER_LOG2 || poll->held >= EAGER_HELD ||
		sample->ahead_sd_s <= EAGER_NOISES * sample->noise_sd_s)
		poll->eager_log2++;
	else
		poll->held++;
}

double poll_ahead_s(const struct poll *poll, const struct poll_limits *limits)
{
	return ldexp(2, is_early(poll, limits) ? poll->eager_log2 : poll->log2);
}

void poll_answer(
	struct poll *poll, const struct poll_limits *limits, const struct poll_sample *sample)
{
	double sigma_s = hypot(sample->predicted_sd_s, sample->noise_sd_s);

	poll_heard(poll);
	if (poll->returned > 0)
		poll->returned--;
	poll->disputed = sample->disputed;
	poll->jittery = sample->ahead_sd_s <= JITTERY_NOISES * sample->noise_sd_s;
	if (poll->samples < UINT8_MAX)
		poll->samples++;
	if (is_early(poll, limits)) {
		lengthen_early(poll, sample);
		return;
	}
	if (poll->samples < SAMPLES_UP || poll->returned > 0)
		return;
	if (fabs(sample->innovation_s) > SURPRISE_SIGMA * sigma_s ||
		sample->predicted_sd_s > UNSURE * sample->noise_sd_s)
		poll->score = poll->score > 0 ? -1 : (int8_t)(poll->score - 1);
	else if (poll->jittery)
		poll->score++;
	if (poll->score >= SCORE_UP)
		lengthen(poll, limits);
	else if (poll->score <= SCORE_DOWN)
		shorten(poll, limits);
}

/* As often as allowed, and at the start more often: the frequency is not known yet. */
static double least_interval_s(const struct poll *poll, const struct poll_limits *limits)
{
	if (is_early(poll, limits) && poll->samples > 0 && poll->silent <= SILENT_KEEP)
		return ldexp(1, poll->eager_log2);
	return ldexp(1, limits->min_log2);
}

/* Where the longest interval is reached soon, little but it makes the number of requests. */
static double jittery_interval_s(int8_t log2)
{
	return ldexp(log2 < LONG_LOG2 ? LIMITED_RATIO : JITTERY_RATIO, log2);
}

double poll_interval_s(const struct poll *poll, const struct poll_limits *limits)
{
	bool longest = poll->log2 == limits->max_log2 && poll->log2 > limits->min_log2 + 1;

	if (poll_is_urgent(poll) || poll->log2 <= limits->min_log2)
		return least_interval_s(poll, limits);
	if (longest && poll->jittery && poll->silent <= SILENT_KEEP)
		return jittery_interval_s(poll->log2);
	return ldexp(1, poll->log2);
}
