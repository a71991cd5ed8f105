/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_REPLY_H
#define DATAPLANE_REPLY_H

/* The NTP header of a reply (RFC 5905 section 7.3). All pure. */

#include "bytes.h"
#include "request.h"
#include <meridian/ntp.h>
#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Fills what all replies of a burst have in common: stratum, precision, root delay and
 * dispersion at `now_counter` (rounded up, saturating), reference ID and time. Not
 * `synchronised`: stratum 0, no reference, and a second each of root delay and dispersion.
 */
void reply_prepare(struct meridian_ntp_header *ret_common,
	const struct meridian_timemodel_data *model, bool synchronised, uint64_t now_counter);

/* Writes the reply's header over the request at `payload`, all but the transmit timestamp. Its
 * reference timestamp says NTPV5_UPGRADE if request->upgrade. Versions 1 to 4. */
void reply_write(uint8_t *payload, const struct meridian_ntp_header *common,
	const struct request *request, uint8_t leap, uint64_t receive);

/* The same for a kiss-o'-death RATE (RFC 5905 section 7.4), which asks not to be asked more often
 * than once in 2^least_poll_log2 seconds: it tells no time, as all its timestamps are that of the
 * request, and nothing else of ours. */
void reply_write_kiss(uint8_t *payload, const struct request *request, int8_t least_poll_log2);

/* Is a written reply such a kiss? */
static inline bool reply_is_kiss(const uint8_t *payload)
{
	return payload[offsetof(struct meridian_ntp_header, stratum)] == MERIDIAN_NTP_STRATUM_KOD &&
		get_u32(payload + offsetof(struct meridian_ntp_header, refid)) ==
		MERIDIAN_NTP_KISS_RATE;
}

/* The origin timestamp of a written reply, and its transmit timestamp, both as numbers. */
static inline uint64_t reply_origin(const uint8_t *payload)
{
	return get_u64(payload + offsetof(struct meridian_ntp_header, origin));
}
void reply_set_transmit(uint8_t *payload, uint64_t transmit);

#endif
