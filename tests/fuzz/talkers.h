/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TALKERS_H
#define TEST_TALKERS_H

/*
 * The pages of clients of both processes, with something in each table.
 */

#include "fuzz.h"
#include <meridian/page.h>

#define TALKERS_PAGES 2

/* Makes them in the run directory, unless they are there: `count` clients, 192.0.2.0 on, which ask
 * the same in all windows. */
void talkers_make(
	struct meridian_page pages[static TALKERS_PAGES], const char *rundir, uint8_t count);

#endif
