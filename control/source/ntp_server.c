/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/refid.h"
#include "event.h"
#include "ntp_poll.h"
#include "ntp_request.h"
#include <arpa/inet.h>
#include <errno.h>
#include <log.h>
#include <string.h>
#include <units.h>

#define START_DELAY_NS    (200 * UINT64_C(1000000))
#define IBURST_REQUESTS   8
#define IBURST_SAMPLES    4
#define BURST_REQUESTS    4
#define BURST_SAMPLES     1
#define BURST_INTERVAL_NS (2 * NS_PER_SECOND)
#define ANSWER_TIMEOUT_NS (4 * NS_PER_SECOND)

/* A server that is silent for so long may have moved. */
#define SILENT_POLLS 8

/* One that contradicts the majority for so long is of no use. */
#define FALSE_POLLS 8

/* Who denied us service may have done so by mistake. */
#define DENIED_NS (86400 * NS_PER_SECOND)

static void on_poll(void *arg);

void ntp_server_ask_in(struct ntp_server *server, uint64_t delay_ns)
{
	event_remove_timer(server->poll_timer);
	server->poll_timer = 0;
	if (server->offline)
		return;
	server->poll_timer = event_add_timer(delay_ns, on_poll, server);
	if (server->poll_timer < 0)
		log_errno(server->poll_timer, "%s: no timer, polling ends", server->source.label);
}

void ntp_server_begin_burst(struct ntp_server *server)
{
	if (!server->config.iburst || server->offline)
		return;
	server->burst_requests = IBURST_REQUESTS;
	server->burst_samples = IBURST_SAMPLES;
}

/* Another server, as far as we know, even if its name is the same. */
static void begin(struct ntp_server *server, uint64_t delay_ns)
{
	const struct config_address *address = &server->source.address;

	exchange_close(&server->exchange);
	source_reset(&server->source);
	server->source.refid = refid_of_address(address->octets, address->family);
	server->source.stopped = server->offline;
	server->source.absent = server->lost = server->denied = false;
	server->unanswered = server->silent_polls = 0;
	server->false_polls = server->good_answers = 0;
	ntp_poll_start(server);
	server->best_of = 0;
	server->warming = server->answered = false;
	server->interleave = (struct interleave){.known = false};
	ntp_server_begin_burst(server);
	ntp_server_ask_in(server, delay_ns);
}

bool ntp_server_wants_address(const struct ntp_server *server)
{
	return server->source.address.family == 0 || server->lost;
}

static void label_write(struct ntp_server *server)
{
	const struct config_server *config = &server->config;
	const struct config_address *address = &server->source.address;
	char *label = server->source.label;
	size_t size = sizeof(server->source.label);
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(address->family == MERIDIAN_FAMILY_IPV4 ? AF_INET : AF_INET6, address->octets,
		text, sizeof(text));
	if (config->pool && address->family != 0)
		snprintf(label, size, "%s (%s)", config->name, text);
	else if (config->port == MERIDIAN_NTP_PORT)
		snprintf(label, size, "%s", config->name);
	else
		snprintf(label, size, strchr(config->name, ':') ? "[%s]:%u" : "%s:%u", config->name,
			config->port);
}

void ntp_server_stay(struct ntp_server *server)
{
	server->source.absent = server->source.address.family == 0;
}

void ntp_server_move(struct ntp_server *server, const struct config_address *address)
{
	char before[sizeof(server->source.label)];

	memcpy(before, server->source.label, sizeof(before));
	if (server->source.address.family == 0)
		before[0] = '\0';
	server->source.address = *address;
	label_write(server);
	if (before[0] && server->config.pool)
		log_notice("%s: asking %s instead", before, server->source.label);
	else if (before[0])
		log_notice("%s: trying another of its addresses", server->source.label);
	begin(server, START_DELAY_NS * (server->index + 1));
}

/* Another address would be welcome. */
static void look_elsewhere(struct ntp_server *server)
{
	server->lost = true;
	ntp_name_look_up_later(server->name);
}

static void note_silence(struct ntp_server *server)
{
	if (server->unanswered < UINT8_MAX)
		server->unanswered++;
	if (++server->silent_polls < SILENT_POLLS)
		return;
	server->silent_polls = 0;
	look_elsewhere(server);
}

static void note_falsehood(struct ntp_server *server)
{
	if (server->source.state != SELECT_FALSETICKER || server->source.reach == 0) {
		server->false_polls = 0;
	} else if (++server->false_polls >= FALSE_POLLS) {
		server->false_polls = 0;
		look_elsewhere(server);
	}
}

