/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_EDITS_H
#define TEST_EDITS_H

/*
 * Pages in a run directory that were good, with some of their words changed by the input: which
 * page, and where in it, in one octet, then words from there (16 bits), then what the word is xored
 * with (64 bits).
 */

#include "fuzz.h"
#include <meridian/page.h>

#define EDITS_MAX 64

struct edits {
	struct {
		uint64_t *word;
		uint64_t was;
	} edit[EDITS_MAX];
	unsigned int count;
};

/* The run directory, made by the first call and removed at the end of the process. What the
 * process prints goes nowhere from then on. */
const char *edits_rundir(void);

/* Changes pages by what is left of the input, and makes them good again. */
void edits_apply(struct edits *ret_edits, struct fuzz_input *input,
	const struct meridian_page *pages, size_t page_count);
void edits_undo(struct edits *edits);

#endif
