/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <options.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PORT_HELP                                                                                  \
	": must be af_xdp:IFACE[:QUEUE], af_packet:IFACE, vdev:NAME[,ARGUMENTS] or pci:ADDRESS, "  \
	"with an IFACE of 1 to 15 characters and a QUEUE from 0 to 4095"
#define GOOD "--port=af_xdp:eth0", "--target=192.0.2.1"

static struct load_options options;
static char error[OPTIONS_ERROR_SIZE];

static int parse(const char *const *arguments)
{
	static char text[32][96]; /* which the options point into */
	char *argv[33];
	int argc = 0;

	strcpy(text[argc], "meridian-load");
	argv[argc] = text[argc];
	argc++;
	for (; *arguments; arguments++, argc++) {
		strcpy(text[argc], *arguments);
		argv[argc] = text[argc];
	}
	error[0] = '\0';
	return options_parse(&options, argc, argv, error);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void expect_error(const char *message)
{
	assert_string_equal(error, message);
}

static void has_defaults(void **state)
{
	(void)state;
	assert_int_equal(PARSE(GOOD), 0);
	assert_int_equal(options.port_kind, PORT_AF_XDP);
	assert_int_equal(options.rate_milli, 1000000);
	assert_int_equal(options.duration_ms, 10000);
	assert_int_equal(options.timeout_ms, 500);
	assert_int_equal(options.burst, 32);
	assert_int_equal(options.weight[REQUEST_basic], 1);
	assert_int_equal(options.pattern.pattern, SCHEDULE_constant);
}

static void reads_values(void **state)
{
	(void)state;
	assert_int_equal(
		PARSE("--port", "vdev:net_null0", "--target", "192.0.2.1,2001:db8::1",
			"--target-mac", "02:00:00:00:00:01", "--source", "10.0.0.0/8,2001:db8::/64",
			"--clients", "1k", "--source-ports", "1-65535", "--vlan", "7", "--rate",
			"1.5M", "--duration", "0.25", "--mix", "basic=8,v3=1,symmetric=2",
			"--key-file", "keys", "--key-id", "4294967295"),
		0);
	assert_int_equal(options.port_kind, PORT_VDEV);
	assert_int_equal(options.target_count, 2);
	assert_true(options.target[1].ipv6);
	assert_int_equal(options.source_count, 2);
	assert_int_equal(options.source[0].length, 8);
	assert_int_equal(options.clients, 1000);
	assert_int_equal(options.port_high, 65535);
	assert_int_equal(options.vlan, 7);
	assert_int_equal(options.rate_milli, 1500000000);
	assert_int_equal(options.duration_ms, 250);
	assert_int_equal(options.weight[REQUEST_basic], 8);
	assert_int_equal(options.weight[REQUEST_v3], 1);
	assert_int_equal(options.weight[REQUEST_symmetric], 2);
	assert_string_equal(options.key_file, "keys");
	assert_int_equal(options.key_id, UINT32_MAX);
}

static void reads_patterns(void **state)
{
	(void)state;
	assert_int_equal(PARSE(GOOD, "--pattern=ramp:1k:2.5M"), 0);
	assert_int_equal(options.pattern.ramp_from_milli, 1000000);
	assert_int_equal(options.pattern.ramp_to_milli, UINT64_C(2500000000));
	assert_int_equal(PARSE(GOOD, "--pattern=burst:100"), 0);
	assert_int_equal(options.pattern.burst, 100);
	assert_int_equal(PARSE(GOOD, "--pattern=poisson"), 0);
	assert_int_equal(options.pattern.pattern, SCHEDULE_poisson);
}

/* Each is refused with exactly this message. */
static void names_what_is_wrong(void **state)
{
	static const struct {
		const char *argument, *message;
	} cases[] = {
		{"--rats", "no option '--rats'; see meridian-load --help"},
		{"eth0", "no option 'eth0'; see meridian-load --help"},
		{"--rate", "--rate needs a value: R"},
		{"--json=yes", "--json takes no value"},
		{"--rate=12x",
			"--rate '12x': must be requests per second from 0.001 to 1000M (k "
			"and M are understood)"},
		{"--rate=0",
			"--rate '0': must be requests per second from 0.001 to 1000M (k and M "
			"are understood)"},
		{"--rate=-5",
			"--rate '-5': must be requests per second from 0.001 to 1000M (k and "
			"M are understood)"},
		{"--rate=nan",
			"--rate 'nan': must be requests per second from 0.001 to 1000M (k "
			"and M are understood)"},
		{"--clients=0", "--clients '0': must be a whole number from 1 to 16777216"},
		{"--clients=1.5", "--clients '1.5': must be a whole number from 1 to 16777216"},
		{"--burst=65", "--burst '65': must be a whole number from 1 to 64"},
		{"--vlan=4095", "--vlan '4095': must be a whole number from 1 to 4094"},
		{"--vlan=1k", "--vlan '1k': must be a whole number from 1 to 4094"},
		{"--vlan=0x7", "--vlan '0x7': must be a whole number from 1 to 4094"},
		{"--clients=0x10", "--clients '0x10': must be a whole number from 1 to 16777216"},
		{"--clients=1e3", "--clients '1e3': must be a whole number from 1 to 16777216"},
		{"--timeout=1.2.3", "--timeout '1.2.3': must be a whole number from 1 to 3000"},
		{"--duration=1d", "--duration '1d': must be a number from 0.001 to 86400"},
		{"--duration=0", "--duration '0': must be a number from 0.001 to 86400"},
		{"--timeout=3001", "--timeout '3001': must be a whole number from 1 to 3000"},
		{"--target=host", "--target 'host': must be an IPv4 or IPv6 address"},
		{"--source=10.0.0.0/33",
			"--source '10.0.0.0/33': must be an IPv4 or IPv6 prefix, "
			"such as 198.18.0.0/16"},
		{"--source-mac=1",
			"--source-mac '1': must be six octets such as "
			"02:00:00:00:00:01"},
		{"--source-ports=9-8", "--source-ports '9-8': must be LOW-HIGH, from 1 to 65535"},
		{"--source-ports=+1-8", "--source-ports '+1-8': must be LOW-HIGH, from 1 to 65535"},
		{"--source-ports=0-8", "--source-ports '0-8': must be LOW-HIGH, from 1 to 65535"},
		{"--mix=nts=1", "--mix 'nts=1': NTS requests are not there yet"},
		{"--mix=basic=0", "--mix 'basic=0': a weight must be above 0"},
		{"--mix=basic=x",
			"--mix 'basic=x': the weight must be a whole number from 0 to 1000"},
		{"--mix=good=1",
			"--mix 'good=1': must be KIND=WEIGHT with basic, interleaved, v3, "
			"symmetric or malformed"},
		{"--mix=symmetric=1", "--mix symmetric needs --key-file and --key-id"},
		{"--key-file=keys", "--key-file needs --key-id"},
		{"--key-id=0", "--key-id '0': must be a whole number from 1 to 4294967295"},
		{"--pattern=burst:0",
			"--pattern 'burst:0': must be constant, poisson, burst:N (1 to 1M) or "
			"ramp:FROM:TO (requests per second, 1 to 1000M)"},
		{"--pattern=ramp:1k",
			"--pattern 'ramp:1k': must be constant, poisson, burst:N (1 to 1M) or "
			"ramp:FROM:TO (requests per second, 1 to 1000M)"},
		{"--search=101", "--search '101': must be a number from 0 to 100"},
		{"--csv=", "--csv needs a FILE"},
		{"--plot=a.pdf", "--plot 'a.pdf': must end in .svg or .png"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(PARSE(GOOD, cases[i].argument), -EINVAL);
		expect_error(cases[i].message);
	}
}

static void names_a_bad_port(void **state)
{
	static const char *const ports[] = {
		"eth0",
		"af_xdp:",
		"af_xdp::3",
		"af_xdp:eth0:foo",
		"af_xdp:eth0:",
		"af_xdp:eth0:4096",
		"af_xdp:eth0:1:2",
		"af_xdp:eth 0",
		"af_xdp:abcdefghijklmnop",
		"af_packet:eth0:1",
		"vdev:",
		"pci:",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		char argument[64], message[256];

		snprintf(argument, sizeof(argument), "--port=%s", ports[i]);
		snprintf(message, sizeof(message), "--port '%s'" PORT_HELP, ports[i]);
		assert_int_equal(PARSE(GOOD, argument), -EINVAL);
		expect_error(message);
	}
}

static void wants_what_it_needs(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--json"), -EINVAL);
	expect_error("--port is needed");
	assert_int_equal(PARSE("--port=af_xdp:eth0"), -EINVAL);
	expect_error("--target is needed");
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--reflect"), 0);
	assert_int_equal(PARSE("--port=vdev:net_null0", "--target=192.0.2.1"), -EINVAL);
	expect_error("--target-mac is needed: the kernel has no neighbours on vdev:net_null0");
	assert_int_equal(PARSE("--port=vdev:net_null0", "--target=192.0.2.1",
				 "--target-mac=02:00:00:00:00:01"),
		-EINVAL);
	expect_error("--source is needed: vdev:net_null0 has no addresses");
	assert_int_equal(PARSE(GOOD, "--clients=5"), -EINVAL);
	expect_error("--clients needs --source");
	assert_int_equal(PARSE(GOOD, "--search=1", "--search-from=2M", "--search-to=1M"), -EINVAL);
	expect_error("--search-from 2000000 is above --search-to 1000000");
	assert_int_equal(PARSE(GOOD, "--search=1", "--mix=malformed=1"), -EINVAL);
	expect_error("--search needs a --mix of which something is answered");
}

/* What would do nothing is a mistake. */
static void refuses_what_does_nothing(void **state)
{
	(void)state;
	assert_int_equal(PARSE(GOOD, "--search=1", "--pattern=ramp:1:2"), -EINVAL);
	expect_error("--search and --pattern ramp exclude each other");
	assert_int_equal(PARSE(GOOD, "--rate=5", "--pattern=ramp:1:2"), -EINVAL);
	expect_error("--rate and --pattern ramp exclude each other");
	assert_int_equal(PARSE(GOOD, "--search=1", "--rate=5"), -EINVAL);
	expect_error("--search and --rate exclude each other");
	assert_int_equal(PARSE(GOOD, "--search-to=1M"), -EINVAL);
	expect_error("--search-to needs --search");
	assert_int_equal(PARSE(GOOD, "--key-id=1"), -EINVAL);
	expect_error("--key-id needs --key-file");
	assert_int_equal(PARSE(GOOD, "--key-id=1", "--key-file=keys"), -EINVAL);
	expect_error("--key-file needs --mix symmetric=WEIGHT");
	assert_int_equal(PARSE(GOOD, "--progress", "--no-progress"), -EINVAL);
	expect_error("--progress and --no-progress exclude each other");
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--reflect", "--json", "--mix=v3=1"), -EINVAL);
	expect_error("--mix does nothing with --reflect");
	assert_int_equal(
		PARSE("--port=af_xdp:eth0", "--reflect", "--json", "--source=10.0.0.0/8",
			"--clients=7", "--core=0", "--burst=1", "--memory=64", "--no-huge"),
		0);
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--reflect", "--clients=7"), -EINVAL);
	expect_error("--clients needs --source");
	assert_int_equal(
		PARSE("--port=af_xdp:eth0", "--reflect", "--source=10.0.0.0/29", "--clients=7"),
		-EINVAL);
	expect_error("--clients 7: --source has only 6 IPv4 addresses");
}

static void counts_the_clients(void **state)
{
	(void)state;
	assert_int_equal(PARSE(GOOD, "--source=10.0.0.0/29,10.1.0.0/30", "--clients=9"), -EINVAL);
	expect_error("--clients 9: --source has only 8 IPv4 addresses");
	assert_int_equal(PARSE(GOOD, "--source=10.0.0.0/29,10.1.0.0/30", "--clients=8"), 0);
	assert_int_equal(PARSE(GOOD, "--source=2001:db8::/64"), -EINVAL);
	expect_error("--source has no IPv4 prefix, but --target is IPv4");
	assert_int_equal(PARSE(GOOD, "--source=10.0.0.0/8", "--mix=interleaved=1"), -EINVAL);
	expect_error("--mix interleaved: 16777214 IPv4 clients are too many: --clients must be "
		     "from 1 to 1048576");
	assert_int_equal(
		PARSE(GOOD, "--source=10.0.0.0/8", "--mix=interleaved=1", "--clients=1048576"), 0);
	assert_int_equal(
		PARSE(GOOD, "--source=10.0.0.0/7", "--clients=16777216", "--i-own-this-target"), 0);
}

/* Also when only one of several is public, and wherever the permission stands. */
static void refuses_public_targets(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--target=192.0.2.1,8.8.8.8"), -EINVAL);
	expect_error("--target 8.8.8.8 is a public address: load only servers that are yours, and "
		     "say so with --i-own-this-target");
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--target=2606:4700::1"), -EINVAL);
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--i-own-this-target", "--target=8.8.8.8"), 0);
	assert_int_equal(PARSE("--port=af_xdp:eth0", "--target=8.8.8.8", "--i-own-this-target"), 0);
}

/* A prefix may be too short for the private one that its address is in. */
static void refuses_public_sources(void **state)
{
	(void)state;
	assert_int_equal(PARSE(GOOD, "--source=198.18.0.0/15,8.0.0.0/24"), -EINVAL);
	expect_error("--source 8.0.0.0/24 has public addresses, to which the server would answer: "
		     "use private ones, or say that they are yours with --i-own-this-target");
	assert_int_equal(PARSE(GOOD, "--source=10.0.0.0/7"), -EINVAL);
	assert_int_equal(PARSE(GOOD, "--source=198.18.0.0/14"), -EINVAL);
	assert_int_equal(PARSE(GOOD, "--source=198.18.0.0/15,2001:2::/48"), 0);
	assert_int_equal(PARSE(GOOD, "--source=8.0.0.0/24", "--i-own-this-target"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(refuses_public_sources),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(reads_patterns),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(names_a_bad_port),
		cmocka_unit_test(wants_what_it_needs),
		cmocka_unit_test(refuses_what_does_nothing),
		cmocka_unit_test(counts_the_clients),
		cmocka_unit_test(refuses_public_targets),
	};

	return cmocka_run_group_tests_name("load-options", tests, NULL, NULL);
}