static void on_expiry(void *arg)
{
	struct ntp_server *server = arg;

	server->expiry_timer = 0;
	exchange_close(&server->exchange);
}

static void send_request(struct ntp_server *server)
{
	uint8_t octets[NTP_REQUEST_MAX];
	int r = ntp_request_write(server, octets);

	if (r > 0)
		r = exchange_start(&server->exchange, &server->source.address, server->config.port,
			octets, (size_t)r);
	server->requests++;
	if (r < 0 && server->unanswered <= 1)
		log_errno(r, "%s: cannot send", server->source.label);
	if (r < 0)
		return;
	event_remove_timer(server->expiry_timer);
	server->expiry_timer = event_add_timer(ANSWER_TIMEOUT_NS, on_expiry, server);
}

/* `presend`: a request that does not count goes first, unless a kiss RATE wants fewer of them. */
static bool warm_up(struct ntp_server *server)
{
	server->warming = !server->warming && server->burst_requests == 0 &&
		!ntp_server_wants_fewer(server) &&
		server->source.poll_log2 >= server->config.presend_log2;
	if (server->warming) {
		send_request(server);
		ntp_server_ask_in(server, BURST_INTERVAL_NS);
	}
	return server->warming;
}

/* `burst`: until there is a good answer, as often as keeps the average above minpoll. */
static void burst_begin(struct ntp_server *server)
{
	int spare_log2 = server->source.poll_log2 - server->poll_floor_log2;

	if (!server->config.burst || server->burst_requests > 0 || spare_log2 <= 0)
		return;
	server->burst_requests = spare_log2 == 1 ? BURST_REQUESTS / 2 : BURST_REQUESTS;
	server->burst_samples = BURST_SAMPLES;
}

/* A transmit stamp that came after the answer was waited for until now. */
static void exchange_end(struct ntp_server *server)
{
	struct exchange_stamps stamps = exchange_stamps(&server->exchange);

	if (server->answered)
		interleave_stamp(&server->interleave, stamps.t1, stamps.t4, stamps.error_s);
	server->answered = false;
	exchange_close(&server->exchange);
}

static void on_poll(void *arg)
{
	struct ntp_server *server = arg;

	server->poll_timer = 0;
	server->denied = false;
	if (server->offline)
		return;
	server->source.stopped = false;
	exchange_end(server);
	if (warm_up(server))
		return;
	burst_begin(server);
	note_silence(server);
	note_falsehood(server);
	/* A burst counts as one question. */
	if (server->burst_requests <= 1)
		ntp_poll_asked(server);
	send_request(server);
	if (server->burst_requests > 0)
		server->burst_requests--;
	ntp_server_ask_in(server, ntp_poll_interval_ns(server));
	source_begin_poll(&server->source);
}

/* The burst has what it wanted. */
static void burst_end(struct ntp_server *server)
{
	if (server->burst_samples == 0 || --server->burst_samples > 0 ||
		server->burst_requests == 0)
		return;
	server->burst_requests = 0;
	ntp_server_ask_in(server, ntp_poll_interval_ns(server));
}

/* `filter`: of each group the sample with the least delay. False while there are more to come. They
 * were admitted when they came: a leap second may be over before the group is complete. The first
 * one waits for no group: whoever is quicker to speak, and lies, would lead alone meanwhile. */
static bool pick_best(struct ntp_server *server, struct sample *sample)
{
	if (estimator_sample(&server->source.estimator, 0) == NULL)
		return true;
	if (server->best_of++ == 0 || sample->delay_s < server->best.delay_s)
		server->best = *sample;
	if (server->best_of < server->config.filter)
		return false;
	server->best_of = 0;
	*sample = server->best;
	return true;
}

static void accept_sample(struct ntp_server *server, struct sample *sample)
{
	const struct estimator *estimator = &server->source.estimator;
	struct estimate predicted = {.offset_sd_s = 0};

	if (estimator->sample_count > 0) {
		sample_correct(sample, estimator->delay_min_s, server->config.asymmetry);
		estimator_predict(estimator, sample->counter, &predicted);
	}
	source_add(&server->source, sample, server->request.t4);
	ntp_poll_adapt(server, predicted.offset_sd_s);
	if (poll_is_urgent(&server->poll) && server->burst_requests == 0)
		ntp_server_ask_in(server, ntp_poll_interval_ns(server));
	source_tell(&server->source);
}

/* It answers and has the time, whatever its samples are worth. */
static void note_answer(struct ntp_server *server, const struct packet_response *response)
{
	server->source.stratum = response->stratum;
	server->source.leap = response->leap;
	server->unanswered = server->silent_polls = 0;
	if (server->source.state != SELECT_FALSETICKER)
		server->lost = false;
	server->answered = server->config.xleave && !server->warming;
	server->exchange.answered = server->answered;
	if (!server->answered)
		exchange_close(&server->exchange);
}

