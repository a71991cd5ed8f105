/* SPDX-License-Identifier: BSD-3-Clause */
#include "play.h"
#include "config_server.h"
#include "event.h"
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TIMERS_MAX 16
#define START_S    1700000000

static struct {
	event_timer_handler handler;
	void *arg;
	uint64_t deadline_ns;
} timers[TIMERS_MAX];

struct play play;
struct ntp_server play_server[PLAY_SERVERS_MAX];

static exchange_handler on_answer;
static resolver_handler on_addresses;
static void *on_addresses_arg;

static struct config config;
static struct counter counter = {.hz = NS_PER_SECOND, .precision_s = 1e-7};
static struct timescale timescale = {.hz = NS_PER_SECOND, .utc = {.s = START_S}, .wander = 1e-6};
static struct ntp_name name;
static struct ntp_servers servers;

const struct config_server play_numeric = {.name = "192.0.2.1",
	.port = 123,
	.version = 4,
	.minpoll_log2 = 4,
	.maxpoll_log2 = 6,
	.presend_log2 = CONFIG_PRESEND_NEVER,
	.filter = 1,
	.max_delay_s = 3};

const struct config_server play_named = {.name = "ntp.example.net",
	.port = 123,
	.version = 4,
	.minpoll_log2 = 4,
	.maxpoll_log2 = 4,
	.presend_log2 = CONFIG_PRESEND_NEVER,
	.filter = 1,
	.max_delay_s = 3};

const struct config_address play_address[4] = {
	{.octets = {192, 0, 2, 1}, .family = MERIDIAN_FAMILY_IPV4},
	{.octets = {192, 0, 2, 2}, .family = MERIDIAN_FAMILY_IPV4},
	{.octets = {192, 0, 2, 3}, .family = MERIDIAN_FAMILY_IPV4},
	{.octets = {192, 0, 2, 4}, .family = MERIDIAN_FAMILY_IPV4},
};

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	for (int i = 0; i < TIMERS_MAX; i++) {
		if (timers[i].handler)
			continue;
		timers[i].handler = handler;
		timers[i].arg = arg;
		timers[i].deadline_ns = play.now_ns + delay_ns;
		return i + 1;
	}
	return -ENOSPC;
}

void event_remove_timer(int id)
{
	if (id > 0)
		timers[id - 1].handler = NULL;
}

void exchange_init(
	struct exchange *exchange, const struct counter *of, exchange_handler handler, void *arg)
{
	*exchange = (struct exchange){.fd = -1, .counter = of, .arg = arg};
	on_answer = handler;
}

static bool answers_by_itself(const struct config_address *address)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (memcmp(address, &play_address[i], sizeof(*address)) == 0)
			return play.answering & 1u << i;
	}
	return false;
}

static void on_answer_due(void *arg)
{
	(void)arg;
	play_answer_good();
}

int exchange_start(struct exchange *exchange, const struct config_address *address, uint16_t port,
	const uint8_t *request, size_t length)
{
	(void)port;
	assert_int_equal(length, sizeof(play.request));
	exchange->fd = 1;
	exchange->sent = exchange->t1[EXCHANGE_DAEMON] = play.now_ns;
	memcpy(&play.request, request, length);
	play.requests++;
	play.exchange = exchange;
	play.requested_ns = play.now_ns;
	play.requested_address = *address;
	/* Before anything else happens. */
	if (answers_by_itself(address))
		event_add_timer(0, on_answer_due, NULL);
	return 0;
}

void exchange_close(struct exchange *exchange)
{
	exchange->fd = -1;
}

struct exchange_stamps exchange_stamps(const struct exchange *exchange)
{
	return (struct exchange_stamps){
		.t1 = exchange->t1[EXCHANGE_DAEMON], .t4 = exchange->t4[EXCHANGE_DAEMON]};
}

int resolver_start(
	struct resolver **ret_resolver, const char *host, resolver_handler handler, void *arg)
{
	(void)host;
	assert_null(*ret_resolver);
	*ret_resolver = (void *)&name;
	play.lookups++;
	on_addresses = handler;
	on_addresses_arg = arg;
	return 0;
}

void resolver_cancel(struct resolver *resolver)
{
	(void)resolver;
}

