/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"
#include "option_rules.h"
#include "option_values.h"
#include "search.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIELD(name) offsetof(struct load_options, name)

static const struct option_row rows[] = {
	{"port", "PORT",
		"af_xdp:IFACE[:QUEUE], af_packet:IFACE, vdev:NAME[,ARGUMENTS] or pci:ADDRESS",
		option_port, 0, 0, 0, 0},
	{"target", "ADDRESS,...", "servers to ask", option_target, 0, 0, 0, 0},
	{"i-own-this-target", NULL,
		"allow targets and sources that are not local, private or documentation",
		option_flag, FIELD(own_target), 0, 0, 0},
	{"reflect", NULL, "answer requests instead of sending them", option_flag, FIELD(reflect), 0,
		0, 0},
	{"target-mac", "MAC", "where to send frames (default: the kernel's neighbour)", option_mac,
		FIELD(target_mac), 0, 0, 0},
	{"source-mac", "MAC", "our MAC address (default: the port's)", option_mac,
		FIELD(source_mac), 0, 0, 0},
	{"source", "PREFIX,...", "addresses of clients (default: the interface's)", option_source,
		0, 0, 0, 0},
	{"clients", "N", "number of clients (default: all of --source, up to 2^24)", option_count,
		FIELD(clients), 1, CLIENTS_MAX, 1},
	{"source-ports", "LOW-HIGH", "UDP ports of clients (49152-65535)", option_ports, 0, 0, 0,
		0},
	{"vlan", "ID", "tag frames with this VLAN", option_vlan, FIELD(vlan), 1, 4094, 1},
	{"rate", "R", "requests per second; k and M are understood (1000)", option_rate,
		FIELD(rate_milli), 0, 0, 0},
	{"pattern", "PATTERN", "constant, poisson, burst:N or ramp:FROM:TO (constant)",
		option_pattern, 0, 0, 0, 0},
	{"duration", "S", "seconds to measure (10)", option_number, FIELD(duration_ms), 0.001,
		86400, MILLI},
	{"warm-up", "S", "seconds to send before that (0)", option_number, FIELD(warm_up_ms), 0,
		3600, MILLI},
	{"timeout", "MS", "milliseconds after which a reply is late, and to wait at the end (500)",
		option_number, FIELD(timeout_ms), 1, 3000, 1},
	{"mix", "KIND=WEIGHT,...", "of basic, interleaved, v3, symmetric, malformed (basic=1)",
		option_mix, 0, 0, 0, 0},
	{"key-file", "FILE", "keys, in the format of chrony's keyfile", option_text,
		FIELD(key_file), 0, 0, 0},
	{"key-id", "N", "which of them signs symmetric", option_number, FIELD(key_id), 1,
		UINT32_MAX, 1},
	{"search", "PERCENT", "find the highest rate with no more loss than this", option_search,
		FIELD(search_loss_ppm), 0, 100, 10000},
	{"search-from", "R", "lowest rate to try (1000)", option_rate, FIELD(search_from_milli), 0,
		0, 0},
	{"search-to", "R", "highest rate to try (2M)", option_rate, FIELD(search_to_milli), 0, 0,
		0},
	{"search-resolution", "PERCENT", "to which the rate is found (2)", option_number,
		FIELD(search_resolution_ppm), 0, 50, 10000},
	{"search-tries", "N", "times that a rate must fail (1)", option_number, FIELD(search_tries),
		1, SEARCH_TRIES_MAX, 1},
	{"lag-limit", "MICROSECONDS", "99 % of requests must be sent that near their time (5000)",
		option_number, FIELD(lag_limit_ns), 1, 1000000, 1000},
	{"skip-late", "MICROSECONDS", "leave out requests that are later than that (send all)",
		option_number, FIELD(skip_late_us), 1, 1000000, 1},
	{"core", "N", "CPU that sends and receives (the last one)", option_number, FIELD(core), 0,
		1023, 1},
	{"burst", "N", "packets sent and received at once (32)", option_number, FIELD(burst), 1, 64,
		1},
	{"memory", "MB", "packet memory (64)", option_number, FIELD(memory_mb), 48, 65536, 1},
	{"no-huge", NULL, "do without hugepages", option_flag, FIELD(no_huge), 0, 0, 0},
	{"json", NULL, "print one JSON document", option_flag, FIELD(json), 0, 0, 0},
	{"csv", "FILE", "write a line for each second", option_text, FIELD(csv), 0, 0, 0},
	{"hgrm", "FILE", "write the percentiles of round-trip times (HdrHistogram's format)",
		option_text, FIELD(hgrm), 0, 0, 0},
	{"plot", "FILE", "plot them to FILE.svg or FILE.png (needs gnuplot)", option_plot,
		FIELD(plot), 0, 0, 0},
	{"progress", NULL, "a line each second on standard error (default on a terminal)",
		option_flag, FIELD(progress), 0, 0, 0},
	{"no-progress", NULL, "none", option_flag, FIELD(no_progress), 0, 0, 0},
	{"help", NULL, "print this text", option_flag, FIELD(help), 0, 0, 0},
	{"version", NULL, "print the version", option_flag, FIELD(version), 0, 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS < 64, "load_options.given");

void options_help(void)
{
	char name[40];

	printf("Usage: meridian-load --port PORT --target ADDRESS[,ADDRESS...] [OPTION]...\n"
	       "       meridian-load --port PORT --reflect [OPTION]...\n\nOptions:\n");
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "--%s %s", rows[i].name,
			rows[i].argument ? rows[i].argument : "");
		printf("  %-26s %s\n", name, rows[i].help);
	}
	printf("\nExit status: 0 done, 1 no valid result (the generator was the limit, nothing "
	       "was answered, or no\nrate passed), 2 usage, 3 cannot start or write a file.\n");
}

