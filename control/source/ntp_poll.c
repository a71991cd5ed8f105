/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntp_poll.h"
#include <log.h>
#include <math.h>
#include <sys/random.h>

#define NS_PER_S UINT64_C(1000000000)

#define BURST_INTERVAL_NS (2 * NS_PER_S)
#define POLL_SPREAD       0.02 /* added to an interval, so that clients do not march in step */

/* A poll interval doubles after so many samples in a row that came as predicted. */
#define POLL_SCORE_UP   8
#define POLL_SAMPLES_UP 16
#define POLL_SCORE_DOWN (-2)
#define SURPRISE_SIGMA  4.0

/* After a kiss RATE the next request waits that many intervals, and the interval grows, past
 * maxpoll if need be. */
#define RATE_BACKOFF       4
#define RATE_POLL_MAX_LOG2 10

/* So many answers without a kiss RATE halve the interval that it demanded. */
#define RATE_FORGET 32

static double random_spread(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return 0;
	return bits / 4294967295.0 * POLL_SPREAD;
}

uint64_t ntp_poll_interval_ns(const struct ntp_server *server)
{
	if (server->burst_requests > 0)
		return BURST_INTERVAL_NS;
	return (uint64_t)(ldexp(1 + random_spread(), server->source.poll_log2) * (double)NS_PER_S);
}

static int8_t max_log2(int8_t a, int8_t b)
{
	return a > b ? a : b;
}

void ntp_poll_adapt(struct ntp_server *server, double predicted_sd_s)
{
	const struct estimator *estimator = &server->source.estimator;
	double sigma_s = hypot(predicted_sd_s, estimator_noise_sd(estimator));

	if (estimator->sample_count < POLL_SAMPLES_UP)
		return;
	if (fabs(estimator->last_innovation_s) > SURPRISE_SIGMA * sigma_s)
		server->poll_score = server->poll_score > 0 ? -1 : (int8_t)(server->poll_score - 1);
	else
		server->poll_score++;
	if (server->poll_score >= POLL_SCORE_UP) {
		server->poll_score = 0;
		if (server->source.poll_log2 <
			max_log2(server->config.maxpoll_log2, server->poll_floor_log2))
			server->source.poll_log2++;
	} else if (server->poll_score <= POLL_SCORE_DOWN) {
		server->poll_score = 0;
		if (server->source.poll_log2 > server->poll_floor_log2)
			server->source.poll_log2--;
	}
}

void ntp_poll_answered(struct ntp_server *server)
{
	if (server->poll_floor_log2 == server->config.minpoll_log2 ||
		++server->good_answers < RATE_FORGET)
		return;
	server->good_answers = 0;
	server->poll_floor_log2--;
	if (server->source.poll_log2 > server->poll_floor_log2 &&
		server->source.poll_log2 > server->config.maxpoll_log2)
		server->source.poll_log2--;
}

uint64_t ntp_poll_rate(struct ntp_server *server, int8_t wanted_log2)
{
	int8_t limit_log2 = max_log2(server->config.maxpoll_log2, RATE_POLL_MAX_LOG2);
	int8_t poll_log2 = max_log2((int8_t)(server->source.poll_log2 + 1), wanted_log2);

	if (poll_log2 > limit_log2)
		poll_log2 = limit_log2;
	if (poll_log2 != server->poll_floor_log2)
		log_notice("%s: asks for fewer requests, now every 2^%d s", server->source.label,
			poll_log2);
	server->good_answers = 0;
	server->source.poll_log2 = server->poll_floor_log2 = poll_log2;
	return RATE_BACKOFF * ntp_poll_interval_ns(server);
}
