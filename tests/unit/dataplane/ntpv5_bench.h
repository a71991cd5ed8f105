/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_NTPV5_BENCH_H
#define TEST_NTPV5_BENCH_H

/*
 * A server that speaks NTPv5 (draft-ietf-ntp-ntpv5-09) and a client that asks it, by the plain
 * reply path and by the engines for bursts. The packets are written down from the draft's figures,
 * not by the code that is tested.
 */

#include "fixture.h"

#define NTPV5_COOKIE UINT64_C(0xc001d00dfeedbeef) /* of the client */
#define NTPV5_HALF   (FIXTURE_HZ / 2)
#define NTPV5_FIELDS 600

struct bench {
	struct responder responder;
	struct responder_policy *policy; /* with ntpv5 */
	struct meridian_timemodel_data model;
	uint64_t counter; /* of the next request; at first half a second past FIXTURE_COUNTER */
	bool plain;       /* one frame at a time */
};

/* A request: all zero but these is the plainest one. */
struct ask {
	bool ipv6, bare; /* bare: no draft */
	uint8_t timescale, flags;
	uint64_t server_cookie;
	const uint8_t *fields; /* after the draft's */
	size_t length;         /* of these */
};

/* A reply, copied out of its frame. */
struct told {
	enum meridian_verdict verdict;
	uint8_t octets[PKT_NTP_SIZE + NTPV5_FIELDS];
	uint32_t length;
	uint64_t cookie, receive, transmit;
};

extern const uint8_t ntpv5_draft[28]; /* the extension field */

/* The state of a test: which of ntpv5_engines[]. */
int ntpv5_setup(void **state);
int ntpv5_teardown(void **state);

#define NTPV5_ENGINES 3
extern const struct burst_engine *ntpv5_engines[NTPV5_ENGINES];

/* Puts plain C in the place of an engine that this processor cannot run. */
void ntpv5_engines_init(void);

#define NTPV5_TEST(function)                                                                       \
	{#function ", plain", function, ntpv5_setup, ntpv5_teardown, &ntpv5_engines[0]},           \
		{#function ", bursts in plain C", function, ntpv5_setup, ntpv5_teardown,           \
			&ntpv5_engines[1]},                                                        \
	{                                                                                          \
#function ", bursts with AVX-512", function, ntpv5_setup, ntpv5_teardown,          \
			&ntpv5_engines[2]                                                          \
	}

/* One request and its reply, of which reply_check.h holds; T3 is a quarter of a second after T2,
 * and it leaves an eighth later. The next one is a second later. */
struct told ntpv5_ask(struct bench *bench, struct ask what);

/* The same half a second past `utc_s`. */
struct told ntpv5_ask_at(struct bench *bench, int64_t utc_s, bool ipv6);

/* Serves one frame; a reply is finished. The other: it then leaves, as the server does it. */
enum meridian_verdict ntpv5_serve(struct bench *bench, struct frame *frame);
void ntpv5_leave(struct bench *bench, struct frame *frame);

/* A second is inserted at NTPV5_LEAP_S, and smeared over a day at the server's IPv4 address. */
#define NTPV5_DAY_S  INT64_C(86400)
#define NTPV5_LEAP_S (FIXTURE_UTC_S + 20 * NTPV5_DAY_S)
void ntpv5_smear(struct bench *bench);

static inline uint8_t ntpv5_leap(const struct told *told)
{
	return told->octets[0] >> 6;
}

/* Unlike in version 4, a flag of its own. */
static inline bool ntpv5_synchronised(const struct told *told)
{
	return told->octets[15] & 1;
}

#endif