/* In interleaved mode a sample comes once more, when its transmit time is known better. */
static bool is_new_sample(struct ntp_server *server, const struct packet_response *response)
{
	return !server->config.xleave ||
		interleave_answered(&server->interleave, &server->request, response);
}

static void accept_response(struct ntp_server *server, struct packet_response *response)
{
	note_answer(server, response);
	if (server->warming)
		return;
	burst_end(server);
	ntp_poll_answered(server);
	source_hear(&server->source);
	if (is_new_sample(server, response) &&
		source_admit(&server->source, response->from, response->to, &response->sample) &&
		pick_best(server, &response->sample))
		accept_sample(server, &response->sample);
}

/* A kiss counts only as the answer to our own request, which packet_response_check() made sure. */
static void accept_kiss(struct ntp_server *server, enum packet_verdict verdict,
	const struct packet_response *response)
{
	exchange_close(&server->exchange);
	server->burst_requests = 0;
	if (verdict == PACKET_KISS_RATE) {
		ntp_server_ask_in(server, ntp_poll_rate(server, response->poll_log2));
		return;
	}
	log_warning("%s: refuses to serve us (%s), not asking it for a day", server->source.label,
		packet_verdict_text(verdict));
	server->denied = true;
	ntp_server_ask_in(server, DENIED_NS);
	ntp_name_refuse(server->name, &server->source.address);
	look_elsewhere(server);
	source_give_up(&server->source);
}

/* For those who look on. */
static void note_response(struct ntp_server *server, enum packet_verdict verdict,
	const struct packet_response *response)
{
	server->verdicts[verdict]++;
	if (verdict == PACKET_AUTH && server->verdicts[verdict] == 1)
		log_warning("%s: an answer is not signed with key %u, and ignored",
			server->source.label, server->config.key);
	if (!packet_is_answer(verdict))
		return;
	if (verdict > PACKET_KISS_OTHER && verdict < PACKET_FIRST_LATE &&
		verdict != server->last_verdict)
		log_notice("%s: %s", server->source.label, packet_verdict_text(verdict));
	server->response = *response;
	server->last_verdict = verdict;
	server->stamped = exchange_stamps(&server->exchange);
	server->receive_stamps[server->stamped.t4_by]++;
	server->transmit_stamps[server->stamped.t1_by]++;
}

static void on_response(
	struct exchange *exchange, const uint8_t *buffer, size_t length, int error, void *arg)
{
	struct ntp_server *server = arg;
	struct packet_response response;
	enum packet_verdict verdict;

	if (server->answered)
		return;
	if (error < 0) {
		exchange_close(exchange);
		return;
	}
	ntp_request_complete(server);
	verdict = packet_response_check(&server->request, buffer, length, &response);
	note_response(server, verdict, &response);
	switch (verdict) {
	case PACKET_OK:
		accept_response(server, &response);
		break;
	case PACKET_DELAY:
	case PACKET_DELAY_RATIO:
	case PACKET_DELAY_DEV:
		note_answer(server, &response);
		ntp_poll_answered(server);
		source_hear(&server->source);
		is_new_sample(server, &response);
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
	case PACKET_AUTH:
		/* May be anybody's: the answer can still come. */
		break;
	default:
		exchange_close(exchange);
		if (verdict == PACKET_UNSYNCHRONISED)
			server->source.leap = MERIDIAN_NTP_LI_UNKNOWN;
	}
}

static void stop(struct source *source)
{
	struct ntp_server *server = (struct ntp_server *)source;

	event_remove_timer(server->poll_timer);
	event_remove_timer(server->expiry_timer);
	ntp_name_stop(server->name);
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

static void shift(struct source *source, double seconds)
{
	struct ntp_server *server = (struct ntp_server *)source;

	server->best.offset_s -= seconds;
}

static const struct source_kind kind = {.stop = stop,
	.activity = activity,
	.report = ntp_server_report,
	.shift = shift,
	.order = ntp_server_order};

void ntp_server_start(struct ntp_server *server, const struct source_context *context,
	struct ntp_name *name, size_t index)
{
	memset(server, 0, sizeof(*server));
	server->config = *name->config;
	server->name = name;
	server->index = index;
	source_init(&server->source, &kind, context, &server->config.source);
	server->source.name = server->config.name;
	label_write(server);
	exchange_init(&server->exchange, context->counter, on_response, server);
}
