/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Attacks on Meridian as a client, from where packets cannot be seen but sent under the server's
 * address. docs/security-case.md says which history each test is about.
 */

#include "play.h"
#include "seed.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SPOOFS 20000

/* Some answers of everyday life, and a request that is not answered yet. */
static void begin_to_ask(const struct config_server *config)
{
	play_start(config);
	for (int i = 0; i < 5; i++) {
		play_until_request();
		play_answer_good();
	}
	play_until_request();
}

/* All that is known of the server but counts of what was refused, and what each check notes. */
static struct ntp_server state_of_server(void)
{
	struct ntp_server state;

	memcpy(&state, &play_server[0], sizeof(state));
	memset(state.verdicts, 0, sizeof(state.verdicts));
	memset(&state.request, 0, sizeof(state.request));
	memset(state.exchange.t4, 0, sizeof(state.exchange.t4));
	return state;
}

static void assert_unmoved(const struct ntp_server *before, unsigned int reports)
{
	struct ntp_server now = state_of_server();

	assert_memory_equal(&now, before, sizeof(now));
	assert_int_equal(play.reports, reports);
	assert_true(play.exchange->fd >= 0); /* open */
}

static void assert_answer_still_counts(unsigned int reports)
{
	play_answer_good();
	assert_int_equal(play.reports, reports + 1);
	assert_int_equal(play_server[0].source.reach & 1, 1);
}

static struct meridian_ntp_header answer_with(
	const void *origin, uint8_t stratum, const char *refid)
{
	struct meridian_ntp_header answer = {
		.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 4, MERIDIAN_NTP_MODE_SERVER),
		.stratum = stratum,
		.poll = 17,
		.precision = -20,
		.receive = {htonl(4000000000), 1},
		.transmit = {htonl(4000000000), 2}};

	memcpy(&answer.origin, origin, sizeof(answer.origin));
	memcpy(&answer.refid, refid, sizeof(answer.refid));
	return answer;
}

/* CVE-2015-8138, -2016-7431, -2016-9042, -2018-7185: origin timestamps that say nothing. */
static void origin_bypass(void **state)
{
	static const uint8_t zero[8];
	struct meridian_ntp_timestamp previous;
	struct ntp_server before;

	(void)state;
	begin_to_ask(&play_numeric);
	previous = play.request.transmit;
	play_answer_good();
	play_until_request();
	before = state_of_server();
	for (int i = 0; i < 2; i++) {
		struct meridian_ntp_header answer =
			answer_with(i == 0 ? (const void *)zero : &previous, 1, "GPS");

		play_hear(&answer, sizeof(answer));
		assert_unmoved(&before, 6);
	}
	assert_answer_still_counts(6);
}

/* CVE-2015-7704, -2015-7705: whoever can send a kiss-o'-death silences a client. */
static void kod_spoof(void **state)
{
	static const char *const codes[] = {"DENY", "RATE", "RSTR", "XXXX"};
	struct seed seed = seed_init(__func__);
	struct ntp_server before;

	(void)state;
	begin_to_ask(&play_numeric);
	before = state_of_server();
	for (int i = 0; i < 400; i++) {
		uint64_t guess = i % 5 ? seed_next(&seed) : 0;
		struct meridian_ntp_header kiss = answer_with(&guess, 0, codes[i % 4]);

		if (i % 2)
			kiss.li_vn_mode |= 3 << 6;
		play_hear(&kiss, sizeof(kiss));
		assert_unmoved(&before, 5);
	}
	assert_answer_still_counts(5);
}

/* CVE-2020-11868, -2016-4953 to -4957, -2016-1547: any packet but the answer, crypto-NAKs among
 * them, changes the state of an association. */
