/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply_check.h"
#include <string.h>

#define SECOND         (UINT64_C(1) << 32)
#define MODE(octet)    ((octet)&7)
#define VERSION(octet) ((octet) >> 3 & 7)

static const char *headers_fault(const struct frame *reply)
{
	const uint8_t *ip = reply->data + reply->ip, *udp = reply->data + reply->udp;

	if (!reply->ipv6 && !pkt_checksum_ipv4_good(ip))
		return "IPv4 checksum";
	if (!pkt_checksum_udp_good(ip, udp, reply->ipv6))
		return "UDP checksum";
	return reply->length == (uint32_t)reply->payload + reply->payload_length ? NULL : "length";
}

static const char *mode_fault(uint8_t request, uint8_t reply)
{
	uint8_t mode = MODE(request);

	if (mode != 3 && mode != 1 && !(mode == 0 && VERSION(request) == 1))
		return "answers what is no request";
	if (MODE(reply) != (mode == 1 ? 2 : 4))
		return "mode";
	return VERSION(reply) == VERSION(request) ? NULL : "version";
}

/* RFC 9769 section 2: the reply tells when the one before it left. */
static const char *interleaved_fault(const uint8_t *request, const uint8_t *reply)
{
	uint64_t receive = pkt_u64(reply + 32), transmit = pkt_u64(reply + 40);

	if (!(request[31] & 1) || VERSION(request[0]) != 4 || MODE(request[0]) != 3)
		return "interleaved without being asked for";
	if (pkt_u64(reply + 24) != pkt_u64(request + 32))
		return "origin timestamp of an interleaved one";
	/* A leap second may have been inserted between them. */
	if ((int64_t)(receive + SECOND - transmit) <= 0)
		return "left after this one was asked for";
	return transmit & 1 ? "mark of the transmit time" : NULL;
}

static const char *timestamps_fault(const uint8_t *request, const uint8_t *reply)
{
	uint64_t origin = pkt_u64(request + 40);
	uint64_t receive = pkt_u64(reply + 32), transmit = pkt_u64(reply + 40);

	if (pkt_u64(reply + 24) != origin)
		return "origin timestamp";
	if ((int64_t)(transmit - receive) <= 0)
		return "transmit before receive time";
	return receive != origin && transmit != origin ? NULL : "answers itself";
}

static uint32_t get16(const uint8_t *from)
{
	return (uint32_t)from[0] << 8 | from[1];
}

/* Field by field: as long as the request's, and of its type or padding. */
static const char *ntpv5_fields_fault(const uint8_t *was, const uint8_t *ntp, uint32_t length)
{
	static const char draft[] = "draft-ietf-ntp-ntpv5-09";
	bool named = false;
	uint32_t at = PKT_NTP_SIZE;

	while (at < length) {
		uint32_t octets = get16(was + at + 2), extent = (octets + 3) & ~UINT32_C(3);
		uint32_t type = get16(ntp + at);

		if (octets < 4 || at + extent > length)
			return "answers a field of wrong length";
		if (((get16(ntp + at + 2) + 3) & ~UINT32_C(3)) != extent)
			return "length of a field";
		if (type != 0xf501 && type != get16(was + at) &&
			(type != 0xf504 || get16(was + at) != 0xf503))
			return "type of a field";
		named |= type == 0xf5ff && get16(ntp + at + 2) == 4 + sizeof(draft) - 1 &&
			memcmp(ntp + at + 4, draft, sizeof(draft) - 1) == 0;
		at += extent;
	}
	return named ? NULL : "no draft, or another one";
}

/* NTPv5, draft-ietf-ntp-ntpv5-09 section "Server Operation". */
static const char *ntpv5_fault(const struct fixture_frame *f)
{
	const struct frame *reply = &f->frame;
	const uint8_t *ntp = reply->data + reply->payload, *was = f->before + reply->payload;
	uint64_t cookie = pkt_u64(ntp + 16), receive = pkt_u64(ntp + 32);
	bool asked = was[15] & 2, interleaved = ntp[15] & 2;

	if (MODE(was[0]) != 3)
		return "answers what is no request";
	if (MODE(ntp[0]) != 4 || VERSION(ntp[0]) != 5)
		return "mode or version";
	if (get16(was - 4) != 8u + reply->payload_length)
		return "not as long as its request";
	if (pkt_u64(ntp + 24) != pkt_u64(was + 24))
		return "client cookie";
	if (cookie != 0 && (!asked || cookie != receive))
		return "server cookie";
	if (interleaved != (reply->interleave == FRAME_INTERLEAVED) || (interleaved && !asked))
		return "flag of interleaved mode";
	if (!interleaved && (int64_t)(pkt_u64(ntp + 40) - receive) <= 0)
		return "transmit before receive time";
	if (ntp[1] == 0 && ntp[15] & 1)
		return "synchronised without a stratum";
	return ntpv5_fields_fault(was, ntp, reply->payload_length);
}

