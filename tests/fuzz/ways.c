/* SPDX-License-Identifier: BSD-3-Clause */
#include "ways.h"
#include "fuzz.h"
#include "reply_check.h"
#include <burst.h>
#include <interleaved.h>

#define SEED           4711
#define REPLIES        64 /* kept for interleaved mode */
#define IN_NTP(member) offsetof(struct meridian_ntp_header, member)

static const struct limit_rate limit_rate = {
	.interval_log2 = 0, .burst = 2, .leak_log2 = 1, .kod_log2 = 1, .kod_after_s = 1};

static struct ways *ways_new(void)
{
	static struct ways ways;

	/* The first has none: one frame at a time. */
	ways.way[1].responder.engine = &burst_engine_plain;
	ways.count = 2;
	if (burst_engine_best() != &burst_engine_plain)
		ways.way[ways.count++].responder.engine = burst_engine_best();
	ways.policy = fixture_policy();
	ways.keyring = fixture_keyring();
	for (unsigned int i = 0; i < ways.count; i++)
		FUZZ_CHECK(limit_new(&ways.way[i].limit, LIMIT_SETS_LOG2_MIN, SEED) == 0);
	return &ways;
}

/* With reference IDs that are everybody's. */
static const struct meridian_timemodel *page_of(unsigned int settings)
{
	static struct meridian_timemodel page;

	memset(page.reference_ids, 0xff, sizeof(page.reference_ids));
	return settings & WAYS_UNSYNCHRONISED ? NULL : &page;
}

static void way_begin(struct ways *ways, struct way *way)
{
	const struct burst_engine *engine = way->responder.engine;
	const struct limit_rate none = {0};

	/* Another rate makes a limiter forget. */
	limit_configure(way->limit, &none, FIXTURE_HZ);
	limit_configure(way->limit, &limit_rate, FIXTURE_HZ);
	way->limit->counter = way->limit->fraction = way->limit->now = 0;
	way->limit->random = SEED;
	memset(way->limit->abusers, 0, sizeof(*way->limit->abusers));
	responder_init(&way->responder, SEED, ways->settings & WAYS_LIMIT ? way->limit : NULL);
	way->responder.engine = engine;
	way->responder.keyring = ways->keyring;
	way->responder.page = page_of(ways->settings);
	way->responder.collector = &way->collector;
	interleave_free(way->policy.interleave);
	way->policy = *ways->policy;
	way->policy.rate = limit_rate;
	way->policy.interleave = NULL;
	way->policy.ntpv5 = ways->settings & WAYS_NTPV5;
	if (!(ways->settings & WAYS_BASIC))
		FUZZ_CHECK(interleave_new(&way->policy.interleave, REPLIES, SEED) == 0);
}

static struct meridian_timemodel_data model_of(unsigned int settings)
{
	struct meridian_timemodel_data model = fixture_model();

	if (settings & WAYS_UNSYNCHRONISED)
		model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	if (settings & WAYS_NOISE)
		model.precision_log2 = -20;
	if (settings & WAYS_LEAP) {
		model.leap = MERIDIAN_NTP_LI_INSERT;
		model.leap_s = FIXTURE_UTC_S + 1;
	}
	return model;
}

struct ways *ways_begin(unsigned int settings)
{
	static struct ways *ways;

	if (ways == NULL)
		ways = ways_new();
	ways->settings = settings;
	ways->model = model_of(settings);
	ways->counter = FIXTURE_COUNTER;
	ways->last_receive = 0;
	ways->taken_count = 0;
	ways->frames = 0;
	memset(ways->verdicts, 0, sizeof(ways->verdicts));
	for (unsigned int i = 0; i < ways->count; i++)
		way_begin(ways, &ways->way[i]);
	return ways;
}

/* A reply tells of the one before it once: whoever repeats the request gets a basic one. */
static void check_taken_once(struct ways *ways, const struct fixture_frame *f)
{
	const uint8_t *was;
	uint64_t origin; /* of version 5: the server cookie */

	if (f->frame.interleave != FRAME_INTERLEAVED)
		return;
	was = f->before + f->frame.payload;
	origin = pkt_u64(was + ((was[0] >> 3 & 7) == 5 ? IN_NTP(reference) : IN_NTP(origin)));
	for (unsigned int i = 0; i < ways->taken_count; i++)
		FUZZ_CHECK(ways->taken[i] != origin);
	if (ways->taken_count < WAYS_TAKEN_MAX)
		ways->taken[ways->taken_count++] = origin;
}

/* Where the MAC of a packet of `length` octets is, and what it is over. Of version 5: in a field,
 * after which nothing comes but corrections. */
static uint32_t find_mac(const uint8_t *ntp, uint32_t length, uint32_t octets, uint32_t *ret_signed)
{
	uint32_t at = PKT_NTP_SIZE;

	if ((ntp[0] >> 3 & 7) != 5)
		return *ret_signed = length - octets;
	while (at + 8 <= length && (ntp[at] != 0xf5 || ntp[at + 1] != 2))
		at += (((uint32_t)ntp[at + 2] << 8 | ntp[at + 3]) + 3) & ~UINT32_C(3);
	FUZZ_CHECK(at + 4 + octets <= length);
	FUZZ_CHECK(((uint32_t)ntp[at + 2] << 8 | ntp[at + 3]) == 4 + octets);
	*ret_signed = at;
	return at + 4;
}

static void check_mac_of(const struct mac_key *key, const uint8_t *ntp, uint32_t length)
{
	uint32_t octets = (uint32_t)mac_length(key, ntp[0] >> 3 & 7), covered, at;

	FUZZ_CHECK(length >= PKT_NTP_SIZE + octets);
	at = find_mac(ntp, length, octets, &covered);
	FUZZ_CHECK(mac_good_at(key, ntp, covered, ntp + at, octets));
	FUZZ_CHECK(mac_id(ntp + at) == key->id);
}

