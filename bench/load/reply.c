/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"
#include "reply_request.h"
#include <bytes.h>
#include <checksum.h>
#include <layout.h>
#include <meridian/ntp.h>

const char *reply_reason_name(enum reply_reason reason)
{
	static const char *const names[] = {"valid", "other",
#define X(name, text) #name,
		REPLY_REASONS(X)
#undef X
	};

	return names[reason];
}

const char *reply_reason_text(enum reply_reason reason)
{
	static const char *const texts[] = {"valid", "not an NTP reply",
#define X(name, text) text,
		REPLY_REASONS(X)
#undef X
	};

	return texts[reason];
}

/* Where things are in a frame. */
struct view {
	const uint8_t *ip, *udp;
	uint32_t udp_length; /* as the IP header has it */
	bool ipv6;
};

static enum reply_reason view_ipv4(struct view *view, uint32_t room)
{
	const uint8_t *ip = view->ip;
	uint32_t total;

	if (room < IPV4_HEADER + UDP_HEADER || ip[9] != PROTOCOL_UDP)
		return REPLY_OTHER;
	total = get_u16(ip + 2);
	if (ip[0] != (4 << 4 | IPV4_HEADER / 4) || total > room || total < IPV4_HEADER + UDP_HEADER)
		return REPLY_bad_ip_header;
	if (!checksum_good(checksum_add_octets(0, ip, IPV4_HEADER)))
		return REPLY_bad_ip_checksum;
	view->udp = ip + IPV4_HEADER;
	view->udp_length = total - IPV4_HEADER;
	return REPLY_VALID;
}

static enum reply_reason view_ipv6(struct view *view, uint32_t room)
{
	const uint8_t *ip = view->ip;

	if (room < IPV6_HEADER + UDP_HEADER || ip[6] != PROTOCOL_UDP)
		return REPLY_OTHER;
	view->udp = ip + IPV6_HEADER;
	view->udp_length = get_u16(ip + 4);
	if (ip[0] >> 4 != 6 || view->udp_length > room - IPV6_HEADER ||
		view->udp_length < UDP_HEADER)
		return REPLY_bad_ip_header;
	return REPLY_VALID;
}

static bool udp_good(const struct view *view)
{
	uint64_t sum = __builtin_bswap16((uint16_t)view->udp_length) + (PROTOCOL_UDP << 8);

	if (get_u16(view->udp + UDP_CHECKSUM) == 0)
		return !view->ipv6;
	sum = view->ipv6 ? checksum_add_octets(sum, view->ip + 8, 32)
			 : checksum_add_octets(sum, view->ip + 12, 8);
	return checksum_good(checksum_add_octets(sum, view->udp, view->udp_length));
}

static enum reply_reason view_take(
	struct view *view, const struct traffic *traffic, const uint8_t *frame, uint32_t length)
{
	uint16_t ethertype;
	enum reply_reason reason = REPLY_OTHER;

	if (length < traffic->ip || !traffic_tag_good(traffic, frame))
		return REPLY_OTHER;
	view->ip = frame + traffic->ip;
	ethertype = get_u16(view->ip - 2);
	view->ipv6 = ethertype == ETHERTYPE_IPV6;
	if (ethertype == ETHERTYPE_IPV4)
		reason = view_ipv4(view, length - traffic->ip);
	else if (view->ipv6)
		reason = view_ipv6(view, length - traffic->ip);
	if (reason != REPLY_VALID)
		return reason;
	if (get_u16(view->udp) != MERIDIAN_NTP_PORT)
		return REPLY_OTHER;
	if (get_u16(view->udp + 4) != view->udp_length)
		return REPLY_bad_udp_length;
	if (!udp_good(view))
		return REPLY_bad_udp_checksum;
	if (view->udp_length < UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)
		return REPLY_short_payload;
	return REPLY_VALID;
}

static bool is_client_ipv6(const struct clients *clients, uint32_t client, const uint8_t *address)
{
	uint64_t half[2];

	clients_ipv6(clients, client, half);
	return load_u64(address) == half[0] && load_u64(address + 8) == half[1];
}

static bool is_client_ipv4(const struct clients *clients, uint32_t client, const uint8_t *address)
{
	return load_u32(address) == __builtin_bswap32(clients_ipv4(clients, client));
}

