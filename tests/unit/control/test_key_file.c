/* SPDX-License-Identifier: BSD-3-Clause */
#include "heap.h"
#include <errno.h>
#include <fcntl.h>
#include <key_file.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/meridian-test-keys-XXXXXX";
static struct meridian_keys_blob *keys;
static char *messages;

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	free(messages);
	return unlink(path);
}

/* Reads `text` as a file; its name in the messages is left out. */
static int read_text(const char *text, bool insecure)
{
	FILE *file = fopen(path, "w"), *errors;
	char *prefix;
	size_t size;
	int r;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(messages);
	key_file_free(keys);
	keys = NULL;
	errors = open_memstream(&messages, &size);
	r = key_file_read(path, insecure, errors, &keys);
	fclose(errors);
	while ((prefix = strstr(messages, path)))
		memmove(prefix, prefix + strlen(path) + 1, strlen(prefix + strlen(path) + 1) + 1);
	return r;
}

static void assert_key(uint32_t id, uint8_t type, const char *octets, size_t length)
{
	const struct meridian_key *key = key_file_find(keys, id);

	assert_non_null(key);
	assert_int_equal(key->type, type);
	assert_int_equal(key->length, length);
	assert_memory_equal(meridian_key_octets(keys, key), octets, length);
}

static void reads_the_format_of_chrony(void **state)
{
	(void)state;
	assert_int_equal(read_text("# a comment\n"
				   "! another\n; and\n% more\n"
				   "\n   \t \n"
				   "4294967295 AES128 HEX:000102030405060708090a0B0C0D0E0F\n"
				   "10 MD5 tentenchars\n"
				   "  7\t sha256   ASCII:HEX:with a prefix \n"
				   "1 elevenchars\n"
				   "20 AES256 ASCII:0123456789abcdef0123456789abcdef\n"
				   "21 SHA1 hex:isnoprefixhere\n"
				   "22 SHA3-512 HEX:ff00ff00ff00ff00ff00\n",
				 true),
		-EBADMSG); /* "with a prefix" */
	assert_string_equal(
		messages, "9: key 7 has too many words (usage: ID [TYPE] [ASCII:|HEX:]KEY)\n");
	assert_int_equal(read_text("4294967295 AES128 HEX:000102030405060708090a0B0C0D0E0F\n"
				   "10 MD5 tentenchars\n"
				   "  7\t sha256   ASCII:HEX:with-a-prefix \n"
				   "1 elevenchars\n"
				   "20 AES256 ASCII:0123456789abcdef0123456789abcdef\n"
				   "21 SHA1 hex:isnoprefixhere\n"
				   "22 SHA3-512 HEX:ff00ff00ff00ff00ff00",
				 true),
		0);
	assert_string_equal(messages, "");
	assert_int_equal(keys->count, 7);
	assert_int_equal(meridian_keys_check(keys, keys->size), 0);
	assert_key(UINT32_MAX, MERIDIAN_KEY_AES128, "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 16);
	assert_key(10, MERIDIAN_KEY_MD5, "tentenchars", 11);
	assert_key(7, MERIDIAN_KEY_SHA256, "HEX:with-a-prefix", 17);
	assert_key(1, MERIDIAN_KEY_MD5, "elevenchars", 11);
	assert_key(20, MERIDIAN_KEY_AES256, "0123456789abcdef0123456789abcdef", 32);
	assert_key(21, MERIDIAN_KEY_SHA1, "hex:isnoprefixhere", 18);
	assert_key(22, MERIDIAN_KEY_SHA3_512, "\xff\0\xff\0\xff\0\xff\0\xff\0", 10);
	assert_null(key_file_find(keys, 2));
	assert_null(key_file_find(keys, 0));
}

#define USAGE " (usage: ID [TYPE] [ASCII:|HEX:]KEY)\n"
#define TYPES                                                                                      \
	"MD5, SHA1, SHA256, SHA384, SHA512, SHA3-224, SHA3-256, SHA3-384, SHA3-512, AES128, "      \
	"AES256, SHA512-256"

/* Nothing that may be a secret is repeated. */
static const struct {
	const char *text, *messages;
} wrong[] = {
	{"secret\n", "1: the line does not begin with a key ID (1 to 4294967295)\n"},
	{"-1 SHA256 secretsecret\n",
		"1: the line does not begin with a key ID (1 to 4294967295)\n"},
	{"0x10 SHA256 secretsecret\n",
		"1: the line does not begin with a key ID (1 to 4294967295)\n"},
	{"0 SHA256 secretsecret\n", "1: key ID 0 is out of range (allowed: 1 to 4294967295)\n"},
	{"4294967296 SHA256 secretsecret\n",
		"1: key ID 4294967296 is out of range (allowed: 1 to 4294967295)\n"},
	{"99999999999999999999999 SHA256 secretsecret\n",
		"1: the line does not begin with a key ID (1 to 4294967295)\n"}, /* a secret? */
	{"5\n", "1: key 5 is missing" USAGE},
	{"5 SHA256 my secret phrase\n", "1: key 5 has too many words" USAGE},
	{"5 secret phrase\n", "1: key 5 is of a type that is not known (allowed: " TYPES ")\n"},
	{"5 TIGER secretsecret\n",
		"1: key 5 is of a type that is not known (allowed: " TYPES ")\n"},
	{"5 AES192 HEX:000102030405060708090a0b0c0d0e0f0001020304050607\n",
		"1: key 5 is of a type that is not known (allowed: " TYPES ")\n"},
	{"5 AES128 HEX:00010203040506070809\n",
		"1: key 5 has 10 octets; AES128 takes 16 (after HEX: 32 digits)\n"},
	{"5 AES256 tooshort\n", "1: key 5 has 8 octets; AES256 takes 32 (after HEX: 64 digits)\n"},
	{"5 SHA256 HEX:00f\n", "1: key 5: HEX: is not followed by pairs of digits 0-9, a-f\n"},
	{"5 SHA256 HEX:secret\n", "1: key 5: HEX: is not followed by pairs of digits 0-9, a-f\n"},
	{"5 SHA256 HEX:\n", "1: key 5 is too short (allowed: 1 to 1024 octets)\n"},
	{"5 SHA256 ASCII:\n", "1: key 5 is too short (allowed: 1 to 1024 octets)\n"},
	{"5 MD5 secretsecret\n",
		"1: key 5 is of type MD5, whose hash is broken: replace it, AES128 is best, or "
		"allow "
		"such keys by `insecurekeys`\n"},
	{"5 secretsecret\n",
		"1: key 5 is of type MD5 (as no type is given), whose hash is broken: replace it, "
		"AES128 is best, or allow such keys by `insecurekeys`\n"},
	{"5 SHA256 secretsecret\n6 SHA256 secretsecret\n5 SHA512 secretsecret\n",
		"3: key 5 is there already, in line 1\n"},
	{"x\n\n5 AES128 x\n", /* all of them at once */
		"1: the line does not begin with a key ID (1 to 4294967295)\n"
		"3: key 5 has 1 octets; AES128 takes 16 (after HEX: 32 digits)\n"},
};

static void names_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(read_text(wrong[i].text, false), -EBADMSG);
		assert_string_equal(messages, wrong[i].messages);
		assert_null(strstr(messages, "secret"));
		assert_null(keys);
	}
}

