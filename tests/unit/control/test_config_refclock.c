/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_refclock.h"
#include "load.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFID(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static void test_defaults(void **state)
{
	const struct config_refclock *clock = config.refclock;

	(void)state;
	assert_int_equal(load("refclock SHM 0\nRefClock sock /run/a.sock\n"
			      "refclock PHC /dev/ptp0\nrefclock PPS /dev/pps0\n"),
		0);
	assert_int_equal(config.refclock_count, 4);
	assert_int_equal(clock[0].driver, CONFIG_REFCLOCK_SHM);
	assert_string_equal(clock[0].parameter, "0");
	assert_int_equal(clock[0].mode, 0600);
	assert_int_equal(clock[0].refid, REFID('S', 'H', 'M', '0'));
	assert_int_equal(clock[0].poll_log2, 4);
	assert_int_equal(clock[0].dpoll_log2, 0);
	assert_int_equal(clock[0].filter, 64);
	assert_int_equal(clock[0].stratum, 0);
	assert_true(clock[0].delay_s == 1e-9 && clock[0].precision_s == 0);
	assert_false(clock[0].pps);
	assert_int_equal(clock[1].driver, CONFIG_REFCLOCK_SOCK);
	assert_int_equal(clock[1].refid, REFID('S', 'O', 'C', '1'));
	assert_int_equal(clock[2].driver, CONFIG_REFCLOCK_PHC);
	assert_int_equal(clock[3].refid, REFID('P', 'P', 'S', '3'));
	assert_true(clock[3].pps);
	assert_int_equal(clock[3].rate_hz, 1);
	assert_int_equal(clock[3].max_lock_age, 2);
	config_free(&config);
}

static void test_options(void **state)
{
	const struct config_refclock *clock = config.refclock;

	(void)state;
	assert_int_equal(
		load("refclock SHM 3:perm=0644 refid GPS poll 2 dpoll -2 filter 8 offset 0.14 "
		     "delay 0.2 precision 1e-3 maxdispersion 0.1 stratum 2 noselect trust require\n"
		     "refclock PPS /dev/pps1:clear lock GPS rate 5 dpoll -3 width 0.05 "
		     "maxlockage 9 prefer\n"
		     "refclock PHC /dev/ptp1:nocrossts tai poll -1\n"
		     "refclock SHM 1 pps\n"),
		0);
	assert_int_equal(clock[0].mode, 0644);
	assert_int_equal(clock[0].refid, REFID('G', 'P', 'S', 0));
	assert_int_equal(clock[0].poll_log2, 2);
	assert_int_equal(clock[0].dpoll_log2, -2);
	assert_int_equal(clock[0].filter, 8);
	assert_true(clock[0].source.offset_s == 0.14 && clock[0].delay_s == 0.2);
	assert_true(clock[0].precision_s == 1e-3 && clock[0].max_dispersion_s == 0.1);
	assert_int_equal(clock[0].stratum, 2);
	assert_true(clock[0].source.select.noselect && clock[0].source.select.trust &&
		clock[0].source.select.require);
	assert_string_equal(clock[1].parameter, "/dev/pps1");
	assert_true(clock[1].clear && clock[1].source.select.prefer);
	assert_int_equal(clock[1].lock_refid, clock[0].refid);
	assert_int_equal(clock[1].rate_hz, 5);
	assert_int_equal(clock[1].max_lock_age, 9);
	assert_true(clock[1].width_s == 0.05);
	assert_true(clock[2].nocrossts && clock[2].tai);
	assert_int_equal(clock[2].dpoll_log2, -1); /* no less often than a poll */
	assert_true(clock[3].pps);
	config_free(&config);
}

static void test_errors(void **state)
{
	(void)state;
	expect_error("refclock\n", "1: refclock: the driver is missing\n");
	expect_error("refclock RTC /dev/rtc\n",
		"1: refclock: driver RTC is not supported by this version\n");
	expect_error("refclock GPS 0\n",
		"1: refclock: unknown driver 'GPS' (allowed: SHM, SOCK, PHC, PPS, SCRIPT)\n");
	expect_error("refclock SHM\n", "1: refclock: the unit is missing\n");
	expect_error("refclock SHM /dev/shm\n",
		"1: refclock: '/dev/shm' is not a unit (allowed: 0 to 255)\n");
	expect_error(
		"refclock SHM 256\n", "1: refclock: '256' is not a unit (allowed: 0 to 255)\n");
	expect_error("refclock SCRIPT /tmp\n", "1: refclock: /tmp: it is not a regular file\n");
	expect_error("refclock SCRIPT /proc/none\n",
		"1: refclock: /proc/none: No such file or directory\n");
	expect_error("refclock PPS\n", "1: refclock: the path is missing\n");
	expect_error("refclock PHC eth0\n", "1: refclock: 'eth0' is not an absolute path\n");
	expect_error("refclock SHM 0:perm\n", "1: refclock: perm is missing\n");
	expect_error("refclock SHM 0:perm=888\n",
		"1: refclock: perm '888' is not an octal mode (allowed: 0 to 0777)\n");
	expect_error("refclock SHM 0:clear\n", "1: refclock: unknown option 'clear'\n");
	expect_error(
		"refclock PPS /dev/pps0:clear=1\n", "1: refclock: option 'clear' takes no value\n");
	expect_error("refclock PHC /dev/ptp0:pin=1\n",
		"1: refclock: pin, channel and clear have no meaning without extpps\n");
	expect_error("refclock PHC /dev/ptp0:extpps:channel=256\n",
		"1: refclock: channel 256 is out of range (allowed: 0 to 255)\n");
	expect_error("refclock PHC /dev/ptp0:extpps tai\n",
		"1: refclock: tai has no meaning with pulses\n");
	expect_error("refclock SHM 0 refid GPSNG\n",
		"1: refclock: refid 'GPSNG' is not of one to four letters\n");
	expect_error("refclock SHM 0 poll 25\n",
		"1: refclock: poll 25 is out of range (allowed: -6 to 24)\n");
	expect_error("refclock SHM 0 lokc GPS\n", "1: refclock: unknown option 'lokc'\n");
	expect_error(
		"refclock PPS /dev/pps0 tai\n", "1: refclock: tai has no meaning with pulses\n");
	expect_error("refclock SHM 0 refid GPS\nrefclock SHM 1 refid GPS\n",
		"2: refclock: reference ID GPS is there already\n");
	expect_error("refclock PPS /dev/pps0 rate 10 width 0.1\n",
		"1: refclock: width 0.1 is out of range (allowed: less than 0.1, the time between "
		"pulses at rate 10)\n");
}

