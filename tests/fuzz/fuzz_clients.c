/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The pages of clients, as meridianctl reads them.
 *
 * Input: form of output and window, then edits.
 */

#include "edits.h"
#include "talkers.h"
#include <ctl.h>
#include <meridian/clients.h>
#include <time.h>

#define TALKERS 3

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

static struct meridian_page pages[TALKERS_PAGES];

/* Nobody waits for a writer. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct ctl ctl = {.rundir = edits_rundir(), .socket = "", .top = 5};
	uint8_t how = fuzz_u8(&input);
	struct edits edits;

	ctl.window = meridian_clients_window_name(how / 3 % MERIDIAN_CLIENTS_WINDOW_COUNT);
	ctl.prefixes = how & 128;
	talkers_make(pages, ctl.rundir, TALKERS);
	edits_apply(&edits, &input, pages, TALKERS_PAGES);
	output_begin("clients", how % 3, true);
	ctl_clients(&ctl);
	FUZZ_CHECK(output_end() == 0);
	edits_undo(&edits);
	return 0;
}
