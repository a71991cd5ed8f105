/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <triage.h>

#include <cmocka.h>

#define NOW_S    1000
#define SIZE     192
#define TCP      6
#define UDP      17
#define ICMP     1
#define ICMPV6   58
#define GRE      47
#define ESP      50
#define SCTP     132
#define DCCP     33
#define FRAGMENT 44
#define SYN      0x02
#define RST      0x04
#define ACK      0x10
#define PEERS    100

/* What differs between packets. Addresses: host number of us and of them, in documentation's nets;
 * ports and flags where the protocol has them, else the type of ICMP in `flags`. */
struct spec {
	bool ipv6;
	uint8_t protocol;
	uint16_t source_port, destination_port;
	uint8_t flags;
	uint8_t hop_limit; /* 0: 60 */
	uint8_t peer;      /* host number */
	uint8_t tags;      /* VLAN */
};

struct frame {
	uint8_t octets[SIZE];
	uint32_t length;
};

static struct triage *triage;

static void put_u16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void addresses_put(uint8_t *at, const struct spec *spec, bool sent)
{
	static const uint8_t ipv6[16] = {0x20, 1, 0x0d, 0xb8}, ipv4[4] = {192, 0, 2};
	size_t size = spec->ipv6 ? 16 : 4;

	memcpy(at, spec->ipv6 ? ipv6 : ipv4, size);
	memcpy(at + size, spec->ipv6 ? ipv6 : ipv4, size);
	at[sent ? size - 1 : 2 * size - 1] = 1;
	at[sent ? 2 * size - 1 : size - 1] = (uint8_t)(2 + spec->peer);
}

/* Returns its length. */
static uint32_t packet_put(uint8_t *ip, const struct spec *spec, bool sent)
{
	uint32_t header = spec->ipv6 ? 40 : 20;
	uint8_t hop_limit = spec->hop_limit ? spec->hop_limit : 60, *body = ip + header;

	ip[0] = spec->ipv6 ? 0x60 : 0x45;
	ip[spec->ipv6 ? 6 : 9] = spec->protocol;
	ip[spec->ipv6 ? 7 : 8] = hop_limit;
	addresses_put(ip + (spec->ipv6 ? 8 : 12), spec, sent);
	put_u16(body, spec->source_port);
	put_u16(body + 2, spec->destination_port);
	if (spec->protocol == TCP)
		body[13] = spec->flags;
	else if (spec->protocol != UDP)
		body[0] = spec->flags;
	return header + 20;
}

static struct frame frame_of(const struct spec *spec, bool sent)
{
	struct frame frame = {.length = 14};

	for (unsigned int i = 0; i < spec->tags; i++, frame.length += 4)
		put_u16(frame.octets + frame.length - 2, 0x8100);
	put_u16(frame.octets + frame.length - 2, spec->ipv6 ? 0x86dd : 0x0800);
	frame.length += packet_put(frame.octets + frame.length, spec, sent);
	return frame;
}

static int setup(void **state)
{
	(void)state;
	return triage_new(&triage, 4711);
}

static int teardown(void **state)
{
	(void)state;
	triage_free(triage);
	return 0;
}

static void expect(const struct frame *frame, enum meridian_punt class, const char *what)
{
	uint32_t sender;
	enum meridian_punt is = triage_class(triage, frame->octets, frame->length, &sender);

	if (is != class)
		fail_msg("%s: %s, expected %s", what, meridian_punt_name(is),
			meridian_punt_name(class));
}

