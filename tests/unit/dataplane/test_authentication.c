/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests with a MAC, through the whole reply path. */

#include "fixture.h"
#include <burst.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define V3 0x1b
#define V4 0x23

struct bench {
	struct responder responder;
	struct responder_policy *policy;
	struct keyring *keyring;
	struct meridian_timemodel_data model;
};

static int bench_setup(void **state)
{
	static struct bench bench;

	bench.policy = fixture_policy();
	bench.keyring = fixture_keyring();
	bench.model = fixture_model();
	responder_init(&bench.responder, 1, NULL);
	bench.responder.keyring = bench.keyring;
	responder_begin(&bench.responder, &bench.model, bench.policy, FIXTURE_COUNTER, 0);
	*state = &bench;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *bench = *state;

	responder_policy_free(bench->policy);
	keyring_free(bench->keyring);
	return 0;
}

/* A request of `length` octets; the reply's payload, if there is one, and its length. */
static enum meridian_verdict ask(struct bench *bench, const uint8_t *payload, size_t length,
	uint8_t ret_payload[PKT_MAX], size_t *ret_length)
{
	enum meridian_verdict verdict;
	struct fixture_frame f;
	struct pkt pkt;

	pkt_build(&pkt, (struct pkt_spec){.ipv6 = length % 8 == 4}, payload, length);
	fixture_frame_init(&f, pkt.data, pkt.length);
	verdict = responder_classify(&bench->responder, &f.frame, FIXTURE_COUNTER);
	*ret_length = 0;
	if (fixture_answers(verdict)) {
		const uint8_t *data = f.frame.data;

		responder_finish(&bench->responder, &f.frame, FIXTURE_COUNTER + 1000);
		assert_true(
			pkt_checksum_udp_good(data + f.frame.ip, data + f.frame.udp, f.frame.ipv6));
		*ret_length = f.frame.length - f.frame.payload;
		memcpy(ret_payload, data + f.frame.payload, *ret_length);
	} else {
		assert_true(fixture_frame_unchanged(&f));
	}
	fixture_frame_fini(&f);
	return verdict;
}

static enum meridian_verdict verdict_of(struct bench *bench, const uint8_t *payload, size_t length)
{
	uint8_t reply[PKT_MAX];
	size_t reply_length;

	return ask(bench, payload, length, reply, &reply_length);
}

static void assert_signed(
	struct bench *bench, const uint8_t *reply, size_t length, uint32_t id, size_t mac)
{
	const struct mac_key *key = keyring_key(bench->keyring, keyring_find(bench->keyring, id));

	assert_int_equal(length, PKT_NTP_SIZE + mac);
	assert_int_equal(mac_id(reply + PKT_NTP_SIZE), id);
	assert_true(mac_good(key, reply, PKT_NTP_SIZE, mac));
}

/* The reply is as long as the request, of the same key, and its MAC is over the transmit time. */
static void signs_with_the_key_of_the_request(void **state)
{
	static const uint8_t first[] = {V3, V4, 0x13 /* version 2 */};
	const struct mac_type *type;

	for (size_t t = 0; (type = mac_type_at(t)); t++) {
		for (size_t v = 0; v < sizeof(first); v++) {
			uint8_t payload[PKT_MAX], reply[PKT_MAX];
			size_t length, reply_length;

			pkt_ntp(payload, first[v], 7);
			length = fixture_sign(((struct bench *)*state)->keyring, payload,
				PKT_NTP_SIZE, type->number);
			assert_int_equal(ask(*state, payload, length, reply, &reply_length),
				MERIDIAN_VERDICT_answered);
			assert_int_equal(reply_length, length);
			assert_true(pkt_u64(reply + 40) > pkt_u64(reply + 32));
			assert_signed(
				*state, reply, reply_length, type->number, length - PKT_NTP_SIZE);
		}
	}
}

/* ntpd's CMAC lost some with each packet (CVE-2020-15025). Where a sanitizer has the heap, it sees.
 */
