/* SPDX-License-Identifier: BSD-3-Clause */

/* meridian-fallback: the same reply path over kernel sockets. It answers what no queue of the
 * dataplane takes, and hosts without a dataplane. One thread. */

#include "clients/clients.h"
#include "fallback_frame.h"
#include "fallback_socket.h"
#include "log.h"
#include "options.h"
#include "pages.h"
#include "program.h"
#include "server.h"
#include <errno.h>
#include <meridian/counter.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define TURN_MS      100 /* of looking after the pages */
#define BIND_TRIES   50
#define BIND_WAIT_MS 200

static struct options options;
static struct pages pages;
static struct clients clients;
#define LIMIT_SETS_LOG2_FALLBACK 14 /* 1 MiB: what the kernel lets through is few */

static struct server server;
static struct server_burst burst;
static struct pollfd sockets[2] = {{.fd = -1}, {.fd = -1}};

static int pages_start(void)
{
	return pages_init(&pages, options.rundir, &meridian_stats_fallback_kind);
}

static void pages_stop(void)
{
	pages_fini(&pages);
}

static int clients_start(void)
{
	return clients_init(&clients, options.rundir, &meridian_clients_fallback_kind);
}

static void clients_stop(void)
{
	clients_fini(&clients);
}

/* Waits for a policy: until there is one, nothing is served and the port is left alone. */
static int policy_start(void)
{
	while (!program_stop && pages.view == NULL) {
		if (pages_poll(&pages))
			pages_taken(&pages);
		else
			poll(NULL, 0, TURN_MS);
	}
	return program_stop ? -EINTR : 0;
}

/* Opens a socket, trying again while a fallback before us may still be closing it. */
static int socket_open(int family)
{
	int fd = -EINTR;

	for (int try = 0; try <= BIND_TRIES && !program_stop; try++) {
		fd = fallback_socket_open(family);
		if (fd != -EADDRINUSE)
			break;
		if (try == 0)
			log_error("UDP port 123 is taken by another program, most likely chronyd, "
				  "ntpd or ntpsec (`ss -lunp 'sport = 123'` names it); stop it, or "
				  "configure it not to serve (chronyd: `port 0`); trying for %d s",
				BIND_TRIES * BIND_WAIT_MS / 1000);
		poll(NULL, 0, BIND_WAIT_MS);
	}
	return fd;
}

static void sockets_stop(void)
{
	for (size_t i = 0; i < 2; i++) {
		if (sockets[i].fd >= 0)
			close(sockets[i].fd);
		sockets[i].fd = -1;
	}
}

static int sockets_start(void)
{
	static const int family[2] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < 2; i++) {
		int fd = socket_open(family[i]);

		if (fd == -EAFNOSUPPORT) {
			log_notice("the kernel has no %s", family[i] == AF_INET ? "IPv4" : "IPv6");
			continue;
		}
		if (fd < 0) {
			if (!program_stop)
				log_errno(fd,
					fd == -EACCES
						? "UDP port 123, which needs CAP_NET_BIND_SERVICE"
						: "UDP port 123");
			sockets_stop();
			return fd;
		}
		sockets[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	return 0;
}

static int server_start(void)
{
	struct meridian_stats_worker *slot = &pages.stats->worker[0];

	int r = server_init(&server, slot, LIMIT_SETS_LOG2_FALLBACK);

	if (r == 0)
		r = clients_add(&clients, &server, NULL);
	if (r < 0)
		return log_errno(r, "rate limiter and counts of clients");
	server_set(&slot->core, UINT64_MAX);
	server_set(&slot->policy_generation, pages.blob->generation);
	server_set(&slot->state, MERIDIAN_WORKER_POLLING);
	pages.stats->worker_count = 1;
	return 0;
}

static void server_stop(void)
{
	server_set(&pages.stats->worker[0].state, MERIDIAN_WORKER_ABSENT);
	server_fini(&server);
}

/* When a reply left: the kernel's stamp, or else now, if that can be. */
static void reply_save(int fd, const uint8_t *payload, uint16_t length)
{
	struct server_left left = {.counter = meridian_counter_read(server.counter_id)};
	uint64_t took = left.counter - burst.transmit_counter, stamp_ns;
	bool known = stamp_rate_ns(&server.rate, took) <= SERVER_LEAVE_MAX_NS;

	if (fallback_socket_left(fd, payload, length, &stamp_ns))
		known |= server_past_counter(&server, CLOCK_REALTIME, stamp_ns, &left.counter);
	if (known)
		server_save(&server, &burst, 1, left);
}

static void packet_serve(int fd, struct fallback_packet *packet)
{
	enum meridian_stamp source =
		packet->has_stamp ? MERIDIAN_STAMP_kernel : MERIDIAN_STAMP_counter;
	struct frame *frame = &burst.frame[0];
	const uint8_t *payload;
	uint16_t length;
	bool sent;

	server_look(&server, pages.view, CLOCK_REALTIME);
	server.stamp_error_ns =
		packet->has_stamp ? stamp_error_ns(&server.now, packet->stamp_ns) : 0;
	server_begin(&server, &burst, pages.view, 0);
	fallback_frame_build(frame, packet->payload, packet->length, &packet->endpoints);
	server_add(&server, &burst, source, packet->stamp_ns);
	server_classify(&server, &burst);
	if (burst.count == 0 || !server_answers(&burst, 0))
		return;
	server_finish(&server, &burst);
	length = fallback_frame_payload(frame, &payload);
	sent = fallback_socket_send(fd, packet, payload, length, server_saves(&burst));
	if (sent && server_saves(&burst))
		reply_save(fd, payload, length);
	server_sent(&server, &burst, sent);
}

static void socket_serve(int fd)
{
	static struct fallback_packet packet[FALLBACK_BURST];
	unsigned int count = fallback_socket_receive(fd, packet);

	if (count == 0)
		return;
	for (unsigned int i = 0; i < count; i++)
		packet_serve(fd, &packet[i]);
	meridian_stats_add(&server.slot->bursts, 1);
}

static void pages_follow(void)
{
	clients_turn(&clients, !pages.blob->no_client_log);
	if (!pages_poll(&pages))
		return;
	server_set(&server.slot->policy_generation, pages.blob->generation);
	pages_taken(&pages);
}

static void serve(void)
{
	uint64_t followed_ms = 0;
	bool lost = false;

	log_info("serving UDP port 123 where the dataplane does not");
	while (!program_stop && !lost) {
		uint64_t now_ms = meridian_clock_ns(CLOCK_MONOTONIC) / 1000000;

		if (now_ms - followed_ms >= TURN_MS) {
			pages_follow();
			lost = pages_lost(&pages);
			followed_ms = now_ms;
		}
		if (poll(sockets, 2, TURN_MS) > 0) {
			for (size_t i = 0; i < 2; i++) {
				if (sockets[i].revents & POLLERR)
					fallback_socket_clear(sockets[i].fd);
				if (sockets[i].revents)
					socket_serve(sockets[i].fd);
			}
		}
		meridian_stats_add(&server.slot->heartbeat, 1);
	}
	if (program_stop)
		log_info("stopping");
	else
		log_notice("the statistics page was deleted: ending, to be started again");
}

static const struct program_stage stages[] = {
	{pages_start, pages_stop},
	{clients_start, clients_stop},
	{policy_start, NULL},
	{sockets_start, sockets_stop},
	{server_start, server_stop},
};

int main(int argc, char **argv)
{
	options_parse(&options, "meridian-fallback",
		"Answers NTP over kernel sockets, as meridian-control has configured.", argc, argv);
	return program_run(stages, sizeof(stages) / sizeof(stages[0]), serve);
}