static void warns_of_short_keys(void **state)
{
	(void)state;
	assert_int_equal(read_text("1 SHA256 ninechars\n2 SHA256 tencharact\n", false), 0);
	assert_string_equal(
		messages, "1: warning: key 1 has 72 bits, too few to be safe (below 80)\n");
}

/* Errors and warnings alike. */
static void says_so_much_and_no_more(void **state)
{
	char text[40 * 8] = "";

	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		strcat(text, "word\n");
	assert_int_equal(read_text(text, false), -EBADMSG);
	assert_null(strstr(messages, "more"));
	strcat(text, "1 SHA256 short\nword\n");
	assert_int_equal(read_text(text, false), -EBADMSG);
	assert_non_null(strstr(messages, "\n20: the line"));
	assert_null(strstr(messages, "21:"));
	assert_string_equal(
		strstr(messages, "4294967295)\n and"), "4294967295)\n and 2 more such lines\n");
}

static void takes_keys_up_to_their_limit(void **state)
{
	char text[2200] = "1 SHA512 HEX:";

	(void)state;
	memset(text + strlen(text), 'a', 2030);
	assert_int_equal(read_text(text, false), 0);
	assert_int_equal(keys->count, 1);
	assert_int_equal(meridian_keys_of(keys)->length, 1015);
	strcpy(text, "1 SHA512 ");
	memset(text + strlen(text), 'a', 1025);
	text[strlen("1 SHA512 ") + 1025] = '\0';
	assert_int_equal(read_text(text, false), -EBADMSG);
	assert_string_equal(messages, "1: key 1 is too long (allowed: 1 to 1024 octets)\n");
}

