/* SPDX-License-Identifier: BSD-3-Clause */
#include <bytes.h>
#include <fixture.h>
#include <meridian/counter.h>
#include <server.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Frames without a stamp that came while their server slept. The model's counter is
 * CLOCK_MONOTONIC_RAW, in ns. */

#define HZ       UINT64_C(1000000000)
#define SPAN_NS  UINT64_C(200000)
#define SHORT_NS 15259 /* a unit of the short format, 2^-16 s */
#define MODEL_S  3600

struct setup {
	struct server server;
	struct meridian_stats_worker slot;
	struct meridian_timemodel page;
	struct meridian_timemodel_data model;
	struct server_view view;
	struct responder_policy *policy;
};

static int setup(void **state)
{
	static struct setup setup;
	struct meridian_timemodel_data *model = &setup.model;

	memset(&setup, 0, sizeof(setup));
	*model = fixture_model();
	model->counter_id = MERIDIAN_COUNTER_MONOTONIC_RAW;
	model->counter_hz = HZ;
	model->dispersion_rate_ppb = 0;
	model->line.counter = meridian_counter_read(model->counter_id);
	model->line.period_frac64 = UINT64_MAX / HZ;
	model->period_shift = 0;
	model->slew = model->line;
	model->published_counter = model->line.counter;
	model->valid_until_counter = model->line.counter + MODEL_S * HZ;
	meridian_timemodel_write(&setup.page, model);
	setup.policy = fixture_policy();
	setup.view = (struct server_view){.policy = setup.policy, .model = &setup.page};
	assert_int_equal(server_init(&setup.server, &setup.slot, LIMIT_SETS_LOG2_MIN), 0);
	*state = &setup;
	return 0;
}

static int teardown(void **state)
{
	struct setup *setup = *state;

	server_fini(&setup->server);
	responder_policy_free(setup->policy);
	return 0;
}

struct told {
	enum meridian_verdict verdict;
	uint64_t receive_counter;
	uint64_t dispersion_ns;
};

/* A burst of one request without a stamp. */
static struct told ask_unstamped(struct setup *setup, uint64_t empty_counter)
{
	static struct server_burst burst;
	uint8_t payload[PKT_NTP_SIZE];
	struct fixture_frame f;
	struct pkt pkt;
	struct told told = {0};

	pkt_ntp(payload, 0x23, 1);
	pkt_build(&pkt, (struct pkt_spec){0}, payload, sizeof(payload));
	fixture_frame_init(&f, pkt.data, pkt.length);
	server_look(&setup->server, &setup->view, CLOCK_MONOTONIC);
	server_begin(&setup->server, &burst, &setup->view, empty_counter);
	burst.frame[0] = f.frame;
	told.verdict = MERIDIAN_VERDICT_stale;
	if (server_add(&setup->server, &burst, MERIDIAN_STAMP_counter, 0)) {
		server_classify(&setup->server, &burst);
		told.verdict = burst.verdict[0];
		told.receive_counter = burst.receive_counter[0];
	}
	if (told.verdict == MERIDIAN_VERDICT_answered) {
		uint64_t delay_dispersion =
			pkt_u64(burst.frame[0].data + burst.frame[0].payload + 4);

		told.dispersion_ns = (uint64_t)(uint32_t)delay_dispersion * HZ >> 16;
	}
	fixture_frame_fini(&f);
	return told;
}

/* A burst of one request, of the frame `ret_frame` then; `id`: of the key that signs it, or 0. */
static enum meridian_verdict ask(struct setup *setup, uint32_t id, struct server_burst *burst,
	struct fixture_frame *ret_frame)
{
	uint8_t payload[PKT_NTP_SIZE + MERIDIAN_NTP_MAC_MAX];
	size_t length = PKT_NTP_SIZE;
	struct pkt pkt;

	pkt_ntp(payload, 0x23, 1);
	if (id != 0)
		length = fixture_sign(setup->view.keyring, payload, length, id);
	pkt_build(&pkt, (struct pkt_spec){0}, payload, length);
	fixture_frame_init(ret_frame, pkt.data, pkt.length);
	server_look(&setup->server, &setup->view, CLOCK_MONOTONIC);
	server_begin(&setup->server, burst, &setup->view, 0);
	burst->frame[0] = ret_frame->frame;
	assert_true(server_add(&setup->server, burst, MERIDIAN_STAMP_counter, 0));
	server_classify(&setup->server, burst);
	return burst->verdict[0];
}

