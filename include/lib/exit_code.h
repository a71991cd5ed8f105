/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_EXIT_CODE_H
#define MERIDIAN_EXIT_CODE_H

/* With which every program ends that did not do what it was called for; else it is 0. */
enum exit_code {
	EXIT_REFUSED = 1, /* the daemon said no, a step failed, or a result is wrong */
	EXIT_USAGE = 2,   /* the command line or the config is wrong */
	EXIT_START = 3    /* cannot start, or cannot connect to the daemon */
};

#endif