/* Of a spec that is received, when nothing was sent. */
static const struct {
	const char *what;
	struct spec spec;
	enum meridian_punt class;
} strangers[] = {
	{"UDP", {.protocol = UDP, .source_port = 123, .destination_port = 40000},
		MERIDIAN_PUNT_other},
	{"UDP over IPv6", {.ipv6 = true, .protocol = UDP, .source_port = 123}, MERIDIAN_PUNT_other},
	{"SYN", {.protocol = TCP, .destination_port = 22, .flags = SYN}, MERIDIAN_PUNT_opening},
	{"ACK", {.protocol = TCP, .destination_port = 179, .flags = ACK}, MERIDIAN_PUNT_opening},
	{"IPv6 SYN", {.ipv6 = true, .protocol = TCP, .flags = SYN}, MERIDIAN_PUNT_opening},
	{"tagged SYN", {.protocol = TCP, .flags = SYN, .tags = 2}, MERIDIAN_PUNT_opening},
	{"ping", {.protocol = ICMP, .flags = 8}, MERIDIAN_PUNT_icmp},
	{"IPv6 ping", {.ipv6 = true, .protocol = ICMPV6, .flags = 128}, MERIDIAN_PUNT_icmp},
	{"unreachable", {.protocol = ICMP, .flags = 3}, MERIDIAN_PUNT_icmp},
	{"ICMPv6 in IPv4", {.protocol = ICMPV6, .flags = 135}, MERIDIAN_PUNT_other},
	{"GRE", {.protocol = GRE}, MERIDIAN_PUNT_other},
	{"fragment", {.ipv6 = true, .protocol = FRAGMENT}, MERIDIAN_PUNT_other},
	{"solicitation from afar",
		{.ipv6 = true, .protocol = ICMPV6, .flags = 135, .hop_limit = 254},
		MERIDIAN_PUNT_icmp},
	{"solicitation", {.ipv6 = true, .protocol = ICMPV6, .flags = 135, .hop_limit = 255},
		MERIDIAN_PUNT_link},
	{"BFD", {.protocol = UDP, .destination_port = 3784, .hop_limit = 255}, MERIDIAN_PUNT_link},
	{"BGP of a neighbour",
		{.protocol = TCP, .destination_port = 179, .flags = SYN, .hop_limit = 255},
		MERIDIAN_PUNT_link},
};

static void strangers_are_apart_from_neighbours(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct frame frame = frame_of(&strangers[i].spec, false);

		expect(&frame, strangers[i].class, strangers[i].what);
	}
}

/* What is sent, and then received of the same peer, if nothing else is said. */
static const struct {
	const char *what;
	struct spec sent, received;
	enum meridian_punt class;
} talks[] = {
	{"answer of a server", {.protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.protocol = UDP, .source_port = 123, .destination_port = 40000},
		MERIDIAN_PUNT_answer},
	{"IPv6 answer",
		{.ipv6 = true, .protocol = UDP, .source_port = 40000, .destination_port = 4123},
		{.ipv6 = true, .protocol = UDP, .source_port = 4123, .destination_port = 40000},
		MERIDIAN_PUNT_answer},
	{"tagged answer", {.protocol = UDP, .source_port = 40000, .destination_port = 53},
		{.protocol = UDP, .source_port = 53, .destination_port = 40000, .tags = 1},
		MERIDIAN_PUNT_answer},
	{"answer to another port", {.protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.protocol = UDP, .source_port = 123, .destination_port = 40001},
		MERIDIAN_PUNT_other},
	{"answer from another port",
		{.protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.protocol = UDP, .source_port = 124, .destination_port = 40000},
		MERIDIAN_PUNT_other},
	{"answer of another server",
		{.protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.protocol = UDP, .source_port = 123, .destination_port = 40000, .peer = 1},
		MERIDIAN_PUNT_other},
	{"IPv6 answer of another server",
		{.ipv6 = true, .protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.ipv6 = true,
			.protocol = UDP,
			.source_port = 123,
			.destination_port = 40000,
			.peer = 1},
		MERIDIAN_PUNT_other},
	{"what was sent, sent back",
		{.protocol = UDP, .source_port = 40000, .destination_port = 123},
		{.protocol = UDP, .source_port = 40000, .destination_port = 123},
		MERIDIAN_PUNT_other},
	{"stranger whom a server of ours answers",
		{.protocol = UDP, .source_port = 123, .destination_port = 40000},
		{.protocol = UDP, .source_port = 40000, .destination_port = 123},
		MERIDIAN_PUNT_other},
	{"multihop BFD", {.protocol = UDP, .source_port = 50000, .destination_port = 4784},
		{.protocol = UDP, .source_port = 60000, .destination_port = 4784},
		MERIDIAN_PUNT_answer},
	{"connection of ours",
		{.protocol = TCP, .source_port = 40000, .destination_port = 179, .flags = SYN},
		{.protocol = TCP, .source_port = 179, .destination_port = 40000, .flags = ACK},
		MERIDIAN_PUNT_session},
	{"connection of theirs",
		{.protocol = TCP, .source_port = 179, .destination_port = 40000, .flags = ACK},
		{.protocol = TCP, .source_port = 40000, .destination_port = 179, .flags = ACK},
		MERIDIAN_PUNT_session},
	{"stranger who got SYN with ACK",
		{.protocol = TCP, .source_port = 22, .destination_port = 40000, .flags = SYN | ACK},
		{.protocol = TCP, .source_port = 40000, .destination_port = 22, .flags = ACK},
		MERIDIAN_PUNT_opening},
	{"stranger who got RST",
		{.protocol = TCP, .source_port = 22, .destination_port = 40000, .flags = RST | ACK},
		{.protocol = TCP, .source_port = 40000, .destination_port = 22, .flags = ACK},
		MERIDIAN_PUNT_opening},
	{"tunnel", {.protocol = GRE}, {.protocol = GRE}, MERIDIAN_PUNT_session},
	{"tunnel of another kind", {.protocol = GRE}, {.protocol = ESP}, MERIDIAN_PUNT_other},
	{"another's tunnel", {.protocol = GRE}, {.protocol = GRE, .peer = 1}, MERIDIAN_PUNT_other},
	{"stranger who got INIT ACK", {.protocol = SCTP}, {.protocol = SCTP}, MERIDIAN_PUNT_other},
	{"stranger who got a reset", {.protocol = DCCP}, {.protocol = DCCP}, MERIDIAN_PUNT_other},
	{"ping of one who was answered", {.protocol = ICMP}, {.protocol = ICMP, .flags = 8},
		MERIDIAN_PUNT_icmp},
};

