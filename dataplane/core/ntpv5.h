/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NTPV5_H
#define DATAPLANE_NTPV5_H

/*
 * The server's side of NTPv5, of draft-ietf-ntp-ntpv5-09 and no other: drafts are not compatible
 * with each other, so each request names its draft in an extension field, and one that names
 * another draft, or none, gets no answer. Spoken only where the policy says so (`ntpv5`).
 *
 * A reply is as long as its request, field by field: each extension field is answered in its own
 * place, or becomes padding there if it is not supported, of no valid content, or unknown. So a
 * reply is made in place, and there is no amplification.
 *
 *   Draft Identification   the same
 *   Padding                zeros
 *   Reference IDs Request  a Response, with that part of the set: this server and its sources
 *   Server Information     versions 1 to 5
 *   Message Authentication Code   one of the same key
 *   Correction             what the network added to the request, where it is the last field
 *   Reference Timestamp    when the clock was last updated
 *   all others             padding: monotonic and secondary receive timestamps, NTS, unknown
 *
 * A MAC is over all before its field, which is the last but for a correction, and is never cut. It
 * is verified as that of an older version, and nothing is answered when it is wrong. Interleaved
 * mode is that of interleaved.h, with T2 as the server cookie. All pure.
 */

#include "bytes.h"
#include "request.h"
#include <meridian/ntp.h>
#include <meridian/stats.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NTPV5_VERSION 5
#define NTPV5_DRAFT   "draft-ietf-ntp-ntpv5-09"

/* "NTP5DRFT" as the reference timestamp of an older version's request asks whether we speak this
 * one too; the reply says the same if we do (section "NTPv5 Negotiation in Previous NTP Versions").
 * As a time it is of 1941 or 2077. */
#define NTPV5_UPGRADE UINT64_C(0x4e54503544524654)

/* Whether the header at `ntp`, of an older version, asks that. */
static inline bool ntpv5_asked(const uint8_t *ntp)
{
	return get_u64(ntp + offsetof(struct meridian_ntp_header, reference)) == NTPV5_UPGRADE;
}

#define NTPV5_TIMESCALE_UTC     0
#define NTPV5_TIMESCALE_SMEARED 3 /* leap-smeared UTC */

#define NTPV5_FLAG_SYNCHRONISED 1
#define NTPV5_FLAG_INTERLEAVED  2 /* asked for, and given */

/* The header, where it is not as in version 4: timescale to client cookie instead of reference ID
 * to origin timestamp, and another unit of root delay and dispersion (4.28 s). */
struct ntpv5_header {
	uint8_t li_vn_mode;
	uint8_t stratum;
	int8_t poll;      /* log2 s, least that the client may ask at */
	int8_t precision; /* log2 s */
	uint32_t root_delay, root_dispersion;
	uint8_t timescale;
	uint8_t era; /* of T2 */
	uint16_t flags;
	uint64_t server_cookie, client_cookie;
	uint64_t receive, transmit;
};
_Static_assert(sizeof(struct ntpv5_header) == 48, "as long as version 4's");

/* An extension field begins with its type and its length in octets, which includes both, but not
 * the padding to a multiple of 4 before the next one. */
#define NTPV5_FIELD_HEADER 4

/* The longest time before a leap second at which it is announced. */
#define NTPV5_LEAP_NOTICE_S (14 * 86400)

/* request_parse() for a packet of version 5, `length` octets of at least a header. The reply is of
 * this length. */
enum meridian_verdict ntpv5_parse(
	const uint8_t *payload, uint16_t length, struct request *ret_request);

/* What a reply says. */
struct ntpv5_reply {
	const struct meridian_timemodel_data *model;
	const struct meridian_timemodel *page; /* has the set of reference IDs; NULL: nobody has */
	struct meridian_utc utc;               /* T2 by the model, before leap seconds */
	uint64_t receive;                      /* T2 as told */
	uint64_t dispersion_ns;                /* root dispersion */
	int8_t least_poll_log2;                /* s */
	bool synchronised;                     /* as responder->synchronised */
	bool smeared;     /* it is from an address where leap seconds are smeared */
	bool remembered;  /* interleaved mode is asked for and there is a table: T3 is kept */
	bool interleaved; /* its T3 is that of the reply before */
};

/* Writes it over a request of `length` octets that ntpv5_parse() has accepted, all but T3. */
void ntpv5_reply_write(uint8_t *payload, uint16_t length, const struct ntpv5_reply *reply);

/* Moves the times of a finished reply by 2^-32 s each; not T3 of an `interleaved` one. */
void ntpv5_reply_move(uint8_t *payload, int64_t moved, bool interleaved);

#endif
