/* SPDX-License-Identifier: BSD-3-Clause */
#include <plot.h>
#include <result.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct traffic traffic;
static struct meter meter;
static struct result result;
static char reason[RESULT_REASON_SIZE];

static int start(void **state)
{
	(void)state;
	memset(&meter, 0, sizeof(meter));
	traffic.spec.target_count = 1;
	meter.traffic = &traffic;
	meter.sent = meter.answered = 100000;
	histogram_add(&meter.send_lag, 2000, 100000);
	result = (struct result){
		.meter = &meter, .seconds = 1, .scheduled = 100000, .lag_limit_ns = 1000000};
	return 0;
}

static void blames_the_generator_for_unsent_requests(void **state)
{
	(void)state;
	assert_false(result_limited(&result, reason));
	result.scheduled = 100110;
	assert_true(result_limited(&result, reason));
	assert_string_equal(reason, "only 100000 of 100110 scheduled requests were sent");
	result.refused = 7;
	assert_true(result_limited(&result, reason));
	assert_string_equal(reason,
		"only 100000 of 100110 scheduled requests were sent, and the port was full 7 "
		"times");
}

static void blames_the_generator_for_lag(void **state)
{
	(void)state;
	histogram_add(&meter.send_lag, 2000000, 900);
	assert_false(result_limited(&result, reason));
	histogram_add(&meter.send_lag, 2000000, 200);
	assert_true(result_limited(&result, reason));
	assert_non_null(strstr(reason, "us late (limit 1000 us)"));
}

static void blames_the_generator_for_drops(void **state)
{
	(void)state;
	result.receive_drops = 10;
	assert_false(result_limited(&result, reason));
	result.receive_drops = 11;
	assert_true(result_limited(&result, reason));
	assert_string_equal(reason, "the generator's own port dropped 11 received packets");
}

static void prints_the_summary(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	meter.answered = 99000;
	meter.late = 400;
	meter.invalid[REPLY_bad_mode] = 3;
	result.scheduled = 200000;
	result_print(&result, stream);
	fclose(stream);
	assert_non_null(strstr(text, "answered 99000, lost 600, late 400,"));
	assert_non_null(strstr(text, "loss 1.00000 %"));
	assert_non_null(strstr(text, "invalid: 3 bad_mode ("));
	assert_non_null(strstr(text, "THE GENERATOR WAS THE LIMIT"));
	free(text);
}

/* Every end of a request and every kind has its number. */
static void prints_ends_and_kinds(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	meter.answered = 80000;
	meter.malformed = meter.kind_sent[REQUEST_malformed] = 12000;
	meter.kind_sent[REQUEST_interleaved] = 88000;
	meter.kind_answered[REQUEST_interleaved] = 80000;
	meter.interleaved = 79000;
	meter.kissed = 5000;
	meter.kiss[0] = (struct meter_kiss){0x52415445, 4990}; /* RATE */
	meter.kiss[1] = (struct meter_kiss){0, 10};
	meter.other_frames = 17;
	result_print(&result, stream);
	fclose(stream);
	assert_non_null(strstr(text,
		"answered 80000, lost 3000, late 0, kiss-o'-death 5000, malformed (no answer due) "
		"12000, loss 9.09091 %\n"));
	assert_non_null(strstr(text,
		"  interleaved: sent 88000, answered 80000, in interleaved mode 79000\n"
		"  malformed: sent 12000, answered 0\n"));
	assert_non_null(strstr(text, "  kiss-o'-death: 4990 RATE\n  kiss-o'-death: 10 other\n"));
	assert_non_null(strstr(text, "other frames 17,"));
	free(text);
}

static void knows_files_to_plot(void **state)
{
	(void)state;
	assert_non_null(plot_terminal("a.svg"));
	assert_non_null(plot_terminal("dir.x/a.png"));
	assert_null(plot_terminal("a.pdf"));
	assert_null(plot_terminal("svg"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(blames_the_generator_for_unsent_requests, start),
		cmocka_unit_test_setup(blames_the_generator_for_lag, start),
		cmocka_unit_test_setup(blames_the_generator_for_drops, start),
		cmocka_unit_test_setup(prints_the_summary, start),
		cmocka_unit_test_setup(prints_ends_and_kinds, start),
		cmocka_unit_test(knows_files_to_plot),
	};

	return cmocka_run_group_tests_name("load-result", tests, NULL, NULL);
}