static void answer(struct setup *setup, uint32_t id, struct server_burst *burst,
	struct fixture_frame *ret_frame)
{
	assert_int_equal(ask(setup, id, burst, ret_frame), MERIDIAN_VERDICT_answered);
	server_finish(&setup->server, burst);
}

/* The counter that T3 of a reply is of. */
static uint64_t transmit_counter(struct setup *setup, uint32_t id)
{
	static struct server_burst burst;
	struct fixture_frame f;

	answer(setup, id, &burst, &f);
	fixture_frame_fini(&f);
	return burst.transmit_counter;
}

static void smear_now(struct setup *setup)
{
	struct meridian_policy_address address = {.family = MERIDIAN_FAMILY_IPV4, .smear = 1};
	uint64_t now = meridian_counter_read(setup->model.counter_id);

	memcpy(address.octets, pkt_server_ipv4, 4);
	setup->policy->smear.shape = MERIDIAN_SMEAR_LINEAR;
	setup->policy->smear.duration_s = 86400;
	assert_int_equal(served_init(&setup->policy->smear.addresses, &address, 1), 0);
	setup->model.leap = MERIDIAN_NTP_LI_INSERT;
	setup->model.leap_s = meridian_timemodel_utc(&setup->model, now).s + MODEL_S;
	meridian_timemodel_write(&setup->page, &setup->model);
}

/* The MAC is that of what is told. */
static void signs_what_is_smeared(void **state)
{
	static struct server_burst burst;
	struct setup *setup = *state;
	struct keyring *keyring = fixture_keyring();
	const struct mac_key *key =
		keyring_key(keyring, keyring_find(keyring, MERIDIAN_KEY_AES128));
	const size_t mac = mac_length(key, 4);
	const uint8_t *reply;
	struct fixture_frame f;

	setup->view.keyring = keyring;
	smear_now(setup);
	answer(setup, MERIDIAN_KEY_AES128, &burst, &f);
	reply = burst.frame[0].data + burst.frame[0].payload;
	assert_int_equal(burst.frame[0].payload_length, PKT_NTP_SIZE + mac);
	assert_int_equal(reply[offsetof(struct meridian_ntp_header, refid)], 254);
	assert_true(mac_good(key, reply, PKT_NTP_SIZE, mac));
	server_sent(&setup->server, &burst, 1);
	assert_int_equal(setup->slot.authenticated, 1);
	assert_true(pkt_checksum_udp_good(burst.frame[0].data + burst.frame[0].ip,
		burst.frame[0].data + burst.frame[0].udp, false));
	fixture_frame_fini(&f);
	setup->view.keyring = NULL;
	keyring_free(keyring);
}

/* A kiss has no time that could be smeared, and is not moved where replies are. */
static void smears_no_kiss(void **state)
{
	static struct server_burst burst;
	struct setup *setup = *state;
	enum meridian_verdict verdict = MERIDIAN_VERDICT_answered;
	const uint8_t *reply;
	struct fixture_frame f;

	smear_now(setup);
	setup->policy->rate = (struct limit_rate){
		.interval_log2 = 7, .burst = 1, .rollup_log2 = 4, .kod_log2 = 1};
	answer(setup, 0, &burst, &f);
	assert_int_equal(
		pkt_u64(burst.frame[0].data + burst.frame[0].payload + 8) >> 24 & 0xff, 254);
	for (int i = 0; i < 1000 && verdict != MERIDIAN_VERDICT_kod; i++) {
		fixture_frame_fini(&f);
		verdict = ask(setup, 0, &burst, &f);
		if (verdict == MERIDIAN_VERDICT_kod)
			server_finish(&setup->server, &burst);
	}
	assert_int_equal(verdict, MERIDIAN_VERDICT_kod);
	reply = burst.frame[0].data + burst.frame[0].payload;
	assert_memory_equal(reply + 12, "RATE", 4);
	assert_int_equal(pkt_u64(reply + 16), 0); /* reference timestamp */
	for (int at = 24; at < 48; at += 8)
		assert_int_equal(pkt_u64(reply + at), 1); /* the client's own */
	assert_true(pkt_checksum_udp_good(burst.frame[0].data + burst.frame[0].ip,
		burst.frame[0].data + burst.frame[0].udp, false));
	fixture_frame_fini(&f);
}

