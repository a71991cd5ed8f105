/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include <errno.h>
#include <meridian/counter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(messages, "");
	assert_string_equal(config.rundir, "/run/meridian");
	assert_string_equal(config.driftfile, "");
	assert_int_equal(config.cmdport, 0);
	assert_int_equal(config.local_stratum, 0);
	assert_int_equal(config.rule_count, 0);
	assert_int_equal(config.counter_id, MERIDIAN_COUNTER_NONE);
	assert_true(config.max_clock_error_ppm == 1 && config.max_distance_s == 3);
	assert_true(config.max_error_s == 3);
	assert_int_equal(config.holdover_s, 86400);
	assert_int_equal(config.interleave_entries, 65536);
	config_free(&config);
}

static void test_grammar(void **state)
{
	(void)state;
	assert_int_equal(load("! c\n; c\n# c\n% c\n\n  \t # c\n\tCmdPort \t 323 \r\n"), 0);
	assert_int_equal(config.cmdport, 323);
	config_free(&config);
	expect_error("cmdport 323 # no comment here\n",
		"1: cmdport: '#' is too much (usage: cmdport PORT)\n");
	expect_error("frobnicate\n", "1: unknown directive 'frobnicate'\n");
}

static void test_all_errors_are_reported(void **state)
{
	(void)state;
	expect_error("cmdport\n\ncmdport -1\nx\n",
		"1: cmdport: the value is missing: a whole number from 0 to 65535\n"
		"3: cmdport: the value -1 is out of range (allowed: 0 to 65535)\n"
		"4: unknown directive 'x'\n");
}

static void test_local(void **state)
{
	(void)state;
	assert_int_equal(load("local\n"), 0);
	assert_int_equal(config.local_stratum, 10);
	assert_true(config.local_distance_s == 1);
	config_free(&config);
	assert_int_equal(load("local stratum 3 distance 0.5\n"), 0);
	assert_int_equal(config.local_stratum, 3);
	assert_true(config.local_distance_s == 0.5);
	config_free(&config);
	expect_error(
		"local stratum 16\n", "1: local: stratum 16 is out of range (allowed: 1 to 15)\n");
	expect_error(
		"local orphan\n", "1: local: option 'orphan' is not supported by this version\n");
	expect_error("local 3\n", "1: local: unknown option '3'\n");
}

static void test_interleaved(void **state)
{
	(void)state;
	assert_int_equal(load("interleaved 0\n"), 0);
	assert_int_equal(config.interleave_entries, 0);
	assert_int_equal(load("interleaved 16777216\n"), 0);
	assert_int_equal(config.interleave_entries, 16777216);
	expect_error("interleaved 16777217\n",
		"1: interleaved: the value 16777217 is out of range (allowed: 0 to 16777216)\n");
	expect_error("interleaved\n",
		"1: interleaved: the value is missing: a whole number from 0 to 16777216\n");
}

static void test_ntpv5(void **state)
{
	(void)state;
	assert_int_equal(load("ntpv5\n"), 0);
	assert_true(config.ntpv5);
	assert_int_equal(load(""), 0);
	assert_false(config.ntpv5);
	expect_error("ntpv5 on\n", "1: ntpv5: 'on' is too much (usage: ntpv5)\n");
}

static void test_access(void **state)
{
	(void)state;
	assert_int_equal(load("allow\ndeny 10.1/16\nallow all 192.0.2.1\ndeny all\n"), 0);
	assert_int_equal(config.rule_count, 6);
	assert_int_equal(config.rule[0].access.family, MERIDIAN_FAMILY_IPV4);
	assert_int_equal(config.rule[1].access.family, MERIDIAN_FAMILY_IPV6);
	assert_int_equal(config.rule[1].access.allow, 1);
	assert_int_equal(config.rule[2].access.allow, 0);
	assert_int_equal(config.rule[2].access.prefix_len, 16);
	assert_false(config.rule[2].all);
	assert_true(config.rule[3].all && config.rule[5].all);
	config_free(&config);
	expect_error("allow host.example\n",
		"1: allow: 'host.example' is not an address or a subnet (host names are not looked "
		"up here)\n");
	expect_error("deny 1.2.3.4/40\n",
		"1: deny: '1.2.3.4/40' has a prefix length out of range (allowed: 0 to 32)\n");
	expect_error(
		"allow all 10 11\n", "1: allow: '11' is too much (usage: allow [all] [SUBNET])\n");
}

