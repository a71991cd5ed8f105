/* SPDX-License-Identifier: BSD-3-Clause */

/* NTPv5: which requests are answered, and field by field with what. */

#include "ntpv5_bench.h"
#include "reply_check.h"
#include <interleave.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* At FIXTURE_UTC_S and a half; 1 ms of root delay, 2 ms and 501 ns of dispersion (a millisecond
 * on), in 2^-28 s. */
static const uint8_t golden_reply[PKT_NTP_SIZE] = {
	0x2c, 2, 0, 0xe0,                               /* LI 0, version 5, mode 4; stratum ... */
	0x00, 0x04, 0x18, 0x94, 0x00, 0x08, 0x31, 0xae, /* root delay, root dispersion */
	0, 0, 0, 1,                                     /* UTC, era 0, synchronised */
	0, 0, 0, 0, 0, 0, 0, 0,                         /* no server cookie */
	0xc0, 0x01, 0xd0, 0x0d, 0xfe, 0xed, 0xbe, 0xef, /* the client's */
	0xe8, 0xfe, 0x6f, 0x80, 0x80, 0x00, 0x00, 0x01, /* received, odd */
	0xe8, 0xfe, 0x6f, 0x80, 0xc0, 0x00, 0x00, 0x00, /* transmitted, even */
};

static void the_plain_reply(void **state)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct bench *bench = *state;
		struct told told;

		bench->counter = FIXTURE_COUNTER + NTPV5_HALF;
		bench->responder.has_model = false; /* another start */
		told = ntpv5_ask(bench, (struct ask){.ipv6 = ipv6});
		assert_int_equal(told.verdict, MERIDIAN_VERDICT_answered_ntpv5);
		assert_int_equal(told.length, PKT_NTP_SIZE + sizeof(ntpv5_draft));
		assert_memory_equal(told.octets, golden_reply, PKT_NTP_SIZE);
		assert_memory_equal(told.octets + PKT_NTP_SIZE, ntpv5_draft, sizeof(ntpv5_draft));
	}
}

static void nothing_without_the_option_or_the_draft(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(ntpv5_ask(bench, (struct ask){.bare = true}).verdict,
		MERIDIAN_VERDICT_foreign_draft);
	bench->policy->ntpv5 = false;
	assert_int_equal(
		ntpv5_ask(bench, (struct ask){.flags = 0}).verdict, MERIDIAN_VERDICT_bad_version);
	bench->policy->ntpv5 = true;
	assert_int_equal(ntpv5_ask(bench, (struct ask){.flags = 0}).verdict,
		MERIDIAN_VERDICT_answered_ntpv5);
}

/* Request fields and what they become. */
static const struct {
	const char *what;
	size_t length;
	const char *request, *reply;
} fields[] = {
	{"padding of 4", 4, "\xf5\x01\0\x04", "\xf5\x01\0\x04"},
	{"padding of 6", 8, "\xf5\x01\0\x06zz\0\0", "\xf5\x01\0\x08\0\0\0\0"},
	{"server information", 8, "\xf5\x05\0\x08\0\0\0\0", "\xf5\x05\0\x08\0\x1f\0\0"},
	{"server information with data", 8, "\xf5\x05\0\x08zzzz", "\xf5\x05\0\x08\0\x1f\0\0"},
	{"server information too long", 12, "\xf5\x05\0\x0czzzzzzzz",
		"\xf5\x01\0\x0c\0\0\0\0\0\0\0\0"},
	{"reference timestamp", 12, "\xf5\x07\0\x0c\0\0\0\0\0\0\0\0",
		"\xf5\x07\0\x0c\xe8\xfe\x6f\x70\x40\0\0\0"},
	{"reference IDs that nobody has", 12, "\xf5\x03\0\x0c\0\0\0\0\0\0\0\0",
		"\xf5\x01\0\x0c\0\0\0\0\0\0\0\0"},
	{"monotonic timestamp", 16, "\xf5\x08\0\x10\0\0\0\0\0\0\0\0\0\0\0\0",
		"\xf5\x01\0\x10\0\0\0\0\0\0\0\0\0\0\0\0"},
	{"secondary timestamp", 16, "\xf5\x09\0\x10\1\0\0\0\0\0\0\0\0\0\0\0",
		"\xf5\x01\0\x10\0\0\0\0\0\0\0\0\0\0\0\0"},
	{"unknown, with its padding", 8, "\xbe\xef\0\x05zyyy", "\xf5\x01\0\x08\0\0\0\0"},
	{"correction", 28,
		"\xf5\x06\0\x1c"
		"oooooooo"
		"pp"
		"rr"
		"DDDDDDDD"
		"PP"
		"cc",
		"\xf5\x06\0\x1c"
		"DDDDDDDD"
		"PP"
		"\0\0"
		"\0\0\0\0\0\0\0\0"
		"\0\0"
		"\0\0"},
	{"correction before another field", 32,
		"\xf5\x06\0\x1c"
		"oooooooo"
		"pp"
		"rr"
		"DDDDDDDD"
		"PP"
		"cc\xf5\x01\0\x04",
		"\xf5\x01\0\x1c"
		"\0\0\0\0\0\0\0\0"
		"\0\0"
		"\0\0"
		"\0\0\0\0\0\0\0\0"
		"\0\0"
		"\0\0\xf5\x01\0\x04"},
	{"our draft again, with octets in its padding", 28,
		"\xf5\xff\0\x1b"
		"draft-ietf-ntp-ntpv5-09z",
		"\xf5\xff\0\x1b"
		"draft-ietf-ntp-ntpv5-09"},
	{"two", 16, "\xf5\x05\0\x08\0\0\0\0\xbe\xef\0\x08zzzz",
		"\xf5\x05\0\x08\0\x1f\0\0\xf5\x01\0\x08\0\0\0\0"},
};

