/* SPDX-License-Identifier: BSD-3-Clause */
#include <neighbour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 0x0a};
static struct neighbour_self self;
static uint8_t frame[128];

static int start(void **state)
{
	struct prefix prefix[2];

	(void)state;
	memset(&self, 0, sizeof(self));
	memcpy(self.mac, our_mac, 6);
	address_parse(&self.address[0], "192.0.2.2");
	address_parse(&self.address[1], "2001:db8:1::2");
	self.address_count = 2;
	prefix_parse(&prefix[0], "10.0.0.0/24");
	prefix_parse(&prefix[1], "2001:db8:2::/64");
	clients_init(&self.clients[0], prefix, 2, false, 0);
	clients_init(&self.clients[1], prefix, 2, true, 0);
	return 0;
}

/* 192.0.2.1 of 02:00:00:00:00:0b asks who has `asked`. */
static uint32_t arp(const char *asked)
{
	static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x0b, 8,
		6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x0b, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0};
	struct address address;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, head, sizeof(head));
	address_parse(&address, asked);
	memcpy(frame + 38, address.octet, 4);
	return 60;
}

static void answers_arp(void **state)
{
	static const uint8_t expected[] = {2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 8, 6, 0, 1, 8,
		0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 0x0a, 10, 0, 0, 7, 2, 0, 0, 0, 0, 0x0b, 192, 0, 2, 1};

	(void)state;
	assert_int_equal(neighbour_answer(&self, frame, arp("10.0.0.7")), 42);
	assert_memory_equal(frame, expected, sizeof(expected));
	assert_int_equal(neighbour_answer(&self, frame, arp("192.0.2.2")), 42);
}

static void leaves_other_arp_alone(void **state)
{
	(void)state;
	assert_int_equal(neighbour_answer(&self, frame, arp("192.0.2.3")), 0);
	assert_int_equal(neighbour_answer(&self, frame, arp("10.0.0.255")), 0);
	arp("192.0.2.2");
	assert_int_equal(neighbour_answer(&self, frame, 41), 0);
	frame[21] = 2; /* a reply */
	assert_int_equal(neighbour_answer(&self, frame, 60), 0);
}

static uint32_t sum16(uint32_t sum, const uint8_t *data, unsigned int length)
{
	for (unsigned int i = 0; i < length; i += 2) {
		sum += (uint32_t)data[i] << 8 | data[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* 2001:db8:1::1 asks its solicited-node group for `asked`. */
static uint32_t solicitation(const char *asked)
{
	static const uint8_t head[] = {0x33, 0x33, 0xff, 0, 0, 2, 2, 0, 0, 0, 0, 0x0b, 0x86, 0xdd,
		0x60, 0, 0, 0, 0, 32, 58, 255};
	struct address address;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, head, sizeof(head));
	address_parse(&address, "2001:db8:1::1");
	memcpy(frame + 22, address.octet, 16);
	address_parse(&address, "ff02::1:ff00:2");
	memcpy(frame + 38, address.octet, 16);
	frame[54] = 135;
	address_parse(&address, asked);
	memcpy(frame + 62, address.octet, 16);
	memcpy(frame + 78, "\1\1\2\0\0\0\0\x0b", 8);
	return 86;
}

static void answers_solicitations(void **state)
{
	struct address address;

	(void)state;
	assert_int_equal(neighbour_answer(&self, frame, solicitation("2001:db8:2::5")), 86);
	assert_memory_equal(frame, "\2\0\0\0\0\x0b\2\0\0\0\0\x0a\x86\xdd", 14);
	address_parse(&address, "2001:db8:2::5");
	assert_memory_equal(frame + 22, address.octet, 16);
	assert_memory_equal(frame + 62, address.octet, 16);
	address_parse(&address, "2001:db8:1::1");
	assert_memory_equal(frame + 38, address.octet, 16);
	assert_int_equal(frame[54], 136);
	assert_int_equal(frame[58], 0x60);
	assert_memory_equal(frame + 78, "\2\1\2\0\0\0\0\x0a", 8);
	assert_int_equal(sum16(sum16(58 + 32, frame + 22, 32), frame + 54, 32), 0xffff);
}

static void leaves_other_solicitations_alone(void **state)
{
	(void)state;
	assert_int_equal(neighbour_answer(&self, frame, solicitation("2001:db8:1::3")), 0);
	solicitation("2001:db8:1::2");
	assert_int_equal(neighbour_answer(&self, frame, 77), 0);
	frame[21] = 64; /* from beyond a router */
	assert_int_equal(neighbour_answer(&self, frame, 86), 0);
	solicitation("2001:db8:1::2");
	memset(frame + 22, 0, 16); /* duplicate address detection of another node */
	assert_int_equal(neighbour_answer(&self, frame, 86), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(answers_arp, start),
		cmocka_unit_test_setup(leaves_other_arp_alone, start),
		cmocka_unit_test_setup(answers_solicitations, start),
		cmocka_unit_test_setup(leaves_other_solicitations_alone, start),
	};

	return cmocka_run_group_tests_name("load-neighbour", tests, NULL, NULL);
}
