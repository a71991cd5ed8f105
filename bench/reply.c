/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The reply path alone: ticks per request in bursts, by kind of packet. Without receiving and
 * sending, with buffers in the cache. Access allows everybody by one rule.
 */

#include "measure.h"
#include <burst.h>
#include <burst_engine.h>
#include <bytes.h>
#include <fixture.h>
#include <interleaved.h>
#include <meridian/counter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST         64
#define BURSTS        4 /* of different buffers */
#define ROUNDS        200
#define COUNTER_STEP  4000
#define BUFFER_STRIDE 2368 /* as packet buffers of DPDK lie in memory */

#define VERIFIED 1u   /* its checksums, by the NIC */
#define BAD      2u   /* its UDP checksum */
#define PLAIN    4u   /* one frame at a time: the reference */
#define SCALAR   32u  /* bursts, in plain C */
#define STAMPED  16u  /* each at an instant of its own, as NICs and XDP do */
#define LIMITED  8u   /* the rate limiter counts its source */
#define COUNTED  64u  /* it is written down who asks */
#define XLEAVE   128u /* in interleaved mode: looked up, and saved when it has left */
#define MANY     256u /* from CLIENTS_MANY clients in turn */
#define KEY(id)  ((unsigned int)(id) << 16) /* signed, and so is the reply */

#define CLIENTS_MANY (1u << 20)

/* As at the full speed of a worker. */
#define SAMPLE_STRIDE 1024

/* A kind of packet, and the name of its figure. */
struct kind {
	const char *key, *text;
	const struct pkt_spec *spec;
	uint8_t li_vn_mode;
	unsigned int flags;
};

static const struct pkt_spec ipv4, ipv6 = {.ipv6 = true}, ipv4_tag = {.vlan_tags = 1};