static void each_field_is_answered_in_its_place(void **state)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct told told = ntpv5_ask(*state,
			(struct ask){.fields = (const uint8_t *)fields[i].request,
				.length = fields[i].length});

		if (told.verdict != MERIDIAN_VERDICT_answered_ntpv5 ||
			memcmp(told.octets + PKT_NTP_SIZE + sizeof(ntpv5_draft), fields[i].reply,
				fields[i].length) != 0)
			fail_msg("%s: %s", fields[i].what, meridian_verdict_name(told.verdict));
	}
}

/* A request for `length` octets of reference IDs from `offset` on; returns the field of the reply,
 * whose octet N is N % 251. */
static const uint8_t *ask_ids(
	struct bench *bench, uint16_t offset, uint16_t length, struct told *ret_told)
{
	static struct meridian_timemodel page;
	uint8_t request[4 + 516] = {0xf5, 0x03, (uint8_t)((length + 4) >> 8), (uint8_t)(length + 4),
		(uint8_t)(offset >> 8), (uint8_t)offset};
	uint8_t ids[MERIDIAN_REFERENCE_IDS_SIZE];

	for (size_t i = 0; i < sizeof(ids); i++)
		ids[i] = (uint8_t)(i % 251);
	meridian_reference_ids_write(&page, ids);
	bench->responder.page = &page;
	*ret_told = ntpv5_ask(
		bench, (struct ask){.fields = request, .length = 4 + (size_t)(length + 3) / 4 * 4});
	assert_int_equal(ret_told->verdict, MERIDIAN_VERDICT_answered_ntpv5);
	return ret_told->octets + PKT_NTP_SIZE + sizeof(ntpv5_draft);
}

static void tells_a_part_of_the_reference_ids(void **state)
{
	static const uint16_t good[][2] = {{0, 512}, {0, 2}, {1, 511}, {500, 12}, {3, 5}};
	static const uint16_t bad[][2] = {{1, 512}, {501, 12}, {0xffff, 2}, {0, 513}, {0, 516}};
	struct told told;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const uint8_t *field = ask_ids(*state, good[i][0], good[i][1], &told);

		assert_int_equal(field[0] << 8 | field[1], 0xf504);
		assert_int_equal(field[2] << 8 | field[3], good[i][1] + 4);
		for (size_t n = 0; n < good[i][1]; n++)
			assert_int_equal(field[4 + n], (good[i][0] + n) % 251);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const uint8_t *field = ask_ids(*state, bad[i][0], bad[i][1], &told);

		assert_int_equal(field[0] << 8 | field[1], 0xf501);
		for (size_t n = 0; n < bad[i][1]; n++)
			assert_int_equal(field[4 + n], 0);
	}
}

static void unsynchronised(void **state)
{
	struct bench *bench = *state;
	struct told told;

	bench->model.status = MERIDIAN_TIMEMODEL_UNSYNCHRONISED;
	told = ntpv5_ask(bench, (struct ask){.flags = 2});
	assert_int_equal(told.verdict, MERIDIAN_VERDICT_answered_unsynchronised);
	assert_int_equal(ntpv5_leap(&told), 3);
	assert_int_equal(told.octets[1], 0);
	assert_int_equal(told.octets[4], 0x10); /* a second */
	assert_int_equal(told.octets[8], 0x10);
	assert_false(ntpv5_synchronised(&told));
	assert_int_equal(told.cookie, 0);
}

