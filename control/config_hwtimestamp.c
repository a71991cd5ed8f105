/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_hwtimestamp.h"
#include <net/if.h>
#include <string.h>
#include <strings.h>

#define FIELD(name) offsetof(struct config_hwtimestamp, name)

#define OTHER_FIT "Meridian models the card's clock in its own way"

const struct config_option config_hwtimestamp_options[] = {
	{"minpoll", CONFIG_OPTION_INT8, FIELD(minpoll_log2), -4, 10, "POLL",
		"The card's clock is read every 2^POLL seconds (default 0)."},
	{"precision", CONFIG_OPTION_DOUBLE, FIELD(precision_s), 1e-9, 1e-3, "SECONDS",
		"How precisely it is read, where that cannot be seen (default 1e-7)."},
	{"txcomp", CONFIG_OPTION_DOUBLE, FIELD(txcomp_s), -1, 1, "SECONDS",
		"Added to transmit stamps: how much later the packet really leaves (default 0)."},
	{"rxcomp", CONFIG_OPTION_DOUBLE, FIELD(rxcomp_s), -1, 1, "SECONDS",
		"Subtracted from receive stamps: how much earlier the packet really came (default "
		"0)."},
	{"nocrossts", CONFIG_OPTION_FLAG, FIELD(nocrossts), 0, 0, NULL,
		"Does not read both clocks at one instant, even where the hardware could."},
	{"maxpoll", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"maxsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"minsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"hwtstimeout", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{.name = NULL},
};

static const struct config_hwtimestamp defaults = {.precision_s = 1e-7};

static const char *const rxfilters[] = {
	[CONFIG_RXFILTER_AUTO] = "",
	[CONFIG_RXFILTER_NONE] = "none",
	[CONFIG_RXFILTER_NTP] = "ntp",
	[CONFIG_RXFILTER_ALL] = "all",
	[CONFIG_RXFILTER_PTP] = "ptp",
	NULL,
};

static bool rxfilter_parse(struct config_parser *parser, struct config_hwtimestamp *line)
{
	int i = config_choice(parser, "filter", rxfilters + CONFIG_RXFILTER_NONE);

	if (i >= 0)
		line->rxfilter = (uint8_t)(CONFIG_RXFILTER_NONE + i);
	return i >= 0;
}

static bool name_is_known(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->hwtimestamp_count; i++) {
		if (strcmp(config->hwtimestamp[i].name, name) == 0)
			return true;
	}
	return false;
}

void config_parse_hwtimestamp(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct config_hwtimestamp line = defaults;
	const char *word = config_word_required(parser, "the interface");

	(void)row;
	if (word == NULL)
		return;
	if (strlen(word) >= sizeof(line.name)) {
		config_error(parser, "'%s' is not the name of an interface", word);
		return;
	}
	strcpy(line.name, word);
	while ((word = config_word(parser))) {
		if (!(strcasecmp(word, "rxfilter") == 0
				    ? rxfilter_parse(parser, &line)
				    : config_option_parse(
					      parser, config_hwtimestamp_options, word, &line)))
			return;
	}
	if (name_is_known(config, line.name))
		config_error(parser, "%s is there already", line.name);
	else if (config->hwtimestamp_count == CONFIG_HWTIMESTAMPS_MAX)
		config_error(parser, "more than %d interfaces", CONFIG_HWTIMESTAMPS_MAX);
	else
		config->hwtimestamp[config->hwtimestamp_count++] = line;
}

void config_hwtimestamp_dump(const struct config_hwtimestamp *line, FILE *out)
{
	fprintf(out, "hwtimestamp %s", line->name);
	config_options_dump(config_hwtimestamp_options, line, &defaults, " ", " ", out);
	if (line->rxfilter != CONFIG_RXFILTER_AUTO)
		fprintf(out, " rxfilter %s", rxfilters[line->rxfilter]);
	fputc('\n', out);
}