static void test_bindaddress(void **state)
{
	(void)state;
	assert_int_equal(load("bindaddress 192.0.2.1\nbindaddress 2001:db8::1\n"), 0);
	assert_int_equal(config.bind_count, 2);
	assert_int_equal(config.bind[1].family, MERIDIAN_FAMILY_IPV6);
	config_free(&config);
	expect_error(
		"bindaddress eth0\n", "1: bindaddress: 'eth0' is not an IPv4 or IPv6 address\n");
	expect_error("bindaddress ::\n",
		"1: bindaddress: ::: name the addresses to serve; without bindaddress all are "
		"served\n");
}

static void test_workers(void **state)
{
	(void)state;
	assert_int_equal(load("workers 2 3 5\n"), 0);
	assert_int_equal(config.worker_count, 3);
	assert_int_equal(config.worker_core[2], 5);
	config_free(&config);
	expect_error("workers 1 1\n", "1: workers: core 1 is there twice\n");
	expect_error("workers\n", "1: workers: core is missing: a whole number from 0 to 1023\n");
	expect_error("workers 1.5\n",
		"1: workers: core '1.5' is not a whole number (allowed: 0 to 1023)\n");
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(load("counter TSC\nhugepages never\nuser daemon\nmemory 64\n"
			      "maxclockerror 0.5\nmaxdistance 1.5\nclockprecision 1e-8\n"
			      "holdover 60\nmaxerror 0.25\n"),
		0);
	assert_int_equal(config.counter_id, MERIDIAN_COUNTER_TSC);
	assert_int_equal(config.hugepages, MERIDIAN_HUGEPAGES_NEVER);
	assert_string_equal(config.user, "daemon");
	assert_int_equal(config.memory_mb, 64);
	assert_true(config.max_clock_error_ppm == 0.5 && config.max_distance_s == 1.5);
	assert_true(config.max_error_s == 0.25);
	assert_true(config.clock_precision_s == 1e-8);
	assert_int_equal(config.holdover_s, 60);
	config_free(&config);
	assert_int_equal(load("idlesleep 0\n"), 0);
	assert_int_equal(config.idle_sleep_us, 0);
	config_free(&config);
	assert_int_equal(load("\n"), 0);
	assert_int_equal(config.idle_sleep_us, 500);
	config_free(&config);
	expect_error("idlesleep 10001\n",
		"1: idlesleep: the value 10001 is out of range (allowed: 0 to 10000)\n");
	expect_error("counter hpet\n",
		"1: counter: 'hpet' is not a counter (allowed: auto|tsc|monotonic-raw)\n");
	expect_error(
		"hugepages yes\n", "1: hugepages: 'yes' is not a value (allowed: auto|never)\n");
	expect_error("maxdistance inf\n",
		"1: maxdistance: the value 'inf' is not a number (allowed: 1e-06 to 1000)\n");
	expect_error("memory 0x40\n",
		"1: memory: the value '0x40' is not a whole number (allowed: 0 to 1048576)\n");
	expect_error("memory 15\n",
		"1: memory: the value 15 is too small (allowed: 0, or 16 to 1048576)\n");
}

static void test_paths(void **state)
{
	(void)state;
	assert_int_equal(load("rundir /r\ndriftfile /d\nmodellog /m\npidfile /p\n"), 0);
	assert_string_equal(config.rundir, "/r");
	assert_string_equal(config.driftfile, "/d");
	assert_string_equal(config.modellog, "/m");
	assert_string_equal(config.pidfile, "/p");
	config_free(&config);
	expect_error("rundir run\n", "1: rundir: 'run' is not an absolute path\n");
	expect_error("rundir /\n",
		"1: rundir: /: that is a directory of the system: name one of "
		"its own, such as /run/meridian\n");
	expect_error("rundir //tmp/./\n",
		"1: rundir: //tmp/./: that is a directory of the system: name one of its own, such "
		"as /run/meridian\n");
	expect_error(
		"rundir /0123456789012345678901234567890123456789012345678901234567890123456789"
		"01234567890123456789\n",
		"1: rundir: the path is longer than 90 characters\n");
}

static void test_bindcmdaddress(void **state)
{
	(void)state;
	assert_int_equal(
		load("bindcmdaddress /\nbindcmdaddress 127.0.0.1\nbindcmdaddress ::1\n"), 0);
	assert_string_equal(config.bindcmdaddress, "/");
	assert_int_equal(config.bindcmd[0].family, MERIDIAN_FAMILY_IPV4);
	assert_int_equal(config.bindcmd[1].family, MERIDIAN_FAMILY_IPV6);
	config_free(&config);
	expect_error("bindcmdaddress lo\n",
		"1: bindcmdaddress: 'lo' is neither an address nor an absolute path\n");
}