static const char *older_fault(const struct fixture_frame *f)
{
	const struct frame *reply = &f->frame;
	const uint8_t *ntp = reply->data + reply->payload, *was = f->before + reply->payload;
	const char *fault = mode_fault(was[0], ntp[0]);

	if (reply->key == 0 && reply->payload_length != PKT_NTP_SIZE)
		return "octets behind the header of an unsigned reply";
	if (fault != NULL)
		return fault;
	return reply->interleave == FRAME_INTERLEAVED ? interleaved_fault(was, ntp)
						      : timestamps_fault(was, ntp);
}

const char *reply_fault(const struct fixture_frame *f)
{
	const struct frame *reply = &f->frame;
	const char *fault;

	if (reply->length > f->length)
		return "longer than its request";
	if (reply->payload_length < PKT_NTP_SIZE)
		return "shorter than a header";
	fault = VERSION(f->before[reply->payload]) == 5 ? ntpv5_fault(f) : older_fault(f);
	return fault == NULL ? headers_fault(reply) : fault;
}

const char *kiss_fault(const struct fixture_frame *f)
{
	static const uint8_t untold[8] = {
		0}; /* root delay and dispersion, the reference timestamp */
	const struct frame *reply = &f->frame;
	const uint8_t *ntp = reply->data + reply->payload, *was = f->before + reply->payload;
	const char *fault = mode_fault(was[0], ntp[0]);

	if (fault != NULL)
		return fault;
	if (reply->length > f->length || reply->payload_length != PKT_NTP_SIZE)
		return "length";
	if (ntp[0] >> 6 != 3 || ntp[1] != 0 || memcmp(ntp + 12, "RATE", 4) != 0)
		return "leap indicator, stratum or code of a kiss";
	if (memcmp(ntp + 4, untold, 8) != 0 || memcmp(ntp + 16, untold, 8) != 0)
		return "a kiss that tells of the clock";
	for (unsigned int at = 24; at < PKT_NTP_SIZE; at += 8) {
		if (memcmp(ntp + at, was + 40, 8) != 0)
			return "a kiss that tells the time";
	}
	return headers_fault(reply);
}

static bool is_answered(struct responder *responder, struct frame frame, uint64_t counter)
{
	struct fixture_frame f;
	enum meridian_verdict verdict;

	fixture_frame_init(&f, frame.data, frame.length);
	f.frame.mac = frame.mac;
	verdict = responder_classify(responder, &f.frame, counter + 100);
	fixture_frame_fini(&f);
	return meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER;
}

/* A server of the same kind where the client was. */
static bool peer_answers(
	const struct responder *server, const struct frame *reply, uint64_t counter)
{
	struct meridian_policy_address client = {
		.family = reply->ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4};
	struct responder_policy policy = {
		.access = server->policy->access, .ntpv5 = server->policy->ntpv5};
	struct responder peer = *server;
	struct frame frame = *reply;
	bool answers;

	memcpy(client.octets, frame_destination(reply), reply->ipv6 ? 16 : 4);
	if (served_init(&policy.served, &client, 1) < 0)
		return true;
	peer.limit = NULL;
	peer.collector = NULL;
	responder_begin(&peer, NULL, &policy, counter, 0);
	frame.mac = frame_mac(reply->data);
	answers = is_answered(&peer, frame, counter);
	served_fini(&policy.served);
	return answers;
}

static bool server_answers(
	const struct responder *server, const struct frame *reply, uint64_t counter)
{
	struct responder same = *server;
	struct fixture_frame back;
	bool answers;

	same.limit = NULL;
	same.collector = NULL;
	fixture_frame_init(&back, reply->data, reply->length);
	back.frame.ip = reply->ip;
	back.frame.udp = reply->udp;
	back.frame.payload = reply->payload;
	back.frame.ipv6 = reply->ipv6;
	frame_turn(&back.frame, reply->payload_length);
	frame_checksum_udp(&back.frame);
	answers = is_answered(&same, back.frame, counter);
	fixture_frame_fini(&back);
	return answers;
}

const char *reply_ends_the_talk(
	const struct responder *server, const struct frame *reply, uint64_t counter)
{
	if (peer_answers(server, reply, counter))
		return "is answered by a server at the client's place";
	return server_answers(server, reply, counter) ? "is answered when it comes back" : NULL;
}
