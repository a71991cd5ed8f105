/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(struct ctl *ctl);
	const char *help;
	bool tagged;          /* several reports: CSV lines begin with the report's key */
	bool daemonless;      /* has something to say without the daemon */
	const char *argument; /* what it takes, in brackets if it may be missing; "": nothing */
} commands[] = {
	{"status", ctl_status, "the whole picture: clock, interfaces, workers, what is missing",
		true, true, ""},
	{"sources", ctl_sources, "the upstream servers and how they agree", false, false, ""},
	{"sourcestats", ctl_sourcestats, "how well the offset and frequency of each are known",
		false, false, ""},
	{"selectdata", ctl_selectdata, "which of them are used, and why the others are not", false,
		false, ""},
	{"ntpdata", ctl_ntpdata, "what each server said last, and counts of packets", false, false,
		""},
	{"tracking", ctl_tracking, "how the clock follows its source", false, false, ""},
	{"serverstats", ctl_serverstats, "packets received and dropped, origin of the time stamps",
		false, false, ""},
	{"activity", ctl_activity, "how many sources are online", false, false, ""},
	{"clients", ctl_clients, "how many clients there are, and who asks the most", true, true,
		""},
	{"nics", ctl_nics, "stamps and clocks of the dataplane's NICs, and what they are worth",
		true, true, ""},
	{"online", ctl_online, "ask all servers again, or one", false, false, "[SOURCE]"},
	{"offline", ctl_offline, "ask them no more", false, false, "[SOURCE]"},
	{"burst", ctl_burst, "ask them some times at once", false, false, "[SOURCE]"},
	{"refresh", ctl_refresh, "look up the names that lead nowhere", false, false, ""},
	{"reselect", ctl_reselect, "select among the sources now", false, false, ""},
	{"makestep", ctl_makestep, "step the kernel's clock, where steerclock steers it", false,
		false, ""},
	{"accheck", ctl_accheck, "whether a client at ADDRESS may ask", false, false, "ADDRESS"},
};
#define COMMANDS   (sizeof(commands) / sizeof(commands[0]))
#define NAME_WIDTH 17 /* with its argument */