static void offpath_dos(void **state)
{
	struct seed seed = seed_init(__func__);
	struct ntp_server before;

	(void)state;
	begin_to_ask(&play_numeric);
	before = state_of_server();
	for (int i = 0; i < SPOOFS; i++) {
		uint64_t packet[13];
		size_t length = seed_below(&seed, sizeof(packet) + 1);

		for (size_t k = 0; k < sizeof(packet) / sizeof(packet[0]); k++)
			packet[k] = seed_below(&seed, 4) ? seed_next(&seed) : 0;
		if (i % 4 == 0) {
			length = i % 8 ? MERIDIAN_NTP_HEADER_SIZE : MERIDIAN_NTP_HEADER_SIZE + 4;
			*(uint8_t *)packet =
				MERIDIAN_NTP_LI_VN_MODE(0, 4, MERIDIAN_NTP_MODE_SERVER);
			packet[6] = 0;
		}
		play_hear(packet, length);
	}
	assert_unmoved(&before, 5);
	assert_answer_still_counts(5);
}

/* CVE-2016-4954, -7426, -7428, -1549: modes that make or move associations elsewhere. */
static void foreign_modes(void **state)
{
	struct ntp_server before;

	(void)state;
	begin_to_ask(&play_numeric);
	before = state_of_server();
	for (uint8_t mode = 0; mode < 8; mode++) {
		struct meridian_ntp_header packet = answer_with(&play.request.transmit, 1, "GPS");

		if (mode == MERIDIAN_NTP_MODE_SERVER)
			continue;
		packet.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(0, 4, mode);
		play_hear(&packet, sizeof(packet));
		assert_unmoved(&before, 5);
	}
	assert_answer_still_counts(5);
}

/* RFC 5905 section 8: one request, one answer. In interleaved mode its socket stays open until the
 * next request. */
static void second_answer(void **state)
{
	struct config_server config = play_numeric;

	(void)state;
	for (uint8_t i = 0; i < 4; i++) {
		struct meridian_ntp_header answer;
		struct ntp_server before, now;

		config.xleave = i >= 2;
		begin_to_ask(&config);
		play_answer_good();
		assert_int_equal(play.reports, 6);
		assert_int_equal(play.exchange->fd >= 0, config.xleave);
		before = state_of_server();
		answer = answer_with(&play.request.transmit, i % 2, i % 2 ? "GPS" : "DENY");
		play_hear(&answer, sizeof(answer));
		now = state_of_server();
		assert_memory_equal(&now, &before, sizeof(now));
		assert_int_equal(play.reports, 6);
	}
}

/* CVE-2016-7433: a server that lies about how far it is from the truth. */
static void root_distance_lie(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct meridian_ntp_header answer;

		begin_to_ask(&play_numeric);
		answer = answer_with(&play.request.transmit, 2, "GPS");
		answer.root_delay = i == 0 ? UINT32_MAX : 0;
		answer.root_dispersion = i == 1 ? UINT32_MAX : 0;
		play_hear(&answer, sizeof(answer));
		assert_int_equal(play_server[0].last_verdict, PACKET_ROOT_DISTANCE);
		assert_int_equal(play.reports, 5);
	}
}

/* CVE-2020-13817: timestamps of ours that can be guessed. */
static void predictable_transmit(void **state)
{
	uint64_t seen[64], any = 0, all = UINT64_MAX;

	(void)state;
	play_start(&play_numeric);
	for (int i = 0; i < 64; i++) {
		play_until_request();
		memcpy(&seen[i], &play.request.transmit, sizeof(seen[i]));
		any |= seen[i];
		all &= seen[i];
		for (int k = 0; k < i; k++)
			assert_true(seen[k] != seen[i]);
		play_answer_good();
	}
	/* Of 64 random bits of one place, all are alike once in 2^63 times. */
	assert_true(any == UINT64_MAX && all == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_bypass),
		cmocka_unit_test(kod_spoof),
		cmocka_unit_test(offpath_dos),
		cmocka_unit_test(foreign_modes),
		cmocka_unit_test(second_answer),
		cmocka_unit_test(root_distance_lie),
		cmocka_unit_test(predictable_transmit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
