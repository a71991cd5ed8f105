/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "name.h"

static void expect(const char *word, enum name_kind kind, const char *name)
{
	char found[NAME_SIZE];

	assert_int_equal(name_parse(word, found), kind);
	if (kind != NAME_NONE)
		assert_string_equal(found, name);
}

static void test_pci_addresses(void **state)
{
	(void)state;
	expect("0000:3b:00.0", NAME_PCI, "0000:3b:00.0");
	expect("3B:00.1", NAME_PCI, "0000:3b:00.1");
	expect("0:3:4.7", NAME_PCI, "0000:03:04.7");
	expect("10000:e1:1f.0", NAME_PCI, "10000:e1:1f.0");
}

static void test_interfaces(void **state)
{
	(void)state;
	expect("eth0", NAME_INTERFACE, "eth0");
	expect("enp59s0f0np0-1.5", NAME_NONE, "");
	expect("enp59s0f0np0-12", NAME_INTERFACE, "enp59s0f0np0-12");
	expect("bond0.100", NAME_INTERFACE, "bond0.100");
	expect("3.4", NAME_INTERFACE, "3.4");
}

static void test_what_is_neither(void **state)
{
	static const char *const words[] = {"", ".", "..", "a/b", "a b", "eth0:1", "00:20.0",
		"0000:00:00.8", "0000:100:00.0", "0000:00:00.0x", "0x0:00:00.0", "-1:00:00.0",
		"0000:00:00.", "123456:00:00.0", "\x1b[2J"};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		expect(words[i], NAME_NONE, "");
}

static void test_drivers(void **state)
{
	(void)state;
	assert_true(name_is_driver("vfio-pci"));
	assert_true(name_is_driver("mlx5_core"));
	assert_false(name_is_driver(""));
	assert_false(name_is_driver("../igb"));
	assert_false(name_is_driver("-r igb"));
	assert_false(name_is_driver("abcdefghijklmnopqrstuvwxyz0123456"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_addresses),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_what_is_neither),
		cmocka_unit_test(test_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
