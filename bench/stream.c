/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A generator for servers that are faster than meridian-load can check: it keeps a memory NIC full
 * of requests, or gives an AF_XDP socket as many as its core can send, counts all that comes back
 * and checks one reply in CHECK_EVERY, though that one in every field. It has no schedule and knows
 * no round trip.
 */

#include "demote.h"
#include "measure.h"
#include <errno.h>
#include <exit_code.h>
#include <getopt.h>
#include <port.h>
#include <reply.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token.h>

#define BURST       64
#define CHECK_EVERY 61 /* a prime, so that every place in a burst has its turn */
#define POLL_US     2000

/* For an array that is written before it is read: the build zeroes every other variable. */
#define UNSET __attribute__((uninitialized))

struct stream {
	struct port port;
	struct traffic traffic;
	uint64_t next; /* request */
	uint64_t sent, returned, checked, turns, idle_turns;
	uint64_t invalid[REPLY_REASON_COUNT];
	struct rte_mbuf *waiting[BURST];
	unsigned int waiting_first, waiting_count;
	double seconds, warm_up_s;
	bool echo; /* what comes back is no reply */
};

static struct stream stream;

static void reply_look(const struct rte_mbuf *mbuf, uint64_t now)
{
	struct reply reply;

	stream.checked++;
	stream.invalid[reply_check(&stream.traffic, rte_pktmbuf_mtod(mbuf, const uint8_t *),
		mbuf->data_len, stream.next, now >> TOKEN_TICKS_LOG2, &reply)]++;
}

/* Returns how many came back. */
static unsigned int replies_take(uint64_t now)
{
	UNSET struct rte_mbuf *mbuf[BURST];
	unsigned int count = rte_eth_rx_burst(stream.port.id, 0, mbuf, BURST);
	unsigned int skip = (unsigned int)(CHECK_EVERY - 1 - stream.returned % CHECK_EVERY);

	for (unsigned int i = skip; i < count && !stream.echo; i += CHECK_EVERY)
		reply_look(mbuf[i], now);
	stream.returned += count;
	rte_pktmbuf_free_bulk(mbuf, count);
	return count;
}

static void requests_make(uint64_t now)
{
	UNSET uint64_t due_units[BURST];
	UNSET uint8_t *frame[BURST];
	UNSET uint16_t length[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		due_units[i] = now >> TOKEN_TICKS_LOG2;
		frame[i] = rte_pktmbuf_mtod(stream.waiting[i], uint8_t *);
	}
	traffic_build_burst(&stream.traffic, stream.next, due_units, BURST, frame, length);
	for (unsigned int i = 0; i < BURST; i++) {
		stream.waiting[i]->data_len = length[i];
		stream.waiting[i]->pkt_len = length[i];
		demote_frame(frame[i]);
	}
	stream.next += BURST;
	stream.waiting_first = 0;
	stream.waiting_count = BURST;
}

/* Returns how many found room. */
static unsigned int requests_send(uint64_t now)
{
	unsigned int sent;

	if (stream.waiting_count == 0) {
		if (rte_pktmbuf_alloc_bulk(stream.port.pool, stream.waiting, BURST) < 0)
			return 0;
		requests_make(now);
	}
	sent = rte_eth_tx_burst(stream.port.id, 0, stream.waiting + stream.waiting_first,
		(uint16_t)stream.waiting_count);
	stream.waiting_first += sent;
	stream.waiting_count -= sent;
	stream.sent += sent;
	return sent;
}

static void run_until(uint64_t end)
{
	uint64_t now;

	stream.sent = stream.returned = stream.checked = stream.turns = stream.idle_turns = 0;
	memset(stream.invalid, 0, sizeof(stream.invalid));
	while ((now = rte_rdtsc()) < end) {
		unsigned int moved = replies_take(now);

		moved += requests_send(now);
		stream.idle_turns += moved == 0;
		stream.turns++;
	}
}

static int stream_run(void *argument)
{
	double hz = (double)rte_get_tsc_hz();
	uint64_t begin = rte_rdtsc() + (uint64_t)(stream.warm_up_s * hz);

	(void)argument;
	run_until(begin);
	run_until(begin + (uint64_t)(stream.seconds * hz));
	rte_pktmbuf_free_bulk(stream.waiting + stream.waiting_first, stream.waiting_count);
	return 0;
}

