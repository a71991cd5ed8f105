/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"
#include "config_table.h"
#include "event.h"
#include <log.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#define NS_PER_S UINT64_C(1000000000)

#define START_DELAY_NS    (200 * UINT64_C(1000000))
#define BURST_REQUESTS    8
#define BURST_SAMPLES     4
#define BURST_INTERVAL_NS (2 * NS_PER_S)
#define ANSWER_TIMEOUT_NS (4 * NS_PER_S)
#define POLL_SPREAD       0.02 /* added to an interval, so that clients do not march in step */
#define SETTLED_POLLS     2

/* A poll interval doubles after so many samples in a row that came as predicted. */
#define POLL_SCORE_UP   8
#define POLL_SAMPLES_UP 16
#define POLL_SCORE_DOWN (-2)
#define SURPRISE_SIGMA  4.0

/* A server that is silent for so long may have moved. */
#define SILENT_POLLS     8
#define RESOLVE_MIN_LOG2 1
#define RESOLVE_MAX_LOG2 10

/* After a kiss RATE the next request waits that many intervals, and the interval grows, past
 * maxpoll if need be. */
#define RATE_BACKOFF       4
#define RATE_POLL_MAX_LOG2 10

static source_handler sample_handler;

static void on_poll(void *arg);

static double random_spread(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return 0;
	return bits / 4294967295.0 * POLL_SPREAD;
}

static void poll_schedule(struct source *source, uint64_t delay_ns)
{
	event_remove_timer(source->poll_timer);
	source->poll_timer = event_add_timer(delay_ns, on_poll, source);
	if (source->poll_timer < 0)
		log_errno(source->poll_timer, "%s: no timer, polling ends", source->label);
}

static uint64_t poll_interval_ns(const struct source *source)
{
	if (source->burst_requests > 0)
		return BURST_INTERVAL_NS;
	return (uint64_t)(ldexp(1 + random_spread(), source->poll_log2) * (double)NS_PER_S);
}

/* Another server, as far as we know, even if its name is the same. */
static void begin(struct source *source, uint64_t delay_ns)
{
	exchange_close(&source->exchange);
	source->reach = source->unanswered = source->silent_polls = 0;
	source->poll_log2 = source->poll_floor_log2 = source->config.minpoll_log2;
	source->poll_score = 0;
	if (source->config.iburst) {
		source->burst_requests = BURST_REQUESTS;
		source->burst_samples = BURST_SAMPLES;
	}
	estimator_init(&source->estimator, source->estimator.timescale, source->start_frequency,
		source->start_frequency_sd);
	poll_schedule(source, delay_ns);
}

static void on_resolve(void *arg);

/* No look-up is wanted: the server answers, or told us to go away. */
static bool address_is_final(const struct source *source)
{
	return source->stopped || source->reach != 0;
}

/* Polling goes on meanwhile, if there is an address. */
static void resolve_later(struct source *source)
{
	if (source->resolve_timer > 0 || source->resolver)
		return;
	source->resolve_timer =
		event_add_timer(NS_PER_S << source->resolve_log2, on_resolve, source);
	if (source->resolve_log2 < RESOLVE_MAX_LOG2)
		source->resolve_log2++;
}

/* The address after the one that was silent, else the first. */
static const struct config_address *address_choose(
	const struct source *source, const struct config_address *address, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&address[i], &source->address, sizeof(*address)) == 0)
			return &address[(i + 1) % count];
	}
	return address;
}

static void on_resolved(const struct config_address *address, size_t count, void *arg)
{
	struct source *source = arg;
	bool known = source->address.family != 0;

	source->resolver = NULL;
	if (count == 0) {
		if (!known && source->resolve_log2 == RESOLVE_MIN_LOG2)
			log_warning("%s: the name cannot be resolved, trying again", source->label);
		resolve_later(source);
		return;
	}
	if (address_is_final(source))
		return;
	address = address_choose(source, address, count);
	if (memcmp(address, &source->address, sizeof(*address)) == 0)
		return;
	if (known)
		log_notice("%s: trying another of its addresses", source->label);
	source->address = *address;
	begin(source, START_DELAY_NS);
}

