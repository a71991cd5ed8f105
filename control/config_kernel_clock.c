/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <strings.h>

static bool smear_address_parse(struct config_parser *parser)
{
	struct config *config = parser->config;
	const char *word = config_word_required(parser, "the address");
	struct config_address address;

	if (word == NULL)
		return false;
	if (!config_address_parse(word, &address) || config_address_is_zero(&address)) {
		config_error(parser, "'%s' is not an IPv4 or IPv6 address", word);
		return false;
	}
	if (config->smear_count == CONFIG_BIND_MAX) {
		config_error(parser, "more than %d addresses", CONFIG_BIND_MAX);
		return false;
	}
	config->smear[config->smear_count++] = address;
	return true;
}

static bool smear_options_parse(struct config_parser *parser)
{
	double duration_s = 86400;
	const char *word;

	while ((word = config_word(parser))) {
		bool ok = false;

		if (strcasecmp(word, "duration") == 0)
			ok = config_number(parser, "duration", MERIDIAN_SMEAR_MIN_S,
				MERIDIAN_SMEAR_MAX_S, true, &duration_s);
		else if (strcasecmp(word, "address") == 0)
			ok = smear_address_parse(parser);
		else
			config_error(parser, "unknown option '%s'", word);
		if (!ok)
			return false;
	}
	parser->config->smear_duration_s = (uint32_t)duration_s;
	return true;
}

void config_parse_leapsmear(struct config_parser *parser, const struct config_directive *row)
{
	static const char *const names[] = {"linear", "cosine", NULL};
	static const uint8_t shapes[] = {MERIDIAN_SMEAR_LINEAR, MERIDIAN_SMEAR_COSINE};
	struct config *config = parser->config;
	int i = config_choice(parser, "shape", names);

	(void)row;
	if (i < 0)
		return;
	config->smear_count = 0;
	config->smear_shape = shapes[i];
	if (smear_options_parse(parser) && config->smear_count == 0)
		config_error(parser, "an `address` is missing: nothing is smeared by default");
}

void config_parse_flag(struct config_parser *parser, const struct config_directive *row)
{
	bool *flag = (bool *)((uint8_t *)parser->config + row->offset);

	*flag = true;
}

void config_parse_makestep(struct config_parser *parser, const struct config_directive *row)
{
	struct discipline_config *clock = &parser->config->kernel_clock;
	double threshold_s, limit;

	(void)row;
	if (!config_number(parser, "the threshold", 0, 1e9, false, &threshold_s) ||
		!config_number(parser, "the limit", -INT32_MAX, INT32_MAX, true, &limit))
		return;
	clock->step_s = threshold_s;
	clock->step_updates = (int32_t)limit;
}

void config_parse_maxchange(struct config_parser *parser, const struct config_directive *row)
{
	struct discipline_config *clock = &parser->config->kernel_clock;
	double offset_s, start, ignore;

	(void)row;
	if (!config_number(parser, "the offset", 1e-6, 1e9, false, &offset_s) ||
		!config_number(parser, "the number of updates", 0, INT32_MAX, true, &start) ||
		!config_number(
			parser, "the number to ignore", -INT32_MAX, INT32_MAX, true, &ignore))
		return;
	clock->change_max_s = offset_s;
	clock->change_start = (uint32_t)start;
	clock->change_ignore = (int32_t)ignore;
}

void config_parse_leapsecmode(struct config_parser *parser, const struct config_directive *row)
{
	static const char *const names[] = {[DISCIPLINE_LEAP_SYSTEM] = "system",
		[DISCIPLINE_LEAP_STEP] = "step",
		[DISCIPLINE_LEAP_SLEW] = "slew",
		[DISCIPLINE_LEAP_IGNORE] = "ignore",
		NULL};
	int mode = config_choice(parser, "mode", names);

	(void)row;
	if (mode >= 0)
		parser->config->kernel_clock.leap = (enum discipline_leap)mode;
}
