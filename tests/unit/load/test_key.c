/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 4493 section 4, example 2: key, message and MAC. */
static const char keys[] = "# of the server\n"
			   "7 AES128 HEX:2b7e151628aed2a6abf7158809cf4f3c\n"
			   "8 MD5 ASCII:broken-but-asked-for\n";
static const char message[] = "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a";
static const char mac[] = "\0\0\0\x07\x07\x0a\x16\xb4\x6b\x4d\x41\x44\xf7\x9b\xdd\x9d\xd0\x4a"
			  "\x28\x7c";

static char path[] = "/tmp/test-load-key-XXXXXX";

static int file_make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || write(fd, keys, sizeof(keys) - 1) != sizeof(keys) - 1)
		return -1;
	return close(fd);
}

static int file_remove(void **state)
{
	(void)state;
	return unlink(path);
}

static void expands_the_key(void **state)
{
	uint8_t packet[16 + MAC_MAX];
	struct mac_key key;

	(void)state;
	assert_int_equal(key_load(&key, path, 7, stderr), 0);
	assert_int_equal(mac_length(&key, 4), 20);
	memcpy(packet, message, 16);
	mac_write(&key, packet, 16, 20);
	assert_memory_equal(packet + 16, mac, 20);
	assert_int_equal(key_load(&key, path, 8, stderr), 0);
	assert_int_equal(key.type, MERIDIAN_KEY_MD5);
}

static void expect_refused(const char *file, uint32_t id, const char *end)
{
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);
	struct mac_key key;

	assert_int_equal(key_load(&key, file, id, errors), -EINVAL);
	fclose(errors);
	assert_memory_equal(text, file, strlen(file));
	assert_string_equal(text + strlen(file), end);
	free(text);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	expect_refused(path, 9, ": there is no key 9\n");
	expect_refused("/nowhere/keys", 7, ": No such file or directory\n");
	expect_refused("/", 7, ": not a regular file\n");
	assert_int_equal(chmod(path, 0604), 0);
	expect_refused(path, 7,
		": everybody on this host may use the keys (mode 0604): chmod it to 0640 or "
		"0600\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands_the_key),
		cmocka_unit_test(says_what_is_wrong),
	};

	return cmocka_run_group_tests_name("load-key", tests, file_make, file_remove);
}