static void on_resolve(void *arg)
{
	struct source *source = arg;
	int r;

	source->resolve_timer = 0;
	if (address_is_final(source))
		return;
	r = resolver_start(&source->resolver, source->config.name, on_resolved, source);
	if (r < 0) {
		log_errno(r, "%s: cannot look up the name", source->label);
		resolve_later(source);
	}
}

static bool name_is_numeric(const struct source *source)
{
	struct config_address address;

	return config_address_parse(source->config.name, &address);
}

static void note_silence(struct source *source)
{
	if (source->unanswered < UINT8_MAX)
		source->unanswered++;
	if (++source->silent_polls < SILENT_POLLS)
		return;
	source->silent_polls = 0;
	if (!name_is_numeric(source))
		resolve_later(source);
}

static void on_expiry(void *arg)
{
	struct source *source = arg;

	source->expiry_timer = 0;
	exchange_close(&source->exchange);
}

static void send_request(struct source *source)
{
	int r = exchange_start(&source->exchange, &source->address, source->config.port);

	source->requests++;
	if (r < 0 && source->unanswered == 1)
		log_errno(r, "%s: cannot send", source->label);
	if (r < 0)
		return;
	event_remove_timer(source->expiry_timer);
	source->expiry_timer = event_add_timer(ANSWER_TIMEOUT_NS, on_expiry, source);
}

static void on_poll(void *arg)
{
	struct source *source = arg;
	bool was_reachable = source->reach != 0;

	source->poll_timer = 0;
	exchange_close(&source->exchange);
	source->reach = (uint8_t)(source->reach << 1);
	note_silence(source);
	send_request(source);
	if (source->burst_requests > 0)
		source->burst_requests--;
	poll_schedule(source, poll_interval_ns(source));
	if (was_reachable && source->reach == 0) {
		log_notice("%s: no answer to 8 requests", source->label);
		sample_handler(source);
	}
}

static int8_t max_log2(int8_t a, int8_t b)
{
	return a > b ? a : b;
}

/* Long intervals are for sources that keep coming as predicted. */
static void poll_adapt(struct source *source, double predicted_sd_s)
{
	const struct estimator *estimator = &source->estimator;
	double sigma_s = hypot(predicted_sd_s, estimator_noise_sd(estimator));

	if (estimator->sample_count < POLL_SAMPLES_UP)
		return;
	if (fabs(estimator->last_innovation_s) > SURPRISE_SIGMA * sigma_s)
		source->poll_score = source->poll_score > 0 ? -1 : (int8_t)(source->poll_score - 1);
	else
		source->poll_score++;
	if (source->poll_score >= POLL_SCORE_UP) {
		source->poll_score = 0;
		if (source->poll_log2 <
			max_log2(source->config.maxpoll_log2, source->poll_floor_log2))
			source->poll_log2++;
	} else if (source->poll_score <= POLL_SCORE_DOWN) {
		source->poll_score = 0;
		if (source->poll_log2 > source->poll_floor_log2)
			source->poll_log2--;
	}
}

static void accept_response(struct source *source, struct packet_response *response)
{
	struct estimate predicted = {.offset_sd_s = 0};
	struct sample *sample = &response->sample;

	sample->offset_s += source->config.offset_s;
	source->response = *response;
	source->last_verdict = PACKET_OK;
	source->last_sample = source->exchange.t4;
	source->reach |= 1;
	source->unanswered = source->silent_polls = 0;
	source->resolve_log2 = RESOLVE_MIN_LOG2;
	exchange_close(&source->exchange);
	if (source->burst_samples > 0 && --source->burst_samples == 0 &&
		source->burst_requests > 0) {
		source->burst_requests = 0;
		poll_schedule(source, poll_interval_ns(source));
	}
	if (source->estimator.sample_count > 0)
		estimator_predict(&source->estimator, sample->counter, &predicted);
	estimator_add(&source->estimator, sample);
	poll_adapt(source, predicted.offset_sd_s);
	sample_handler(source);
}

