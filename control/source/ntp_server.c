/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntp_server.h"
#include "config_table.h"
#include "core/refid.h"
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

static void on_poll(void *arg);

static double random_spread(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return 0;
	return bits / 4294967295.0 * POLL_SPREAD;
}

static void poll_schedule(struct ntp_server *server, uint64_t delay_ns)
{
	event_remove_timer(server->poll_timer);
	server->poll_timer = event_add_timer(delay_ns, on_poll, server);
	if (server->poll_timer < 0)
		log_errno(server->poll_timer, "%s: no timer, polling ends", server->source.label);
}

static uint64_t poll_interval_ns(const struct ntp_server *server)
{
	if (server->burst_requests > 0)
		return BURST_INTERVAL_NS;
	return (uint64_t)(ldexp(1 + random_spread(), server->source.poll_log2) * (double)NS_PER_S);
}

/* Another server, as far as we know, even if its name is the same. */
static void begin(struct ntp_server *server, uint64_t delay_ns)
{
	const struct config_address *address = &server->source.address;

	exchange_close(&server->exchange);
	source_reset(&server->source);
	server->source.refid = refid_of_address(address->octets, address->family);
	server->unanswered = server->silent_polls = 0;
	server->source.poll_log2 = server->poll_floor_log2 = server->config.minpoll_log2;
	server->poll_score = 0;
	if (server->config.iburst) {
		server->burst_requests = BURST_REQUESTS;
		server->burst_samples = BURST_SAMPLES;
	}
	poll_schedule(server, delay_ns);
}

static void on_resolve(void *arg);

/* No look-up is wanted: the server answers, or told us to go away. */
static bool address_is_final(const struct ntp_server *server)
{
	return server->source.stopped || server->source.reach != 0;
}

/* Polling goes on meanwhile, if there is an address. */
static void resolve_later(struct ntp_server *server)
{
	if (server->resolve_timer > 0 || server->resolver)
		return;
	server->resolve_timer =
		event_add_timer(NS_PER_S << server->resolve_log2, on_resolve, server);
	if (server->resolve_log2 < RESOLVE_MAX_LOG2)
		server->resolve_log2++;
}

/* The address after the one that was silent, else the first. */
static const struct config_address *address_choose(
	const struct ntp_server *server, const struct config_address *address, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&address[i], &server->source.address, sizeof(*address)) == 0)
			return &address[(i + 1) % count];
	}
	return address;
}

static void on_resolved(const struct config_address *address, size_t count, void *arg)
{
	struct ntp_server *server = arg;
	bool known = server->source.address.family != 0;

	server->resolver = NULL;
	if (count == 0) {
		if (!known && server->resolve_log2 == RESOLVE_MIN_LOG2)
			log_warning("%s: the name cannot be resolved, trying again",
				server->source.label);
		resolve_later(server);
		return;
	}
	if (address_is_final(server))
		return;
	address = address_choose(server, address, count);
	if (memcmp(address, &server->source.address, sizeof(*address)) == 0)
		return;
	if (known)
		log_notice("%s: trying another of its addresses", server->source.label);
	server->source.address = *address;
	begin(server, START_DELAY_NS);
}

static void on_resolve(void *arg)
{
	struct ntp_server *server = arg;
	int r;

	server->resolve_timer = 0;
	if (address_is_final(server))
		return;
	r = resolver_start(&server->resolver, server->config.name, on_resolved, server);
	if (r < 0) {
		log_errno(r, "%s: cannot look up the name", server->source.label);
		resolve_later(server);
	}
}

static bool name_is_numeric(const struct ntp_server *server)
{
	struct config_address address;

	return config_address_parse(server->config.name, &address);
}

static void note_silence(struct ntp_server *server)
{
	if (server->unanswered < UINT8_MAX)
		server->unanswered++;
	if (++server->silent_polls < SILENT_POLLS)
		return;
	server->silent_polls = 0;
	if (!name_is_numeric(server))
		resolve_later(server);
}

static void on_expiry(void *arg)
{
	struct ntp_server *server = arg;

	server->expiry_timer = 0;
	exchange_close(&server->exchange);
}

static void send_request(struct ntp_server *server)
{
	int r = exchange_start(&server->exchange, &server->source.address, server->config.port);

	if (r < 0 && server->unanswered == 1)
		log_errno(r, "%s: cannot send", server->source.label);
	if (r < 0)
		return;
	event_remove_timer(server->expiry_timer);
	server->expiry_timer = event_add_timer(ANSWER_TIMEOUT_NS, on_expiry, server);
}

static void on_poll(void *arg)
{
	struct ntp_server *server = arg;

	server->poll_timer = 0;
	exchange_close(&server->exchange);
	note_silence(server);
	send_request(server);
	if (server->burst_requests > 0)
		server->burst_requests--;
	poll_schedule(server, poll_interval_ns(server));
	source_begin_poll(&server->source);
}

static int8_t max_log2(int8_t a, int8_t b)
{
	return a > b ? a : b;
}

/* Long intervals are for sources that keep coming as predicted. */
static void poll_adapt(struct ntp_server *server, double predicted_sd_s)
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

