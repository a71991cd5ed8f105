/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BURST_SHAPE_H
#define DATAPLANE_BURST_SHAPE_H

/*
 * Which frames are requests of the two common shapes; a part of burst_loop.h, which says what the
 * engine has defined before. Pure.
 */

#include "burst_engine.h"
#include "bytes.h"
#include "checksum.h"
#include "ntpv5.h"
#include <stddef.h>

/* A bit for each version and mode (the lower six bits of the first octet) of a client. */
#define CLIENT_FIRST_OCTETS                                                                        \
	(UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 1, MERIDIAN_NTP_MODE_CLIENT) |                  \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 2, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 3, MERIDIAN_NTP_MODE_CLIENT) |           \
		UINT64_C(1) << MERIDIAN_NTP_LI_VN_MODE(0, 4, MERIDIAN_NTP_MODE_CLIENT))

INLINE const uint8_t *addresses_of(const struct frame *frame, bool ipv6)
{
	return frame->data + (ipv6 ? BURST_ADDRESSES_IPV6 : BURST_ADDRESSES_IPV4);
}

INLINE const uint8_t *ntp_of(const struct frame *frame, bool ipv6)
{
	return frame->data + (ipv6 ? BURST_NTP_IPV6 : BURST_NTP_IPV4);
}

INLINE bool ip_sum_good(const uint8_t *ip)
{
	uint64_t sum = checksum_add_words(load_u32(ip + 16), ip, 16);

	return checksum_good(sum);
}

INLINE bool sums_good(const struct frame *frame, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);
	const uint64_t pseudo = (PROTOCOL_UDP + BURST_UDP_LENGTH) << 8;

	if (frame->checksum_good)
		return true;
	return (ipv6 || ip_sum_good(frame->data + ETHERNET_HEADER)) &&
		checksum_good(checksum_add_words(pseudo, addresses,
			ipv6 ? BURST_END_IPV6 - BURST_ADDRESSES_IPV6
			     : BURST_END_IPV4 - BURST_ADDRESSES_IPV4));
}

/* As martian_source(), a bit stricter for IPv6. */
INLINE bool source_good(const uint8_t *source, bool ipv6)
{
	if (ipv6)
		return source[0] != 0xff && load_u64(source) != 0;
	return (uint8_t)(source[0] - 1) < 224 - 1 && source[0] != 127;
}

/* Is the frame a request of this family that only access rules and rate limit can refuse? */
INLINE bool request_good(const struct ours *ours, const struct frame *frame, bool ipv6)
{
	const uint8_t *addresses = addresses_of(frame, ipv6);

	return frame->length >= (ipv6 ? BURST_END_IPV6 : BURST_END_IPV4) &&
		frame_is_for(frame->data, frame->mac) && headers_good(frame, ipv6) &&
		CLIENT_FIRST_OCTETS >> (ntp_of(frame, ipv6)[0] & 077) & 1 &&
		sums_good(frame, ipv6) && source_good(addresses, ipv6) &&
		addresses_served(ours, addresses, ipv6);
}

static enum burst_shape shape_of(const struct responder *responder, const struct frame *frame)
{
	struct ours ours;

	ours_take(&ours, &responder->policy->served, false);
	if (request_good(&ours, frame, false))
		return BURST_IPV4;
	ours_take(&ours, &responder->policy->served, true);
	return request_good(&ours, frame, true) ? BURST_IPV6 : BURST_OTHER;
}

/* Whether a frame of this shape also asks if we speak NTPv5. Only asked where we do. */
INLINE bool asks_for_upgrade(const struct frame *frame, enum burst_shape shape)
{
	return shape != BURST_OTHER && ntpv5_asked(ntp_of(frame, shape == BURST_IPV6));
}

static enum burst_shape shape(const struct responder *responder, const struct frame *frame)
{
	enum burst_shape found = shape_of(responder, frame);

	return responder->policy->ntpv5 && asks_for_upgrade(frame, found) ? BURST_OTHER : found;
}

#endif