static void who_talks_with_the_kernel_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct frame sent = frame_of(&talks[i].sent, true);
		struct frame received = frame_of(&talks[i].received, false);

		setup(state);
		triage_sent(triage, sent.octets, sent.length, NOW_S);
		expect(&received, talks[i].class, talks[i].what);
		teardown(state);
	}
}

/* An error about something that was sent, and about something that was not. */
static void errors_belong_to_what_they_quote(void **state)
{
	struct spec sent = {.protocol = TCP, .source_port = 179, .destination_port = 999};
	struct spec error = {.protocol = ICMP, .flags = 3, .peer = 9};
	/* Of IPv4: unreachable, time exceeded, parameter problem. */
	static const uint8_t types[2][3] = {{3, 11, 12}, {1, 2, 127}};

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct frame frame;
		uint8_t *quote;

		sent.ipv6 = error.ipv6 = ipv6;
		sent.flags = ACK;
		if (ipv6) {
			error.protocol = ICMPV6;
			error.flags = 2; /* too big */
		}
		frame = frame_of(&sent, true);
		triage_sent(triage, frame.octets, frame.length, NOW_S);
		frame = frame_of(&error, false);
		quote = frame.octets + 14 + (ipv6 ? 40 : 20) + 8;
		frame.length = (uint32_t)(quote - frame.octets) + packet_put(quote, &sent, true);
		for (size_t i = 0; i < 3; i++) {
			frame.octets[14 + (ipv6 ? 40 : 20)] = types[ipv6][i];
			expect(&frame, MERIDIAN_PUNT_session, "error about a session");
		}
		put_u16(quote + (ipv6 ? 40 : 20), 180);
		expect(&frame, MERIDIAN_PUNT_icmp, "error about nothing");
		frame.octets[14 + (ipv6 ? 40 : 20)] = ipv6 ? 128 : 8;
		put_u16(quote + (ipv6 ? 40 : 20), 179);
		expect(&frame, MERIDIAN_PUNT_icmp, "ping that looks like an error");
	}
}

static void link_protocols_and_groups(void **state)
{
	static const uint16_t ethertypes[] = {0x0806, 0x8809, 0x88cc, 0x0027};
	struct spec ipv4 = {.protocol = UDP}, ipv6 = {.ipv6 = true, .protocol = UDP};
	struct frame frame = {.length = 60};

	(void)state;
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(ethertypes[0]); i++) {
		put_u16(frame.octets + 12, ethertypes[i]);
		expect(&frame, MERIDIAN_PUNT_link, "no IP");
	}
	frame = frame_of(&ipv4, false);
	memcpy(frame.octets + 14 + 16, (uint8_t[]){224, 0, 0, 5}, 4);
	expect(&frame, MERIDIAN_PUNT_link, "OSPF's group");
	memcpy(frame.octets + 14 + 16, (uint8_t[]){224, 0, 1, 5}, 4);
	expect(&frame, MERIDIAN_PUNT_other, "a routed group");
	frame = frame_of(&ipv6, false);
	memcpy(frame.octets + 14 + 24, (uint8_t[]){0xff, 0x02}, 2);
	expect(&frame, MERIDIAN_PUNT_link, "a group of the link");
	memcpy(frame.octets + 14 + 24, (uint8_t[]){0xff, 0x05}, 2);
	expect(&frame, MERIDIAN_PUNT_other, "a group of the site");
	memcpy(frame.octets + 14 + 8, (uint8_t[]){0xfe, 0x80}, 2);
	expect(&frame, MERIDIAN_PUNT_link, "a link-local source");
	frame = frame_of(&ipv6, false);
	memcpy(frame.octets + 14 + 24, (uint8_t[]){0xfe, 0xbf}, 2);
	expect(&frame, MERIDIAN_PUNT_link, "a link-local destination");
	memcpy(frame.octets + 14 + 24, (uint8_t[]){0xfe, 0xc0}, 2);
	expect(&frame, MERIDIAN_PUNT_other, "a site-local destination");
}