static void takes_no_more_than_fit(void **state)
{
	size_t size = 32 * (MERIDIAN_KEYS_MAX + 2), at = 0;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (int i = MERIDIAN_KEYS_MAX; i > 0; i--)
		at += (size_t)snprintf(text + at, size - at, "%d SHA256 ten-octets\n", i);
	assert_int_equal(read_text(text, false), 0);
	assert_int_equal(keys->count, MERIDIAN_KEYS_MAX);
	assert_int_equal(meridian_keys_check(keys, keys->size), 0);
	snprintf(text + at, size - at, "70000 SHA256 ten-octets\n");
	assert_int_equal(read_text(text, false), -EBADMSG);
	assert_string_equal(messages, "65537: more than 65536 keys\n");
	free(text);
}

static void refuses_a_file_open_to_everybody(void **state)
{
	(void)state;
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(read_text("# nothing to hide\n", false), 0);
	assert_int_equal(keys->count, 0);
	assert_int_equal(read_text("1 SHA256 secretsecret\n", false), -EBADMSG);
	assert_string_equal(messages,
		" everybody on this host may use the keys (mode 0644): chmod it "
		"to 0640 or 0600\n");
	assert_int_equal(chmod(path, 0642), 0);
	assert_int_equal(read_text("1 SHA256 secretsecret\n", false), -EBADMSG);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(read_text("1 SHA256 secretsecret\n", false), 0);
}

/* Whether it is taken or refused. The file is not written by stdio, which would leave it, too. */
static void leaves_nothing_of_the_text(void **state)
{
	static const char text[] = "# longer than what free(3) writes over it\n"
				   "1 SHA256 ASCII:not-to-be-left-behind\nx y\n";
	FILE *errors;

	(void)state;
	if (!heap_is_seen())
		return;
	for (size_t length = sizeof(text) - 1; length > 77; length -= 4) {
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		assert_int_equal(write(fd, text, length), length);
		close(fd);
		errors = fopen("/dev/null", "w");
		key_file_free(keys);
		keys = NULL;
		key_file_read(path, false, errors, &keys);
		fclose(errors);
		assert_int_equal(keys == NULL, length == sizeof(text) - 1);
		key_file_free(keys);
		keys = NULL;
		assert_false(heap_has("not-to-be-left-behind", 21));
	}
}

static void refuses_what_is_no_file(void **state)
{
	struct meridian_keys_blob *none = NULL;
	FILE *errors = fopen("/dev/null", "w");

	(void)state;
	assert_int_equal(key_file_read("/dev/zero", false, errors, &none), -EINVAL);
	assert_int_equal(key_file_read("/tmp", false, errors, &none), -EINVAL);
	assert_int_equal(key_file_read("/nonexistent/keys", false, errors, &none), -ENOENT);
	assert_null(none);
	fclose(errors);
	key_file_free(keys);
	keys = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_format_of_chrony),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(warns_of_short_keys),
		cmocka_unit_test(says_so_much_and_no_more),
		cmocka_unit_test(takes_keys_up_to_their_limit),
		cmocka_unit_test(takes_no_more_than_fit),
		cmocka_unit_test(refuses_a_file_open_to_everybody),
		cmocka_unit_test(leaves_nothing_of_the_text),
		cmocka_unit_test(refuses_what_is_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