/* MACs that took a second each are expected to take nearly that again. */
static void allows_for_the_time_of_macs(void **state)
{
	struct setup *setup = *state;
	struct keyring *keyring = fixture_keyring();
	uint64_t begin;

	setup->view.keyring = keyring;
	transmit_counter(setup, MERIDIAN_KEY_AES128);
	assert_int_equal(setup->server.signing_ticks, 1); /* however long it took */

	setup->server.signing_ticks = HZ;
	begin = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	assert_true(transmit_counter(setup, MERIDIAN_KEY_AES128) >= begin + HZ);
	assert_int_equal(setup->server.signing_ticks, HZ - HZ / 16);
	assert_true(transmit_counter(setup, 0) < begin + HZ);
	assert_int_equal(setup->server.signing_ticks, HZ - HZ / 16);
	setup->view.keyring = NULL;
	keyring_free(keyring);
}

static void takes_the_time_of_the_burst(void **state)
{
	struct setup *setup = *state;
	struct told told = ask_unstamped(setup, 0);

	assert_int_equal(told.verdict, MERIDIAN_VERDICT_answered);
	assert_int_equal(told.receive_counter, setup->server.now.counter);
	assert_in_range(told.dispersion_ns, setup->model.root_dispersion_ns,
		setup->model.root_dispersion_ns + SHORT_NS);
}

/* Both ends of the span lie within what is told; the next burst tells no more of it. */
static void takes_the_middle_of_a_sleep(void **state)
{
	struct setup *setup = *state;
	uint64_t exact_ns = ask_unstamped(setup, 0).dispersion_ns;
	uint64_t empty = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW) - SPAN_NS;
	struct told told = ask_unstamped(setup, empty);
	uint64_t end = setup->server.now.counter;
	uint64_t error_ns = told.dispersion_ns - setup->model.root_dispersion_ns;

	assert_int_equal(told.verdict, MERIDIAN_VERDICT_answered);
	assert_in_range(told.receive_counter - empty, (end - empty) / 2, (end - empty) / 2 + 1);
	assert_true(error_ns >= told.receive_counter - empty);
	assert_true(error_ns >= end - told.receive_counter);
	assert_true(error_ns <= (end - empty) / 2 + 2 * SHORT_NS);
	assert_int_equal(ask_unstamped(setup, 0).dispersion_ns, exact_ns);
}

/* Like a stamp of that age, for the process was stopped meanwhile. */
static void does_not_guess_a_long_sleep(void **state)
{
	struct setup *setup = *state;
	uint64_t now;

	ask_unstamped(setup, 0);
	now = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW);
	assert_int_equal(
		ask_unstamped(setup, now - 2 * STAMP_AGE_MAX_NS).verdict, MERIDIAN_VERDICT_stale);
	assert_int_equal(ask_unstamped(setup, 0).verdict, MERIDIAN_VERDICT_answered);
}

/* A burst of `count` requests that refer to the replies before, of which the first `sent` leave. */
struct reply {
	uint64_t receive, transmit, left;
};

static void ask_interleaved(
	struct setup *setup, struct reply *reply, unsigned int count, unsigned int sent)
{
	static struct server_burst burst;
	struct fixture_frame f[3];
	uint8_t payload[PKT_NTP_SIZE];
	uint64_t left;
	struct pkt pkt;

