/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_server.h"
#include "config_table.h"
#include <meridian/ntp.h>
#include <string.h>
#include <strings.h>

/* chrony's limits of `minpoll` and `maxpoll`, but none below a second. */
#define POLL_MIN_LOG2    0
#define POLL_MAX_LOG2    24
#define POLL_DEFAULT_MIN 6
#define POLL_DEFAULT_MAX 10
#define POLL_NOT_GIVEN   (-1)

#define LATER     "not supported by this version"
#define NTS_LATER "NTS is not supported by this version; `key` authenticates"
#define OTHER_FIT "Meridian's estimator has other parameters"

#define FIELD(name) offsetof(struct config_server, name)

const struct config_option config_server_options[] = {
	{"port", CONFIG_OPTION_UINT16, FIELD(port), 1, 65535, "PORT",
		"Where it is asked (default 123)."},
	{"version", CONFIG_OPTION_UINT8, FIELD(version), MERIDIAN_NTP_VERSION_MIN,
		MERIDIAN_NTP_VERSION_MAX, "VERSION", "NTP version of the requests (default 4)."},
	{"ipv4", CONFIG_OPTION_IPV4, FIELD(family), 0, 0, NULL, "Only IPv4 addresses of the name."},
	{"ipv6", CONFIG_OPTION_IPV6, FIELD(family), 0, 0, NULL, "Only IPv6 addresses of the name."},
	{"maxsources", CONFIG_OPTION_UINT8, FIELD(max_sources), 1, CONFIG_SOURCES_MAX, "N",
		"Of a pool: how many of its addresses are asked (default 4)."},
	{"minpoll", CONFIG_OPTION_INT8, FIELD(minpoll_log2), POLL_MIN_LOG2, POLL_MAX_LOG2, "POLL",
		"It is asked every 2^POLL seconds at most (default 6)."},
	{"maxpoll", CONFIG_OPTION_INT8, FIELD(maxpoll_log2), POLL_MIN_LOG2, POLL_MAX_LOG2, "POLL",
		"It is asked every 2^POLL seconds at least (default 10)."},
	{"presend", CONFIG_OPTION_INT8, FIELD(presend_log2), POLL_MIN_LOG2, CONFIG_PRESEND_NEVER,
		"POLL",
		"From an interval of 2^POLL seconds on, a request that does not count goes 2 "
		"seconds ahead of each that does, so that nobody on the way has to look up an "
		"address meanwhile (default 100: never). Not while the server asks for fewer "
		"requests."},
	{"filter", CONFIG_OPTION_UINT8, FIELD(filter), 1, 64, "N",
		"Of the samples of N polls, only the one with the least delay is used "
		"(default 1). The very first one is used at once."},
	{"iburst", CONFIG_OPTION_FLAG, FIELD(iburst), 0, 0, NULL,
		"The first requests are 2 seconds apart, and the intervals after them double, "
		"each with a sample, until they reach minpoll, the longer ones only as the "
		"frequency becomes known."},
	{"burst", CONFIG_OPTION_FLAG, FIELD(burst), 0, 0, NULL,
		"A request without a good answer is repeated after 2 seconds, up to 3 times, as "
		"far as that asks no more often than minpoll on average."},
	{"xleave", CONFIG_OPTION_FLAG, FIELD(xleave), 0, 0, NULL,
		"Interleaved mode: the server tells in its next answer when it really sent the "
		"last one. Where it does not, or has forgotten us, basic mode goes on."},
	{"key", CONFIG_OPTION_UINT32, FIELD(key), 1, UINT32_MAX, "ID",
		"Requests are signed with this key of keyfile, and of the replies only those count "
		"that are signed with it too."},
	CONFIG_OPTIONS_OF_SOURCE(struct config_server),
	{"offset", CONFIG_OPTION_DOUBLE, FIELD(source.offset_s), -1e6, 1e6, "SECONDS",
		"Added to what it says (default 0)."},
	{"asymmetry", CONFIG_OPTION_DOUBLE, FIELD(asymmetry), -0.5, 0.5, "RATIO",
		"Where the queueing is that makes a delay longer than the least one: -0.5 all on "
		"the way there, 0.5 all on the way back. Offsets are corrected by that share of "
		"it, and the error bound grows as much (default 0)."},
	{"maxdelay", CONFIG_OPTION_DOUBLE, FIELD(max_delay_s), 1e-9, 1000, "SECONDS",
		"Samples with a longer delay are not used (default 3)."},
	{"maxdelayratio", CONFIG_OPTION_DOUBLE, FIELD(max_delay_ratio), 0, 1e6, "RATIO",
		"Samples with a delay above RATIO times the least one are not used (default 0: "
		"all are, as the estimator trusts a late sample the less anyway). The limit grows "
		"by what the clock may go astray without a sample, at least maxclockerror: a path "
		"that has got longer is followed in the end."},
	{"maxdelaydevratio", CONFIG_OPTION_DOUBLE, FIELD(max_delay_dev_ratio), 0, 1e6, "RATIO",
		"Samples are not used when half of what their delay is above the least one is more "
		"than RATIO times the typical error of a sample (default 0: all are). The limit "
		"grows like that of maxdelayratio."},
	{"maxdelayquant", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"maxsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"minsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"mindelay", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"polltarget", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"auto_offline", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"certset", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, NTS_LATER},
	{"copy", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"extfield", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"maxunreach", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"minstratum", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"nts", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, NTS_LATER},
	{"ntsport", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, NTS_LATER},
	{"offline", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{.name = NULL},
};

static const struct config_server defaults = {
	.port = MERIDIAN_NTP_PORT,
	.version = MERIDIAN_NTP_VERSION_MAX,
	.minpoll_log2 = POLL_NOT_GIVEN,
	.maxpoll_log2 = POLL_NOT_GIVEN,
	.presend_log2 = CONFIG_PRESEND_NEVER,
	.filter = 1,
	.max_sources = 4,
	.max_delay_s = 3,
};

static bool option_parse(
	struct config_parser *parser, struct config_server *server, const char *word)
{
	if (strcasecmp(word, "maxsources") == 0 && !server->pool) {
		config_error(parser, "option '%s' is for pool only", word);
		return false;
	}
	return config_option_parse(parser, config_server_options, word, server);
}

/* A poll limit that is given moves the default of the other one, as in chrony. */
static bool polls_check(struct config_parser *parser, struct config_server *server)
{
	bool min_given = server->minpoll_log2 != POLL_NOT_GIVEN;
	bool max_given = server->maxpoll_log2 != POLL_NOT_GIVEN;

	if (!min_given)
		server->minpoll_log2 = max_given && server->maxpoll_log2 < POLL_DEFAULT_MIN
			? server->maxpoll_log2
			: (int8_t)POLL_DEFAULT_MIN;
	if (!max_given)
		server->maxpoll_log2 = server->minpoll_log2 > POLL_DEFAULT_MAX
			? server->minpoll_log2
			: (int8_t)POLL_DEFAULT_MAX;
	if (server->minpoll_log2 <= server->maxpoll_log2)
		return true;
	config_error(parser, "minpoll %d is more than maxpoll %d", server->minpoll_log2,
		server->maxpoll_log2);
	return false;
}

/* A name that is an address is of one family already. */
static bool family_check(struct config_parser *parser, const struct config_server *server)
{
	struct config_address address;

	if (server->family == 0 || !config_server_address_parse(server->name, &address) ||
		address.family == server->family)
		return true;
	config_error(parser, "%s is not an IPv%d address", server->name,
		server->family == MERIDIAN_FAMILY_IPV4 ? 4 : 6);
	return false;
}

static bool server_known(const struct config *config, const struct config_server *server)
{
	for (size_t i = 0; i < config->server_count; i++) {
		if (config_same_host(config->server[i].name, server->name) &&
			config->server[i].port == server->port)
			return true;
	}
	return false;
}

size_t config_server_sources(const struct config_server *server)
{
	return server->pool ? server->max_sources : 1;
}

static size_t sources_count(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->server_count; i++)
		count += config_server_sources(&config->server[i]);
	return count;
}

