/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <system_directory.h>

static void *member(const struct config_parser *parser, const struct config_directive *row)
{
	return (uint8_t *)parser->config + row->offset;
}

/* Index of `word` in `names` without regard to case, or -1. */
static int word_index(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (strcasecmp(word, names[i]) == 0)
			return i;
	}
	return -1;
}

int config_choice(struct config_parser *parser, const char *what, const char *const *names)
{
	const char *word = config_word(parser);
	int i = word ? word_index(word, names) : -1;
	char allowed[128] = "";

	if (i >= 0)
		return i;
	for (size_t k = 0; names[k]; k++)
		snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s",
			k ? "|" : "", names[k]);
	if (word)
		config_error(parser, "'%s' is not a %s (allowed: %s)", word, what, allowed);
	else
		config_error(parser, "the %s is missing (allowed: %s)", what, allowed);
	return -1;
}

static bool worker_known(const struct config *config, uint32_t core)
{
	for (size_t i = 0; i < config->worker_count; i++) {
		if (config->worker_core[i] == core)
			return true;
	}
	return false;
}

void config_parse_workers(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	double core;

	config->worker_count = 0;
	do {
		if (!config_number(parser, "core", row->min, row->max, true, &core))
			return;
		if (worker_known(config, (uint32_t)core)) {
			config_error(parser, "core %.0f is there twice", core);
			return;
		}
		if (config->worker_count == MERIDIAN_POLICY_WORKERS_MAX) {
			config_error(parser, "more than %d cores", MERIDIAN_POLICY_WORKERS_MAX);
			return;
		}
		config->worker_core[config->worker_count++] = (uint32_t)core;
	} while (!config_at_end(parser));
}

void config_parse_local(struct config_parser *parser, const struct config_directive *row)
{
	static const char *const unsupported[] = {
		"orphan", "activate", "waitsynced", "waitunsynced", NULL};
	double stratum = 10, distance_s = 1.0;
	const char *word;

	(void)row;
	while ((word = config_word(parser))) {
		bool ok = false;

		if (strcasecmp(word, "stratum") == 0)
			ok = config_number(parser, "stratum", MERIDIAN_NTP_STRATUM_PRIMARY,
				MERIDIAN_NTP_STRATUM_MAX, true, &stratum);
		else if (strcasecmp(word, "distance") == 0)
			ok = config_number(parser, "distance", 0, 1e6, false, &distance_s);
		else if (word_index(word, unsupported) >= 0)
			config_error(parser, "option '%s' is not supported by this version", word);
		else
			config_error(parser, "unknown option '%s'", word);
		if (!ok)
			return;
	}
	parser->config->local_stratum = (uint8_t)stratum;
	parser->config->local_distance_s = distance_s;
}

static bool rule_add(struct config_parser *parser, const struct config_rule *rule)
{
	struct config *config = parser->config;
	struct config_rule *grown;

	if (config->rule_count == MERIDIAN_POLICY_ACCESS_MAX) {
		config_error(parser, "more than %d rules", MERIDIAN_POLICY_ACCESS_MAX);
		return false;
	}
	/* Grows by powers of two. */
	if ((config->rule_count & (config->rule_count - 1)) == 0) {
		size_t size = config->rule_count ? 2 * config->rule_count : 1;

		grown = reallocarray(config->rule, size, sizeof(*grown));
		if (grown == NULL) {
			config_error(parser, "out of memory");
			return false;
		}
		config->rule = grown;
	}
	config->rule[config->rule_count++] = *rule;
	return true;
}

/* Without a subnet, a rule is for everybody: one of each family. */
void config_parse_allow(struct config_parser *parser, const struct config_directive *row)
{
	struct config_rule rule = {.all = false};
	uint8_t allow = strcmp(row->name, "allow") == 0;
	const char *word = config_word(parser), *wrong;

	if (word && strcasecmp(word, "all") == 0) {
		rule.all = true;
		word = config_word(parser);
	}
	if (word) {
		wrong = config_subnet_parse(word, &rule.access);
		if (wrong) {
			config_error(parser, "'%s' %s", word, wrong);
			return;
		}
		rule.access.allow = allow;
		rule_add(parser, &rule);
		return;
	}
	rule.access.allow = allow;
	rule.access.family = MERIDIAN_FAMILY_IPV4;
	if (!rule_add(parser, &rule))
		return;
	rule.access.family = MERIDIAN_FAMILY_IPV6;
	rule_add(parser, &rule);
}

void config_parse_bindaddress(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct config_address address;
	const char *word = config_word_required(parser, "the address");

	(void)row;
	if (word == NULL)
		return;
	if (!config_address_parse(word, &address))
		config_error(parser, "'%s' is not an IPv4 or IPv6 address", word);
	else if (config_address_is_zero(&address))
		config_error(parser,
			"%s: name the addresses to serve; without bindaddress all are served",
			word);
	else if (config->bind_count == CONFIG_BIND_MAX)
		config_error(parser, "more than %d addresses", CONFIG_BIND_MAX);
	else
		config->bind[config->bind_count++] = address;
}