void play_resolve(const struct config_address *address, size_t count)
{
	resolver_handler handler = on_addresses;

	assert_non_null(handler);
	on_addresses = NULL;
	handler(address, count, on_addresses_arg);
}

static void on_report(struct source *reported)
{
	(void)reported;
	play.reports++;
}

static bool admit(uint64_t from, uint64_t to, struct sample *sample)
{
	assert_true(from < to && from <= sample->counter && sample->counter <= to);
	sample->offset_s += play.led_s;
	return !play.refusing;
}

static const struct source_context context = {.config = &config,
	.counter = &counter,
	.timescale = &timescale,
	.start = {0, 1e-4},
	.handler = on_report,
	.admit = admit};

void play_until(uint64_t until_ns)
{
	for (;;) {
		int first = -1;
		event_timer_handler handler;

		for (int i = 0; i < TIMERS_MAX; i++) {
			if (timers[i].handler && timers[i].deadline_ns <= until_ns &&
				(first < 0 || timers[i].deadline_ns < timers[first].deadline_ns ||
					timers[i].handler == on_answer_due))
				first = i;
		}
		if (first < 0)
			break;
		play.now_ns = timers[first].deadline_ns;
		handler = timers[first].handler;
		timers[first].handler = NULL;
		handler(timers[first].arg);
	}
	play.now_ns = until_ns;
}

void play_answering_until(unsigned int address, uint64_t until_ns)
{
	play.answering = address;
	play_until(until_ns);
	play.answering = 0;
}

double play_until_request(void)
{
	unsigned int before = play.requests;
	uint64_t before_ns = play.requested_ns, limit_ns = play.now_ns + 4000 * NS_PER_SECOND;

	while (play.requests == before && play.now_ns < limit_ns)
		play_until(play.now_ns + NS_PER_SECOND / 100);
	assert_int_equal(play.requests, before + 1);
	return (double)(play.requested_ns - before_ns) / (double)NS_PER_SECOND;
}

static struct meridian_ntp_timestamp timestamp(uint64_t ns)
{
	uint64_t s = START_S + MERIDIAN_NTP_UNIX_OFFSET_S + ns / NS_PER_SECOND;

	return (struct meridian_ntp_timestamp){.seconds = htonl((uint32_t)s),
		.fraction = htonl((uint32_t)(((ns % NS_PER_SECOND) << 32) / NS_PER_SECOND))};
}

void play_answer(uint8_t stratum, const char *refid, int8_t poll_log2)
{
	uint64_t there_ns = play.requested_ns + play.answer_delay_ns / 2;
	struct meridian_ntp_header answer = {.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 4, 4),
		.stratum = stratum,
		.poll = poll_log2,
		.precision = -20,
		.reference = timestamp(play.requested_ns),
		.origin = play.request.transmit,
		.receive = timestamp(there_ns),
		.transmit = timestamp(there_ns)};

	memcpy(&answer.refid, refid, strnlen(refid, sizeof(answer.refid)));
	play.exchange->t4[EXCHANGE_DAEMON] = play.requested_ns + play.answer_delay_ns;
	on_answer(play.exchange, (const uint8_t *)&answer, sizeof(answer), 0, play.exchange->arg);
}

void play_hear(const void *octets, size_t length)
{
	play.exchange->t4[EXCHANGE_DAEMON] = play.requested_ns + play.answer_delay_ns;
	if (play.exchange->fd >= 0)
		on_answer(play.exchange, octets, length, 0, play.exchange->arg);
}

void play_answer_good(void)
{
	play_answer(1, "GPS", 6);
}

void play_start(const struct config_server *config_server)
{
	memset(timers, 0, sizeof(timers));
	play = (struct play){
		.now_ns = NS_PER_SECOND, .requested_ns = NS_PER_SECOND, .answer_delay_ns = 2000000};
	on_addresses = NULL;
	config = (struct config){.max_distance_s = 3};
	servers = (struct ntp_servers){.count = 0};
	ntp_name_init(&name, config_server, &servers);
	for (size_t i = 0; i < config_server_sources(config_server); i++) {
		ntp_server_start(&play_server[i], &context, &name, i);
		servers.server[servers.count++] = &play_server[i];
	}
	ntp_name_start(&name);
}
