/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleave.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct interleave interleave;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	interleave = (struct interleave){.known = false};
	now = 0;
	return 0;
}

static struct packet_request ask(void)
{
	struct packet_request request;

	now += 100;
	request = (struct packet_request){.t1 = now, .t4 = now + 10};
	interleave_request(&interleave, &request);
	return request;
}

/* The server answers; `interleaved`: if asked to. Returns whether the sample is new. */
static bool answer(const struct packet_request *request, bool interleaved)
{
	struct packet_response response = {.interleaved = interleaved && request->interleaved,
		.receive = {.seconds = (uint32_t)request->t1 + 5}};

	return interleave_answered(&interleave, request, &response);
}

static void test_each_exchange_gives_one_sample(void **state)
{
	struct packet_request request = ask();

	(void)state;
	assert_false(request.interleaved);
	assert_true(answer(&request, true));
	/* The sample of the first exchange is known already. */
	request = ask();
	assert_true(request.interleaved);
	assert_int_equal(request.earlier.t1, 100);
	assert_int_equal(request.earlier.t2.seconds, 105);
	assert_false(answer(&request, true));
	for (uint64_t i = 2; i < 10; i++) {
		request = ask();
		assert_int_equal(request.earlier.t1, i * 100);
		assert_int_equal(request.earlier.t4, i * 100 + 10);
		assert_int_equal(request.earlier.t2.seconds, i * 100 + 5);
		assert_true(answer(&request, true));
	}
}

static void test_basic_server(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct packet_request request = ask();

		assert_true(answer(&request, false));
	}
}

static void test_missed_answers(void **state)
{
	struct packet_request request = ask();

	(void)state;
	answer(&request, true);
	request = ask();
	answer(&request, true);
	for (int i = 0; i < INTERLEAVE_UNANSWERED_MAX; i++) {
		request = ask();
		assert_true(request.interleaved);
		assert_int_equal(request.earlier.t1, 200);
	}
	request = ask();
	assert_false(request.interleaved);
	assert_true(answer(&request, true));
	request = ask();
	assert_true(request.interleaved);
}

static void test_late_transmit_stamp(void **state)
{
	struct packet_request request = ask();

	(void)state;
	answer(&request, true);
	interleave_stamp(&interleave, 103, 111, 1e-6);
	request = ask();
	assert_int_equal(request.earlier.t1, 103);
	assert_int_equal(request.earlier.t4, 111);
	assert_true(request.earlier.error_s == 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_exchange_gives_one_sample, setup),
		cmocka_unit_test_setup(test_basic_server, setup),
		cmocka_unit_test_setup(test_missed_answers, setup),
		cmocka_unit_test_setup(test_late_transmit_stamp, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