/* Each would see some of the readings only. */
static void test_a_device_has_one_reader(void **state)
{
	(void)state;
	expect_error("refclock SHM 0\nrefclock SHM 00 refid GPS\n",
		"2: refclock: SHM 00 is in use by line 1 already\n");
	expect_error("refclock SOCK /run/a.sock\nrefclock SHM 1\nrefclock SOCK /run/a.sock\n",
		"3: refclock: SOCK /run/a.sock is in use by line 1 already\n");
	expect_error("refclock PHC /dev/ptp0:extpps\nrefclock PHC /dev/ptp0:extpps:channel=1\n",
		"2: refclock: PHC /dev/ptp0 is in use by line 1 already\n");
	assert_int_equal(load("refclock SHM 0\nrefclock SHM 1\nrefclock PHC /dev/ptp0\n"
			      "refclock PHC /dev/ptp0:extpps\n"
			      "refclock PPS /dev/ptp0\n"),
		0);
	config_free(&config);
}

static void test_long_path(void **state)
{
	char text[300];

	(void)state;
	snprintf(text, sizeof(text), "refclock SOCK /%0*d\n", 107, 0);
	expect_error(text, "1: refclock: the path is longer than 107 characters\n");
	snprintf(text, sizeof(text), "refclock PPS /%0*d\n", 199, 0);
	expect_error(text, "1: refclock: the path is longer than 199 characters\n");
	snprintf(text, sizeof(text), "refclock PPS /%0*d\n", 198, 0);
	assert_int_equal(load(text), 0);
	config_free(&config);
}

/* It may stand further down, but must give seconds. */
static void test_lock(void **state)
{
	(void)state;
	assert_int_equal(load("refclock PPS /dev/pps0 lock NMEA\nrefclock SHM 0 refid NMEA\n"), 0);
	config_free(&config);
	expect_error("refclock PPS /dev/pps0 lock NMEA\nrefclock SHM 0\n",
		"1: refclock: there is no reference clock NMEA to lock to\n");
	expect_error("refclock PPS /dev/pps0\nrefclock PPS /dev/pps1 lock PPS0\n",
		"2: refclock: PPS0 gives no seconds to lock to\n");
	expect_error("refclock SOCK /a refid A lock A\n",
		"1: refclock: A gives no seconds to lock to\n");
}

static void test_too_many(void **state)
{
	char text[512] = "";

	(void)state;
	for (int i = 0; i <= CONFIG_REFCLOCKS_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "refclock SHM %d\n", i);
	expect_error(text, "9: refclock: more than 8 reference clocks\n");
}

static void test_dump(void **state)
{
	static const char line[] =
		"refclock PPS /dev/pps0:clear refid PPS poll 2 dpoll -1 filter 8 offset -0.5 "
		"delay 0.001 pps lock GPS width 0.1 prefer\n";
	char *text = NULL, *again = NULL;
	size_t size = 0;
	FILE *out;

	(void)state;
	assert_int_equal(
		load("refclock SHM 0:perm=0666 refid GPS\n"
		     "refclock PPS /dev/pps0:clear lock GPS refid PPS poll 2 dpoll -1 filter 8 "
		     "offset -0.5 delay 1e-3 width 0.1 prefer\n"),
		0);
	out = open_memstream(&text, &size);
	config_refclock_dump(&config.refclock[0], out);
	config_refclock_dump(&config.refclock[1], out);
	fclose(out);
	assert_memory_equal(text, "refclock SHM 0:perm=0666 refid GPS\n", 35);
	assert_string_equal(text + 35, line);
	config_free(&config);
	assert_int_equal(load(text), 0);
	out = open_memstream(&again, &size);
	config_refclock_dump(&config.refclock[0], out);
	config_refclock_dump(&config.refclock[1], out);
	fclose(out);
	assert_string_equal(again, text);
	config_free(&config);
	free(again);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_a_device_has_one_reader),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
