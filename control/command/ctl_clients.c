/* SPDX-License-Identifier: BSD-3-Clause */
#include "census.h"
#include "ctl.h"
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <meridian/policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES 2

static const struct process {
	const char *name;
	const struct meridian_page_kind *kind;
} processes[PROCESSES] = {
	{"dataplane", &meridian_clients_dataplane_kind},
	{"fallback", &meridian_clients_fallback_kind},
};

struct count_row {
	const char *process, *window;
	double span_s, ipv4, ipv6, error, answered, rate_limited, denied;
};

static const struct output_field count_fields[] = {
	OUTPUT_FIELD("process", "Process", STRING, count_row, process, 0),
	OUTPUT_FIELD("window", "Window", STRING, count_row, window, 0),
	OUTPUT_FIELD("span_s", "Counted", SECONDS, count_row, span_s, 0),
	OUTPUT_FIELD("ipv4_clients", "IPv4 clients", NUMBER, count_row, ipv4, 0),
	OUTPUT_FIELD("ipv6_clients", "IPv6 /64s", NUMBER, count_row, ipv6, 0),
	OUTPUT_FIELD("clients_error", "+-", SHARE, count_row, error, 0),
	OUTPUT_FIELD("answered_per_s", "Answered/s", NUMBER, count_row, answered, 0),
	OUTPUT_FIELD("rate_limited_per_s", "Rate limited/s", NUMBER, count_row, rate_limited, 0),
	OUTPUT_FIELD("denied_per_s", "Denied/s", NUMBER, count_row, denied, 0),
};
static const struct output_report count_report =
	OUTPUT_REPORT("counts", "Clients", count_fields, count_row);

struct talker_row {
	const char *fate, *client;
	char text[INET6_ADDRSTRLEN + 4];
	double requests, rate, share, error;
};

static const struct output_field talker_fields[] = {
	OUTPUT_FIELD("fate", "Requests", STRING, talker_row, fate, 0),
	OUTPUT_FIELD("client", "Client", STRING, talker_row, client, 0),
	OUTPUT_FIELD("requests", "Number", NUMBER, talker_row, requests, 0),
	OUTPUT_FIELD("per_s", "Per second", NUMBER, talker_row, rate, 0),
	OUTPUT_FIELD("error", "+-", SHARE, talker_row, error, 0),
	OUTPUT_FIELD("share", "Share", SHARE, talker_row, share, 0),
};
static const struct output_report talker_report =
	OUTPUT_REPORT("talkers", "\nWho asks the most", talker_fields, talker_row);

static const char *const fate_names[MERIDIAN_CLIENTS_FATES] = {
	[MERIDIAN_CLIENTS_ANSWERED] = "answered",
	[MERIDIAN_CLIENTS_RATE_LIMITED] = "rate limited",
	[MERIDIAN_CLIENTS_DENIED] = "denied",
};

/* What the pages say; NULL where there is none. */
struct pages {
	struct meridian_clients *clients[PROCESSES];
};