	server_look(&setup->server, &setup->view, CLOCK_MONOTONIC);
	server_begin(&setup->server, &burst, &setup->view, 0);
	for (unsigned int i = 0; i < count; i++) {
		pkt_ntp(payload, 0x23, i + 1);
		put_u64(payload + 24, reply[i].receive);
		pkt_build(&pkt, (struct pkt_spec){0}, payload, sizeof(payload));
		fixture_frame_init(&f[i], pkt.data, pkt.length);
		burst.frame[i] = f[i].frame;
		assert_true(server_add(&setup->server, &burst, MERIDIAN_STAMP_counter, 0));
	}
	server_classify(&setup->server, &burst);
	server_finish(&setup->server, &burst);
	left = meridian_counter_read(MERIDIAN_COUNTER_MONOTONIC_RAW) + 5000;
	for (unsigned int i = 0; i < count; i++) {
		reply[i].receive = pkt_u64(burst.frame[i].data + burst.frame[i].payload + 32);
		reply[i].transmit = pkt_u64(burst.frame[i].data + burst.frame[i].payload + 40);
		reply[i].left = left + 40 * i;
		fixture_frame_fini(&f[i]);
	}
	if (server_saves(&burst))
		server_save(&setup->server, &burst, sent, (struct server_left){left, 40});
	server_sent(&setup->server, &burst, sent);
}

/* Each reply that was sent is completed by the next one, also where the whole burst was. */
static void saves_when_replies_left(void **state)
{
	struct setup *setup = *state;
	struct reply reply[3] = {{0}}, before[3];

	assert_int_equal(interleave_new(&setup->policy->interleave, 1024, 1), 0);
	ask_interleaved(setup, reply, 3, 3);
	ask_interleaved(setup, reply, 3, 2);
	assert_int_equal(setup->slot.interleaved, 0);
	memcpy(before, reply, sizeof(before));
	ask_interleaved(setup, reply, 3, 3);
	assert_int_equal(setup->slot.interleaved, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(reply[i].transmit,
			clock_ntp(meridian_timemodel_utc(&setup->model, before[i].left)) &
				~UINT64_C(1));
	assert_true(reply[2].transmit > reply[2].receive);
	ask_interleaved(setup, reply, 3, 3);
	assert_int_equal(setup->slot.interleaved, 5);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], 11);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_tx_failed], 1);
	interleave_free(setup->policy->interleave);
}

/* Each version has its counter; what could not be sent is neither's. */
static void counts_ntpv5(void **state)
{
	static const uint8_t draft[28] = "\xf5\xff\0\x1b"
					 "draft-ietf-ntp-ntpv5-09";
	static const uint8_t first[4] = {0x23, 0x2b, 0x2b, 0x2b};
	static struct server_burst burst;
	struct setup *setup = *state;
	struct fixture_frame f[4];

	setup->policy->ntpv5 = true;
	server_look(&setup->server, &setup->view, CLOCK_MONOTONIC);
	server_begin(&setup->server, &burst, &setup->view, 0);
	for (unsigned int i = 0; i < 4; i++) {
		uint8_t payload[PKT_NTP_SIZE + sizeof(draft)];
		size_t length = first[i] == 0x2b ? sizeof(payload) : PKT_NTP_SIZE;
		struct pkt pkt;

		pkt_ntp(payload, first[i], 0);
		memcpy(payload + PKT_NTP_SIZE, draft, sizeof(draft));
		pkt_build(&pkt, (struct pkt_spec){0}, payload, length);
		fixture_frame_init(&f[i], pkt.data, pkt.length);
		burst.frame[i] = f[i].frame;
		assert_true(server_add(&setup->server, &burst, MERIDIAN_STAMP_counter, 0));
	}
	server_classify(&setup->server, &burst);
	server_finish(&setup->server, &burst);
	server_sent(&setup->server, &burst, 3);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered], 1);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_answered_ntpv5], 2);
	assert_int_equal(setup->slot.verdict[MERIDIAN_VERDICT_tx_failed], 1);
	for (unsigned int i = 0; i < 4; i++)
		fixture_frame_fini(&f[i]);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(takes_the_time_of_the_burst),
		SERVER_TEST(takes_the_middle_of_a_sleep),
		SERVER_TEST(does_not_guess_a_long_sleep),
		SERVER_TEST(saves_when_replies_left),
		SERVER_TEST(counts_ntpv5),
		SERVER_TEST(allows_for_the_time_of_macs),
		SERVER_TEST(signs_what_is_smeared),
		SERVER_TEST(smears_no_kiss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