void config_parse_bindcmdaddress(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct config_address address;
	const char *word = config_word_required(parser, "the address or path");

	if (word == NULL)
		return;
	if (config_address_parse(word, &address))
		config->bindcmd[address.family == MERIDIAN_FAMILY_IPV6] = address;
	else if (*word != '/')
		config_error(parser, "'%s' is neither an address nor an absolute path", word);
	else if (strlen(word) > (size_t)row->max)
		config_error(parser, "the path is longer than %.0f characters", row->max);
	else
		strcpy(config->bindcmdaddress, word);
}

void config_parse_counter(struct config_parser *parser, const struct config_directive *row)
{
	static const char *const names[] = {"auto", "tsc", "monotonic-raw", NULL};
	static const uint8_t ids[] = {
		MERIDIAN_COUNTER_NONE, MERIDIAN_COUNTER_TSC, MERIDIAN_COUNTER_MONOTONIC_RAW};
	int i = config_choice(parser, "counter", names);

	(void)row;
	if (i >= 0)
		parser->config->counter_id = ids[i];
}

void config_parse_hugepages(struct config_parser *parser, const struct config_directive *row)
{
	static const char *const names[] = {"auto", "never", NULL};
	static const uint8_t values[] = {MERIDIAN_HUGEPAGES_AUTO, MERIDIAN_HUGEPAGES_NEVER};
	int i = config_choice(parser, "value", names);

	(void)row;
	if (i >= 0)
		parser->config->hugepages = values[i];
}

void config_parse_memory(struct config_parser *parser, const struct config_directive *row)
{
	double value;

	if (!config_number(parser, "the value", 0, row->max, true, &value))
		return;
	if (value != 0 && value < row->min)
		config_error(parser, "the value %.0f is too small (allowed: 0, or %.0f to %.0f)",
			value, row->min, row->max);
	else
		parser->config->memory_mb = (uint32_t)value;
}

void config_parse_path(struct config_parser *parser, const struct config_directive *row)
{
	const char *word = config_word_required(parser, "the path");

	if (word == NULL)
		return;
	if (*word != '/')
		config_error(parser, "'%s' is not an absolute path", word);
	else if (strlen(word) > (size_t)row->max)
		config_error(parser, "the path is longer than %.0f characters", row->max);
	else
		strcpy(member(parser, row), word);
}

void config_parse_rundir(struct config_parser *parser, const struct config_directive *row)
{
	config_parse_path(parser, row);
	if (is_system_directory(parser->config->rundir))
		config_error(parser, "%s: %s", parser->config->rundir, SYSTEM_DIRECTORY_REASON);
}

void config_parse_leapseclist(struct config_parser *parser, const struct config_directive *row)
{
	char *rest = parser->rest;
	const char *word = rest + strspn(rest, " \t");

	if (strncasecmp(word, "off", 3) == 0 && strcspn(word, " \t\r\n") == 3) {
		config_word(parser);
		parser->config->leapseclist[0] = '\0';
		return;
	}
	config_parse_path(parser, row);
}

void config_parse_user(struct config_parser *parser, const struct config_directive *row)
{
	const char *word = config_word_required(parser, "the user name");

	if (word == NULL)
		return;
	if (strlen(word) > (size_t)row->max)
		config_error(parser, "the name is longer than %.0f characters", row->max);
	else if (getpwnam(word) == NULL)
		config_error(parser, "there is no user '%s'", word);
	else
		strcpy(parser->config->user, word);
}

void config_parse_uint16(struct config_parser *parser, const struct config_directive *row)
{
	uint16_t *field = member(parser, row);
	double value;

	if (config_number(parser, "the value", row->min, row->max, true, &value))
		*field = (uint16_t)value;
}

void config_parse_uint32(struct config_parser *parser, const struct config_directive *row)
{
	uint32_t *field = member(parser, row);
	double value;

	if (config_number(parser, "the value", row->min, row->max, true, &value))
		*field = (uint32_t)value;
}

void config_parse_double(struct config_parser *parser, const struct config_directive *row)
{
	double value;

	if (config_number(parser, "the value", row->min, row->max, false, &value))
		memcpy(member(parser, row), &value, sizeof(value));
}

/* chrony takes 0, too. */
void config_parse_max_clock_error(struct config_parser *parser, const struct config_directive *row)
{
	config_parse_double(parser, row);
	if (parser->config->max_clock_error_ppm == 0)
		config_warning(parser,
			"warning: no oscillator keeps its frequency, so the "
			"published bound will be too small");
}
