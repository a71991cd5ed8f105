/* SPDX-License-Identifier: BSD-3-Clause */

/* Responses with and without a MAC, to a client that has a key. */

#include "packet.h"
#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HZ UINT64_C(1000000000)

static const struct timescale timescale = {.hz = HZ, .utc = {1800000000, 0}};

struct talk {
	struct mac_key key, other;
	struct packet_request request;
	uint8_t octets[MERIDIAN_NTP_HEADER_SIZE + 64 + MAC_MAX];
};

/* An answer that is not synchronised: that verdict says that its MAC was good. */
static int setup(void **state)
{
	static struct talk talk;
	struct meridian_ntp_header header = {.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(3, 4, 4)};

	talk = (struct talk){.request = {.version = 4,
				     .transmit = {1, 2, 3, 4, 5, 6, 7, 8},
				     .key = &talk.key,
				     .timescale = &timescale}};
	memcpy(&header.origin, talk.request.transmit, 8);
	memcpy(talk.octets, &header, sizeof(header));
	assert_int_equal(mac_key_init(&talk.key, 7, MERIDIAN_KEY_SHA256,
				 (const uint8_t *)"a key of the server", 19),
		0);
	assert_int_equal(mac_key_init(&talk.other, 8, MERIDIAN_KEY_SHA256,
				 (const uint8_t *)"a key of another one", 20),
		0);
	*state = &talk;
	return 0;
}

static enum packet_verdict check(struct talk *talk, size_t length)
{
	struct packet_response response;

	return packet_response_check(&talk->request, talk->octets, length, &response);
}

static void takes_a_response_with_its_mac(void **state)
{
	struct talk *talk = *state;

	mac_write(&talk->key, talk->octets, 48, 24);
	assert_int_equal(check(talk, 72), PACKET_UNSYNCHRONISED);
	mac_write(&talk->key, talk->octets, 48 + 32, 24); /* behind an extension field */
	assert_int_equal(check(talk, 72 + 32), PACKET_UNSYNCHRONISED);
	talk->octets[50] ^= 1;
	assert_int_equal(check(talk, 72 + 32), PACKET_AUTH);
}

static void refuses_any_other(void **state)
{
	struct talk *talk = *state;

	assert_int_equal(check(talk, 48), PACKET_AUTH);
	mac_write(&talk->key, talk->octets, 48, 24);
	for (size_t length = 48; length < 72; length += 4)
		assert_int_equal(check(talk, length), PACKET_AUTH);
	for (size_t octet = 1; octet < 72; octet++) {
		if (octet >= 24 && octet < 32) /* then it is no answer to us */
			continue;
		talk->octets[octet] ^= 1;
		assert_int_equal(check(talk, 72), PACKET_AUTH);
		talk->octets[octet] ^= 1;
	}
	assert_int_equal(check(talk, 72), PACKET_UNSYNCHRONISED);
}

/* The skeleton key, CVE-2015-7974: a key is one server's. */
static void refuses_the_key_of_another_server(void **state)
{
	struct talk *talk = *state;

	mac_write(&talk->other, talk->octets, 48, 24);
	assert_int_equal(check(talk, 72), PACKET_AUTH);
	talk->octets[51] = 7;
	assert_int_equal(check(talk, 72), PACKET_AUTH);
	talk->request.key = &talk->other;
	talk->octets[51] = 8;
	assert_int_equal(check(talk, 72), PACKET_UNSYNCHRONISED);
}

/* A kiss that is not signed must not keep us from asking. */
static void refuses_a_kiss_without_mac(void **state)
{
	struct talk *talk = *state;
	uint32_t rate = htonl(MERIDIAN_NTP_KISS_RATE);

	memcpy(talk->octets + 12, &rate, 4);
	assert_int_equal(check(talk, 48), PACKET_AUTH);
	mac_write(&talk->key, talk->octets, 48, 24);
	assert_int_equal(check(talk, 72), PACKET_KISS_RATE);
	assert_false(packet_is_answer(PACKET_AUTH));
}

/* What is no answer to the question is so with any MAC. */
static void looks_at_the_origin_first(void **state)
{
	struct talk *talk = *state;

	talk->octets[24] ^= 1;
	mac_write(&talk->key, talk->octets, 48, 24);
	assert_int_equal(check(talk, 72), PACKET_ORIGIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_a_response_with_its_mac, setup),
		cmocka_unit_test_setup(refuses_any_other, setup),
		cmocka_unit_test_setup(refuses_the_key_of_another_server, setup),
		cmocka_unit_test_setup(refuses_a_kiss_without_mac, setup),
		cmocka_unit_test_setup(looks_at_the_origin_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