static void accept_rate(struct source *source, int8_t wanted_log2)
{
	int8_t limit_log2 = max_log2(source->config.maxpoll_log2, RATE_POLL_MAX_LOG2);
	int8_t poll_log2 = max_log2((int8_t)(source->poll_log2 + 1), wanted_log2);

	if (poll_log2 > limit_log2)
		poll_log2 = limit_log2;
	if (poll_log2 != source->poll_floor_log2)
		log_notice(
			"%s: asks for fewer requests, now every 2^%d s", source->label, poll_log2);
	source->poll_log2 = source->poll_floor_log2 = poll_log2;
	poll_schedule(source, RATE_BACKOFF * poll_interval_ns(source));
}

/* A kiss counts only as the answer to our own request, which packet_response_check() made sure. */
static void accept_kiss(
	struct source *source, enum packet_verdict verdict, const struct packet_response *response)
{
	exchange_close(&source->exchange);
	source->burst_requests = 0;
	if (verdict == PACKET_KISS_RATE) {
		accept_rate(source, response->poll_log2);
		return;
	}
	source->stopped = true;
	source->reach = 0;
	event_remove_timer(source->poll_timer);
	log_warning("%s: refuses to serve us (%s), not asking again", source->label,
		packet_verdict_text(verdict));
	sample_handler(source);
}

static void on_response(
	struct exchange *exchange, const uint8_t *buffer, size_t length, int error, void *arg)
{
	struct source *source = arg;
	struct packet_request request = {.our_refid = exchange->our_refid,
		.max_distance_s = source->max_distance_s,
		.precision_s = source->counter->precision_s,
		.timescale = source->estimator.timescale,
		.t1 = exchange->t1,
		.t4 = exchange->t4};
	struct packet_response response;
	enum packet_verdict verdict;

	if (error < 0) {
		exchange_close(exchange);
		return;
	}
	memcpy(request.transmit, exchange->transmit, sizeof(request.transmit));
	verdict = packet_response_check(&request, buffer, length, &response);
	source->verdicts[verdict]++;
	switch (verdict) {
	case PACKET_OK:
		accept_response(source, &response);
		break;
	case PACKET_KISS_RATE:
	case PACKET_KISS_DENY:
	case PACKET_KISS_RSTR:
		accept_kiss(source, verdict, &response);
		break;
	case PACKET_LENGTH:
	case PACKET_VERSION:
	case PACKET_MODE:
	case PACKET_ORIGIN:
		/* May be anybody's: the answer can still come. */
		break;
	default:
		exchange_close(exchange);
		if (verdict != source->last_verdict)
			log_notice("%s: %s", source->label, packet_verdict_text(verdict));
		source->last_verdict = verdict;
	}
}

static void label_write(struct source *source)
{
	const struct config_server *server = &source->config;

	if (server->port == MERIDIAN_NTP_PORT)
		snprintf(source->label, sizeof(source->label), "%s", server->name);
	else
		snprintf(source->label, sizeof(source->label),
			strchr(server->name, ':') ? "[%s]:%u" : "%s:%u", server->name,
			server->port);
}

void source_start(struct source *source, const struct config *config, size_t index,
	const struct counter *counter, const struct timescale *timescale, double frequency,
	double frequency_sd, source_handler handler)
{
	memset(source, 0, sizeof(*source));
	source->config = config->server[index];
	label_write(source);
	source->counter = counter;
	source->max_distance_s = config->max_distance_s;
	source->resolve_log2 = RESOLVE_MIN_LOG2;
	source->start_frequency = frequency;
	source->start_frequency_sd = frequency_sd;
	sample_handler = handler;
	estimator_init(&source->estimator, timescale, frequency, frequency_sd);
	exchange_init(&source->exchange, counter, on_response, source);
	if (config_address_parse(source->config.name, &source->address))
		begin(source, START_DELAY_NS * (index + 1));
	else
		on_resolve(source);
}

void source_stop(struct source *source)
{
	event_remove_timer(source->poll_timer);
	event_remove_timer(source->expiry_timer);
	event_remove_timer(source->resolve_timer);
	resolver_cancel(source->resolver);
	exchange_close(&source->exchange);
}

bool source_settled(const struct source *source)
{
	return source->estimator.sample_count > 0 || source->requests > SETTLED_POLLS ||
		source->stopped;
}
