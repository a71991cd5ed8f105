/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_INTERLEAVED_BENCH_H
#define TEST_INTERLEAVED_BENCH_H

/* Clients that ask one responder in interleaved mode, and what they are told. Main thread; whatever
 * is not as it must be fails the test. */

#include "fixture.h"
#include <burst_engine.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_RECEIVE  UINT64_C(0x1111111122222222)
#define CLIENT_TRANSMIT UINT64_C(0x3333333344444444)
#define LATER           (FIXTURE_HZ * 64) /* ticks of a poll interval */
#define RESIDENCE       1000              /* ticks from T2 to what T3 is told */
#define DELAY           4000              /* and from there until the reply has left */
#define NTP_PER_TICK    4

struct bench {
	struct responder responder;
	struct responder_policy *policy;
	struct meridian_timemodel_data model;
	struct keyring *keyring;
	uint64_t counter; /* of the next request */
	bool plain;       /* one frame at a time */
};

/* What a test asks with: all zero but these is the plain request of a client in basic mode. */
struct ask {
	bool ipv6;
	uint8_t client;     /* last octet of its address */
	uint8_t li_vn_mode; /* 0: version 4, client */
	uint64_t origin, receive;
	uint32_t key;        /* ID; 0: without a MAC */
	bool forged;         /* its MAC is wrong */
	bool lost;           /* the reply could not be sent */
	int64_t delay_ticks; /* 0: DELAY */
};

struct told {
	uint64_t origin, receive, transmit;
	uint8_t interleave; /* FRAME_* */
	uint64_t left;      /* when it did */
};

/* A cmocka setup, whose state is the engine that it is to be, NULL: one frame at a time. */
int bench_setup(void **state);
int bench_teardown(void **state);

/* The next request, a poll interval after the one before, is answered. */
struct told ask_at(struct bench *bench, struct ask ask);

/* Why a request is not answered. */
enum meridian_verdict refused(struct bench *bench, const struct ask *ask);

/* The time of a counter value, but for leap seconds. */
uint64_t ntp_at(const struct bench *bench, uint64_t counter);

/* How many times are saved. */
uint64_t held(const struct bench *bench);

/* A request that refers to an earlier reply. */
struct ask after(const struct told *told);

void assert_basic(const struct told *told, uint8_t interleave);
void assert_interleaved(const struct told *told, uint64_t transmit);

#endif
