/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <strings.h>

/* An option of `ratelimit`, all of them whole numbers. */
struct option {
	const char *name;
	double min, max, initial; /* as in chrony, where chrony has it */
};

enum {
	INTERVAL,
	BURST,
	LEAK,
	KOD,
	ROLLUP,
	OPTIONS
};

static const struct option options[OPTIONS] = {
	[INTERVAL] = {"interval", MERIDIAN_RATELIMIT_INTERVAL_MIN, MERIDIAN_RATELIMIT_INTERVAL_MAX,
		3},
	[BURST] = {"burst", 1, UINT8_MAX, 8},
	[LEAK] = {"leak", 0, MERIDIAN_RATELIMIT_LEAK_MAX, 2},
	[KOD] = {"kod", 0, 4, 0},
	[ROLLUP] = {"rollup", 0, MERIDIAN_RATELIMIT_ROLLUP_MAX, 3},
};

static bool option_parse(struct config_parser *parser, const char *word, double value[OPTIONS])
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &options[i];

		if (strcasecmp(word, option->name) == 0)
			return config_number(
				parser, option->name, option->min, option->max, true, &value[i]);
	}
	config_error(parser, "unknown option '%s'", word);
	return false;
}

void config_parse_ratelimit(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	const char *word = config_word(parser);
	double value[OPTIONS];

	(void)row;
	if (word && strcasecmp(word, "off") == 0) {
		config->ratelimit_interval_log2 = 0;
		config->ratelimit_burst = 0;
		return;
	}
	for (size_t i = 0; i < OPTIONS; i++)
		value[i] = options[i].initial;
	for (; word; word = config_word(parser)) {
		if (!option_parse(parser, word, value))
			return;
	}
	if (value[KOD] > 0)
		config_warning(parser, "warning: kod has no effect: nobody is told to slow down");
	config->ratelimit_interval_log2 = (int8_t)value[INTERVAL];
	config->ratelimit_burst = (uint8_t)value[BURST];
	config->ratelimit_leak_log2 = (uint8_t)value[LEAK];
	config->ratelimit_rollup_log2 = (uint8_t)value[ROLLUP];
}
