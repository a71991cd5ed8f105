/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <string.h>
#include <strings.h>

/* An option of `ratelimit`, all of them whole numbers. */
struct option {
	const char *name;
	double min, max, initial; /* as in chrony, where chrony has it, but for leak */
};

enum {
	INTERVAL,
	BURST,
	LEAK,
	KOD,
	KOD_AFTER,
	ROLLUP,
	OPTIONS
};

static const struct option options[OPTIONS] = {
	[INTERVAL] = {"interval", MERIDIAN_RATELIMIT_INTERVAL_MIN, MERIDIAN_RATELIMIT_INTERVAL_MAX,
		3},
	[BURST] = {"burst", 1, UINT8_MAX, 8},
	[LEAK] = {"leak", 0, MERIDIAN_RATELIMIT_LEAK_MAX, 0},
	[KOD] = {"kod", 0, MERIDIAN_RATELIMIT_KOD_MAX, 0},
	[KOD_AFTER] = {"kodafter", 1, MERIDIAN_RATELIMIT_KOD_AFTER_MAX_S, 240},
	[ROLLUP] = {"rollup", 0, MERIDIAN_RATELIMIT_ROLLUP_MAX, 3},
};

struct values {
	double value[OPTIONS];
	bool given[OPTIONS];
};

static bool option_parse(struct config_parser *parser, const char *word, struct values *values)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *option = &options[i];

		if (strcasecmp(word, option->name) != 0)
			continue;
		if (values->given[i])
			config_warning(parser,
				"warning: %s stands there twice, the last one counts",
				option->name);
		values->given[i] = true;
		return config_number(
			parser, option->name, option->min, option->max, true, &values->value[i]);
	}
	config_error(parser, "unknown option '%s'", word);
	return false;
}

void config_parse_ratelimit(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	const char *word = config_word(parser);
	struct values values = {.given = {false}};
	const double *value = values.value;

	(void)row;
	if (word && strcasecmp(word, "off") == 0) {
		config->ratelimit_interval_log2 = 0;
		config->ratelimit_burst = 0;
		return;
	}
	for (size_t i = 0; i < OPTIONS; i++)
		values.value[i] = options[i].initial;
	for (; word; word = config_word(parser)) {
		if (!option_parse(parser, word, &values))
			return;
	}
	if (values.given[KOD_AFTER] && value[KOD] == 0)
		config_warning(parser, "warning: kodafter has no effect: it needs `kod`");
	config->ratelimit_interval_log2 = (int8_t)value[INTERVAL];
	config->ratelimit_burst = (uint8_t)value[BURST];
	config->ratelimit_leak_log2 = (uint8_t)value[LEAK];
	config->ratelimit_kod_log2 = (uint8_t)value[KOD];
	config->ratelimit_kod_after_s = (uint16_t)value[KOD_AFTER];
	config->ratelimit_rollup_log2 = (uint8_t)value[ROLLUP];
}

void config_ratelimit_check(struct config_parser *parser)
{
	const struct config *config = parser->config;

	if (config->kod_exempt_count == 0 ||
		(config->ratelimit_burst > 0 && config->ratelimit_kod_log2 > 0))
		return;
	if (config_return_to(parser, "kodexempt"))
		config_warning(parser, "warning: no effect: it needs `kod` of `ratelimit`");
	parser->directive = NULL;
}

static bool kodexempt_has(const struct config *config, const struct meridian_policy_access *subnet)
{
	for (size_t i = 0; i < config->kod_exempt_count; i++) {
		if (memcmp(&config->kod_exempt[i], subnet, sizeof(*subnet)) == 0)
			return true;
	}
	return false;
}

void config_parse_kodexempt(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct meridian_policy_access subnet;
	const char *word = config_word_required(parser, "the subnet"), *wrong;

	(void)row;
	if (word == NULL)
		return;
	wrong = config_subnet_parse(word, &subnet);
	subnet.allow = 1;
	if (wrong != NULL)
		config_error(parser, "'%s' %s", word, wrong);
	else if (kodexempt_has(config, &subnet))
		config_warning(parser, "warning: %s stands there twice", word);
	else if (config->kod_exempt_count == MERIDIAN_POLICY_KOD_EXEMPT_MAX)
		config_error(parser, "more than %d subnets", MERIDIAN_POLICY_KOD_EXEMPT_MAX);
	else
		config->kod_exempt[config->kod_exempt_count++] = subnet;
}