static void leaves_no_memory_behind(void **state)
{
	const struct mac_type *type;

	for (size_t t = 0; (type = mac_type_at(t)); t++) {
		uint8_t payload[PKT_MAX], reply[PKT_MAX];
		size_t length, reply_length, before;

		pkt_ntp(payload, V4, 7);
		length = fixture_sign(
			((struct bench *)*state)->keyring, payload, PKT_NTP_SIZE, type->number);
		before = mallinfo2().uordblks;
		for (unsigned int i = 0; i < 2000; i++) {
			payload[length - 1] ^= 1; /* good, bad, good ... */
			ask(*state, payload, length, reply, &reply_length);
			assert_int_equal(reply_length, i % 2 == 0 ? 0 : length);
		}
		assert_int_equal(mallinfo2().uordblks, before);
	}
}

/* RFC 5905 section 7.3: the MAC is over header and extension fields; the reply has none of these.
 */
static void verifies_over_extension_fields(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX], reply[PKT_MAX];
	size_t length, reply_length;

	pkt_ntp(payload, V4, 7);
	length = pkt_extension(payload, PKT_NTP_SIZE, 0x0104, 32);
	length = fixture_sign(bench->keyring, payload, length, MERIDIAN_KEY_AES128);
	assert_int_equal(
		ask(bench, payload, length, reply, &reply_length), MERIDIAN_VERDICT_answered);
	assert_signed(bench, reply, reply_length, MERIDIAN_KEY_AES128, 20);
	payload[PKT_NTP_SIZE + 10] ^= 1;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_bad_mac);
}

static void drops_what_is_not_authentic(void **state)
{
	struct bench *bench = *state;
	const struct mac_type *type;

	for (size_t t = 0; (type = mac_type_at(t)); t++) {
		uint8_t payload[PKT_MAX];
		size_t length;

		pkt_ntp(payload, V4, 7);
		length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, type->number);
		for (size_t octet = 4; octet < length; octet++) {
			enum meridian_verdict expected = octet < PKT_NTP_SIZE || octet >= 52
				? MERIDIAN_VERDICT_bad_mac
				: MERIDIAN_VERDICT_unknown_key;

			payload[octet] ^= 0x40;
			assert_int_equal(verdict_of(bench, payload, length), expected);
			payload[octet] ^= 0x40;
		}
		assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_answered);
	}
}

/* Another key of ours does not do: keys are not exchangeable. */
static void drops_the_mac_of_another_key(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX];
	size_t length;

	pkt_ntp(payload, V4, 7);
	length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_AES128);
	payload[PKT_NTP_SIZE + 3] = MERIDIAN_KEY_AES256;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_bad_mac);
	payload[PKT_NTP_SIZE + 3] = MERIDIAN_KEY_SHA256; /* whose MAC is longer */
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_bad_mac);
}

/* A digest that is cut further, or not cut, is none, whatever its octets. */
static void drops_a_mac_of_wrong_length(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX] = {0};
	size_t length;

	pkt_ntp(payload, V3, 7);
	length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_SHA256);
	assert_int_equal(length, PKT_NTP_SIZE + 36);
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_answered);
	for (size_t rest = 20; rest <= 68; rest += 4) {
		if (PKT_NTP_SIZE + rest != length)
			assert_int_equal(verdict_of(bench, payload, PKT_NTP_SIZE + rest),
				MERIDIAN_VERDICT_bad_mac);
	}
	pkt_ntp(payload, V4, 7);
	length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_SHA256);
	assert_int_equal(length, PKT_NTP_SIZE + 24);
	assert_int_equal(verdict_of(bench, payload, length - 4), MERIDIAN_VERDICT_bad_mac);
}

/* Octets of a MAC's field of NTPv5 before the key ID. */
#define FIELD 4

/* A signed request of NTPv5: the draft, padding whose length is no multiple of 4, and the MAC; then
 * a correction, which the MAC does not cover, unless `bare`. */
static size_t ntpv5_make(struct bench *bench, uint8_t payload[PKT_MAX], uint8_t id, bool bare)
{
	static const uint8_t fields[] = "\xf5\xff\0\x1b"
					"draft-ietf-ntp-ntpv5-09\0"
					"\xf5\x01\0\x06zz\0\0";
	size_t length = PKT_NTP_SIZE + sizeof(fields) - 1;

	pkt_ntp(payload, 0x2b, 0);
	memset(payload + 24, 0x77, 8);
	memcpy(payload + PKT_NTP_SIZE, fields, sizeof(fields) - 1);
	length = fixture_sign(bench->keyring, payload, length, id);
	return bare ? length : pkt_extension(payload, length, 0xf506, 28);
}