/* Each row of the tables behaves as its class says. */
static void test_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_table_size + config_chrony_table_size; i++) {
		const struct config_directive *row = i < config_table_size
			? &config_table[i]
			: &config_chrony_table[i - config_table_size];
		char line[128];
		int r;

		snprintf(line, sizeof(line), "%s some words\n", row->name);
		r = load(line);
		assert_non_null(row->text);
		assert_ptr_equal(config_directive_find(row->name), row);
		if (row->class == CONFIG_NO_EFFECT) {
			assert_int_equal(r, 0);
			assert_non_null(strstr(messages, "warning: no effect: "));
			config_free(&config);
		} else if (row->class == CONFIG_REFUSED) {
			assert_int_equal(r, -EINVAL);
			assert_non_null(strstr(messages, "refused: "));
		} else {
			assert_non_null(row->parse);
			assert_non_null(row->syntax);
			assert_int_equal(r, -EINVAL);
		}
	}
}

/* All keywords of chronyd 4.8. */
static void test_all_of_chrony_is_known(void **state)
{
	static const char *const chrony[] = {"acquisitionport", "allow", "authselectmode",
		"bindacqaddress", "bindacqdevice", "bindaddress", "bindcmdaddress", "bindcmddevice",
		"binddevice", "broadcast", "clientloglimit", "clockprecision", "cmdallow",
		"cmddeny", "cmdport", "cmdratelimit", "combinelimit", "commandkey", "confdir",
		"corrtimeratio", "deny", "driftfile", "dscp", "dumpdir", "dumponexit",
		"fallbackdrift", "generatecommandkey", "hwclockfile", "hwtimestamp", "hwtstimeout",
		"include", "initstepslew", "keyfile", "leapseclist", "leapsecmode", "leapsectz",
		"linux_freq_scale", "linux_hz", "local", "lock_all", "log", "logbanner",
		"logchange", "logdir", "mailonchange", "makestep", "manual", "maxchange",
		"maxclockerror", "maxdistance", "maxdrift", "maxjitter", "maxntsconnections",
		"maxsamples", "maxslewrate", "maxstratum", "maxtxbuffers", "maxupdateskew",
		"minsamples", "minsources", "minstratum", "nocerttimecheck", "noclientlog",
		"nosystemcert", "ntpsigndsocket", "ntsaeads", "ntscachedir", "ntsdumpdir",
		"ntsntpserver", "ntsport", "ntsprocesses", "ntsratelimit", "ntsrefresh",
		"ntsrotate", "ntsservercert", "ntsserverkey", "ntstrustedcerts", "opencommands",
		"peer", "pidfile", "pool", "port", "ptpdomain", "ptpport", "ratelimit", "refclock",
		"refresh", "reselectdist", "rtcautotrim", "rtcdevice", "rtcfile", "rtconutc",
		"rtcsync", "sched_priority", "server", "smoothtime", "sourcedir", "stratumweight",
		"tempcomp", "user"};

	(void)state;
	assert_int_equal(sizeof(chrony) / sizeof(chrony[0]), 100);
	for (size_t i = 0; i < sizeof(chrony) / sizeof(chrony[0]); i++) {
		const struct config_directive *row = config_directive_find(chrony[i]);

		if (row == NULL || row->class == CONFIG_OWN)
			fail_msg("%s is missing", chrony[i]);
	}
}

/* What --dump-config prints is a config with the same meaning. */
static void test_user(void **state)
{
	(void)state;
	expect_error("user no-such-user\n", "1: user: there is no user 'no-such-user'\n");
}

static void test_max_clock_error(void **state)
{
	(void)state;
	assert_int_equal(load("maxclockerror 0.001\n"), 0);
	assert_string_equal(messages, "");
	config_free(&config);
	assert_int_equal(load("maxclockerror 0\n"), 0);
	assert_non_null(strstr(messages, "1: maxclockerror: warning: "));
	assert_true(config.max_clock_error_ppm == 0);
	config_free(&config);
}

static void test_repeated(void **state)
{
	(void)state;
	assert_int_equal(load("cmdport 1\nserver a\nserver b\nallow\nallow\ncmdport 2\n"), 0);
	assert_string_equal(messages, "6: cmdport: warning: replaces line 1\n");
	assert_int_equal(config.cmdport, 2);
	config_free(&config);
}

