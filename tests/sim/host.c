/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"
#include "event.h"
#include "publish.h"
#include "source/exchange.h"
#include "source/resolver.h"
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <units.h>

#define TIMERS_MAX 128

static struct timer {
	event_timer_handler handler;
	void *arg;
	double deadline_s;
} timers[TIMERS_MAX];

static const struct world *world;
static uint64_t requests;
static bool kissed[WORLD_SERVERS_MAX];
static struct meridian_timemodel_data page;
static host_publish_handler publish_handler;

/* An answer under way. */
static struct flight {
	struct exchange *exchange; /* NULL: none, or given up */
	struct world_passage passage;
	struct meridian_ntp_header request;
	size_t server;
	int timer;
} flights[WORLD_SERVERS_MAX];

/* What a server remembers of us. */
static struct served {
	bool known;
	struct meridian_ntp_timestamp receive, transmit;
} served[WORLD_SERVERS_MAX];

static int timer_add(double deadline_s, event_timer_handler handler, void *arg)
{
	for (int i = 0; i < TIMERS_MAX; i++) {
		if (timers[i].handler)
			continue;
		timers[i] = (struct timer){handler, arg, deadline_s};
		return i + 1;
	}
	return -ENOSPC;
}

int event_add_timer(uint64_t delay_ns, event_timer_handler handler, void *arg)
{
	return timer_add(world_now_s() + (double)delay_ns / NS_PER_SECOND, handler, arg);
}

void event_remove_timer(int id)
{
	if (id > 0)
		timers[id - 1].handler = NULL;
}

/* One descriptor can be ready, that of the last socket. */
static struct watch {
	int fd;
	event_fd_handler handler;
	void *arg;
} watch = {.fd = -1};

int event_add_fd(int fd, unsigned int events, event_fd_handler handler, void *arg)
{
	(void)events;
	watch = (struct watch){fd, handler, arg};
	return 0;
}

void event_remove_fd(int fd)
{
	if (fd == watch.fd)
		watch.fd = -1;
}

void host_ready(int fd)
{
	if (fd >= 0 && fd == watch.fd)
		watch.handler(fd, EVENT_READ, watch.arg);
}

/* A host that sleeps runs nothing; what was due meanwhile is late. */
static void sleep_out(double true_s)
{
	double awake_s = world->suspend.start_s + world->suspend.length_s;

	if (world_is_suspended(world_now_s()))
		world_advance(fmin(awake_s, true_s));
}

void host_run(double true_s)
{
	for (;;) {
		struct timer *first = NULL, due;

		for (int i = 0; i < TIMERS_MAX; i++) {
			if (timers[i].handler && timers[i].deadline_s <= true_s &&
				(!first || timers[i].deadline_s < first->deadline_s))
				first = &timers[i];
		}
		if (!first)
			break;
		world_advance(fmax(first->deadline_s, world_now_s()));
		if (world_is_suspended(world_now_s())) {
			sleep_out(true_s);
			if (world_is_suspended(true_s))
				break;
		}
		due = *first;
		first->handler = NULL;
		due.handler(due.arg);
	}
	world_advance(true_s);
}

static void clock_read(int64_t offset_s, int64_t extra_ns, struct timespec *ret_time)
{
	int64_t ns = (int64_t)world_counter() + extra_ns;

	ret_time->tv_sec = ns / NS_PER_SECOND + offset_s;
	ret_time->tv_nsec = ns % NS_PER_SECOND;
}

/* In place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (clock == CLOCK_REALTIME)
		clock_read(world->start_s ? world->start_s : WORLD_START_S,
			world_suspended_ns() + (int64_t)(world->clock_error_s * NS_PER_SECOND),
			ret_time);
	else
		clock_read(0, clock == CLOCK_BOOTTIME ? world_suspended_ns() : 0, ret_time);
	return 0;
}

static void random_octets(uint8_t *octet, size_t length)
{
	for (size_t i = 0; i < length; i++)
		octet[i] = (uint8_t)(world_random() * 256);
}

/* What need not be random, such as our reference ID, takes none of the world's numbers. */
ssize_t getrandom(void *buffer, size_t length, unsigned int flags)
{
	if (flags & GRND_NONBLOCK)
		memset(buffer, 0x5a, length);
	else
		random_octets(buffer, length);
	return (ssize_t)length;
}

size_t host_server_of(const uint8_t octets[16])
{
	return octets[3] - 1u;
}

void exchange_init(struct exchange *exchange, const struct counter *counter,
	exchange_handler handler, void *arg)
{
	*exchange = (struct exchange){.fd = -1, .counter = counter, .handler = handler, .arg = arg};
}

void exchange_close(struct exchange *exchange)
{
	for (size_t i = 0; i < WORLD_SERVERS_MAX; i++) {
		if (flights[i].exchange == exchange) {
			event_remove_timer(flights[i].timer);
			flights[i].exchange = NULL;
		}
	}
	exchange->fd = -1;
}

struct exchange_stamps exchange_stamps(const struct exchange *exchange)
{
	return (struct exchange_stamps){
		.t1 = exchange->t1[EXCHANGE_DAEMON], .t4 = exchange->t4[EXCHANGE_DAEMON]};
}

/* The server's clock is wrong by its error, and right about the leap second, if it knows it. */
static void timestamp_write(const struct world_server *server, double server_s,
	struct meridian_ntp_timestamp *timestamp)
{
	struct world_utc utc = world_utc(server_s);
	int64_t s = utc.s + MERIDIAN_NTP_UNIX_OFFSET_S;

