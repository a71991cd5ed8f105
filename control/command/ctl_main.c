/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(struct ctl *ctl);
	const char *help;
	bool tagged;     /* several reports: CSV lines begin with the report's key */
	bool daemonless; /* has something to say without the daemon */
} commands[] = {
	{"status", ctl_status, "the whole picture: clock, interfaces, workers, what is missing",
		true, true},
	{"sources", ctl_sources, "the upstream servers and how they agree", false, false},
	{"tracking", ctl_tracking, "how the clock follows its source", false, false},
	{"serverstats", ctl_serverstats, "packets received and dropped, origin of the time stamps",
		false, false},
	{"activity", ctl_activity, "how many sources are online", false, false},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

enum option_value {
	OPTION_RUNDIR,
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option options[] = {
	{"rundir", required_argument, NULL, OPTION_RUNDIR},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"csv", no_argument, NULL, OPTION_CSV},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static void help(void)
{
	printf("Usage: meridianctl [OPTION]... COMMAND\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].help);
	printf("\nOptions:\n"
	       "  --rundir DIR   run directory of the instance (" MERIDIAN_RUNDIR_DEFAULT ")\n"
	       "  --socket PATH  control socket (DIR/control.sock)\n"
	       "  --json         print JSON\n"
	       "  --csv          print comma-separated values, in chronyc's columns\n"
	       "  --help         print this text\n"
	       "  --version      print the version\n"
	       "\nExit status: 0 ok, 1 the daemon said no, 2 usage, 3 cannot connect.\n");
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

int ctl_result(const struct ctl *ctl, int result)
{
	int code = result > 0 ? CTL_EXIT_REFUSED : CTL_EXIT_CONNECT;

	if (result == 0)
		return CTL_EXIT_OK;
	output_error(code, "%s: %s", ctl->socket, client_strerror(result));
	return code;
}

static int command_run(const struct command *command, struct ctl *ctl)
{
	int code;

	ctl->connected = client_open(&ctl->client, ctl->socket);
	if (ctl->connected < 0 && !command->daemonless)
		return ctl_result(ctl, ctl->connected);
	code = command->run(ctl);
	client_close(&ctl->client);
	return code;
}

/* Reads the options. Returns -1 to go on, or an exit code. */
static int options_read(struct ctl *ctl, enum output_mode *ret_mode, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_RUNDIR:
			ctl->rundir = optarg;
			break;
		case OPTION_SOCKET:
			ctl->socket = optarg;
			break;
		case OPTION_JSON:
			*ret_mode = OUTPUT_JSON;
			break;
		case OPTION_CSV:
			*ret_mode = OUTPUT_CSV;
			break;
		case OPTION_HELP:
			help();
			return CTL_EXIT_OK;
		case OPTION_VERSION:
			printf("meridianctl %s\n", MERIDIAN_VERSION);
			return CTL_EXIT_OK;
		default:
			return CTL_EXIT_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.rundir = MERIDIAN_RUNDIR_DEFAULT};
	enum output_mode mode = OUTPUT_TEXT;
	const struct command *command;
	int code = options_read(&ctl, &mode, argc, argv);
	const char *name = optind < argc ? argv[optind] : "";
	char socket[4096];

	if (code == CTL_EXIT_OK)
		return code;
	command = command_find(name);
	output_begin(name, mode, command != NULL && command->tagged);
	if (ctl.socket == NULL) {
		snprintf(socket, sizeof(socket), "%s/control.sock", ctl.rundir);
		ctl.socket = socket;
	}
	if (code == CTL_EXIT_USAGE || optind + 1 != argc || command == NULL) {
		code = CTL_EXIT_USAGE;
		output_error(code, "needs one command; see meridianctl --help");
	} else {
		code = command_run(command, &ctl);
	}
	if (output_end() < 0 && code == CTL_EXIT_OK)
		code = CTL_EXIT_REFUSED;
	return code;
}
