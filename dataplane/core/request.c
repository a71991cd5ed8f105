/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"
#include "bytes.h"
#include "ntpv5.h"
#include <meridian/ntp.h>
#include <stdbool.h>
#include <stddef.h>

#define GOOD MERIDIAN_VERDICT_answered

/* Version 1 had no modes: its clients are known by a port of their own (RFC 1059 appendix B). */
static bool is_client(uint8_t mode, uint8_t version, uint16_t source_port)
{
	return mode == MERIDIAN_NTP_MODE_CLIENT ||
		(mode == MERIDIAN_NTP_MODE_UNSPEC && version == 1 &&
			source_port != MERIDIAN_NTP_PORT);
}

static enum meridian_verdict check_mode(
	uint8_t mode, uint8_t version, uint16_t source_port, uint8_t *ret_reply_mode)
{
	if (is_client(mode, version, source_port))
		*ret_reply_mode = MERIDIAN_NTP_MODE_SERVER;
	else if (mode == MERIDIAN_NTP_MODE_ACTIVE)
		*ret_reply_mode = MERIDIAN_NTP_MODE_PASSIVE;
	else
		return MERIDIAN_VERDICT_bad_mode;
	return GOOD;
}

/* The rest of the packet. Up to version 3 all that follows the header is a MAC. */
static enum meridian_verdict take_mac(uint16_t rest, uint16_t longest, uint16_t *ret_mac)
{
	if (rest < MERIDIAN_NTP_MAC_MIN || rest > longest)
		return MERIDIAN_VERDICT_bad_length;
	*ret_mac = rest;
	return GOOD;
}

/* RFC 7822 section 3: a rest of up to 24 octets is a MAC, anything longer begins with a field. */
static enum meridian_verdict skip_extensions(const uint8_t *field, uint16_t rest, uint16_t *ret_mac)
{
	while (rest > MERIDIAN_NTP_MAC_MAX) {
		uint16_t length = get_u16(field + 2);

		if (length < MERIDIAN_NTP_EXTENSION_MIN || length % 4 != 0 || length > rest)
			return MERIDIAN_VERDICT_bad_extension;
		field += length;
		rest = (uint16_t)(rest - length);
	}
	return rest == 0 ? GOOD : take_mac(rest, MERIDIAN_NTP_MAC_MAX, ret_mac);
}

static enum meridian_verdict check_trailer(
	const uint8_t *trailer, uint16_t length, uint8_t version, uint16_t *ret_mac)
{
	*ret_mac = 0;
	if (length == 0)
		return GOOD;
	if (length % 4 != 0 || length > MERIDIAN_NTP_PAYLOAD_MAX - MERIDIAN_NTP_HEADER_SIZE)
		return MERIDIAN_VERDICT_bad_length;
	return version < 4 ? take_mac(length, MERIDIAN_NTP_MAC_MAX_V3, ret_mac)
			   : skip_extensions(trailer, length, ret_mac);
}

static bool asks_for_upgrade(const uint8_t *payload)
{
	return MERIDIAN_NTP_MODE(payload[0]) == MERIDIAN_NTP_MODE_CLIENT && ntpv5_asked(payload);
}

enum meridian_verdict request_parse(const uint8_t *payload, uint16_t length, uint16_t source_port,
	bool ntpv5, struct request *ret_request)
{
	enum meridian_verdict verdict;
	uint8_t version, reply_mode;
	uint16_t mac;

	if (length < MERIDIAN_NTP_HEADER_SIZE)
		return MERIDIAN_VERDICT_bad_length;
	version = MERIDIAN_NTP_VERSION(payload[0]);
	if (ntpv5 && version == NTPV5_VERSION)
		return ntpv5_parse(payload, length, ret_request);
	if (version < MERIDIAN_NTP_VERSION_MIN || version > MERIDIAN_NTP_VERSION_MAX)
		return MERIDIAN_VERDICT_bad_version;
	verdict = check_mode(MERIDIAN_NTP_MODE(payload[0]), version, source_port, &reply_mode);
	if (verdict == GOOD)
		verdict = check_trailer(payload + MERIDIAN_NTP_HEADER_SIZE,
			(uint16_t)(length - MERIDIAN_NTP_HEADER_SIZE), version, &mac);
	if (verdict != GOOD)
		return verdict;
	*ret_request = (struct request){
		.version = version,
		.reply_mode = reply_mode,
		.mac = mac,
		.mac_at = (uint16_t)(length - mac),
		.poll = (int8_t)payload[offsetof(struct meridian_ntp_header, poll)],
		.transmit = get_u64(payload + offsetof(struct meridian_ntp_header, transmit)),
		.upgrade = ntpv5 && asks_for_upgrade(payload),
	};
	return GOOD;
}