static uint32_t sender_of(const struct frame *frame)
{
	uint32_t sender;

	triage_class(triage, frame->octets, frame->length, &sender);
	return sender;
}

/* Whatever the ports, a sender is one. */
static void senders_are_told_apart(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct spec spec = {.ipv6 = ipv6, .protocol = UDP, .source_port = 1};
		struct frame frame = frame_of(&spec, false), other;

		spec.source_port = 2;
		other = frame_of(&spec, false);
		assert_int_equal(sender_of(&frame), sender_of(&other));
		spec.peer = 1;
		other = frame_of(&spec, false);
		assert_int_not_equal(sender_of(&frame), sender_of(&other));
		put_u16(frame.octets + 12, 0x0806);
		other = frame;
		other.octets[14] ^= 1;
		assert_int_equal(sender_of(&frame), sender_of(&other));
		other.octets[11] ^= 1;
		assert_int_not_equal(sender_of(&frame), sender_of(&other));
	}
}

/* Whoever has found senders that share a place of the limits knows nothing of the next start. */
static void senders_are_hashed_anew(void **state)
{
	struct triage *before = triage;
	unsigned int same = 0;

	(void)state;
	assert_int_equal(triage_new(&triage, 4712), 0);
	for (uint8_t peer = 0; peer < PEERS; peer++) {
		struct spec spec = {.ipv6 = peer % 2, .protocol = UDP, .peer = peer};
		struct frame frame = frame_of(&spec, false);
		uint32_t was;

		triage_class(before, frame.octets, frame.length, &was);
		same += sender_of(&frame) == was;
	}
	assert_int_equal(same, 0);
	triage_free(triage);
	triage = before;
}

/* Nothing is read behind the end, and a whole frame has a class of its own: in memory that is no
 * longer than the frame, for sanitizers to see. */
static void frames_cut_short(void **state)
{
	struct spec answer = {.protocol = UDP, .source_port = 9, .destination_port = 1500};
	struct spec question = {.protocol = UDP, .source_port = 1500, .destination_port = 9};
	struct frame sent = frame_of(&question, true), whole = frame_of(&answer, false);

	(void)state;
	triage_sent(triage, sent.octets, sent.length, NOW_S);
	for (uint32_t length = 0; length <= whole.length; length++) {
		uint8_t *octets = test_malloc(length + 1);
		uint32_t sender;
		bool has_ports = length >= 14 + 20 + 4;

		memcpy(octets + 1, whole.octets, length);
		assert_int_equal(triage_class(triage, octets + 1, length, &sender),
			has_ports ? MERIDIAN_PUNT_answer : MERIDIAN_PUNT_other);
		triage_sent(triage, octets + 1, length, NOW_S);
		test_free(octets);
	}
	whole.octets[14 + 6] = 0x20; /* more fragments */
	expect(&whole, MERIDIAN_PUNT_other, "fragment of an answer");
	whole.octets[14 + 6] = 0;
	whole.octets[14] = 0x44;
	expect(&whole, MERIDIAN_PUNT_other, "short IP header");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			strangers_are_apart_from_neighbours, setup, teardown),
		cmocka_unit_test(who_talks_with_the_kernel_is_known),
		cmocka_unit_test_setup_teardown(errors_belong_to_what_they_quote, setup, teardown),
		cmocka_unit_test_setup_teardown(link_protocols_and_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(senders_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(senders_are_hashed_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(frames_cut_short, setup, teardown),
	};

	return cmocka_run_group_tests_name("triage", tests, NULL, NULL);
}