	if (server->no_leap && server_s >= world->leap.at_s)
		s += world->leap.kind == MERIDIAN_NTP_LI_INSERT ? 1 : -1;
	timestamp->seconds = htonl((uint32_t)s);
	timestamp->fraction = htonl((uint32_t)(utc.fraction * 0x1p32));
}

static uint8_t leap_of(const struct world_server *server)
{
	if (server->announce != MERIDIAN_NTP_LI_NONE)
		return server->announce;
	return server->no_leap ? MERIDIAN_NTP_LI_NONE : world_leap_indicator(world_now_s());
}

/* A request whose origin is the receive stamp of the last answer gets that one's transmit time
 * once more, as it was measured (RFC 9769 section 2). */
static void interleave(struct flight *flight, struct meridian_ntp_header *answer)
{
	struct served *last = &served[flight->server];
	const struct meridian_ntp_timestamp *origin = &flight->request.origin;

	if (last->known && memcmp(origin, &last->receive, sizeof(*origin)) == 0) {
		answer->origin = flight->request.receive;
		answer->transmit = last->transmit;
	}
	last->known = true;
	last->receive = answer->receive;
	timestamp_write(&world->server[flight->server],
		flight->passage.server_s + flight->passage.late_s, &last->transmit);
}

static void answer_write(struct flight *flight, struct meridian_ntp_header *answer)
{
	const struct world_server *server = &world->server[flight->server];
	uint8_t stratum = server->stratum > 0 ? server->stratum : MERIDIAN_NTP_STRATUM_PRIMARY;

	memset(answer, 0, sizeof(*answer));
	answer->li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(
		leap_of(server), MERIDIAN_NTP_VERSION_MAX, MERIDIAN_NTP_MODE_SERVER);
	answer->stratum = stratum;
	answer->precision = -26;
	answer->root_delay = htonl((uint32_t)(server->root_delay_s * 65536));
	answer->root_dispersion = htonl((uint32_t)(server->root_dispersion_s * 65536));
	answer->refid = htonl(0x47505300);
	answer->origin = flight->request.transmit;
	timestamp_write(server, flight->passage.server_s, &answer->receive);
	answer->transmit = answer->receive;
	interleave(flight, answer);
	if (server->kiss && !kissed[flight->server] && world_now_s() > 1000) {
		kissed[flight->server] = true;
		answer->stratum = 0;
		answer->refid = htonl(MERIDIAN_NTP_KISS_RATE);
	}
}

static void on_arrival(void *arg)
{
	struct flight *flight = arg;
	struct exchange *exchange = flight->exchange;
	struct meridian_ntp_header answer;

	answer_write(flight, &answer);
	flight->exchange = NULL;
	exchange->t4[EXCHANGE_DAEMON] = world_counter();
	exchange->handler(exchange, (const uint8_t *)&answer, sizeof(answer), 0, exchange->arg);
}

int exchange_start(struct exchange *exchange, const struct config_address *address, uint16_t port,
	const uint8_t *request, size_t length)
{
	size_t server = host_server_of(address->octets);
	struct flight *flight = &flights[server];

	(void)port, (void)length;
	exchange_close(exchange);
	requests++;
	exchange->fd = 1;
	exchange->sent = exchange->t1[EXCHANGE_DAEMON] = world_counter();
	*flight = (struct flight){.exchange = exchange, .server = server};
	memcpy(&flight->request, request, sizeof(flight->request));
	if (world_passage(server, &flight->passage))
		flight->timer = timer_add(flight->passage.return_s, on_arrival, flight);
	return 0;
}

/* One look-up at a time: there is one name. */
static struct resolver {
	resolver_handler handler;
	void *arg;
	int timer;
} resolver;

static void on_resolved(void *arg)
{
	struct config_address address[WORLD_SERVERS_MAX] = {{.family = 0}};

	(void)arg;
	for (size_t i = 0; i < world->server_count; i++)
		address[i] = (struct config_address){
			.family = MERIDIAN_FAMILY_IPV4, .octets = {192, 0, 2, (uint8_t)(i + 1)}};
	resolver.handler(address, world->server_count, resolver.arg);
}

int resolver_start(
	struct resolver **ret_resolver, const char *name, resolver_handler handler, void *arg)
{
	if (world->name == NULL || strcmp(name, world->name) != 0)
		return -ENOENT;
	resolver =
		(struct resolver){handler, arg, timer_add(world_now_s() + 0.1, on_resolved, NULL)};
	*ret_resolver = &resolver;
	return 0;
}

void resolver_cancel(struct resolver *started)
{
	if (started)
		event_remove_timer(started->timer);
}

int publish_init(const struct config *config, struct meridian_timemodel_data *ret_adopted)
{
	(void)config;
	*ret_adopted = page;
	return 0;
}

void publish_model(const struct meridian_timemodel_data *data, const struct reference_ids *ids)
{
	(void)ids;
	publish_handler(data);
	page = *data;
}

void publish_fini(void)
{
}

const struct meridian_timemodel_data *host_page(void)
{
	return &page;
}

void host_start(const struct world *new_world, struct seed seed, host_publish_handler handler)
{
	world = new_world;
	publish_handler = handler;
	world_start(world, seed);
}

uint64_t host_requests(void)
{
	return requests;
}
