/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_NTP_H
#define MERIDIAN_NTP_H

/*
 * NTP on the wire (RFC 5905 section 7.3, RFC 7822, RFC 8573): the 48-octet header and constants.
 * All multi-octet fields are in network byte order.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_NTP_PORT 123

/* Seconds from the NTP prime epoch (1900) to the Unix epoch (1970). */
#define MERIDIAN_NTP_UNIX_OFFSET_S UINT64_C(2208988800)

#define MERIDIAN_NTP_HEADER_SIZE 48

/* li_vn_mode: leap indicator (2 bits), version (3), mode (3). */
#define MERIDIAN_NTP_LI_NONE    0
#define MERIDIAN_NTP_LI_INSERT  1 /* last minute of the day has 61 seconds */
#define MERIDIAN_NTP_LI_DELETE  2 /* last minute of the day has 59 seconds */
#define MERIDIAN_NTP_LI_UNKNOWN 3 /* clock not synchronised */

#define MERIDIAN_NTP_VERSION_MIN 1
#define MERIDIAN_NTP_VERSION_MAX 4

#define MERIDIAN_NTP_MODE_UNSPEC    0 /* clients of version 1 */
#define MERIDIAN_NTP_MODE_ACTIVE    1 /* symmetric active */
#define MERIDIAN_NTP_MODE_PASSIVE   2 /* symmetric passive */
#define MERIDIAN_NTP_MODE_CLIENT    3
#define MERIDIAN_NTP_MODE_SERVER    4
#define MERIDIAN_NTP_MODE_BROADCAST 5
#define MERIDIAN_NTP_MODE_CONTROL   6
#define MERIDIAN_NTP_MODE_PRIVATE   7

#define MERIDIAN_NTP_STRATUM_KOD     0 /* kiss-o'-death, and "unspecified" in replies */
#define MERIDIAN_NTP_STRATUM_PRIMARY 1
#define MERIDIAN_NTP_STRATUM_MAX     15
#define MERIDIAN_NTP_STRATUM_UNSYNC  16

/* Reference IDs in host order: ASCII left-justified (stratum 0 and 1), or an address. */
#define MERIDIAN_NTP_REFID(a, b, c, d)                                                             \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define MERIDIAN_NTP_REFID_LOCAL UINT32_C(0x7f7f0101) /* 127.127.1.1: undisciplined local clock */
#define MERIDIAN_NTP_KISS_RATE   MERIDIAN_NTP_REFID('R', 'A', 'T', 'E')
#define MERIDIAN_NTP_KISS_DENY   MERIDIAN_NTP_REFID('D', 'E', 'N', 'Y')
#define MERIDIAN_NTP_KISS_RSTR   MERIDIAN_NTP_REFID('R', 'S', 'T', 'R')

/* Trailer of a request: MAC of a version 3 or 4 packet, key ID included, and RFC 7822 fields. */
#define MERIDIAN_NTP_MAC_MIN              20
#define MERIDIAN_NTP_MAC_MAX              24   /* of version 4 */
#define MERIDIAN_NTP_MAC_MAX_V3           68   /* of versions up to 3, which have no fields */
#define MERIDIAN_NTP_EXTENSION_MIN        16   /* any extension field */
#define MERIDIAN_NTP_EXTENSION_MIN_NO_MAC 28   /* the last one when no MAC follows */
#define MERIDIAN_NTP_PAYLOAD_MAX          1140 /* header, 1024 of extension fields, MAC of 68 */

/* 64-bit timestamp: seconds of the era since 1900 in the upper half, 2^-32 s in the lower. */
struct meridian_ntp_timestamp {
	uint32_t seconds;
	uint32_t fraction;
};

/* The header. Naturally aligned at 4; on a packet path it is copied, never cast onto a buffer. */
struct meridian_ntp_header {
	uint8_t li_vn_mode;
	uint8_t stratum;
	int8_t poll;              /* log2 seconds */
	int8_t precision;         /* log2 seconds */
	uint32_t root_delay;      /* 16.16 seconds */
	uint32_t root_dispersion; /* 16.16 seconds */
	uint32_t refid;
	struct meridian_ntp_timestamp reference;
	struct meridian_ntp_timestamp origin;
	struct meridian_ntp_timestamp receive;
	struct meridian_ntp_timestamp transmit;
};

#define MERIDIAN_NTP_LI(octet)      ((uint8_t)((octet) >> 6))
#define MERIDIAN_NTP_VERSION(octet) ((uint8_t)((octet) >> 3 & 7))
#define MERIDIAN_NTP_MODE(octet)    ((uint8_t)((octet)&7))
#define MERIDIAN_NTP_LI_VN_MODE(li, version, mode)                                                 \
	((uint8_t)((unsigned int)(li) << 6 | (unsigned int)(version) << 3 | (unsigned int)(mode)))

#ifdef __cplusplus
}
#endif

#endif
