/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <mac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PACKET 48

/* Returns the number of octets. */
static size_t unhex(const char *hex, uint8_t *octets)
{
	size_t count = strlen(hex) / 2;

	for (size_t i = 0; i < count; i++) {
		unsigned int octet;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
		octets[i] = (uint8_t)octet;
	}
	return count;
}

#define AES128_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define AES256_KEY "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define MESSAGE                                                                                    \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                         \
	"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* RFC 4493 section 4, and NIST SP 800-38B appendix D.3. */
static const struct {
	uint8_t type;
	const char *key;
	size_t length;
	const char *digest;
} cmacs[] = {
	{MERIDIAN_KEY_AES128, AES128_KEY, 0, "bb1d6929e95937287fa37d129b756746"},
	{MERIDIAN_KEY_AES128, AES128_KEY, 16, "070a16b46b4d4144f79bdd9dd04a287c"},
	{MERIDIAN_KEY_AES128, AES128_KEY, 40, "dfa66747de9ae63030ca32611497c827"},
	{MERIDIAN_KEY_AES128, AES128_KEY, 64, "51f0bebf7e3b9d92fc49741779363cfe"},
	{MERIDIAN_KEY_AES256, AES256_KEY, 0, "028962f61b7bf89efc6b551f4667d983"},
	{MERIDIAN_KEY_AES256, AES256_KEY, 16, "28a7023f452e8f82bd4bf28d8c37c35c"},
	{MERIDIAN_KEY_AES256, AES256_KEY, 40, "aaf3d8f1de5640c232f5b169b9c911e6"},
	{MERIDIAN_KEY_AES256, AES256_KEY, 64, "e1992190549f6ed5696a2c056c315410"},
};

static void gives_the_published_cmacs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cmacs) / sizeof(cmacs[0]); i++) {
		uint8_t octets[32], packet[64 + MAC_MAX], expected[16];
		struct mac_key key;

		unhex(MESSAGE, packet);
		unhex(cmacs[i].digest, expected);
		assert_int_equal(mac_key_init(&key, 0x01020304, cmacs[i].type, octets,
					 unhex(cmacs[i].key, octets)),
			0);
		assert_int_equal(mac_length(&key, 4), 20);
		assert_int_equal(mac_length(&key, 3), 20);
		mac_write(&key, packet, cmacs[i].length, 20);
		assert_memory_equal(packet + cmacs[i].length, "\1\2\3\4", 4);
		assert_memory_equal(packet + cmacs[i].length + 4, expected, 16);
	}
}

/* Packets of any length, the longest of several runs of the cipher, as nettle's own does them. */
static void gives_the_same_cmac_as_nettle_at_any_length(void **state)
{
	uint8_t octets[32], packet[300 + MAC_MAX], expected[16];
	struct cmac_aes128_ctx small;
	struct cmac_aes256_ctx large;
	struct mac_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)(i * 7);
	unhex(AES256_KEY, octets);
	cmac_aes128_set_key(&small, octets);
	cmac_aes256_set_key(&large, octets);
	for (size_t length = 0; length <= 300; length++) {
		uint8_t mac[20];

		assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES128, octets, 16), 0);
		mac_write_at(&key, packet, length, mac, sizeof(mac));
		cmac_aes128_update(&small, length, packet);
		cmac_aes128_digest(&small, sizeof(expected), expected);
		assert_memory_equal(mac + 4, expected, sizeof(expected));
		assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES256, octets, 32), 0);
		mac_write_at(&key, packet, length, mac, sizeof(mac));
		cmac_aes256_update(&large, length, packet);
		cmac_aes256_digest(&large, sizeof(expected), expected);
		assert_memory_equal(mac + 4, expected, sizeof(expected));
	}
}

/* Of the octets 0 to 47, computed by other implementations (Python's hashlib, openssl mac); the
 * hashes with this key in front. */
#define HASH_KEY "Meridian test key"
static const struct {
	uint8_t type;
	size_t length_v3, length_v4;
	const char *digest;
} digests[] = {
	{MERIDIAN_KEY_MD5, 20, 20, "954abec3d3f54267d308252eb8368332"},
	{MERIDIAN_KEY_SHA1, 24, 24, "938dbc8f0abebfb95be34fa89796b5ec68c9e649"},
	{MERIDIAN_KEY_SHA256, 36, 24,
		"fa50c1d85e124c06d7ac306d383916c6a4f5122a52f6675d8f17b478fbecb7d0"},
	{MERIDIAN_KEY_SHA384, 52, 24,
		"c23d27848c1a19031ef7ea0bdd953905d0e492bdb4a91e64403b8b5abf9d1064"
		"d3038ab00c2b46bf838cbcbea8271707"},
	{MERIDIAN_KEY_SHA512, 68, 24,
		"054d36e68936c115a401926177990fc89fecdd068a2a010eaf84d28889dc67b3"
		"1d7f286fac97eb6005286356f7d20156d4979ff0f4af58d7cc8da85c0087196e"},
	{MERIDIAN_KEY_SHA512_256, 36, 24,
		"ca301bd9e0a940cc1c049261241c32c6ea202f3a6839f1766a2089af3a6cb1bb"},
	{MERIDIAN_KEY_SHA3_224, 32, 24, "bb7f5fab5d61bf408f3442da8c3c0acee2aeab7f8a83ff129bb525ba"},
	{MERIDIAN_KEY_SHA3_256, 36, 24,
		"4971182174cc1c31235630eda7fdf7adcd7bcac9e63aedf9aff4115f82d74bcd"},
	{MERIDIAN_KEY_SHA3_384, 52, 24,
		"313a87b6c99db9682fbcc06d3f5a31d5af78749718965df6444c3d61e2383797"
		"e5ac5436b81ddbbe31a43196e4ef882b"},
	{MERIDIAN_KEY_SHA3_512, 68, 24,
		"8dbdf93ed5ed03583f8986af54e33a5f50be1169767389e1325b64c8575dfc83"
		"c814bb0e56db261525cf62a70a5df84000e7737ce1754b92844c2995016a7e7c"},
	{MERIDIAN_KEY_AES128, 20, 20, "b46dd8856c4fee713a9243e917f1fdb7"},
	{MERIDIAN_KEY_AES256, 20, 20, "0c00787f59088fb8343d8597f6650bc5"},
};

