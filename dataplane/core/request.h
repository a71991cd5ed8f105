/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_REQUEST_H
#define DATAPLANE_REQUEST_H

/* The NTP packet of a request: whether it gets an answer, and of what kind. */

#include <meridian/stats.h>
#include <stdbool.h>
#include <stdint.h>

/* What the reply needs to know. */
struct request {
	uint8_t version;    /* 1..5, echoed */
	uint8_t reply_mode; /* MERIDIAN_NTP_MODE_SERVER or _PASSIVE */
	int8_t poll;        /* log2 s, echoed; not of version 5 */
	uint16_t mac;       /* octets of the MAC, key ID included; 0: there is none */
	uint16_t mac_at;    /* where it is in the packet */
	uint64_t transmit;  /* NTP timestamp, becomes the origin timestamp; may be 0. Of version 5:
			       the client cookie, in the same place of the reply */
	bool upgrade;       /* up to version 4: asks whether we speak version 5, and we do */
	bool interleaved;   /* version 5: asks for an interleaved reply ... */
	uint64_t server_cookie; /* ... that tells of the reply with this cookie; 0: of none */
};

/*
 * Checks `length` octets of UDP payload (RFC 5905 section 7.3, RFC 7822 for what follows the
 * header in version 4). Returns MERIDIAN_VERDICT_answered and the request, or why not. Unknown
 * extension fields are skipped; they do not change the answer. A MAC is found, not verified.
 * `ntpv5`: version 5 is spoken too (ntpv5.h). Pure.
 */
enum meridian_verdict request_parse(const uint8_t *payload, uint16_t length, uint16_t source_port,
	bool ntpv5, struct request *ret_request);

#endif
