/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <strings.h>

/* What chrony takes when a line leaves it out. */
#define INTERVAL_LOG2 3
#define BURST         8

static bool option_parse(
	struct config_parser *parser, const char *word, double *interval_log2, double *burst)
{
	double ignored = 0;

	if (strcasecmp(word, "interval") == 0)
		return config_number(parser, "interval", MERIDIAN_RATELIMIT_INTERVAL_MIN,
			MERIDIAN_RATELIMIT_INTERVAL_MAX, true, interval_log2);
	if (strcasecmp(word, "burst") == 0)
		return config_number(parser, "burst", 1, UINT8_MAX, true, burst);
	if (strcasecmp(word, "leak") == 0) {
		config_warning(parser,
			"warning: leak has no effect: a source that asks too often is still "
			"answered at its rate");
		return config_number(parser, "leak", 1, 4, true, &ignored);
	}
	if (strcasecmp(word, "kod") == 0) {
		config_warning(parser, "warning: kod has no effect: nobody is told to slow down");
		return config_number(parser, "kod", 0, 4, true, &ignored);
	}
	config_error(parser, "unknown option '%s'", word);
	return false;
}

void config_parse_ratelimit(struct config_parser *parser, const struct config_directive *row)
{
	double interval_log2 = INTERVAL_LOG2, burst = BURST;
	const char *word = config_word(parser);

	(void)row;
	if (word && strcasecmp(word, "off") == 0) {
		parser->config->ratelimit_interval_log2 = 0;
		parser->config->ratelimit_burst = 0;
		return;
	}
	for (; word; word = config_word(parser)) {
		if (!option_parse(parser, word, &interval_log2, &burst))
			return;
	}
	parser->config->ratelimit_interval_log2 = (int8_t)interval_log2;
	parser->config->ratelimit_burst = (uint8_t)burst;
}
