/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum meridian_verdict parse_octets(const uint8_t *data, uint32_t length)
{
	struct fixture_frame f;
	enum meridian_verdict verdict;

	fixture_frame_init(&f, data, length);
	verdict = frame_parse(&f.frame);
	assert_true(fixture_frame_unchanged(&f));
	fixture_frame_fini(&f);
	return verdict;
}

static enum meridian_verdict parse(const struct pkt *pkt)
{
	return parse_octets(pkt->data, pkt->length);
}

static struct pkt request(struct pkt_spec spec)
{
	uint8_t payload[PKT_NTP_SIZE];
	struct pkt pkt;

	pkt_ntp(payload, 0x23, 1);
	pkt_build(&pkt, spec, payload, sizeof(payload));
	return pkt;
}

static void finds_the_payload(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++) {
		struct pkt_spec spec = {
			.ipv6 = i & 1, .vlan_tags = i / 4, .padding = i & 2 ? 7 : 0};
		struct pkt pkt = request(spec);
		struct frame frame = {
			.data = pkt.data, .length = pkt.length, .mac = frame_mac(pkt_server_mac)};

		assert_int_equal(frame_parse(&frame), MERIDIAN_VERDICT_answered);
		assert_int_equal(frame.ip, pkt.ip);
		assert_int_equal(frame.udp, pkt.udp);
		assert_int_equal(frame.payload, pkt.payload);
		assert_int_equal(frame.payload_length, PKT_NTP_SIZE);
		assert_int_equal(frame.ipv6, spec.ipv6);
		assert_int_equal(frame_source_port(&frame), 40000);
		assert_memory_equal(frame_source(&frame),
			spec.ipv6 ? pkt_client_ipv6 : pkt_client_ipv4, spec.ipv6 ? 16 : 4);
		assert_memory_equal(frame_destination(&frame),
			spec.ipv6 ? pkt_server_ipv6 : pkt_server_ipv4, spec.ipv6 ? 16 : 4);
	}
}

/* A frame cut anywhere is refused without reading past its end. */
static void refuses_every_cut(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = i & 1, .vlan_tags = i / 2});

		for (uint32_t length = 0; length < pkt.length; length++) {
			enum meridian_verdict expected = length < pkt.udp
				? MERIDIAN_VERDICT_short_frame
				: MERIDIAN_VERDICT_bad_ip_header;

			assert_int_equal(parse_octets(pkt.data, length), expected);
		}
	}
}

