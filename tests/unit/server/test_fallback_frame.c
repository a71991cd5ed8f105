/* SPDX-License-Identifier: BSD-3-Clause */
#include <fallback_frame.h>
#include <fixture.h>
#include <meridian/ntp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct message {
	uint8_t headroom[FALLBACK_FRAME_HEADROOM];
	uint8_t payload[PKT_MAX];
};

static struct fallback_endpoints endpoints_of(bool ipv6)
{
	struct fallback_endpoints endpoints = {.ipv6 = ipv6, .source_port = 40000};

	if (ipv6) {
		memcpy(endpoints.source, pkt_client_ipv6, 16);
		memcpy(endpoints.destination, pkt_server_ipv6, 16);
	} else {
		memcpy(endpoints.source, pkt_client_ipv4, 4);
		memcpy(endpoints.destination, pkt_server_ipv4, 4);
	}
	return endpoints;
}

/* What the parser finds in the frame is what the kernel said. */
static void builds_what_the_parser_reads(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct fallback_endpoints endpoints = endpoints_of(ipv6);
		size_t octets = ipv6 ? 16 : 4;
		struct message message = {{0}, {1, 2, 3}};
		struct frame frame;

		fallback_frame_build(&frame, message.payload, 48, &endpoints);
		assert_int_equal(frame_parse(&frame), MERIDIAN_VERDICT_answered);
		assert_int_equal(frame.ipv6, ipv6);
		assert_ptr_equal(frame.data + frame.payload, message.payload);
		assert_int_equal(frame.payload_length, 48);
		assert_int_equal(frame.length, frame.payload + 48);
		assert_memory_equal(frame_source(&frame), endpoints.source, octets);
		assert_memory_equal(frame_destination(&frame), endpoints.destination, octets);
		assert_int_equal(message.payload[0], 1);
		assert_int_equal(message.payload[2], 3);
	}
}

static enum meridian_verdict answer(struct message *message, uint16_t length,
	const struct fallback_endpoints *endpoints, struct frame *ret_frame)
{
	struct meridian_timemodel_data model = fixture_model();
	struct responder_policy *policy = fixture_policy();
	struct responder responder;
	enum meridian_verdict verdict;

	responder_init(&responder, 1, NULL);
	responder_begin(&responder, &model, policy, FIXTURE_COUNTER, 0);
	fallback_frame_build(ret_frame, message->payload, length, endpoints);
	verdict = responder_classify(&responder, ret_frame, FIXTURE_COUNTER);
	if (meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER)
		responder_finish(&responder, ret_frame, FIXTURE_COUNTER + 1);
	responder_policy_free(policy);
	return verdict;
}

static void gives_the_reply_to_send(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 <= 1; ipv6++) {
		struct fallback_endpoints endpoints = endpoints_of(ipv6);
		struct message message;
		const uint8_t *payload;
		struct frame frame;

		pkt_ntp(message.payload, 0x23, 0x1122334455667788);
		assert_int_equal(answer(&message, PKT_NTP_SIZE, &endpoints, &frame),
			MERIDIAN_VERDICT_answered);
		assert_int_equal(fallback_frame_payload(&frame, &payload), PKT_NTP_SIZE);
		assert_ptr_equal(payload, message.payload);
		assert_int_equal(payload[0], 0x24);
		assert_int_equal(pkt_u64(payload + 24), 0x1122334455667788);
	}
}

/* The kernel delivers to every address of the host, also to those that are not served. */
static void serves_served_addresses_only(void **state)
{
	struct fallback_endpoints endpoints = endpoints_of(false);
	struct message message;
	struct frame frame;

	(void)state;
	pkt_ntp(message.payload, 0x23, 1);
	endpoints.destination[3] ^= 0x55;
	assert_int_equal(answer(&message, PKT_NTP_SIZE, &endpoints, &frame),
		MERIDIAN_VERDICT_foreign_address);
}

static void refuses_lengths_that_are_no_packet(void **state)
{
	static const uint16_t lengths[] = {0, 1, 47, PKT_MAX};
	struct fallback_endpoints endpoints = endpoints_of(false);

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct message message;
		struct frame frame;

		memset(&message, 0, sizeof(message));
		pkt_ntp(message.payload, 0x23, 1);
		assert_int_equal(answer(&message, lengths[i], &endpoints, &frame),
			MERIDIAN_VERDICT_bad_length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_what_the_parser_reads),
		cmocka_unit_test(gives_the_reply_to_send),
		cmocka_unit_test(serves_served_addresses_only),
		cmocka_unit_test(refuses_lengths_that_are_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