static void server_add(struct config_parser *parser, const struct config_server *server)
{
	struct config *config = parser->config;

	if (server_known(config, server))
		config_error(parser, "%s is there already", server->name);
	else if (sources_count(config) + config_server_sources(server) > CONFIG_SOURCES_MAX)
		config_error(parser, "more than %d sources (a pool is maxsources of them)",
			CONFIG_SOURCES_MAX);
	else
		config->server[config->server_count++] = *server;
}

static bool name_check(struct config_parser *parser, const char *name, bool pool)
{
	struct config_address address;
	bool is_address = config_server_address_parse(name, &address);
	const char *wrong =
		is_address ? config_server_address_check(&address) : config_host_name_check(name);

	if (wrong == NULL && is_address && pool)
		wrong = "is an address; a pool is a name (use server)";
	if (wrong)
		config_error(parser, "'%s' %s", name, wrong);
	return wrong == NULL;
}

/* `server` and `pool`. */
void config_parse_server(struct config_parser *parser, const struct config_directive *row)
{
	struct config_server server = defaults;
	const char *word = config_word_required(parser, "the address or name");

	server.pool = strcmp(row->name, "pool") == 0;
	if (word == NULL || !name_check(parser, word, server.pool))
		return;
	strcpy(server.name, word);
	server.place = config_place(parser);
	server.tolerant = parser->tolerant;
	while ((word = config_word(parser))) {
		if (!option_parse(parser, &server, word))
			return;
	}
	if (polls_check(parser, &server) && family_check(parser, &server))
		server_add(parser, &server);
}

/* The poll limits depend on each other, so they are always told. */
void config_server_dump(const struct config_server *server, FILE *out)
{
	fprintf(out, "%s %s", server->pool ? "pool" : "server", server->name);
	config_options_dump(config_server_options, server, &defaults, " ", " ", out);
	fputc('\n', out);
}