static enum reply_reason addresses_check(
	const struct traffic *traffic, const struct view *view, struct reply *reply)
{
	const struct clients *clients = &traffic->spec.clients[view->ipv6];
	const uint8_t *target = traffic->spec.target[reply->template->target].octet;
	const uint8_t *source = view->ip + (view->ipv6 ? 8 : 12);

	if (reply->template->ipv6 != view->ipv6)
		return REPLY_wrong_source;
	reply->client = clients_index(clients, reply->request);
	if (view->ipv6 ? memcmp(source, target, 16) != 0 : memcmp(source, target, 4) != 0)
		return REPLY_wrong_source;
	if (view->ipv6 ? !is_client_ipv6(clients, reply->client, source + 16)
		       : !is_client_ipv4(clients, reply->client, source + 4))
		return REPLY_wrong_destination;
	if (get_u16(view->udp + 2) != clients_port(clients, reply->request))
		return REPLY_wrong_destination;
	return REPLY_VALID;
}

static enum reply_reason mac_check(
	const struct traffic_template *template, const uint8_t *payload, uint32_t payload_length)
{
	const struct mac_key *key = template->key;
	size_t octets = mac_length(key, template->version);

	if (payload_length != MERIDIAN_NTP_HEADER_SIZE + octets ||
		mac_id(payload + MERIDIAN_NTP_HEADER_SIZE) != key->id)
		return REPLY_missing_mac;
	return mac_good(key, payload, MERIDIAN_NTP_HEADER_SIZE, octets) ? REPLY_VALID
									: REPLY_wrong_mac;
}

/*
 * T3 belongs to T2 of the same exchange: of the one before, when the reply is interleaved. With
 * several requests of a client under way at once, that may be an exchange further back, which
 * shows as a T3 before T2.
 */
static enum reply_reason times_check(const struct traffic *traffic, struct reply *reply)
{
	uint64_t receive;

	reply->receive = get_u64(reply->ntp + 32);
	reply->transmit = get_u64(reply->ntp + 40);
	if (reply->receive == 0 || reply->transmit == 0)
		return REPLY_zero_timestamp;
	receive = reply->interleaved ? traffic->last_receive[reply->template->ipv6][reply->client]
				     : reply->receive;
	reply->residence = reply->transmit - receive;
	reply->resided = (int64_t)reply->residence >= 0;
	return reply->resided || reply->interleaved ? REPLY_VALID : REPLY_transmit_before_receive;
}

static enum reply_reason content_check(const struct view *view, const struct reply *reply)
{
	const struct traffic_template *template = reply->template;
	bool kiss = reply->ntp[1] == MERIDIAN_NTP_STRATUM_KOD;

	if (template->kind == REQUEST_malformed)
		return REPLY_answered_malformed;
	if (MERIDIAN_NTP_VERSION(reply->ntp[0]) != template->version)
		return REPLY_wrong_version;
	if (template->udp + view->udp_length > template->length)
		return REPLY_longer_than_request;
	if (reply->ntp[1] > MERIDIAN_NTP_STRATUM_MAX)
		return REPLY_bad_stratum;
	if (reply->interleaved && template->kind != REQUEST_interleaved)
		return REPLY_wrong_origin;
	if (template->key && !kiss)
		return mac_check(template, reply->ntp, view->udp_length - UDP_HEADER);
	return REPLY_VALID;
}

enum reply_reason reply_check(const struct traffic *traffic, const uint8_t *frame, uint32_t length,
	uint64_t next_request, uint64_t now_units, struct reply *ret_reply)
{
	struct view view;
	enum reply_reason reason = view_take(&view, traffic, frame, length);
	unsigned int mode;

	if (reason != REPLY_VALID)
		return reason;
	ret_reply->ntp = view.udp + UDP_HEADER;
	mode = MERIDIAN_NTP_MODE(ret_reply->ntp[0]);
	if (mode != MERIDIAN_NTP_MODE_SERVER && mode != MERIDIAN_NTP_MODE_PASSIVE)
		return REPLY_bad_mode;
	if (!reply_request(traffic, next_request, now_units, ret_reply))
		return REPLY_wrong_origin;
	reason = addresses_check(traffic, &view, ret_reply);
	if (reason == REPLY_VALID)
		reason = content_check(&view, ret_reply);
	if (reason == REPLY_VALID)
		reason = times_check(traffic, ret_reply);
	return reason;
}