/* --- what is sent ---------------------------------------------------------------------------- */

static int traffic_make(const struct load_options *options)
{
	struct traffic_spec spec = {.target_count = 1, .vlan = -1, .token_key = rte_rdtsc() | 1};
	struct clients *clients = &spec.clients[options->target[0].ipv6];

	spec.weight[REQUEST_basic] = 1;
	spec.target[0] = options->target[0];
	memcpy(spec.target_mac[0], options->target_mac, sizeof(spec.target_mac[0]));
	memcpy(spec.source_mac, stream.port.mac, sizeof(spec.source_mac));
	if (clients_init(clients, options->source, options->source_count, options->target[0].ipv6,
		    (uint32_t)options->clients) < 0 ||
		clients->count == 0)
		return -EINVAL;
	clients->port_low = options->port_low;
	clients->port_count = (uint32_t)(options->port_high - options->port_low) + 1;
	return traffic_init(&stream.traffic, &spec);
}

/* --- command line and report ----------------------------------------------------------------- */

/* Those of meridian-load that stand for the same here, which it parses; `--echo` is ours. */
static int arguments_take(struct load_options *options, int argc, char **argv)
{
	char error[OPTIONS_ERROR_SIZE];
	int left = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--echo") == 0)
			stream.echo = true;
		else
			argv[left++] = argv[i];
	}
	if (options_parse(options, left, argv, error) < 0) {
		fprintf(stderr, "bench-stream: %s\n", error);
		return -EINVAL;
	}
	if ((options->port_kind != PORT_VDEV && options->port_kind != PORT_AF_XDP) ||
		options->target_count != 1) {
		fprintf(stderr,
			"bench-stream: --port vdev:DEVICE or af_xdp:INTERFACE, and one "
			"--target are needed\n");
		return -EINVAL;
	}
	stream.seconds = (double)options->duration_ms / 1e3;
	stream.warm_up_s = (double)options->warm_up_ms / 1e3;
	return 0;
}

static uint64_t wrong_count(const char **ret_reason)
{
	uint64_t wrong = 0;

	for (unsigned int reason = REPLY_VALID + 1; reason < REPLY_REASON_COUNT; reason++) {
		wrong += stream.invalid[reason];
		if (stream.invalid[reason] > 0)
			*ret_reason = reply_reason_name((enum reply_reason)reason);
	}
	return wrong;
}

static int report(bool json)
{
	struct measure_report report;

	measure_report_begin(&report, "stream", json);
	measure_report_value(&report, "answered_per_s", (double)stream.returned / stream.seconds,
		"replies a second");
	measure_report_value(
		&report, "sent_per_s", (double)stream.sent / stream.seconds, "requests sent");
	measure_report_value(
		&report, "checked", (double)stream.checked, "replies that were looked at");
	measure_report_value(&report, "generator_idle_share",
		(double)stream.idle_turns / (double)stream.turns,
		"turns with nothing to do: near 0, the generator was the limit");
	return measure_report_end(&report);
}

int main(int argc, char **argv)
{
	static struct load_options options;
	const char *reason = NULL;
	uint64_t wrong;

	if (arguments_take(&options, argc, argv) < 0)
		return EXIT_USAGE;
	stream.port.interface = options.interface;
	if (port_open(&stream.port, &options) < 0)
		return EXIT_START;
	if (traffic_make(&options) < 0) {
		fprintf(stderr, "bench-stream: no clients in --source\n");
		return EXIT_USAGE;
	}
	rte_eal_remote_launch(stream_run, NULL, stream.port.lcore);
	while (rte_eal_get_lcore_state(stream.port.lcore) == RUNNING)
		rte_delay_us_sleep(POLL_US); /* waiting would spin */
	rte_eal_mp_wait_lcore();
	wrong = wrong_count(&reason);
	port_close(&stream.port);
	traffic_fini(&stream.traffic);
	if (wrong > 0) {
		fprintf(stderr, "bench-stream: %llu of %llu replies looked at are wrong: %s\n",
			(unsigned long long)wrong, (unsigned long long)stream.checked, reason);
		return EXIT_REFUSED;
	}
	return report(options.json) == 0 ? 0 : EXIT_START;
}
