/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_RING_GENERATOR_H
#define BENCH_RING_GENERATOR_H

/*
 * Fills a ring port with requests from many clients, and looks at what comes back: at each reply
 * whether there is one, at some of them whether every field is right.
 */

#include "ring_port.h"
#include <keyring.h>
#include <meridian/timemodel.h>
#include <pkt.h>

/* What it asks. */
enum ring_kind {
	RING_IPV4,
	RING_IPV6,
	RING_INTERLEAVED, /* over IPv4: each refers to the reply that was in its slot before */
	RING_SIGNED,      /* over IPv4, with a MAC by AES-CMAC */
};

#define RING_CLIENT_NET 10 /* clients are in 10.0.0.0/8, or their subnets in PREFIX:a00::/40 */

struct ring_checks {
	uint64_t seen, wrong;
	const char *reason; /* of the last wrong one; static storage */
	double receive_error_ns_max;
};

/* One thread. */
struct ring_generator {
	struct ring_port *ring;
	const struct meridian_timemodel_data *model; /* of replies; NULL: not checked */
	const struct keyring *keyring;               /* the fixture's, if RING_SIGNED */
	enum ring_kind kind;
	struct pkt request;         /* from client 0, checksums 0 */
	uint64_t ip_sum, udp_sum;   /* of it */
	uint32_t clients, client;   /* how many; the next one */
	uint64_t sent, missed;      /* found room; found none */
	uint64_t looks, room_looks; /* at the ring; that found room for a burst */
	struct ring_checks checks;
};

/* Requests of `clients` addresses (1 to 2^24 - 2) in turn; in IPv6 each is in a subnet of its own,
 * interleaved they must be RING_SLOTS. `keyring` may be NULL but for RING_SIGNED. Returns 0. */
int ring_generator_init(struct ring_generator *generator, struct ring_port *ring,
	const struct meridian_timemodel_data *model, const struct keyring *keyring,
	uint32_t clients, enum ring_kind kind);
void ring_generator_fini(struct ring_generator *generator);

/*
 * Sends until counter value `end`: at `rate_per_tick` requests, of which those that find no room
 * are lost as they would be in a NIC, or, when that is 0, as many as there is room for.
 */
void ring_generator_run(struct ring_generator *generator, double rate_per_tick, uint64_t end);

/* The share of looks at the ring that found room, since the call before. */
double ring_generator_room_share(struct ring_generator *generator);

#endif
