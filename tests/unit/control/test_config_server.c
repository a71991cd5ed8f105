/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_server.h"
#include "load.h"
#include <errno.h>
#include <meridian/counter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_server(void **state)
{
	(void)state;
	assert_int_equal(load("server ntp.example.net\n"
			      "server 192.0.2.1 port 1123 minpoll 3 maxpoll 5 iburst prefer\n"
			      "server 2001:db8::1 NoSelect offset -0.25 maxpoll 4\n"
			      "server a minpoll 12\n"),
		0);
	assert_int_equal(config.server_count, 4);
	assert_string_equal(config.server[0].name, "ntp.example.net");
	assert_int_equal(config.server[0].port, 123);
	assert_int_equal(config.server[0].minpoll_log2, 6);
	assert_int_equal(config.server[0].maxpoll_log2, 10);
	assert_false(config.server[0].iburst || config.server[0].source.select.prefer);
	assert_int_equal(config.server[1].port, 1123);
	assert_int_equal(config.server[1].minpoll_log2, 3);
	assert_int_equal(config.server[1].maxpoll_log2, 5);
	assert_true(config.server[1].iburst && config.server[1].source.select.prefer);
	assert_true(config.server[2].source.select.noselect &&
		config.server[2].source.offset_s == -0.25);
	assert_int_equal(config.server[2].minpoll_log2, 4);
	assert_int_equal(config.server[3].maxpoll_log2, 12);
	config_free(&config);
}

static void test_server_options(void **state)
{
	const struct config_server *server = config.server;

	(void)state;
	assert_int_equal(load("server a version 3 ipv6 presend 9 filter 5 burst trust require "
			      "asymmetry -0.5 maxdelay 0.1 maxdelayratio 2 maxdelaydevratio 10\n"
			      "server b\nserver c maxsamples 10 prefer\nserver 192.0.2.1 ipv4\n"
			      "minsources 2\nmaxjitter 0.5\n"),
		0);
	assert_int_equal(server[0].version, 3);
	assert_int_equal(server[0].family, MERIDIAN_FAMILY_IPV6);
	assert_int_equal(server[0].presend_log2, 9);
	assert_int_equal(server[0].filter, 5);
	assert_true(server[0].burst && server[0].source.select.trust &&
		server[0].source.select.require);
	assert_true(server[0].asymmetry == -0.5 && server[0].max_delay_s == 0.1);
	assert_true(server[0].max_delay_ratio == 2 && server[0].max_delay_dev_ratio == 10);
	assert_int_equal(server[1].version, 4);
	assert_int_equal(server[1].family, 0);
	assert_int_equal(server[1].filter, 1);
	assert_true(server[1].max_delay_s == 3 && server[1].max_delay_ratio == 0);
	assert_string_equal(messages,
		"3: server: warning: option 'maxsamples' has no effect: "
		"Meridian's estimator has other parameters\n");
	assert_true(server[2].source.select.prefer);
	assert_int_equal(config.min_sources, 2);
	assert_true(config.max_jitter_s == 0.5);
	config_free(&config);
	expect_error(
		"server a filter 0\n", "1: server: filter 0 is out of range (allowed: 1 to 64)\n");
	expect_error(
		"server a version 5\n", "1: server: version 5 is out of range (allowed: 1 to 4)\n");
	expect_error("server a asymmetry 0.6\n",
		"1: server: asymmetry 0.6 is out of range (allowed: -0.5 to 0.5)\n");
	expect_error("server a maxsamples\n", "1: server: maxsamples is missing\n");
	expect_error("server ::1 ipv4\n", "1: server: ::1 is not an IPv4 address\n");
	expect_error("server a nts\n",
		"1: server: option 'nts' refused: NTS is not supported by this version; `key` "
		"authenticates\n");
}

static void test_pool(void **state)
{
	(void)state;
	assert_int_equal(load("pool pool.example.net iburst\n"
			      "pool 2.pool.example.net maxsources 11 ipv6 minpoll 5\nserver a\n"),
		0);
	assert_int_equal(config.server_count, 3);
	assert_true(config.server[0].pool && config.server[0].iburst);
	assert_int_equal(config_server_sources(&config.server[0]), 4);
	assert_int_equal(config_server_sources(&config.server[1]), 11);
	assert_int_equal(config.server[1].minpoll_log2, 5);
	assert_int_equal(config_server_sources(&config.server[2]), 1);
	config_free(&config);
	expect_error("pool 192.0.2.1\n",
		"1: pool: '192.0.2.1' is an address; a pool is a name (use server)\n");
	expect_error(
		"server a maxsources 2\n", "1: server: option 'maxsources' is for pool only\n");
	expect_error("pool a maxsources 17\n",
		"1: pool: maxsources 17 is out of range (allowed: 1 to 16)\n");
	expect_error("pool a maxsources 12\npool b maxsources 5\n",
		"2: pool: more than 16 sources (a pool is maxsources of them)\n");
	expect_error("pool a\nserver A\n", "2: server: A is there already\n");
}

