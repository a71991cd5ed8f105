/* SPDX-License-Identifier: BSD-3-Clause */
#include "keys.h"
#include "log.h"
#include "slots.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_MODE 0640 /* who answers is of the group; nobody else shall read it */

static struct meridian_page page;

int keys_init(const char *rundir, gid_t group)
{
	int r = meridian_page_create(&page, rundir, &meridian_keys_kind, 0, PAGE_MODE, NULL);

	if (r == 0 && group != (gid_t)-1 && fchown(page.fd, (uid_t)-1, group) < 0) {
		r = -errno;
		meridian_page_close(&page);
	}
	if (r < 0)
		log_error("%s/" MERIDIAN_KEYS_NAME ": %s", rundir, meridian_page_strerror(r));
	return r;
}

/* Whether the page, perhaps an adopted one, has them already. */
static bool published(const struct meridian_keys_blob *keys)
{
	struct meridian_keys_blob *current;
	bool same;

	if (meridian_keys_read(&page, &current) < 0)
		return false;
	same = slots_same(current, keys);
	explicit_bzero(current, current->size);
	free(current);
	return same;
}

int keys_publish(const struct meridian_keys_blob *keys)
{
	const struct meridian_keys_blob none = {.size = sizeof(none)};
	int r;

	if (keys == NULL)
		keys = &none;
	if (published(keys)) {
		/* Who published them may have died before it wiped those of before. */
		slots_wipe_unused(&page);
		return 0;
	}
	r = slots_publish(&page, keys);
	if (r < 0)
		return log_errno(r, "cannot publish the keys");
	slots_wipe_unused(&page);
	log_info("keys published: %" PRIu64, keys->count);
	return 0;
}

void keys_fini(void)
{
	meridian_page_close(&page);
}