static int window_find(const char *name)
{
	for (unsigned int i = 0; i < MERIDIAN_CLIENTS_WINDOW_COUNT; i++) {
		if (strcmp(meridian_clients_window_name(i), name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

static double rate(double requests, double span_s)
{
	return span_s > 0 ? requests / span_s : 0;
}

static struct count_row count_row(
	const char *process, const struct meridian_clients *clients, unsigned int window)
{
	double span_s = census_span_s(clients, window);

	return (struct count_row){.process = process,
		.window = meridian_clients_window_name(window),
		.span_s = span_s,
		.ipv4 = round(census_clients(clients, window, false)),
		.ipv6 = round(census_clients(clients, window, true)),
		.error = CENSUS_CLIENTS_ERROR,
		.answered =
			rate(census_requests(clients, window, MERIDIAN_CLIENTS_ANSWERED), span_s),
		.rate_limited = rate(
			census_requests(clients, window, MERIDIAN_CLIENTS_RATE_LIMITED), span_s),
		.denied = rate(census_requests(clients, window, MERIDIAN_CLIENTS_DENIED), span_s)};
}

static void counts_put(const struct pages *pages)
{
	struct count_row rows[PROCESSES * MERIDIAN_CLIENTS_WINDOW_COUNT];
	size_t count = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (pages->clients[i] == NULL)
			continue;
		for (unsigned int window = 0; window < MERIDIAN_CLIENTS_WINDOW_COUNT; window++)
			rows[count++] = count_row(processes[i].name, pages->clients[i], window);
	}
	output_table(&count_report, rows, count);
}

static void talker_row_fill(struct talker_row *row, const struct census_talker *talker,
	unsigned int fate, double all, double span_s)
{
	bool ipv6 = talker->family == MERIDIAN_FAMILY_IPV6;
	size_t length;

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, talker->address, row->text, sizeof(row->text));
	length = strlen(row->text);
	if (talker->prefix_len < (ipv6 ? 128 : 32))
		snprintf(row->text + length, sizeof(row->text) - length, "/%u", talker->prefix_len);
	row->client = row->text;
	row->fate = fate_names[fate];
	row->requests = round(talker->requests);
	row->rate = rate(talker->requests, span_s);
	row->error = talker->error / talker->requests;
	row->share = all > 0 ? fmin(1, talker->requests / all) : 0;
}

/* The first of one fate, of all processes together. Returns how many there are. */
static size_t fate_fill(struct talker_row *rows, const struct ctl *ctl, const struct pages *pages,
	unsigned int window, unsigned int fate)
{
	static struct census_talker talkers[CENSUS_TALKERS_MAX];
	double all = 0, span_s = 0;
	size_t count = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		if (pages->clients[i] == NULL)
			continue;
		count = census_talkers_add(talkers, count, pages->clients[i], window, fate,
			ctl->prefixes ? MERIDIAN_CLIENTS_PREFIX : MERIDIAN_CLIENTS_ADDRESS);
		all += census_requests(pages->clients[i], window, fate);
		span_s = fmax(span_s, census_span_s(pages->clients[i], window));
	}
	census_talkers_sort(talkers, count);
	count = count < ctl->top ? count : ctl->top;
	for (size_t i = 0; i < count; i++)
		talker_row_fill(&rows[i], &talkers[i], fate, all, span_s);
	return count;
}

static int talkers_put(const struct ctl *ctl, const struct pages *pages, unsigned int window)
{
	struct talker_row *rows = calloc(MERIDIAN_CLIENTS_FATES * ctl->top, sizeof(*rows));
	size_t count = 0;

	if (rows == NULL)
		return -ENOMEM;
	for (unsigned int fate = 0; fate < MERIDIAN_CLIENTS_FATES; fate++)
		count += fate_fill(rows + count, ctl, pages, window, fate);
	output_table(&talker_report, rows, count);
	free(rows);
	return 0;
}

/* Returns how many processes count; problems are said. */
static unsigned int pages_read(struct pages *pages, const char *rundir)
{
	unsigned int count = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		int r = census_read(rundir, processes[i].kind, &pages->clients[i]);

		if (r == 0)
			count++;
		else
			pages->clients[i] = NULL;
		if (r == -EAGAIN)
			output_problem("The page %s is torn: its writer died, or is far too slow.",
				processes[i].kind->name);
		else if (r < 0 && r != -ENOENT && r != -ENODATA)
			output_problem("Cannot read %s/%s: %s", rundir, processes[i].kind->name,
				meridian_page_strerror(r));
	}
	return count;
}

int ctl_clients(struct ctl *ctl)
{
	int window = window_find(ctl->window), code = EXIT_SUCCESS;
	struct pages pages = {{NULL}};

	if (window < 0) {
		output_error(EXIT_USAGE, "--window %s: not one of minute, hour, day, start",
			ctl->window);
		return EXIT_USAGE;
	}
	if (pages_read(&pages, ctl->rundir) == 0) {
		output_error(EXIT_REFUSED,
			"%s: nobody counts clients: no answering process runs, or `noclientlog` is "
			"set",
			ctl->rundir);
		return EXIT_REFUSED;
	}
	counts_put(&pages);
	if (talkers_put(ctl, &pages, (unsigned int)window) < 0) {
		output_error(EXIT_REFUSED, "out of memory");
		code = EXIT_REFUSED;
	}
	for (size_t i = 0; i < PROCESSES; i++)
		free(pages.clients[i]);
	return code;
}
