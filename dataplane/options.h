/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_OPTIONS_H
#define DATAPLANE_OPTIONS_H

/* The command line of the answering programs. */

#define EXIT_REFUSED 1 /* the daemon said no */
#define EXIT_USAGE   2 /* usage error */
#define EXIT_START   3 /* cannot start or connect */

struct options {
	const char *rundir; /* points into argv or is static */
};

/* Parses the command line and opens the log. Returns 0, or ends the program after --help and
 * --version (0) and after a wrong option (EXIT_USAGE). `purpose` is one line for --help. */
void options_parse(struct options *ret_options, const char *program, const char *purpose, int argc,
	char **argv);

#endif
