/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <strings.h>

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
	static const char *const names[] = {"system", "step", "slew", "ignore"};
	const char *word = config_word_required(parser, "the mode");

	if (word == NULL)
		return;
	for (int i = 0; i < 4; i++) {
		if (strcasecmp(word, names[i]) == 0) {
			parser->config->kernel_clock.leap = (enum discipline_leap)i;
			return;
		}
	}
	config_error(parser, "'%s' is not a mode (allowed: %s)", word, row->syntax);
}