static void test_dump_is_a_config(void **state)
{
	char *first = NULL, *second = NULL;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(
		load("server a iburst prefer noselect offset 0.5\nlocal stratum 2\n"
		     "server b port 1123 version 3 ipv4 minpoll 2 presend 9 filter 3 burst trust\n"
		     "server c require asymmetry 0.25 maxdelay 0.1 maxdelayratio 2\n"
		     "server d maxdelaydevratio 3 ipv6 maxpoll 5\npool e maxsources 2\nhwtimestamp "
		     "eth0 txcomp 1e-7 rxfilter ntp\nminsources "
		     "2\nmaxjitter 0.1\n"
		     "ratelimit interval -7 burst 3 leak 1 rollup 0 kod 3 kodafter 9\n"
		     "kodexempt 10/8\nkodexempt ::1\ninterleaved 1024\n"
		     "allow 10/8\ndeny all ::1\nnic eth0 queues 2 xdp generic stamps xdp phc "
		     "/dev/ptp7 rxcomp 9 "
		     "txcomp "
		     "8\nworkers 1 "
		     "2\n"
		     "nic 1:2.3 queues 3 tap ntp0 punt 500 txtime 7000\n"
		     "nic 4:5.6 mode bifurcated\n"
		     "nic vdev:net_ring0 address 192.0.2.1 address ::1 queues 2\n"
		     "bindaddress 192.0.2.1\nbindcmdaddress 127.0.0.1\nuser daemon\n"
		     "driftfile /d\ncounter tsc\nhugepages never\nidlesleep 77\nclockprecision "
		     "1e-7\n"),
		0);
	out = open_memstream(&first, &size);
	config_dump(&config, out);
	fclose(out);
	config_free(&config);
	assert_non_null(strstr(first, " phc /dev/ptp7 "));
	assert_int_equal(load(first), 0);
	out = open_memstream(&second, &size);
	config_dump(&config, out);
	fclose(out);
	config_free(&config);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

/* The names of what differs between these configs and needs a restart of control. */
static char *difference(const char *before, const char *after, unsigned int *ret_count)
{
	const char *text[] = {before, after};
	char *dump[2] = {NULL, NULL}, *names = NULL;
	size_t size;
	FILE *out;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(load(text[i]), 0);
		out = open_memstream(&dump[i], &size);
		config_dump_own(&config, out);
		fclose(out);
		config_free(&config);
	}
	out = open_memstream(&names, &size);
	*ret_count = config_difference(dump[0], dump[1], out);
	fclose(out);
	free(dump[0]);
	free(dump[1]);
	return names;
}

static void test_difference(void **state)
{
	static const struct {
		const char *before, *after, *names;
		unsigned int count;
	} cases[] = {
		{"server 192.0.2.1\n", "server 192.0.2.1\n", "", 0},
		{"server 192.0.2.1\n", "server 192.0.2.1 iburst\n", "server", 1},
		{"server 192.0.2.1\n", "server 192.0.2.1\nserver 192.0.2.2\n", "server", 1},
		{"server 192.0.2.1\nserver 192.0.2.2\n", "server 192.0.2.2\nserver 192.0.2.1\n",
			"server", 1},
		{"server a.example\n", "pool a.example\n", "server, pool", 2},
		{"maxerror 1\n", "maxerror 2\nminsources 3\nuser daemon\n",
			"maxerror, minsources, user", 3},
		{"refclock SHM 0\n", "refclock SHM 0:perm=0666\n", "refclock", 1},
		{"refclock SHM 0\n", "refclock SHM 0 delay 0.2\n", "refclock", 1},
		{"steerclock\nmaxslewrate 100\n", "steerclock\nmaxslewrate 1000\n", "maxslewrate",
			1},
		{"", "steerclock\nmakestep 1 3\n", "steerclock", 1},
		{"", "bindcmdaddress 127.0.0.1\n", "bindcmdaddress", 1},
		{"leapseclist /l\nidlesleep 5\n", "leapseclist off\nidlesleep 6\nallow\n", "", 0},
		/* What the dataplane needs a restart for is another matter. */
		{"", "nic eth0\nworkers 1\nmemory 100\n", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int count;
		char *names = difference(cases[i].before, cases[i].after, &count);

		assert_string_equal(names, cases[i].names);
		assert_int_equal(count, cases[i].count);
		free(names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_all_errors_are_reported),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_ntpv5),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_bindaddress),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bindcmdaddress),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_all_of_chrony_is_known),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_max_clock_error),
		cmocka_unit_test(test_dump_is_a_config),
		cmocka_unit_test(test_difference),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
