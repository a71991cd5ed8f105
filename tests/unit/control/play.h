/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PLAY_H
#define TESTS_PLAY_H

/*
 * The life of servers, with time, network and name service played by the test.
 */

#include "source/ntp_server.h"
#include <units.h>

#define PLAY_SERVERS_MAX 4

/* What the servers did, and what they will meet. */
struct play {
	uint64_t now_ns;
	unsigned int requests, lookups, reports;
	/* The last request: */
	uint64_t requested_ns;
	struct config_address requested_address;
	struct exchange *exchange;
	struct meridian_ntp_header request;
	uint64_t answer_delay_ns; /* of the answers, both ways together */
	unsigned int answering;   /* bits of play_address: who answers by himself */
	double led_s;             /* the tracker moves samples by that, */
	bool refusing;            /* or takes none: there is a leap second */
};

extern struct play play;
extern struct ntp_server play_server[PLAY_SERVERS_MAX];

/* Lines of a config: by address, by name. */
extern const struct config_server play_numeric, play_named;

/* 192.0.2.1, 192.0.2.2 ... */
extern const struct config_address play_address[4];

/* Forgets everything and starts the servers of this line. */
void play_start(const struct config_server *config_server);

/* Runs the timers until `until_ns`, in their order. */
void play_until(uint64_t until_ns);

/* Runs until one more request has left; returns the time since the one before, s. */
double play_until_request(void);

/* The server's answer to the last request, and a good one. */
void play_answer(uint8_t stratum, const char *refid, int8_t poll_log2);
void play_answer_good(void);

/* A datagram from the server's address, if anybody waits for one. */
void play_hear(const void *octets, size_t length);

/* Runs until `until_ns` while the servers at `address`, a set of bits for play_address, give good
 * answers. */
void play_answering_until(unsigned int address, uint64_t until_ns);

/* The answer to the look-up under way. */
void play_resolve(const struct config_address *address, size_t count);

#endif
