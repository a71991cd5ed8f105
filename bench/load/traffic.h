/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_TRAFFIC_H
#define LOAD_TRAFFIC_H

/*
 * The requests of a run. Request number n is a function of n and of the time it is due: what kind
 * it is, to whom, from whom. A frame is made from a template, of which only the client's address
 * and port, the timestamps and the checksums change. Pure.
 */

#include "clients.h"
#include <bytes.h>
#include <mac.h>
#include <stdbool.h>
#include <stdint.h>

#define REQUEST_KINDS(X)                                                                           \
	X(basic)                                                                                   \
	X(interleaved)                                                                             \
	X(v3)                                                                                      \
	X(symmetric)                                                                               \
	X(malformed)

enum request_kind {
#define X(name) REQUEST_##name,
	REQUEST_KINDS(X)
#undef X
	REQUEST_KIND_COUNT
};

const char *request_kind_name(enum request_kind kind);

#define TRAFFIC_TARGETS_MAX     16
#define TRAFFIC_SLOTS           1024 /* of which each kind has its share */
#define TRAFFIC_FRAME_MAX       192
#define TRAFFIC_INTERLEAVED_MAX (1u << 20) /* clients */

/* What is wrong with malformed requests, in turn: a payload of 40 octets, version 0, a server's
 * mode, a wrong UDP checksum. */
#define TRAFFIC_MALFORMED 4

#define TRAFFIC_TEMPLATES_MAX (TRAFFIC_TARGETS_MAX * (REQUEST_malformed + TRAFFIC_MALFORMED))

struct traffic_template {
	uint8_t frame[TRAFFIC_FRAME_MAX];
	uint16_t length;
	uint8_t ip, udp, payload; /* offsets */
	bool ipv6;
	bool plain; /* 48 octets of NTP and nothing that depends on other exchanges */
	uint8_t kind, version, target;
	bool spoil;                /* the UDP checksum */
	uint64_t ip_sum, udp_sum;  /* of all that does not change */
	const struct mac_key *key; /* NULL: none */
};

struct traffic_spec {
	struct address target[TRAFFIC_TARGETS_MAX];
	uint32_t target_count;
	uint8_t target_mac[TRAFFIC_TARGETS_MAX][6], source_mac[6];
	int vlan;                            /* -1: no tag */
	uint32_t weight[REQUEST_KIND_COUNT]; /* not all 0 */
	struct mac_key key;                  /* of symmetric */
	struct clients clients[2];           /* IPv4, IPv6 */
	uint64_t token_key;
};

struct traffic {
	struct traffic_spec spec;
	uint8_t ip;                  /* offset of the IP header, in requests and replies */
	uint32_t tag, tag_mask;      /* VLAN tag without its priority; both 0: none */
	uint8_t slot[TRAFFIC_SLOTS]; /* request modulo TRAFFIC_SLOTS: its template */
	uint32_t template_count;
	struct traffic_template template[TRAFFIC_TEMPLATES_MAX];

	/* Of interleaved requests, by client: receive timestamp of its last reply, 0: none yet.
	 * Written by the thread of the run. NULL without such requests. */
	uint64_t *last_receive[2];
};

/* Makes the templates. Allocates. Returns 0, -ENOMEM, or -ERANGE when there are too many clients
 * for interleaved requests. */
int traffic_init(struct traffic *traffic, const struct traffic_spec *spec);
void traffic_fini(struct traffic *traffic);

static inline const struct traffic_template *traffic_template(
	const struct traffic *traffic, uint64_t request)
{
	return &traffic->template[traffic->slot[request % TRAFFIC_SLOTS]];
}

/* Whether a frame of at least traffic->ip octets is in the VLAN of the requests. */
static inline bool traffic_tag_good(const struct traffic *traffic, const uint8_t *frame)
{
	/* Without a tag these are other octets, which do not matter. */
	return (load_u32(frame + traffic->ip - 6) & traffic->tag_mask) == traffic->tag;
}

/* Writes request number `request`, due at `due_units` (token.h), to `frame` of TRAFFIC_FRAME_MAX
 * octets, of which the first, as returned, are to be sent. */
uint16_t traffic_build(
	const struct traffic *traffic, uint64_t request, uint64_t due_units, uint8_t *frame);

/* The same for `count` requests from `request` on. */
void traffic_build_burst(const struct traffic *traffic, uint64_t request, const uint64_t *due_units,
	unsigned int count, uint8_t *const *frame, uint16_t *ret_length);

#endif