static void defaults(struct load_options *options)
{
	*options = (struct load_options){
		.port_low = 49152,
		.port_high = 65535,
		.core = UINT64_MAX,
		.burst = 32,
		.memory_mb = 64,
		.rate_milli = 1000 * MILLI,
		.duration_ms = 10 * MILLI,
		.timeout_ms = 500,
		.weight = {[REQUEST_basic] = 1},
		.search_from_milli = 1000 * MILLI,
		.search_to_milli = UINT64_C(2000000) * MILLI,
		.search_resolution_ppm = 20000,
		.search_tries = 1,
		.lag_limit_ns = 5000000,
	};
}

static const struct option_row *row_find(const char *name, size_t length)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
			return &rows[i];
	}
	return NULL;
}

/* "--name value" or "--name=value"; moves *at over what it used. */
static int argument_parse(struct load_options *options, int argc, char **argv, int *at, char *error)
{
	const char *text = argv[(*at)++];
	size_t length = strcspn(text, "=");
	const struct option_row *row = NULL;
	const char *value = NULL;

	if (strncmp(text, "--", 2) == 0)
		row = row_find(text + 2, length - 2);
	if (row == NULL)
		return option_refuse(error, "no option '%s'; see meridian-load --help", text);
	if (row->argument == NULL && text[length] == '=')
		return option_refuse(error, "--%s takes no value", row->name);
	if (row->argument && text[length] == '=')
		value = text + length + 1;
	else if (row->argument && *at < argc)
		value = argv[(*at)++];
	if (row->argument && value == NULL)
		return option_refuse(error, "--%s needs a value: %s", row->name, row->argument);
	options->given |= UINT64_C(1) << (row - rows);
	return row->parse(row, options, value, error);
}

/* In load_options.given. 0: there is none of that name. */
static uint64_t row_bit(const char *name)
{
	const struct option_row *row = row_find(name, strlen(name));

	return row ? UINT64_C(1) << (row - rows) : 0;
}

bool options_given(const struct load_options *options, const char *name)
{
	return (options->given & row_bit(name)) != 0;
}

void options_forget(struct load_options *options, const char *name)
{
	options->given &= ~row_bit(name);
}

const char *options_first_given(const struct load_options *options)
{
	return rows[__builtin_ctzll(options->given)].name;
}

int options_parse(
	struct load_options *options, int argc, char **argv, char error[OPTIONS_ERROR_SIZE])
{
	int r = 0;

	defaults(options);
	for (int at = 1; at < argc && r == 0;)
		r = argument_parse(options, argc, argv, &at, error);
	if (r < 0 || options->help || options->version)
		return r;
	return option_rules_check(options, error);
}
