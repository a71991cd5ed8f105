/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void who_has_vanished_has_no_mac(void **state)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, 1}, loopback[6];
	uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	(void)state;
	assert_int_equal(network_mac(INT32_MAX, mac), -ENODEV);
	assert_memory_equal(mac, own, sizeof(mac));
	assert_int_equal(network_mac(if_nametoindex("lo"), mac), 0);
	assert_memory_equal(mac, loopback, sizeof(mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_has_vanished_has_no_mac)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