/* One octet changed, the checksums made good again. */
static const struct {
	const char *what;
	bool ipv6;
	char from; /* e: Ethernet, i: IP, u: UDP */
	uint32_t at;
	uint8_t value;
	enum meridian_verdict verdict;
} changes[] = {
	{"other destination MAC", false, 'e', 5, 0x99, MERIDIAN_VERDICT_foreign_mac},
	{"broadcast destination MAC", true, 'e', 0, 0xff, MERIDIAN_VERDICT_foreign_mac},
	{"group source MAC", false, 'e', 6, 0x03, MERIDIAN_VERDICT_martian_source},
	{"ARP", false, 'e', 13, 0x06, MERIDIAN_VERDICT_not_ip},
	{"version 6 in an IPv4 frame", false, 'i', 0, 0x65, MERIDIAN_VERDICT_bad_ip_header},
	{"header length 4", false, 'i', 0, 0x44, MERIDIAN_VERDICT_bad_ip_header},
	{"header length 6: options", false, 'i', 0, 0x46, MERIDIAN_VERDICT_punt},
	{"total length past the frame", false, 'i', 3, 77, MERIDIAN_VERDICT_bad_ip_header},
	{"total length below the header", false, 'i', 3, 19, MERIDIAN_VERDICT_bad_ip_header},
	{"total length without UDP header", false, 'i', 3, 27, MERIDIAN_VERDICT_bad_udp_length},
	{"total length below the UDP length", false, 'i', 3, 75, MERIDIAN_VERDICT_bad_udp_length},
	{"more fragments", false, 'i', 6, 0x20, MERIDIAN_VERDICT_punt},
	{"fragment offset", false, 'i', 7, 0x01, MERIDIAN_VERDICT_punt},
	{"do not fragment", false, 'i', 6, 0x40, MERIDIAN_VERDICT_answered},
	{"TTL 1", false, 'i', 8, 1, MERIDIAN_VERDICT_answered},
	{"TCP", false, 'i', 9, 6, MERIDIAN_VERDICT_not_ntp},
	{"version 4 in an IPv6 frame", true, 'i', 0, 0x40, MERIDIAN_VERDICT_bad_ip_header},
	{"payload length past the frame", true, 'i', 5, 57, MERIDIAN_VERDICT_bad_ip_header},
	{"payload length without UDP header", true, 'i', 5, 7, MERIDIAN_VERDICT_bad_udp_length},
	{"payload length below the UDP length", true, 'i', 5, 55, MERIDIAN_VERDICT_bad_udp_length},
	{"hop-by-hop options", true, 'i', 6, 0, MERIDIAN_VERDICT_punt},
	{"routing header", true, 'i', 6, 43, MERIDIAN_VERDICT_punt},
	{"fragment header", true, 'i', 6, 44, MERIDIAN_VERDICT_punt},
	{"destination options", true, 'i', 6, 60, MERIDIAN_VERDICT_punt},
	{"ICMPv6", true, 'i', 6, 58, MERIDIAN_VERDICT_not_ntp},
	{"UDP length one more", false, 'u', 5, 57, MERIDIAN_VERDICT_bad_udp_length},
	{"UDP length one less", false, 'u', 5, 55, MERIDIAN_VERDICT_answered},
	{"UDP length 0", true, 'u', 5, 0, MERIDIAN_VERDICT_bad_udp_length},
	{"to port 124", true, 'u', 3, 124, MERIDIAN_VERDICT_not_ntp},
};

static void judges_every_header_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = changes[i].ipv6});
		uint32_t base = changes[i].from == 'e' ? 0
			: changes[i].from == 'i'       ? pkt.ip
						       : pkt.udp;

		print_message("# %s\n", changes[i].what);
		pkt.data[base + changes[i].at] = changes[i].value;
		pkt_checksum(&pkt);
		assert_int_equal(parse(&pkt), changes[i].verdict);
	}
}

/* IP, UDP and the frame agree on a length that leaves no room for the UDP header. */
static void refuses_half_a_udp_header(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 16; i++) {
		struct pkt pkt = request((struct pkt_spec){.ipv6 = i & 1});
		uint8_t length = i / 2;

		pkt.data[pkt.ip + (pkt.ipv6 ? 5 : 3)] = (uint8_t)(length + (pkt.ipv6 ? 0 : 20));
		pkt_checksum(&pkt);
		pkt.data[pkt.udp + 5] = length;
		assert_int_equal(
			parse_octets(pkt.data, pkt.udp + length), MERIDIAN_VERDICT_bad_udp_length);
	}
}

static void refuses_three_vlan_tags(void **state)
{
	struct pkt pkt = request((struct pkt_spec){.vlan_tags = 3});

	(void)state;
	assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_not_ip);
}

static void refuses_source_port_0(void **state)
{
	struct pkt pkt = request((struct pkt_spec){.ipv6 = true});

	(void)state;
	memset(pkt.data + pkt.udp, 0, 2);
	pkt_checksum(&pkt);
	assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_bad_source_port);
}