static void signs_ntpv5_in_its_place(void **state)
{
	struct bench *bench = *state;
	const struct mac_type *type;

	bench->policy->ntpv5 = true;
	for (size_t t = 0; (type = mac_type_at(t)); t++) {
		const uint32_t at = PKT_NTP_SIZE + 28 + 8;
		const struct mac_key *key =
			keyring_key(bench->keyring, keyring_find(bench->keyring, type->number));
		uint8_t payload[PKT_MAX], reply[PKT_MAX];
		size_t length, reply_length;

		for (int bare = 0; bare < 2; bare++) {
			length = ntpv5_make(bench, payload, type->number, bare);
			assert_int_equal(ask(bench, payload, length, reply, &reply_length),
				MERIDIAN_VERDICT_answered_ntpv5);
			assert_int_equal(reply_length, length);
			assert_memory_equal(reply + at, payload + at, FIELD + MAC_ID_SIZE);
			/* The whole digest, unlike in version 4. */
			assert_int_equal(payload[at + 3], FIELD + MAC_ID_SIZE + type->digest);
			assert_true(mac_good_at(key, reply, at, reply + at + FIELD,
				MAC_ID_SIZE + (size_t)type->digest));
		}
	}
}

static void drops_ntpv5_that_is_not_authentic(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX];
	const size_t length = ntpv5_make(bench, payload, MERIDIAN_KEY_AES128, false);
	const size_t mac = length - 28 - 20;

	bench->policy->ntpv5 = true;
	for (size_t octet = 0; octet < length; octet++) {
		enum meridian_verdict verdict;

		payload[octet] ^= 0x40;
		verdict = verdict_of(bench, payload, length);
		payload[octet] ^= 0x40;
		/* Of another type the field is no MAC: the reply has none either. */
		if (octet >= length - 24 || octet == mac - 4 || octet == mac - 3)
			assert_int_equal(verdict, MERIDIAN_VERDICT_answered_ntpv5);
		else
			assert_int_not_equal(
				meridian_verdict_outcome(verdict), MERIDIAN_OUTCOME_ANSWER);
		if ((octet >= 1 && octet < PKT_NTP_SIZE) || (octet >= mac + 4 && octet < mac + 20))
			assert_int_equal(verdict, MERIDIAN_VERDICT_bad_mac);
		if (octet >= mac && octet < mac + 4)
			assert_int_equal(verdict, MERIDIAN_VERDICT_unknown_key);
	}
	/* Another field may not stand behind the MAC. */
	payload[length - 27] = 1;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_bad_extension);
}

/* Nobody learns by a MAC whether a key exists, nor gets an answer that is not signed. */
static void knows_no_key_without_a_keyring(void **state)
{
	struct bench *bench = *state;
	struct meridian_keys_blob blob = {.generation = 2, .size = sizeof(blob)};
	uint8_t payload[PKT_MAX];
	struct keyring *empty;
	size_t length;

	assert_int_equal(keyring_new(&empty, &blob), 0);
	pkt_ntp(payload, V4, 7);
	length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_MD5);
	bench->responder.keyring = NULL;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_unknown_key);
	bench->responder.keyring = empty;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_unknown_key);
	assert_int_equal(verdict_of(bench, payload, PKT_NTP_SIZE), MERIDIAN_VERDICT_answered);
	keyring_free(empty);
}

/* Who may not ask, may not with a key either, and is not told more. */
static void asks_access_rules_first(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX];
	size_t length;

	access_fini(&bench->policy->access);
	assert_int_equal(access_init(&bench->policy->access, NULL, 0), 0);
	pkt_ntp(payload, V4, 7);
	length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_AES128);
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_denied);
	payload[60] ^= 1;
	assert_int_equal(verdict_of(bench, payload, length), MERIDIAN_VERDICT_denied);
}