enum option_value {
	OPTION_RUNDIR,
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_TOP,
	OPTION_WINDOW,
	OPTION_PREFIXES,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option options[] = {
	{"rundir", required_argument, NULL, OPTION_RUNDIR},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"csv", no_argument, NULL, OPTION_CSV},
	{"top", required_argument, NULL, OPTION_TOP},
	{"window", required_argument, NULL, OPTION_WINDOW},
	{"prefixes", no_argument, NULL, OPTION_PREFIXES},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static void help(void)
{
	printf("Usage: meridianctl [OPTION]... COMMAND\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %s %-*s %s\n", commands[i].name,
			(int)(NAME_WIDTH - strlen(commands[i].name)), commands[i].argument,
			commands[i].help);
	printf("\nOptions:\n"
	       "  --rundir DIR   run directory of the instance (" MERIDIAN_RUNDIR_DEFAULT ")\n"
	       "  --socket PATH  control socket (DIR/control.sock)\n"
	       "  --json         print JSON\n"
	       "  --csv          print comma-separated values, in chronyc's columns\n"
	       "  --top N        clients: so many of those who ask the most, 1 to 1024 (10)\n"
	       "  --window NAME  clients: those of the last minute, hour, day, or since the start "
	       "(hour)\n"
	       "  --prefixes     clients: IPv4 /24 and IPv6 /48 instead of addresses\n"
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
	int code = result > 0 ? EXIT_REFUSED : EXIT_START;

	if (result == 0)
		return EXIT_SUCCESS;
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

struct request {
	const struct command *command;
	enum output_mode mode;
	bool help, version;
	const char *name;       /* of the command, as written; "" */
	const char *unknown;    /* option that is none; NULL */
	const char *incomplete; /* option without its argument; NULL */
	const char *bad_top;    /* argument of --top that is none; NULL */
	const char *of_clients; /* option that only `clients` knows; NULL */
	const char *excess;     /* word that is too much; NULL */
};

static bool top_read(struct ctl *ctl, const char *text)
{
	char *end;
	unsigned long top = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || top < 1 || top > CTL_TOP_MAX)
		return false;
	ctl->top = (unsigned int)top;
	return true;
}

/* The command, and its argument if it takes one. */
static void words_read(struct request *request, struct ctl *ctl, int count, char **words)
{
	int taken;

	request->name = count > 0 ? words[0] : "";
	request->command = command_find(request->name);
	taken = request->command && request->command->argument[0] != '\0' ? 2 : 1;
	ctl->argument = taken > 1 && count > 1 ? words[1] : NULL;
	request->excess = count > taken ? words[taken] : NULL;
}

/* Reads the command line to its end, so that an error is reported in the mode asked for. */
static void request_read(struct request *request, struct ctl *ctl, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		switch (option) {
		case OPTION_RUNDIR:
			ctl->rundir = optarg;
			break;
		case OPTION_SOCKET:
			ctl->socket = optarg;
			break;
		case OPTION_JSON:
			request->mode = OUTPUT_JSON;
			break;
		case OPTION_CSV:
			request->mode = OUTPUT_CSV;
			break;
		case OPTION_TOP:
			request->of_clients = "--top";
			if (!top_read(ctl, optarg))
				request->bad_top = optarg;
			break;
		case OPTION_WINDOW:
			request->of_clients = "--window";
			ctl->window = optarg;
			break;
		case OPTION_PREFIXES:
			request->of_clients = "--prefixes";
			ctl->prefixes = true;
			break;
		case OPTION_HELP:
			request->help = true;
			break;
		case OPTION_VERSION:
			request->version = true;
			break;
		case ':':
			request->incomplete = argv[optind - 1];
			break;
		default:
			request->unknown = argv[optind - 1];
		}
	}
	words_read(request, ctl, argc - optind, argv + optind);
}

/* What goes with a command that there is. */
static bool words_check(const struct request *request, const struct ctl *ctl)
{
	const struct command *command = request->command;

	if (request->excess != NULL)
		output_error(EXIT_USAGE, "'%s' is too much (usage: meridianctl %s%s%s)",
			request->excess, command->name, command->argument[0] ? " " : "",
			command->argument);
	else if (isalpha((unsigned char)command->argument[0]) && ctl->argument == NULL)
		output_error(EXIT_USAGE, "%s: %s is missing", command->name, command->argument);
	else if (request->of_clients != NULL && command->run != ctl_clients)
		output_error(EXIT_USAGE, "%s is an option of clients, not of %s",
			request->of_clients, command->name);
	else
		return true;
	return false;
}

static int request_run(const struct request *request, struct ctl *ctl)
{
	if (request->unknown != NULL)
		output_error(
			EXIT_USAGE, "%s: no such option; see meridianctl --help", request->unknown);
	else if (request->incomplete != NULL)
		output_error(EXIT_USAGE, "%s: its argument is missing", request->incomplete);
	else if (request->bad_top != NULL)
		output_error(EXIT_USAGE, "--top %s: not a whole number from 1 to %d",
			request->bad_top, CTL_TOP_MAX);
	else if (request->name[0] == '\0')
		output_error(EXIT_USAGE, "needs a command; see meridianctl --help");
	else if (request->command == NULL)
		output_error(
			EXIT_USAGE, "%s: no such command; see meridianctl --help", request->name);
	else if (words_check(request, ctl))
		return command_run(request->command, ctl);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {
		.rundir = MERIDIAN_RUNDIR_DEFAULT, .window = "hour", .top = CTL_TOP_DEFAULT};
	struct request request = {.mode = OUTPUT_TEXT};
	char socket[4096];
	int code = EXIT_SUCCESS;

	request_read(&request, &ctl, argc, argv);
	if (ctl.socket == NULL) {
		snprintf(socket, sizeof(socket), "%s/control.sock", ctl.rundir);
		ctl.socket = socket;
	}
	if (request.help) {
		help();
	} else if (request.version) {
		printf("meridianctl %s\n", MERIDIAN_VERSION);
	} else {
		output_begin(request.name, request.mode,
			request.command != NULL && request.command->tagged);
		code = request_run(&request, &ctl);
	}
	if (output_end() < 0) {
		fputs("meridianctl: the output could not be written\n", stderr);
		code = code == EXIT_SUCCESS ? EXIT_REFUSED : code;
	}
	return code;
}
