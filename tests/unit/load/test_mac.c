/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <mac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *key_text, const char *data, const uint8_t *expected, size_t length)
{
	struct mac_key key;
	uint8_t mac[MAC_LENGTH_MAX];

	assert_int_equal(mac_key_parse(&key, key_text), 0);
	assert_int_equal(mac_length(&key), length);
	mac_compute(&key, (const uint8_t *)data, strlen(data), mac);
	assert_memory_equal(mac, expected, length);
}

/* RFC 4493 section 4, example 2; NIST SP 800-38B D.3, example 10; "abc" as key "a" and data "bc"
 * of RFC 1321 A.5, RFC 3174 7.3 and RFC 6234 8.5. */
static void agrees_with_the_examples(void **state)
{
	static const char block[] = "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17"
				    "\x2a";

	(void)state;
	check("1:aes128:2b7e151628aed2a6abf7158809cf4f3c", block,
		(const uint8_t *)"\x07\x0a\x16\xb4\x6b\x4d\x41\x44\xf7\x9b\xdd\x9d\xd0\x4a\x28\x7c",
		16);
	check("1:aes256:603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", block,
		(const uint8_t *)"\x28\xa7\x02\x3f\x45\x2e\x8f\x82\xbd\x4b\xf2\x8d\x8c\x37\xc3\x5c",
		16);
	check("1:md5:61", "bc",
		(const uint8_t *)"\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72",
		16);
	check("1:sha1:61", "bc",
		(const uint8_t *)"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c"
				 "\x9c\xd0\xd8\x9d",
		20);
	check("1:sha256:61", "bc",
		(const uint8_t *)"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
				 "\xb0\x03\x61\xa3",
		20);
}

static void refuses_other_keys(void **state)
{
	static const char *const bad[] = {"", "1", "1:aes128", "1:aes128:", "0:md5:61",
		"1:aes128:00", "1:aes256:2b7e151628aed2a6abf7158809cf4f3c", "1:md5:6", "1:md5:6g",
		"1:md4:61", "x:md5:61", "-1:md5:61", "4294967296:md5:61", "1:md:61", "1::61"};
	struct mac_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mac_key_parse(&key, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_examples),
		cmocka_unit_test(refuses_other_keys),
	};

	return cmocka_run_group_tests_name("load-mac", tests, NULL, NULL);
}
