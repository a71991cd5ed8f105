/* SPDX-License-Identifier: BSD-3-Clause */
#include <clients.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool own(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address_is_own(&address);
}

static void knows_nobody_elses_addresses(void **state)
{
	static const char *const good[] = {"127.0.0.1", "10.255.255.255", "172.16.0.1",
		"172.31.255.255", "192.168.1.1", "169.254.1.1", "192.0.2.1", "198.51.100.1",
		"203.0.113.255", "198.18.0.0", "198.19.255.255", "::1", "fe80::1", "febf::1",
		"fc00::1", "fdff::1", "2001:db8::1", "2001:db8:ffff::1"};
	static const char *const bad[] = {"8.8.8.8", "9.255.255.255", "11.0.0.0", "172.15.255.255",
		"172.32.0.0", "192.167.255.255", "192.0.3.1", "198.17.255.255", "198.20.0.0",
		"203.0.112.255", "::2", "::", "fec0::1", "fbff::1", "fe00::1", "2001:db7::1",
		"2001:db9::", "2606:4700::1", "::ffff:10.0.0.1"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(own(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(own(bad[i]));
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4/33", "::/129", "1.2.3.4/", "x",
		"1.2.3.4/-1", "1.2.3.4/8x", "1.2.3.4/ 8"};
	struct prefix prefix;
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(prefix_parse(&prefix, bad[i]), -EINVAL);
	assert_int_equal(mac_parse(mac, "02:00:00:00:00:0"), -EINVAL);
	assert_int_equal(mac_parse(mac, "02:00:00:00:00:0g"), -EINVAL);
	assert_int_equal(mac_parse(mac, "+2:00:00:00:00:01"), -EINVAL);
	assert_int_equal(mac_parse(mac, "02: 0:00:00:00:01"), -EINVAL);
	assert_int_equal(mac_parse(mac, "02:00:00:00:ab:01"), 0);
	assert_int_equal(mac[4], 0xab);
}

static void make(struct clients *clients, const char *text, uint32_t wanted, int expected)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(&prefix, text), 0);
	assert_int_equal(clients_init(clients, &prefix, 1, prefix.address.ipv6, wanted), expected);
}

static void counts_the_addresses_of_a_prefix(void **state)
{
	struct clients clients;

	(void)state;
	make(&clients, "192.0.2.7", 0, 0);
	assert_int_equal(clients.count, 1);
	assert_int_equal(clients_ipv4(&clients, 0), 0xc0000207);
	make(&clients, "192.0.2.7/31", 0, 0);
	assert_int_equal(clients.count, 2);
	assert_int_equal(clients_ipv4(&clients, 0), 0xc0000206);
	make(&clients, "192.0.2.7/24", 0, 0);
	assert_int_equal(clients.count, 254);
	assert_int_equal(clients_ipv4(&clients, 253), 0xc00002fe);
	make(&clients, "192.0.2.0/24", 255, -ERANGE);
	make(&clients, "10.0.0.0/8", 0, 0);
	assert_int_equal(clients.count, (1 << 24) - 2);
	make(&clients, "10.0.0.0/7", 0, 0);
	assert_int_equal(clients.count, 1 << 24);
	make(&clients, "2001:db8::/32", 0, 0);
	assert_int_equal(clients.count, 1 << 24);
}

/* Each in a subnet of its own, where the prefix has some. */
static void spreads_ipv6_over_subnets(void **state)
{
	static const struct {
		const char *prefix, *first, *third, *other;
	} cases[] = {
		{"2001:db8::/32", "2001:db8:0:1::1", "2001:db8:0:3::1", "2001:db8:0:1::2"},
		{"2001:db8::/64", "2001:db8::1", "2001:db8::3", "2001:db8:0:1::1"},
	};
	struct clients clients;
	struct address address;
	uint64_t half[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make(&clients, cases[i].prefix, 5, 0);
		address_parse(&address, cases[i].first);
		clients_ipv6(&clients, 0, half);
		assert_memory_equal(half, address.octet, 16);
		assert_true(clients_contain(&clients, &address));
		address_parse(&address, cases[i].third);
		clients_ipv6(&clients, 2, half);
		assert_memory_equal(half, address.octet, 16);
		assert_true(clients_contain(&clients, &address));
		address_parse(&address, cases[i].other);
		assert_false(clients_contain(&clients, &address));
	}
}

static void goes_on_in_the_next_prefix(void **state)
{
	struct prefix prefix[3];
	struct clients clients;
	struct address address;

	(void)state;
	prefix_parse(&prefix[0], "10.0.0.0/30");
	prefix_parse(&prefix[1], "2001:db8::/64");
	prefix_parse(&prefix[2], "10.1.0.0/16");
	assert_int_equal(clients_init(&clients, prefix, 3, false, 10), 0);
	assert_int_equal(clients_ipv4(&clients, 1), 0x0a000002);
	assert_int_equal(clients_ipv4(&clients, 2), 0x0a010001);
	address_parse(&address, "10.1.0.8");
	assert_true(clients_contain(&clients, &address));
	address_parse(&address, "10.1.0.9");
	assert_false(clients_contain(&clients, &address));
	address_parse(&address, "10.0.0.0");
	assert_false(clients_contain(&clients, &address));
}

/* All clients, evenly, and never the same twice in a row. */
static void visits_all_clients(void **state)
{
	static const uint32_t counts[] = {3, 254, 1000, 65536, 1 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct clients clients;
		uint32_t *visits, last = UINT32_MAX;

		make(&clients, "2001:db8::/64", counts[i], 0);
		visits = calloc(counts[i], sizeof(*visits));
		for (uint64_t request = 0; request < UINT64_C(64) * counts[i]; request++) {
			uint32_t client = clients_index(&clients, request);

			assert_in_range(client, 0, counts[i] - 1);
			assert_int_not_equal(client, last);
			last = client;
			visits[client]++;
		}
		for (uint32_t client = 0; client < counts[i]; client++)
			assert_in_range(visits[client], 56, 72);
		free(visits);
	}
}

static void keeps_to_the_ports(void **state)
{
	struct clients clients = {.port_low = 65000, .port_count = 536};
	uint32_t low = UINT32_MAX, high = 0;

	(void)state;
	for (uint64_t request = 0; request < 100000; request++) {
		uint16_t port = clients_port(&clients, request);

		low = port < low ? port : low;
		high = port > high ? port : high;
	}
	assert_int_equal(low, 65000);
	assert_int_equal(high, 65535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_nobody_elses_addresses),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(counts_the_addresses_of_a_prefix),
		cmocka_unit_test(spreads_ipv6_over_subnets),
		cmocka_unit_test(goes_on_in_the_next_prefix),
		cmocka_unit_test(visits_all_clients),
		cmocka_unit_test(keeps_to_the_ports),
	};

	return cmocka_run_group_tests_name("load-address", tests, NULL, NULL);
}