static const struct kind kinds[] = {
	{"reply_ticks_ipv4", "IPv4, both checksums verified and made", &ipv4, 0x23, 0},
	{"reply_ticks_ipv6", "IPv6, checksum verified and made", &ipv6, 0x23, 0},
	{"reply_ticks_ipv4_scalar", "IPv4, in plain C", &ipv4, 0x23, SCALAR},
	{"reply_ticks_ipv6_scalar", "IPv6, in plain C", &ipv6, 0x23, SCALAR},
	{"reply_ticks_ipv4_stamped", "IPv4, each with its own stamp", &ipv4, 0x23, STAMPED},
	{"reply_ticks_ipv6_stamped", "IPv6, each with its own stamp", &ipv6, 0x23, STAMPED},
	{"reply_ticks_ipv4_limited", "IPv4, with the rate limiter", &ipv4, 0x23, LIMITED},
	{"reply_ticks_ipv4_counted", "IPv4, with the rate limiter, clients counted", &ipv4, 0x23,
		LIMITED | COUNTED},
	{"reply_ticks_ipv6_limited", "IPv6, with the rate limiter", &ipv6, 0x23, LIMITED},
	{"reply_ticks_ipv6_counted", "IPv6, with the rate limiter, clients counted", &ipv6, 0x23,
		LIMITED | COUNTED},
	{"reply_ticks_ipv4_verified", "IPv4, verified by the NIC", &ipv4, 0x23, VERIFIED},
	{"reply_ticks_ipv4_interleaved", "  in interleaved mode, 256 clients", &ipv4, 0x23,
		VERIFIED | XLEAVE},
	{"reply_ticks_ipv4_interleaved_many", "  in interleaved mode, 2^20 clients", &ipv4, 0x23,
		VERIFIED | XLEAVE | MANY},
	{"reply_ticks_ipv4_aes128", "  signed by AES-CMAC (AES128)", &ipv4, 0x23,
		VERIFIED | KEY(MERIDIAN_KEY_AES128)},
	{"reply_ticks_ipv4_sha256", "  signed by SHA256", &ipv4, 0x23,
		VERIFIED | KEY(MERIDIAN_KEY_SHA256)},
	{"reply_ticks_ipv4_vlan", "IPv4 with a VLAN tag (general path)", &ipv4_tag, 0x23, 0},
	{"reply_ticks_ipv4_active", "IPv4, symmetric active (general path)", &ipv4, 0x21, 0},
	{"drop_ticks_ipv4_mode", "IPv4, dropped for its mode", &ipv4, 0x24, 0},
	{"drop_ticks_ipv4_checksum", "IPv4, dropped for its UDP checksum", &ipv4, 0x23, BAD},
	{"plain_ticks_ipv4", "IPv4, one frame at a time", &ipv4, 0x23, PLAIN},
	{"plain_ticks_ipv6", "IPv6, one frame at a time", &ipv6, 0x23, PLAIN},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

struct bench {
	struct responder responder;
	struct meridian_timemodel_data model;
	struct responder_policy *policy;
	struct limit *limit;
	struct interleave *interleave;
	struct keyring *keyring;
	uint64_t *told; /* last T2 of each client */
	uint64_t interleaved;
	uint32_t clients, next_client, client[BURST * BURSTS];
	struct collector collector;
	struct sampler sampler;
	const struct kind *kind;
	struct pkt request[BURST * BURSTS];
	_Alignas(64) uint8_t buffer[BURST * BURSTS][BUFFER_STRIDE];
	uint64_t classify_ticks, finish_ticks;
	double hz; /* of the ticks */
};

static struct bench bench;

static int model_take(void)
{
	bench.model = fixture_model();
	bench.model.precision_log2 = -25;
	bench.policy = fixture_policy();
	bench.collector.stride = SAMPLE_STRIDE;
	bench.sampler.random = 1;
	bench.policy->rate =
		(struct limit_rate){.interval_log2 = -19, .burst = 255, .rollup_log2 = 3};
	bench.hz = measure_ticks_hz();
	bench.keyring = fixture_keyring();
	responder_init(&bench.responder, 1, NULL);
	bench.responder.keyring = bench.keyring;
	responder_begin(&bench.responder, &bench.model, bench.policy, FIXTURE_COUNTER, 0);
	bench.told = calloc(CLIENTS_MANY, sizeof(*bench.told));
	if (bench.told == NULL || interleave_new(&bench.interleave, 2 * CLIENTS_MANY, 1) < 0)
		return -1;
	return limit_new(&bench.limit, LIMIT_SETS_LOG2, 1);
}

/* 0: none. */
static uint32_t key_id(const struct kind *kind)
{
	return kind->flags / KEY(1);
}

/* One request from each of as many clients, of IPv6 each in a /48, as there are buffers. */
static void requests_make(const struct kind *kind)
{
	uint8_t payload[PKT_NTP_SIZE + MAC_MAX];
	size_t length = PKT_NTP_SIZE;

	bench.kind = kind;
	bench.responder.engine = kind->flags & SCALAR ? &burst_engine_plain : burst_engine_best();
	bench.policy->interleave = kind->flags & XLEAVE ? bench.interleave : NULL;
	bench.clients = kind->flags & MANY ? CLIENTS_MANY : BURST * BURSTS;
	bench.responder.limit = kind->flags & LIMITED ? bench.limit : NULL;
	bench.responder.collector = kind->flags & COUNTED ? &bench.collector : NULL;
	pkt_ntp(payload, kind->li_vn_mode, UINT64_C(0xdeadbeef12345678));
	if (key_id(kind) != 0)
		length = fixture_sign(bench.keyring, payload, length, key_id(kind));
	for (unsigned int i = 0; i < BURST * BURSTS; i++) {
		struct pkt *pkt = &bench.request[i];

		pkt_build(pkt, *kind->spec, payload, length);
		pkt->data[pkt->ip + (pkt->ipv6 ? 13 : 14)] = (uint8_t)i;
		pkt_checksum(pkt);
		pkt->data[pkt->udp + 6] ^= (kind->flags & BAD) != 0;
	}
}

/* The request of the next client, which refers to its last reply. */
static void request_interleave(const struct pkt *pkt, uint8_t *buffer, uint32_t *ret_client)
{
	uint32_t client = bench.next_client++ % bench.clients;

	put_u32(buffer + pkt->ip + 12, UINT32_C(0x0a000000) | client);
	put_u64(buffer + pkt->payload + 24, bench.told[client]);
	*ret_client = client;
}

/* Made long before they are answered, lest loads wait for the stores. */
static void burst_fill(unsigned int n, struct frame *frame)
{
	for (unsigned int i = 0; i < BURST; i++) {
		const struct pkt *pkt = &bench.request[n * BURST + i];
		uint8_t *buffer = bench.buffer[n * BURST + i];

		memcpy(buffer, pkt->data, pkt->length);
		if (bench.kind->flags & XLEAVE)
			request_interleave(pkt, buffer, &bench.client[n * BURST + i]);
		frame[i] = (struct frame){.data = buffer,
			.length = pkt->length,
			.mac = frame_mac(pkt_server_mac),
			.checksum_good = (bench.kind->flags & VERIFIED) != 0};
	}
}

static uint64_t plain_serve(struct frame *frame, uint64_t counter)
{
	uint64_t between;
	bool answered[BURST];

	for (unsigned int i = 0; i < BURST; i++)
		answered[i] = responder_classify(&bench.responder, &frame[i], counter) ==
			MERIDIAN_VERDICT_answered;
	between = measure_ticks();
	for (unsigned int i = 0; i < BURST; i++) {
		if (answered[i])
			responder_finish(&bench.responder, &frame[i], counter + 100);
	}
	return between;
}

/* As a server does once the replies have left. */
static void burst_save(const struct frame *frame, uint64_t counter)
{
	struct interleaved_note note[BURST];
	unsigned int count = interleaved_notes_take(&bench.responder, frame, BURST, note);

	for (unsigned int i = 0; i < count; i++)
		bench.interleaved += note[i].earned;
	interleaved_save(&bench.responder, note, count, counter, 0);
}

static uint64_t fast_serve(struct frame *frame, uint64_t counter)
{
	enum meridian_verdict verdict[BURST];
	uint64_t receive[BURST], between;
	unsigned int accepted = 0;

	for (unsigned int i = 0; i < BURST; i++)
		receive[i] = counter + (bench.kind->flags & STAMPED ? i : 0);
	burst_classify(&bench.responder, frame, receive, verdict, BURST);
	if (bench.responder.collector != NULL)
		collector_add(bench.responder.collector, &bench.sampler, frame, verdict, BURST);
	between = measure_ticks();
	for (unsigned int i = 0; i < BURST; i++)
		accepted += verdict[i] == MERIDIAN_VERDICT_answered;
	burst_finish(&bench.responder, frame, accepted, counter + 100);
	burst_sign(&bench.responder, frame, accepted);
	if (bench.responder.interleave_count > 0)
		burst_save(frame, counter + 200);
	return between;
}

static void burst_measure(struct frame *frame, uint64_t counter)
{
	uint64_t start, between, end;

	start = measure_ticks();
	responder_begin(&bench.responder, NULL, bench.policy, counter, 0);
	between = bench.kind->flags & PLAIN ? plain_serve(frame, counter)
					    : fast_serve(frame, counter);
	end = measure_ticks();
	bench.classify_ticks += between - start;
	bench.finish_ticks += end - between;
}

/* What is filled in before does not count. */
static void pass(void)
{
	static uint64_t counter = FIXTURE_COUNTER;
	struct frame frame[BURSTS][BURST];

	bench.classify_ticks = bench.finish_ticks = 0;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int n = 0; n < BURSTS; n++)
			burst_fill(n, frame[n]);
		for (unsigned int n = 0; n < BURSTS; n++)
			burst_measure(frame[n], counter += COUNTER_STEP);
		for (unsigned int i = 0; i < BURST * BURSTS; i++)
			bench.told[bench.client[i]] = frame[i / BURST][i % BURST].receive;
	}
}