/* A reply has a MAC if and only if its request had a good one, of the same key. */
static void check_mac(const struct keyring *keyring, const struct fixture_frame *f)
{
	const struct frame *reply = &f->frame;
	const uint8_t *ntp = reply->data + reply->payload, *was = f->before + reply->payload;
	const struct mac_key *key;

	if (reply->key == 0)
		return;
	key = keyring_key(keyring, reply->key);
	FUZZ_CHECK((ntp[0] >> 3 & 7) == 5 ||
		reply->payload_length == PKT_NTP_SIZE + mac_length(key, ntp[0] >> 3 & 7));
	check_mac_of(key, ntp, reply->payload_length);
	/* The request's length is in its UDP header. */
	check_mac_of(key, was, ((uint32_t)was[-4] << 8 | was[-3]) - 8);
}

static void check_same(const struct way *plain, const struct way *burst, unsigned int i)
{
	FUZZ_CHECK(burst->verdict[i] == plain->verdict[i]);
	FUZZ_CHECK(burst->f[i].frame.length == plain->f[i].frame.length);
	FUZZ_CHECK(memcmp(burst->f[i].frame.data, plain->f[i].frame.data,
			   plain->f[i].frame.length) == 0);
	if (!fixture_answers(plain->verdict[i]))
		return;
	FUZZ_CHECK(burst->f[i].frame.receive == plain->f[i].frame.receive);
	FUZZ_CHECK(burst->f[i].frame.payload == plain->f[i].frame.payload);
	FUZZ_CHECK(burst->f[i].frame.key == plain->f[i].frame.key);
	FUZZ_CHECK(burst->f[i].frame.interleave == plain->f[i].frame.interleave);
}

/* Each burst begins with empty sketches, or a client in them would not be missed later on. */
static void check_same_clients(const struct collector *plain, const struct collector *burst)
{
	FUZZ_CHECK(memcmp(&burst->ipv4, &plain->ipv4, sizeof(plain->ipv4)) == 0);
	FUZZ_CHECK(memcmp(&burst->ipv6, &plain->ipv6, sizeof(plain->ipv6)) == 0);
}

static void check_one(struct ways *ways, unsigned int i)
{
	const struct way *plain = &ways->way[0];
	enum meridian_verdict verdict = plain->verdict[i];
	const char *fault;

	FUZZ_CHECK(verdict < MERIDIAN_VERDICT_COUNT);
	ways->verdicts[verdict]++;
	ways->frames++;
	if (!fixture_answers(verdict)) {
		FUZZ_CHECK(fixture_frame_unchanged(&plain->f[i]));
		return;
	}
	fault = verdict == MERIDIAN_VERDICT_kod ? kiss_fault(&plain->f[i])
						: reply_fault(&plain->f[i]);
	if (fault == NULL)
		fault = reply_ends_the_talk(&plain->responder, &plain->f[i].frame, ways->counter);
	if (fault != NULL) {
		fprintf(stderr, "reply: %s\n", fault);
		abort();
	}
	check_taken_once(ways, &plain->f[i]);
	check_mac(ways->keyring, &plain->f[i]);
	if (verdict == MERIDIAN_VERDICT_kod)
		return;
	FUZZ_CHECK(plain->f[i].frame.receive > ways->last_receive ||
		(ways->settings & WAYS_LEAP) != 0);
	ways->last_receive = plain->f[i].frame.receive;
}

void ways_burst(struct ways *ways, const struct pkt *pkt, unsigned int count, uint32_t ticks)
{
	uint64_t receive[WAYS_FRAMES], now;

	ways->counter += 100 + ticks; /* after the replies before have left */
	now = ways->counter + 50;
	for (unsigned int i = 0; i < count; i++)
		receive[i] = ways->counter + i / 2;
	for (unsigned int w = 0; w < ways->count; w++) {
		struct way *way = &ways->way[w];

		memset(&way->collector.ipv4, 0, sizeof(way->collector.ipv4));
		memset(&way->collector.ipv6, 0, sizeof(way->collector.ipv6));
		responder_begin(&way->responder,
			ways->settings & WAYS_NO_MODEL ? NULL : &ways->model, &way->policy, now, 0);
		for (unsigned int i = 0; i < count; i++) {
			fixture_frame_init(&way->f[i], pkt[i].data, pkt[i].length);
			way->f[i].frame.checksum_good = ways->settings & WAYS_CHECKSUM_GOOD;
		}
		fixture_serve(&way->responder, way->f, receive, count, now, way->verdict);
		fixture_save(&way->responder, way->f, way->verdict, count, now + 20);
	}
	for (unsigned int w = 1; w < ways->count; w++)
		check_same_clients(&ways->way[0].collector, &ways->way[w].collector);
	for (unsigned int i = 0; i < count; i++) {
		for (unsigned int w = 1; w < ways->count; w++)
			check_same(&ways->way[0], &ways->way[w], i);
		check_one(ways, i);
	}
}

void ways_burst_end(struct ways *ways, unsigned int count)
{
	for (unsigned int w = 0; w < ways->count; w++) {
		for (unsigned int i = 0; i < count; i++)
			fixture_frame_fini(&ways->way[w].f[i]);
	}
}

void ways_end(struct ways *ways)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < MERIDIAN_VERDICT_COUNT; i++)
		sum += ways->verdicts[i];
	FUZZ_CHECK(sum == ways->frames);
}
