/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_RUNDIR_H
#define TEST_RUNDIR_H

/* A run directory of one's own for each test: cmocka setup and teardown; the state is its path. */

int rundir_setup(void **state);
int rundir_teardown(void **state);

#endif