/* Ticks and core cycles per request of each pass, and requests a second. */
struct figures {
	double ticks[MEASURE_PASSES_MAX], cycles[MEASURE_PASSES_MAX];
	double finish_cycles[MEASURE_PASSES_MAX], per_s[MEASURE_PASSES_MAX];
};

static void figures_take(struct figures *figures, unsigned int i)
{
	const double requests = ROUNDS * BURSTS * BURST;
	double speed = measure_cycles_per_tick() / 2;

	pass();
	speed += measure_cycles_per_tick() / 2;
	figures->ticks[i] = (double)(bench.classify_ticks + bench.finish_ticks) / requests;
	figures->per_s[i] = bench.hz / figures->ticks[i];
	figures->cycles[i] = figures->ticks[i] * speed;
	figures->finish_cycles[i] = (double)bench.finish_ticks * speed / requests;
}

/* Whether the replies of the last round are that, with the MACs that they must have. */
static bool replies_signed(uint32_t id)
{
	const struct mac_key *key = keyring_key(bench.keyring, keyring_find(bench.keyring, id));

	for (unsigned int i = 0; i < BURST * BURSTS; i++) {
		const uint8_t *payload = bench.buffer[i] + bench.request[i].payload;

		if (payload[0] % 8 != MERIDIAN_NTP_MODE_SERVER ||
			mac_id(payload + PKT_NTP_SIZE) != id ||
			!mac_good(key, payload, PKT_NTP_SIZE, mac_length(key, 4)))
			return false;
	}
	return true;
}