/* The second reply already tells when the first one left, under its cookie; each once. */
static void interleaved_mode(void **state)
{
	struct bench *bench = *state;
	struct told first, second, third;

	assert_int_equal(interleave_new(&bench->policy->interleave, 64, 1), 0);
	first = ntpv5_ask(bench, (struct ask){.flags = 2});
	assert_int_equal(first.octets[15], 1);
	assert_int_equal(first.cookie, first.receive);
	second = ntpv5_ask(bench, (struct ask){.flags = 2, .server_cookie = first.cookie});
	assert_int_equal(second.octets[15], 3);
	assert_int_equal(second.cookie, second.receive);
	assert_int_equal(second.transmit - first.receive, UINT64_C(0x60000000) - 1);
	third = ntpv5_ask(bench, (struct ask){.flags = 2, .server_cookie = first.cookie});
	assert_int_equal(third.octets[15], 1);
	assert_true(third.transmit > third.receive);
}

static void no_cookie_for_who_does_not_ask(void **state)
{
	struct bench *bench = *state;
	struct told told;

	told = ntpv5_ask(bench, (struct ask){.flags = 2}); /* there is no table */
	assert_int_equal(told.octets[15], 1);
	assert_int_equal(told.cookie, 0);
	assert_int_equal(interleave_new(&bench->policy->interleave, 64, 1), 0);
	told = ntpv5_ask(bench, (struct ask){.flags = 2});
	assert_true(told.cookie != 0);
	told = ntpv5_ask(bench, (struct ask){.server_cookie = told.cookie});
	assert_int_equal(told.octets[15], 1);
	assert_int_equal(told.cookie, 0);
}

/* The rate that the limiter allows, and no more than one a second; no kisses. */
static void tells_the_least_poll_interval(void **state)
{
	struct bench *bench = *state;
	struct limit *limit;

	bench->policy->rate = (struct limit_rate){.interval_log2 = -5, .burst = 8};
	assert_int_equal(ntpv5_ask(bench, (struct ask){.flags = 0}).octets[2], 0);
	bench->policy->rate = (struct limit_rate){
		.interval_log2 = 7, .burst = 1, .rollup_log2 = 4, .kod_log2 = 1};
	assert_int_equal(limit_new(&limit, LIMIT_SETS_LOG2_MIN, 1), 0);
	bench->responder.limit = limit;
	assert_int_equal(ntpv5_ask(bench, (struct ask){.flags = 0}).octets[2], 7);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ntpv5_ask(bench, (struct ask){.flags = 0}).verdict,
			MERIDIAN_VERDICT_rate_limited);
	bench->responder.limit = NULL;
	limit_free(limit);
}

/* An older client is told that NTPv5 is spoken, and in its own version; also while a smear moves
 * the other timestamps. */
static void tells_older_clients(void **state)
{
	struct bench *bench = *state;

	ntpv5_smear(bench);
	bench->model.valid_until_counter = UINT64_MAX;
	for (int on = 0; on < 2; on++) {
		uint8_t payload[PKT_NTP_SIZE], *ntp;
		struct fixture_frame f;
		struct pkt pkt;

		bench->policy->ntpv5 = on;
		bench->counter = fixture_counter(NTPV5_LEAP_S - NTPV5_DAY_S / 4, NTPV5_HALF);
		pkt_ntp(payload, 0x23, NTPV5_COOKIE);
		memcpy(payload + 16, "NTP5DRFT", 8);
		pkt_build(&pkt, (struct pkt_spec){.ipv6 = false}, payload, sizeof(payload));
		fixture_frame_init(&f, pkt.data, pkt.length);
		assert_int_equal(ntpv5_serve(bench, &f.frame), MERIDIAN_VERDICT_answered);
		ntpv5_leave(bench, &f.frame);
		ntp = f.frame.data + f.frame.payload;
		assert_null(reply_fault(&f));
		assert_int_equal(ntp[0], 0x24);
		assert_int_equal(memcmp(ntp + 16, "NTP5DRFT", 8) == 0, on);
		fixture_frame_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NTPV5_TEST(the_plain_reply),
		NTPV5_TEST(nothing_without_the_option_or_the_draft),
		NTPV5_TEST(each_field_is_answered_in_its_place),
		NTPV5_TEST(tells_a_part_of_the_reference_ids),
		NTPV5_TEST(unsynchronised),
		NTPV5_TEST(interleaved_mode),
		NTPV5_TEST(no_cookie_for_who_does_not_ask),
		NTPV5_TEST(tells_the_least_poll_interval),
		NTPV5_TEST(tells_older_clients),
	};

	ntpv5_engines_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