#define DIGESTS (sizeof(digests) / sizeof(digests[0]))

static struct mac_key key_of(uint8_t type)
{
	uint8_t octets[64];
	struct mac_key key;
	size_t length = sizeof(HASH_KEY) - 1;

	memcpy(octets, HASH_KEY, length);
	if (mac_type_of(type)->key_length)
		length = unhex(type == MERIDIAN_KEY_AES128 ? AES128_KEY : AES256_KEY, octets);
	assert_int_equal(mac_key_init(&key, 0xfffffffe, type, octets, length), 0);
	return key;
}

static void packet_fill(uint8_t packet[static PACKET])
{
	for (int i = 0; i < PACKET; i++)
		packet[i] = (uint8_t)i;
}

static void knows_every_type(void **state)
{
	size_t count = 0;

	(void)state;
	while (mac_type_at(count))
		count++;
	assert_int_equal(count, DIGESTS);
	for (size_t i = 0; i < DIGESTS; i++) {
		struct mac_key key = key_of(digests[i].type);
		uint8_t packet[PACKET + MAC_MAX], expected[64];
		size_t octets = unhex(digests[i].digest, expected);

		packet_fill(packet);
		assert_int_equal(octets, mac_type_of(digests[i].type)->digest);
		assert_int_equal(mac_length(&key, 3), digests[i].length_v3);
		assert_int_equal(mac_length(&key, 4), digests[i].length_v4);
		mac_write(&key, packet, PACKET, digests[i].length_v3);
		assert_int_equal(mac_id(packet + PACKET), 0xfffffffe);
		assert_memory_equal(packet + PACKET + 4, expected, octets);
		assert_true(mac_good(&key, packet, PACKET, digests[i].length_v3));
		assert_true(mac_good(&key, packet, PACKET, digests[i].length_v4));
	}
}

/* No bit may be changed, nor the key. */
static void sees_every_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < DIGESTS; i++) {
		struct mac_key key = key_of(digests[i].type);
		uint8_t packet[PACKET + MAC_MAX];
		size_t length = digests[i].length_v4;

		packet_fill(packet);
		mac_write(&key, packet, PACKET, length);
		for (size_t bit = 0; bit < 8 * (PACKET + length); bit++) {
			if (bit / 8 >= PACKET && bit / 8 < PACKET + MAC_ID_SIZE)
				continue;
			packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(mac_good(&key, packet, PACKET, length));
			packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_true(mac_good(&key, packet, PACKET, length));
		assert_false(mac_good(&key, packet, PACKET - 4, length));
		key.state.cmac.subkeys.K1.b[0] ^= 1;
		assert_false(mac_good(&key, packet, PACKET, length));
	}
}

/* A MAC without a digest would fit every packet. */
static void refuses_lengths_that_are_none(void **state)
{
	struct mac_key key = key_of(MERIDIAN_KEY_AES128);
	uint8_t packet[PACKET + MAC_MAX] = {0};

	(void)state;
	mac_write(&key, packet, PACKET, 20);
	for (size_t length = 0; length <= MAC_ID_SIZE; length++)
		assert_false(mac_good(&key, packet, PACKET, length));
	assert_false(mac_good(&key, packet, PACKET, 24));
	assert_false(mac_good(&key, packet, PACKET, MAC_MAX + 4));
	key = key_of(MERIDIAN_KEY_SHA256); /* nettle ends the program when asked for more */
	assert_false(mac_good(&key, packet, PACKET, MAC_ID_SIZE + 32 + 4));
}

static void refuses_keys_that_are_none(void **state)
{
	uint8_t octets[33] = {0};
	struct mac_key key;

	(void)state;
	assert_int_equal(mac_key_init(&key, 1, 0, octets, 16), -EINVAL);
	assert_int_equal(mac_key_init(&key, 1, 10, octets, 16), -EINVAL);
	assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES128, octets, 15), -EINVAL);
	assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES128, octets, 32), -EINVAL);
	assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES256, octets, 16), -EINVAL);
	assert_int_equal(mac_key_init(&key, 1, MERIDIAN_KEY_AES256, octets, 33), -EINVAL);
	assert_null(mac_type_find("AES192"));
	assert_null(mac_type_find(""));
	assert_int_equal(mac_type_find("sha3-256")->number, MERIDIAN_KEY_SHA3_256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_cmacs),
		cmocka_unit_test(gives_the_same_cmac_as_nettle_at_any_length),
		cmocka_unit_test(knows_every_type),
		cmocka_unit_test(sees_every_change),
		cmocka_unit_test(refuses_lengths_that_are_none),
		cmocka_unit_test(refuses_keys_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
