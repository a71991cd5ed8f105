/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What meridian-load itself costs, without sending and receiving and with frames in the cache:
 * ticks to make a request, to reflect it, and to check the reply.
 */

#include "measure.h"
#include <exit_code.h>
#include <meter.h>
#include <reflect.h>
#include <stdio.h>
#include <string.h>
#include <token.h>

#define FRAMES        256
#define BURST         64
#define ROUNDS        60
#define BUFFER_STRIDE 2304 /* as packet buffers of DPDK lie in memory */
#define TIMEOUT_MS    500
#define SAMPLE_LOG2   6 /* as above 250 000 requests a second */
#define T2            UINT64_C(0xec00000000000000)

struct kind {
	const char *key, *text;
	bool ipv6;
	enum request_kind kind;
};

static const struct kind kinds[] = {
	{"ipv4", "IPv4", false, REQUEST_basic},
	{"ipv6", "IPv6", true, REQUEST_basic},
	{"ipv4_symmetric", "IPv4 with a MAC (AES-CMAC)", false, REQUEST_symmetric},
};

struct bench {
	struct traffic traffic;
	struct meter meter;
	uint32_t length[FRAMES];
	uint8_t buffer[FRAMES][BUFFER_STRIDE];
	uint64_t build_ticks, reflect_ticks, check_ticks;
};

static struct bench bench;

static int kind_begin(const struct kind *kind, double hz)
{
	static const uint8_t octets[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct traffic_spec spec = {.target_count = 1, .vlan = -1, .token_key = 0x0123456789abcdef};
	struct clients *clients = &spec.clients[kind->ipv6];
	struct prefix prefix;

	spec.weight[kind->kind] = 1;
	address_parse(&spec.target[0], kind->ipv6 ? "2001:db8::1" : "192.0.2.1");
	prefix_parse(&prefix, kind->ipv6 ? "2001:db8:1::/48" : "198.18.0.0/15");
	mac_key_init(&spec.key, 7, MERIDIAN_KEY_AES128, octets, sizeof(octets));
	clients_init(clients, &prefix, 1, kind->ipv6, 0);
	clients->port_low = 49152;
	clients->port_count = 16384;
	if (traffic_init(&bench.traffic, &spec) < 0 ||
		meter_init(&bench.meter, &bench.traffic, (uint64_t)hz, TIMEOUT_MS, SAMPLE_LOG2) < 0)
		return -1;
	meter_restart(&bench.meter);
	return 0;
}

static void kind_end(void)
{
	meter_fini(&bench.meter);
	traffic_fini(&bench.traffic);
}

static void burst_build(uint64_t now, unsigned int at)
{
	uint64_t request = meter_requests(&bench.meter, BURST);
	uint64_t due_units[BURST];
	uint8_t *frame[BURST];
	uint16_t length[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		due_units[i] = now >> TOKEN_TICKS_LOG2;
		frame[i] = bench.buffer[at + i];
	}
	traffic_build_burst(&bench.traffic, request, due_units, BURST, frame, length);
	meter_sent(&bench.meter, request, BURST, 0, now);
	for (unsigned int i = 0; i < BURST; i++)
		bench.length[at + i] = length[i];
}

static void burst_check(uint64_t now, unsigned int at)
{
	struct meter_frame frame[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		frame[i].data = bench.buffer[at + i];
		frame[i].length = bench.length[at + i];
	}
	meter_replies(&bench.meter, frame, BURST, now);
}

static void round_run(uint64_t round)
{
	uint64_t start = measure_ticks(), built, reflected;

	for (unsigned int i = 0; i < FRAMES; i += BURST)
		burst_build(start, i);
	built = measure_ticks();
	for (unsigned int i = 0; i < FRAMES; i++)
		reflect_frame(bench.buffer[i], &bench.length[i], T2 + round, T2 + round + 1);
	reflected = measure_ticks();
	for (unsigned int i = 0; i < FRAMES; i += BURST)
		burst_check(reflected, i);
	bench.check_ticks += measure_ticks() - reflected;
	bench.reflect_ticks += reflected - built;
	bench.build_ticks += built - start;
}

struct figures {
	double build[MEASURE_PASSES_MAX], reflect[MEASURE_PASSES_MAX], check[MEASURE_PASSES_MAX];
};

static void pass(struct figures *figures, unsigned int i)
{
	const double frames = (double)ROUNDS * FRAMES;

	bench.build_ticks = bench.reflect_ticks = bench.check_ticks = 0;
	for (uint64_t round = 0; round < ROUNDS; round++)
		round_run(round);
	figures->build[i] = (double)bench.build_ticks / frames;
	figures->reflect[i] = (double)bench.reflect_ticks / frames;
	figures->check[i] = (double)bench.check_ticks / frames;
}

static void report_one(struct measure_report *report, const char *what, const struct kind *kind,
	double *values, unsigned int passes)
{
	char key[64], text[96];

	snprintf(key, sizeof(key), "%s_ticks_%s", what, kind->key);
	snprintf(text, sizeof(text), "%s: %s", what, kind->text);
	measure_report_summary(report, key, measure_summarise(values, passes), text);
}

/* Returns whether every reply that the reflector could give was found valid. */
static bool kind_measure(
	struct measure_report *report, const struct kind *kind, unsigned int passes)
{
	static struct figures figures;

	pass(&figures, 0);
	for (unsigned int i = 0; i < passes; i++)
		pass(&figures, i);
	report_one(report, "build", kind, figures.build, passes);
	report_one(report, "reflect", kind, figures.reflect, passes);
	report_one(report, "check", kind, figures.check, passes);
	/* The reflector has no key. */
	return kind->kind == REQUEST_symmetric || bench.meter.answered == bench.meter.sent;
}

int main(int argc, char **argv)
{
	struct measure_options options = {.passes = 31, .core = -1};
	struct measure_report report;

	measure_options_parse(&options, "bench-generator",
		"Ticks of meridian-load for a request, its reflection and the check of the reply.",
		argc, argv);
	measure_report_begin(&report, "generator", options.json);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool valid;

		if (kind_begin(&kinds[i], measure_ticks_hz()) < 0) {
			fprintf(stderr, "bench-generator: no memory\n");
			return EXIT_START;
		}
		valid = kind_measure(&report, &kinds[i], options.passes);
		kind_end();
		if (!valid) {
			fprintf(stderr, "bench-generator: replies were found wrong\n");
			return 1;
		}
	}
	return measure_report_end(&report) == 0 ? 0 : EXIT_START;
}
