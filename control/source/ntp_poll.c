/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntp_poll.h"
#include <log.h>
#include <math.h>
#include <sys/random.h>
#include <units.h>

#define BURST_INTERVAL_NS (2 * NS_PER_SECOND)
#define POLL_SPREAD       0.02 /* added to an interval, so that clients do not march in step */

/* After a kiss RATE the next request waits that many intervals, and the interval grows, past
 * maxpoll if need be. */
#define RATE_BACKOFF       4
#define RATE_POLL_MAX_LOG2 10

/* When the network is back: so many requests of who is still silent, until one is answered, but for
 * those that are asked as often anyway. One after the other, so that none queues behind another. */
#define RETURN_REQUESTS  4
#define RETURN_POLL_LOG2 1
#define RETURN_DELAY_NS  (NS_PER_SECOND / 10)

/* So many answers without a kiss RATE halve the interval that it demanded. */
#define RATE_FORGET 32

static double random_spread(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return 0;
	return bits / 4294967295.0 * POLL_SPREAD;
}

static int8_t max_log2(int8_t a, int8_t b)
{
	return a > b ? a : b;
}

static struct poll_limits limits(const struct ntp_server *server)
{
	return (struct poll_limits){.min_log2 = server->poll_floor_log2,
		.max_log2 = max_log2(server->config.maxpoll_log2, server->poll_floor_log2)};
}

void ntp_poll_start(struct ntp_server *server)
{
	struct poll_limits allowed;

	server->poll_floor_log2 = server->config.minpoll_log2;
	allowed = limits(server);
	poll_start(&server->poll, &allowed, server->config.iburst);
	server->source.poll_log2 = server->poll.log2;
}

void ntp_poll_asked(struct ntp_server *server)
{
	struct poll_limits allowed = limits(server);

	poll_ask(&server->poll, &allowed);
	server->source.poll_log2 = server->poll.log2;
}

uint64_t ntp_poll_interval_ns(const struct ntp_server *server)
{
	struct poll_limits allowed = limits(server);

	if (server->burst_requests > 0)
		return BURST_INTERVAL_NS;
	return (uint64_t)(poll_interval_s(&server->poll, &allowed) * (1 + random_spread()) *
		(double)NS_PER_SECOND);
}

static double ahead_sd(const struct ntp_server *server, const struct poll_limits *allowed)
{
	const struct estimator *estimator = &server->source.estimator;
	double seconds = poll_ahead_s(&server->poll, allowed);
	uint64_t then = estimator->filter_counter +
		(uint64_t)timescale_ticks(estimator->timescale, seconds);
	struct estimate estimate;

	estimator_predict(estimator, then, &estimate);
	return estimate.offset_sd_s;
}

void ntp_poll_adapt(struct ntp_server *server, double predicted_sd_s)
{
	const struct estimator *estimator = &server->source.estimator;
	struct poll_limits allowed = limits(server);
	struct poll_sample sample = {.innovation_s = estimator->last_innovation_s,
		.predicted_sd_s = predicted_sd_s,
		.noise_sd_s = estimator_noise_sd(estimator),
		.ahead_sd_s = ahead_sd(server, &allowed),
		.disputed = estimator->disputed_count > 0};

	poll_answer(&server->poll, &allowed, &sample);
	server->source.poll_log2 = server->poll.log2;
}

/* Not of who is asked soon anyway, or may not be asked. */
void ntp_poll_ask_again(struct ntp_server *server, size_t turn)
{
	if (!poll_is_silent(&server->poll) || server->burst_requests > 0 ||
		server->poll.log2 <= RETURN_POLL_LOG2 || server->source.address.family == 0 ||
		server->source.stopped || ntp_server_wants_fewer(server))
		return;
	server->burst_requests = RETURN_REQUESTS;
	server->burst_samples = 1;
	ntp_server_ask_in(server, RETURN_DELAY_NS * turn);
}

/* The network is back: whoever else was silent is asked now, and not when it was planned, which may
 * be far away. Until then the first one that is heard would lead alone, and it may be a liar. */
static void ask_others(const struct ntp_servers *all)
{
	for (size_t i = 0; i < all->count; i++)
		ntp_poll_ask_again(all->server[i], i);
}

void ntp_poll_answered(struct ntp_server *server)
{
	if (poll_heard(&server->poll))
		ask_others(server->name->all);
	if (!ntp_server_wants_fewer(server) || ++server->good_answers < RATE_FORGET)
		return;
	server->good_answers = 0;
	server->poll_floor_log2--;
	if (server->poll.log2 > server->poll_floor_log2 &&
		server->poll.log2 > server->config.maxpoll_log2)
		server->poll.log2--;
	server->source.poll_log2 = server->poll.log2;
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
	server->source.poll_log2 = server->poll.log2 = server->poll_floor_log2 = poll_log2;
	server->poll.eager = false;
	return RATE_BACKOFF * ntp_poll_interval_ns(server);
}
