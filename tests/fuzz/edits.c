/* SPDX-License-Identifier: BSD-3-Clause */
#include "edits.h"
#include <rundir.h>

#define PLACES 64 /* in a page, from which words are counted */

static char *rundir;

static void rundir_remove(void)
{
	void *state = rundir;

	rundir_teardown(&state);
}

const char *edits_rundir(void)
{
	void *state = NULL;

	if (rundir != NULL)
		return rundir;
	FUZZ_CHECK(freopen("/dev/null", "w", stdout) != NULL);
	FUZZ_CHECK(rundir_setup(&state) == 0);
	rundir = state;
	atexit(rundir_remove);
	return rundir;
}

void edits_apply(struct edits *ret_edits, struct fuzz_input *input,
	const struct meridian_page *pages, size_t page_count)
{
	ret_edits->count = 0;
	while (input->size > 0 && ret_edits->count < EDITS_MAX) {
		size_t where = fuzz_u8(input), words, word;
		const struct meridian_page *page = &pages[where % page_count];
		uint64_t *edited;

		words = page->size / sizeof(uint64_t);
		word = where / page_count % PLACES * (words / PLACES) + fuzz_u16(input);
		edited = (uint64_t *)page->addr + word % words;
		ret_edits->edit[ret_edits->count].word = edited;
		ret_edits->edit[ret_edits->count++].was = *edited;
		*edited ^= fuzz_u64(input);
	}
}

void edits_undo(struct edits *edits)
{
	while (edits->count-- > 0)
		*edits->edit[edits->count].word = edits->edit[edits->count].was;
}