static void accept_response(struct ntp_server *server, struct packet_response *response)
{
	struct estimate predicted = {.offset_sd_s = 0};
	struct sample *sample = &response->sample;

	server->response = *response;
	server->last_verdict = PACKET_OK;
	server->source.stratum = response->stratum;
	server->source.leap = response->leap;
	server->unanswered = server->silent_polls = 0;
	server->resolve_log2 = RESOLVE_MIN_LOG2;
	exchange_close(&server->exchange);
	if (server->burst_samples > 0 && --server->burst_samples == 0 &&
		server->burst_requests > 0) {
		server->burst_requests = 0;
		poll_schedule(server, poll_interval_ns(server));
	}
	if (server->source.estimator.sample_count > 0)
		estimator_predict(&server->source.estimator, sample->counter, &predicted);
	source_accept(&server->source, sample, server->exchange.t4);
	poll_adapt(server, predicted.offset_sd_s);
	source_tell(&server->source);
}

static void accept_rate(struct ntp_server *server, int8_t wanted_log2)
{
	int8_t limit_log2 = max_log2(server->config.maxpoll_log2, RATE_POLL_MAX_LOG2);
	int8_t poll_log2 = max_log2((int8_t)(server->source.poll_log2 + 1), wanted_log2);

	if (poll_log2 > limit_log2)
		poll_log2 = limit_log2;
	if (poll_log2 != server->poll_floor_log2)
		log_notice("%s: asks for fewer requests, now every 2^%d s", server->source.label,
			poll_log2);
	server->source.poll_log2 = server->poll_floor_log2 = poll_log2;
	poll_schedule(server, RATE_BACKOFF * poll_interval_ns(server));
}

/* A kiss counts only as the answer to our own request, which packet_response_check() made sure. */
static void accept_kiss(struct ntp_server *server, enum packet_verdict verdict,
	const struct packet_response *response)
{
	exchange_close(&server->exchange);
	server->burst_requests = 0;
	if (verdict == PACKET_KISS_RATE) {
		accept_rate(server, response->poll_log2);
		return;
	}
	event_remove_timer(server->poll_timer);
	log_warning("%s: refuses to serve us (%s), not asking again", server->source.label,
		packet_verdict_text(verdict));
	source_give_up(&server->source);
}

static void on_response(
	struct exchange *exchange, const uint8_t *buffer, size_t length, int error, void *arg)
{
	struct ntp_server *server = arg;
	const struct source_context *context = server->source.context;
	struct packet_request request = {.our_refid = exchange->our_refid,
		.max_distance_s = context->config->max_distance_s,
		.precision_s = context->counter->precision_s,
		.timescale = context->timescale,
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
	server->verdicts[verdict]++;
	switch (verdict) {
	case PACKET_OK:
		accept_response(server, &response);
		break;
	case PACKET_KISS_RATE:
	case PACKET_KISS_DENY:
	case PACKET_KISS_RSTR:
		accept_kiss(server, verdict, &response);
		break;
	case PACKET_LENGTH:
	case PACKET_VERSION:
	case PACKET_MODE:
	case PACKET_ORIGIN:
		/* May be anybody's: the answer can still come. */
		break;
	default:
		exchange_close(exchange);
		if (verdict != server->last_verdict)
			log_notice("%s: %s", server->source.label, packet_verdict_text(verdict));
		server->last_verdict = verdict;
	}
}

static void label_write(struct ntp_server *server)
{
	const struct config_server *config = &server->config;

	if (config->port == MERIDIAN_NTP_PORT)
		snprintf(server->source.label, sizeof(server->source.label), "%s", config->name);
	else
		snprintf(server->source.label, sizeof(server->source.label),
			strchr(config->name, ':') ? "[%s]:%u" : "%s:%u", config->name,
			config->port);
}

static void stop(struct source *source)
{
	struct ntp_server *server = (struct ntp_server *)source;

	event_remove_timer(server->poll_timer);
	event_remove_timer(server->expiry_timer);
	event_remove_timer(server->resolve_timer);
	resolver_cancel(server->resolver);
	exchange_close(&server->exchange);
}

static enum source_activity activity(const struct source *source)
{
	const struct ntp_server *server = (const struct ntp_server *)source;

	if (source->address.family == 0)
		return SOURCE_UNRESOLVED;
	if (server->burst_requests > 0)
		return SOURCE_BURST;
	return source->stopped ? SOURCE_OFFLINE : SOURCE_ONLINE;
}

static const struct source_kind kind = {.stop = stop, .activity = activity};

void ntp_server_start(struct ntp_server *server, const struct source_context *context,
	const struct config_server *config, size_t index)
{
	memset(server, 0, sizeof(*server));
	server->config = *config;
	source_init(&server->source, &kind, context, &server->config.source);
	server->source.name = server->config.name;
	label_write(server);
	server->resolve_log2 = RESOLVE_MIN_LOG2;
	exchange_init(&server->exchange, context->counter, on_response, server);
	if (config_address_parse(config->name, &server->source.address))
		begin(server, START_DELAY_NS * (index + 1));
	else
		on_resolve(server);
}
