/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include <keys.h>
#include <log.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct blob {
	struct meridian_keys_blob head;
	struct meridian_key key;
	char octets[16];
};

/* One key of 16 octets. */
static struct blob blob_of(const char *octets)
{
	struct blob blob = {.head = {.size = sizeof(blob), .count = 1},
		.key = {.id = 1,
			.offset = offsetof(struct blob, octets),
			.length = 16,
			.type = MERIDIAN_KEY_AES128}};

	memcpy(blob.octets, octets, sizeof(blob.octets));
	return blob;
}

/* Whether the octets stand anywhere in the page. */
static bool page_has(const char *rundir, const char *octets)
{
	struct meridian_page page;
	bool found;

	assert_int_equal(meridian_page_open(&page, rundir, &meridian_keys_kind), 0);
	found = memmem(page.addr, page.size, octets, 16) != NULL;
	meridian_page_close(&page);
	return found;
}

/* As a writer leaves it that dies before it wipes what was there before. */
static void unused_slot_fill(const char *rundir, const char *octets)
{
	struct meridian_page page;
	const struct meridian_slots *slots;

	assert_int_equal(
		meridian_page_create(&page, rundir, &meridian_keys_kind, 0, 0640, NULL), 0);
	slots = page.addr;
	memcpy((uint8_t *)page.addr +
			slots->slot[(meridian_slots_generation(slots) + 1) % 2].offset + 128,
		octets, 16);
	meridian_page_close(&page);
}

static void wipes_the_keys_of_before(void **state)
{
	const char *rundir = *state, *old = "the key of before", *new = "the key of today";
	struct blob before = blob_of(old), now = blob_of(new);

	assert_int_equal(keys_init(rundir, (gid_t)-1), 0);
	assert_int_equal(keys_publish(&before.head), 0);
	assert_true(page_has(rundir, old));
	assert_int_equal(keys_publish(&now.head), 0);
	assert_true(page_has(rundir, new));
	assert_false(page_has(rundir, old));
	keys_fini();

	unused_slot_fill(rundir, old);
	assert_true(page_has(rundir, old));
	assert_int_equal(keys_init(rundir, (gid_t)-1), 0);
	assert_int_equal(keys_publish(&now.head), 0);
	assert_true(page_has(rundir, new));
	assert_false(page_has(rundir, old));
	assert_int_equal(keys_publish(NULL), 0);
	assert_false(page_has(rundir, new));
	keys_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			wipes_the_keys_of_before, rundir_setup, rundir_teardown),
	};

	log_open("test", false, LOG_EMERG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
