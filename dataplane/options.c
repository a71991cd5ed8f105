/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"
#include "exit_code.h"
#include "log.h"
#include "system_directory.h"
#include <getopt.h>
#include <meridian/page.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int level;
} levels[] = {
	{"error", LOG_ERR},
	{"warning", LOG_WARNING},
	{"notice", LOG_NOTICE},
	{"info", LOG_INFO},
	{"debug", LOG_DEBUG},
};
#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

static void usage(const char *program, const char *purpose)
{
	printf("Usage: %s [--rundir DIR] [--foreground] [--log-level LEVEL]\n"
	       "%s\n\n"
	       "  --rundir DIR       directory of the shared pages [" MERIDIAN_RUNDIR_DEFAULT "]\n"
	       "  --foreground       stay in the foreground (always so)\n"
	       "  --log-level LEVEL  error, warning, notice, info or debug [info]\n"
	       "  --version          print the version and exit\n"
	       "  --help             print this and exit\n",
		program, purpose);
}

static int level_parse(const char *program, const char *name)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	}
	fprintf(stderr, "%s: --log-level %s: not one of error, warning, notice, info, debug\n",
		program, name);
	exit(EXIT_USAGE);
}

static const char *rundir_check(const char *program, const char *rundir)
{
	if (!is_system_directory(rundir))
		return rundir;
	fprintf(stderr, "%s: --rundir %s: %s\n", program, rundir, SYSTEM_DIRECTORY_REASON);
	exit(EXIT_USAGE);
}

void options_parse(struct options *ret_options, const char *program, const char *purpose, int argc,
	char **argv)
{
	static const struct option table[] = {
		{"rundir", required_argument, NULL, 'r'},
		{"foreground", no_argument, NULL, 'f'},
		{"log-level", required_argument, NULL, 'l'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int level = LOG_INFO, option;

	ret_options->rundir = MERIDIAN_RUNDIR_DEFAULT;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'r') {
			ret_options->rundir = rundir_check(program, optarg);
		} else if (option == 'l') {
			level = level_parse(program, optarg);
		} else if (option == 'v') {
			printf("%s %s\n", program, MERIDIAN_VERSION);
			exit(EXIT_SUCCESS);
		} else if (option == 'h') {
			usage(program, purpose);
			exit(EXIT_SUCCESS);
		} else if (option != 'f') {
			fprintf(stderr, "see %s --help\n", program);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: %s: takes options only\n", program, argv[optind]);
		exit(EXIT_USAGE);
	}
	log_open(program, false, level);
}