/* A frame of the burst before leaves nothing behind that would sign this one. */
static void leaves_the_next_frame_alone(void **state)
{
	struct bench *bench = *state;
	uint8_t payload[PKT_MAX];
	size_t length;

	for (int round = 0; round < 2; round++) {
		enum meridian_verdict verdict;
		uint64_t receive = FIXTURE_COUNTER;
		static struct frame frame;
		struct pkt pkt;

		pkt_ntp(payload, V4, 7);
		length = round
			? PKT_NTP_SIZE
			: fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_AES128);
		pkt_build(&pkt, (struct pkt_spec){0}, payload, length);
		frame.data = pkt.data;
		frame.length = pkt.length;
		frame.mac = frame_mac(pkt_server_mac);
		burst_classify(&bench->responder, &frame, &receive, &verdict, 1);
		assert_int_equal(verdict, MERIDIAN_VERDICT_answered);
		assert_int_equal(frame.key != 0, round == 0);
		burst_finish(&bench->responder, &frame, 1, FIXTURE_COUNTER + 1);
		burst_sign(&bench->responder, &frame, 1);
		assert_int_equal(frame.length, frame.payload + length);
	}
}

/* Alone, or in a burst. */
static enum meridian_verdict classify(struct bench *bench, struct frame *frame, bool burst)
{
	uint64_t receive = FIXTURE_COUNTER;
	enum meridian_verdict verdict;

	if (!burst)
		return responder_classify(&bench->responder, frame, receive);
	burst_classify(&bench->responder, frame, &receive, &verdict, 1);
	return verdict;
}

/* Asks by both ways and families, with a key that we know or in the name of whoever. */
static void ask_from(struct bench *bench, uint8_t source, bool known)
{
	for (unsigned int way = 0; way < 4; way++) {
		uint8_t payload[PKT_MAX];
		struct fixture_frame f;
		struct pkt pkt;
		size_t length;

		pkt_ntp(payload, V4, 7);
		length = fixture_sign(bench->keyring, payload, PKT_NTP_SIZE, MERIDIAN_KEY_AES128);
		payload[PKT_NTP_SIZE] = known ? 0 : 0xff;
		pkt_build(&pkt, (struct pkt_spec){.ipv6 = way / 2}, payload, length);
		pkt.data[pkt.ip + (pkt.ipv6 ? 14 : 15)] = source;
		pkt_checksum(&pkt);
		fixture_frame_init(&f, pkt.data, pkt.length);
		assert_int_equal(classify(bench, &f.frame, way % 2),
			known ? MERIDIAN_VERDICT_answered : MERIDIAN_VERDICT_unknown_key);
		fixture_frame_fini(&f);
	}
}

static unsigned int clients_in(const struct meridian_clients_sketch *sketch)
{
	unsigned int clients = 0;

	for (size_t i = 0; i < sizeof(sketch->rank); i++)
		clients += sketch->rank[i] != 0;
	return clients;
}

/* Nobody makes clients out of forged addresses and a MAC. */
static void counts_no_client_that_is_not_answered(void **state)
{
	static struct collector collector;
	struct bench *bench = *state;

	memset(&collector, 0, sizeof(collector));
	assert_int_equal(limit_new(&bench->responder.limit, LIMIT_SETS_LOG2_MIN, 1), 0);
	bench->responder.collector = &collector;
	for (uint8_t source = 1; source < 100; source++)
		ask_from(bench, source, false);
	assert_int_equal(clients_in(&collector.ipv4), 0);
	assert_int_equal(clients_in(&collector.ipv6), 0);
	ask_from(bench, 1, true);
	assert_int_equal(clients_in(&collector.ipv4), 1);
	assert_int_equal(clients_in(&collector.ipv6), 1);
	limit_free(bench->responder.limit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signs_with_the_key_of_the_request),
		TEST(leaves_no_memory_behind),
		TEST(verifies_over_extension_fields),
		TEST(drops_what_is_not_authentic),
		TEST(drops_the_mac_of_another_key),
		TEST(drops_a_mac_of_wrong_length),
		TEST(signs_ntpv5_in_its_place),
		TEST(drops_ntpv5_that_is_not_authentic),
		TEST(knows_no_key_without_a_keyring),
		TEST(asks_access_rules_first),
		TEST(leaves_the_next_frame_alone),
		TEST(counts_no_client_that_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