static void test_hwtimestamp(void **state)
{
	const struct config_hwtimestamp *line = config.hwtimestamp;

	(void)state;
	assert_int_equal(load("hwtimestamp eth0\n"
			      "hwtimestamp * minpoll -2 precision 1e-8 txcomp 1e-7 rxcomp 2e-7 "
			      "nocrossts rxfilter all\n"),
		0);
	assert_int_equal(config.hwtimestamp_count, 2);
	assert_string_equal(line[0].name, "eth0");
	assert_true(line[0].minpoll_log2 == 0 && line[0].precision_s == 1e-7);
	assert_int_equal(line[0].rxfilter, CONFIG_RXFILTER_AUTO);
	assert_string_equal(line[1].name, "*");
	assert_true(line[1].minpoll_log2 == -2 && line[1].precision_s == 1e-8);
	assert_true(line[1].txcomp_s == 1e-7 && line[1].rxcomp_s == 2e-7);
	assert_true(line[1].nocrossts && line[1].rxfilter == CONFIG_RXFILTER_ALL);
	config_free(&config);
	expect_error("hwtimestamp\n", "1: hwtimestamp: the interface is missing\n");
	expect_error(
		"hwtimestamp eth0\nhwtimestamp eth0\n", "2: hwtimestamp: eth0 is there already\n");
	expect_error("hwtimestamp eth0 rxfilter some\n",
		"1: hwtimestamp: 'some' is not a filter (allowed: none|ntp|all|ptp)\n");
	expect_error("hwtimestamp a123456789012345\n",
		"1: hwtimestamp: 'a123456789012345' is not the name of an interface\n");
}

static void test_link_local_servers(void **state)
{
	(void)state;
	assert_int_equal(load("server fe80::1%lo\n"), 0);
	config_free(&config);
	expect_error("server fe80::1\n",
		"1: server: 'fe80::1' is link-local; add its interface, "
		"as in fe80::1%eth0\n");
	expect_error("server fe80::1%nowhere0\n",
		"1: server: 'fe80::1%nowhere0' is not a link-local address with an interface of "
		"this host\n");
	expect_error("server 2001:db8::1%lo\n",
		"1: server: '2001:db8::1%lo' is not a link-local address with an interface of "
		"this host\n");
	expect_error("server fe80::1%lo\nserver FE80::1%lo\n",
		"2: server: FE80::1%lo is there already\n");
}

static void test_server_errors(void **state)
{
	(void)state;
	expect_error("server\n", "1: server: the address or name is missing\n");
	expect_error("server a key 1\n", "1: server: key 1 needs `keyfile`\n");
	expect_error("server a key 0\n",
		"1: server: key 0 is out of range (allowed: 1 to 4294967295)\n");
	expect_error("server a foo\n", "1: server: unknown option 'foo'\n");
	expect_error(
		"server a port 0\n", "1: server: port 0 is out of range (allowed: 1 to 65535)\n");
	expect_error(
		"server a minpoll 7 maxpoll 6\n", "1: server: minpoll 7 is more than maxpoll 6\n");
	expect_error("server a\nserver A\n", "2: server: A is there already\n");
	expect_error("server ::1\nserver 0:0:0:0:0:0:0:1\n",
		"2: server: 0:0:0:0:0:0:0:1 is there already\n");
	expect_error("server 0.0.0.0\n", "1: server: '0.0.0.0' is not the address of a host\n");
	expect_error(
		"server a/b;c\n", "1: server: 'a/b;c' is neither an address nor a host name\n");
	expect_error("server a offset 1e7\n",
		"1: server: offset 1e7 is out of range (allowed: -1000000 to 1000000)\n");
}

static void test_too_many_servers(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int i = 0; i <= CONFIG_SOURCES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "server s%d\n", i);
	expect_error(text, "17: server: more than 16 sources (a pool is maxsources of them)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_server_options),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_hwtimestamp),
		cmocka_unit_test(test_link_local_servers),
		cmocka_unit_test(test_server_errors),
		cmocka_unit_test(test_too_many_servers),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