/* A figure of something else must not pass for that of the kind. */
static bool kind_check(const struct kind *kind, unsigned int passes)
{
	const char *wrong = NULL;

	if (kind->flags & XLEAVE && bench.interleaved < passes * ROUNDS * BURSTS * BURST / 100 * 95)
		wrong = "hardly any reply is interleaved";
	if (key_id(kind) != 0 && !replies_signed(key_id(kind)))
		wrong = "a reply is not signed";
	if (wrong != NULL)
		fprintf(stderr, "bench-reply: %s: %s\n", kind->key, wrong);
	return wrong == NULL;
}

/* Returns whether what was measured is of the kind; there are no figures unless it is. */
static bool kind_measure(
	struct measure_report *report, const struct kind *kind, unsigned int passes)
{
	static struct figures figures;
	char key[64];

	requests_make(kind);
	/* The third reply to a client is the first in interleaved mode. */
	for (uint32_t done = 0; done < 3 * bench.clients; done += ROUNDS * BURSTS * BURST)
		pass();
	bench.interleaved = 0;
	for (unsigned int i = 0; i < passes; i++)
		figures_take(&figures, i);
	if (!kind_check(kind, passes))
		return false;
	measure_report_summary(
		report, kind->key, measure_summarise(figures.ticks, passes), kind->text);
	snprintf(key, sizeof(key), "%s_cycles", kind->key);
	measure_report_summary(
		report, key, measure_summarise(figures.cycles, passes), "  in core cycles");
	snprintf(key, sizeof(key), "%s_finish_cycles", kind->key);
	measure_report_summary(report, key, measure_summarise(figures.finish_cycles, passes),
		"  of these for T3 and the UDP checksum");
	snprintf(key, sizeof(key), "%s_per_s", kind->key);
	measure_report_summary(report, key, measure_summarise(figures.per_s, passes),
		"  requests/s of a core, without I/O");
	return true;
}

static bool is_kind(const char *key)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(key, kinds[i].key) == 0)
			return true;
	}
	fprintf(stderr, "bench-reply: --only %s: no such figure of ticks\n", key);
	return false;
}

int main(int argc, char **argv)
{
	struct measure_options options = {.passes = 31, .core = -1, .scenarios = true};
	struct measure_report report;
	bool good = true;

	measure_options_parse(&options, "bench-reply",
		"Ticks per request of the reply path, by kind of packet.", argc, argv);
	if (options.only != NULL && !is_kind(options.only))
		return 2;
	if (model_take() < 0) {
		fprintf(stderr, "bench-reply: no memory for the tables\n");
		return 3;
	}
	measure_report_begin(&report, "reply", options.json);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (options.only != NULL && strcmp(options.only, kinds[i].key) != 0)
			continue;
		good = kind_measure(&report, &kinds[i], options.passes) && good;
	}
	interleave_free(bench.interleave);
	keyring_free(bench.keyring);
	free(bench.told);
	limit_free(bench.limit);
	responder_policy_free(bench.policy);
	if (measure_report_end(&report) < 0)
		return 3;
	return good ? 0 : 1;
}