/* Each bit of what a checksum covers matters, unless it was verified before. */
static void verifies_checksums(void **state)
{
	struct pkt pkt = request((struct pkt_spec){0});
	struct frame frame = {
		.data = pkt.data, .length = pkt.length, .mac = frame_mac(pkt_server_mac)};

	(void)state;
	pkt.data[pkt.ip + 8] ^= 1;
	assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_bad_ip_checksum);
	frame.checksum_good = true;
	assert_int_equal(frame_parse(&frame), MERIDIAN_VERDICT_answered);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		pkt = request((struct pkt_spec){.ipv6 = ipv6});
		for (uint32_t bit = 0; bit < PKT_NTP_SIZE * 8; bit++) {
			pkt.data[pkt.payload + bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_bad_udp_checksum);
			pkt.data[pkt.payload + bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void wants_a_udp_checksum_on_ipv6_only(void **state)
{
	struct pkt pkt = request((struct pkt_spec){.no_udp_checksum = true});

	(void)state;
	assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_answered);
	pkt = request((struct pkt_spec){.no_udp_checksum = true, .ipv6 = true});
	assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_bad_udp_checksum);
}

/* Odd lengths: the last octet is padded for the sum. */
static void sums_odd_lengths(void **state)
{
	uint8_t payload[64];
	struct pkt pkt;

	(void)state;
	memset(payload, 0xa5, sizeof(payload));
	for (size_t length = 0; length <= sizeof(payload); length++) {
		pkt_build(&pkt, (struct pkt_spec){.ipv6 = length & 1}, payload, length);
		assert_int_equal(parse(&pkt), MERIDIAN_VERDICT_answered);
	}
}

static void turns_round(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct pkt_spec spec = {.ipv6 = i & 1, .vlan_tags = i / 2, .padding = 9};
		struct pkt was = request(spec), pkt = was;
		struct frame frame = {
			.data = pkt.data, .length = pkt.length, .mac = frame_mac(pkt_server_mac)};
		uint8_t *ip = pkt.data + pkt.ip, *udp = pkt.data + pkt.udp;

		assert_int_equal(frame_parse(&frame), MERIDIAN_VERDICT_answered);
		frame_turn(&frame, PKT_NTP_SIZE);
		frame_checksum_udp(&frame);
		assert_memory_equal(pkt.data, pkt_client_mac, 6);
		assert_memory_equal(pkt.data + 6, pkt_server_mac, 6);
		assert_memory_equal(pkt.data + 12, was.data + 12, pkt.ip - 12);
		assert_memory_equal(udp, was.data + was.udp + 2, 2);
		assert_memory_equal(udp + 2, was.data + was.udp, 2);
		assert_int_equal(ip[spec.ipv6 ? 7 : 8], 64);
		assert_true(pkt_checksum_udp_good(ip, udp, spec.ipv6));
		assert_true(spec.ipv6 || pkt_checksum_ipv4_good(ip));
		assert_int_equal(frame.length, pkt.payload + PKT_NTP_SIZE);
	}
}

/* A sum of zero is written as all ones: zero would say that there is no checksum. */
static void never_writes_checksum_0(void **state)
{
	struct pkt pkt = request((struct pkt_spec){.ipv6 = true});
	struct frame frame = {
		.data = pkt.data, .length = pkt.length, .mac = frame_mac(pkt_server_mac)};
	uint8_t *checksum = pkt.data + pkt.udp + 6, *free_word = pkt.data + pkt.payload + 4;

	(void)state;
	assert_int_equal(frame_parse(&frame), MERIDIAN_VERDICT_answered);
	memset(free_word, 0, 2);
	frame_checksum_udp(&frame);
	memcpy(free_word, checksum, 2);
	frame_checksum_udp(&frame);
	assert_int_equal(checksum[0] << 8 | checksum[1], 0xffff);
	assert_true(pkt_checksum_udp_good(pkt.data + pkt.ip, pkt.data + pkt.udp, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_payload),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(judges_every_header_field),
		cmocka_unit_test(refuses_half_a_udp_header),
		cmocka_unit_test(refuses_three_vlan_tags),
		cmocka_unit_test(refuses_source_port_0),
		cmocka_unit_test(verifies_checksums),
		cmocka_unit_test(wants_a_udp_checksum_on_ipv6_only),
		cmocka_unit_test(sums_odd_lengths),
		cmocka_unit_test(turns_round),
		cmocka_unit_test(never_writes_checksum_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
