/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_OPTIONS_H
#define DATAPLANE_OPTIONS_H

/* The command line of the answering programs. */

struct options {
	const char *rundir; /* points into argv or is static */
};

/* Parses the command line and opens the log. Ends the program after --help and --version
 * (EXIT_SUCCESS), and after a wrong option (EXIT_USAGE). `purpose` is one line for --help. */
void options_parse(struct options *ret_options, const char *program, const char *purpose, int argc,
	char **argv);

#endif
