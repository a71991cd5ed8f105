/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REPLY_H
#define LOAD_REPLY_H

/* Whether a frame is the right answer to a request of ours. Everything is checked against what
 * the request must have been, which follows from the echoed timestamp (token.h). Pure. */

#include "traffic.h"

/* Why a reply is invalid, in the order of the checks. */
#define REPLY_REASONS(X)                                                                           \
	X(bad_ip_header, "IP version, header or total length")                                     \
	X(bad_ip_checksum, "IPv4 header checksum")                                                 \
	X(bad_udp_length, "length in the UDP header")                                              \
	X(bad_udp_checksum, "UDP checksum; between veth interfaces: ethtool -K PEER tx off")       \
	X(short_payload, "less than the 48 octets of an NTP header")                               \
	X(bad_mode, "neither a server's nor symmetric passive mode")                               \
	X(wrong_origin, "origin timestamp that is none of this tool's, or much too old")           \
	X(wrong_source, "not from the address that the request went to")                           \
	X(wrong_destination, "not to the address and port that the request came from")             \
	X(answered_malformed, "answer to a request that deserves none")                            \
	X(wrong_version, "not the version of the request")                                         \
	X(longer_than_request, "more octets than the request had")                                 \
	X(bad_stratum, "stratum above 15")                                                         \
	X(missing_mac, "no code, or of another key, for an authenticated request")                 \
	X(wrong_mac, "code that is not the packet's")                                              \
	X(zero_timestamp, "receive or transmit timestamp of 0")                                    \
	X(transmit_before_receive, "transmit timestamp before the receive timestamp")

enum reply_reason {
	REPLY_VALID,
	REPLY_OTHER, /* not an NTP reply at all */
#define X(name, text) REPLY_##name,
	REPLY_REASONS(X)
#undef X
	REPLY_REASON_COUNT
};

/* Name of a reason, such as bad_mode. */
const char *reply_reason_name(enum reply_reason reason);
const char *reply_reason_text(enum reply_reason reason);

struct reply {
	const struct traffic_template *template; /* of the request */
	uint64_t request;                        /* its number */
	uint64_t age_units;                      /* since it was due */
	const uint8_t *ntp;                      /* header, 48 octets, in the frame */
	uint64_t receive, transmit;              /* T2 and T3, NTP timestamps */
	uint64_t residence;                      /* T3 - T2 of one and the same reply, 2^-32 s */
	bool resided; /* it is known: not when an interleaved T3 is of a reply further back */
	uint32_t client;
	bool interleaved; /* T3 is that of the client's reply before */
};

/* Checks one frame at `now_units` (token.h), when requests before `next_request` were sent. For
 * REPLY_VALID everything in `ret_reply` is set. */
enum reply_reason reply_check(const struct traffic *traffic, const uint8_t *frame, uint32_t length,
	uint64_t next_request, uint64_t now_units, struct reply *ret_reply);

#endif
