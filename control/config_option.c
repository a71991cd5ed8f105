/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_option.h"
#include "core/refid.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MODE_MAX 0777

static const struct config_option *option_find(const struct config_option *table, const char *name)
{
	for (; table->name; table++) {
		if (strcasecmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static double option_value(const struct config_option *option, const void *object)
{
	const uint8_t *field = (const uint8_t *)object + option->offset;
	uint16_t uint16;
	uint32_t uint32;
	double real;

	switch (option->kind) {
	case CONFIG_OPTION_FLAG:
	case CONFIG_OPTION_UINT8:
		return *field;
	case CONFIG_OPTION_INT8:
		return (int8_t)*field;
	case CONFIG_OPTION_UINT16:
	case CONFIG_OPTION_MODE:
		memcpy(&uint16, field, sizeof(uint16));
		return uint16;
	case CONFIG_OPTION_REFID:
	case CONFIG_OPTION_UINT32:
		memcpy(&uint32, field, sizeof(uint32));
		return uint32;
	case CONFIG_OPTION_DOUBLE:
		memcpy(&real, field, sizeof(real));
		return real;
	case CONFIG_OPTION_IPV4:
		return *field == MERIDIAN_FAMILY_IPV4;
	case CONFIG_OPTION_IPV6:
		return *field == MERIDIAN_FAMILY_IPV6;
	default:
		return 0;
	}
}

static void option_set(const struct config_option *option, void *object, double value)
{
	uint8_t *field = (uint8_t *)object + option->offset;
	uint16_t uint16;
	uint32_t uint32;

	switch (option->kind) {
	case CONFIG_OPTION_INT8:
		*field = (uint8_t)(int8_t)value;
		break;
	case CONFIG_OPTION_UINT16:
	case CONFIG_OPTION_MODE:
		uint16 = (uint16_t)value;
		memcpy(field, &uint16, sizeof(uint16));
		break;
	case CONFIG_OPTION_REFID:
	case CONFIG_OPTION_UINT32:
		uint32 = (uint32_t)value;
		memcpy(field, &uint32, sizeof(uint32));
		break;
	case CONFIG_OPTION_DOUBLE:
		memcpy(field, &value, sizeof(value));
		break;
	case CONFIG_OPTION_IPV4:
		*field = MERIDIAN_FAMILY_IPV4;
		break;
	case CONFIG_OPTION_IPV6:
		*field = MERIDIAN_FAMILY_IPV6;
		break;
	default:
		*field = (uint8_t)value;
	}
}

/* Its name says it all. */
static bool option_is_word(const struct config_option *option)
{
	return option->kind == CONFIG_OPTION_FLAG || option->kind == CONFIG_OPTION_IPV4 ||
		option->kind == CONFIG_OPTION_IPV6;
}

static bool mode_parse(struct config_parser *parser, const char *name, double *ret_value)
{
	const char *word = config_word_required(parser, name);
	unsigned long mode;
	char *end;

	if (word == NULL)
		return false;
	mode = strtoul(word, &end, 8);
	if (!isdigit((unsigned char)*word) || *end || mode > MODE_MAX) {
		config_error(parser, "%s '%s' is not an octal mode (allowed: 0 to 0%o)", name, word,
			MODE_MAX);
		return false;
	}
	*ret_value = (double)mode;
	return true;
}

static bool refid_parse(struct config_parser *parser, const char *name, double *ret_value)
{
	const char *word = config_word_required(parser, name);
	size_t length = word ? strlen(word) : 0, letters = 0;
	uint32_t refid = 0;

	if (word == NULL)
		return false;
	while (isgraph((unsigned char)word[letters]))
		letters++;
	if (length > 4 || letters != length) {
		config_error(parser, "%s '%s' is not of one to four letters", name, word);
		return false;
	}
	for (size_t i = 0; i < 4; i++)
		refid = refid << 8 | (i < length ? (unsigned char)word[i] : 0);
	*ret_value = refid;
	return true;
}

static bool value_parse(
	struct config_parser *parser, const struct config_option *option, double *ret_value)
{
	switch (option->kind) {
	case CONFIG_OPTION_FLAG:
	case CONFIG_OPTION_IPV4:
	case CONFIG_OPTION_IPV6:
		*ret_value = 1;
		return true;
	case CONFIG_OPTION_MODE:
		return mode_parse(parser, option->name, ret_value);
	case CONFIG_OPTION_REFID:
		return refid_parse(parser, option->name, ret_value);
	default:
		return config_number(parser, option->name, option->min, option->max,
			option->kind != CONFIG_OPTION_DOUBLE, ret_value);
	}
}

bool config_option_parse(struct config_parser *parser, const struct config_option *table,
	const char *name, void *object)
{
	const struct config_option *option = option_find(table, name);
	double value;

	if (option == NULL) {
		config_error(parser, "unknown option '%s'", name);
		return false;
	}
	if (option->kind == CONFIG_OPTION_REFUSED) {
		config_error(parser, "option '%s' refused: %s", option->name, option->text);
		return false;
	}
	if (option->kind == CONFIG_OPTION_IGNORED) {
		if (config_word_required(parser, option->name) == NULL)
			return false;
		config_warning(parser, "warning: option '%s' has no effect: %s", option->name,
			option->text);
		return true;
	}
	if (!value_parse(parser, option, &value))
		return false;
	option_set(option, object, value);
	return true;
}

/* The value is a line of its own. */
bool config_option_parse_word(
	struct config_parser *parser, const struct config_option *table, char *word, void *object)
{
	char *rest = parser->rest, *value = strchr(word, '=');
	bool ok;

	if (value)
		*value++ = '\0';
	parser->rest = value ? value : word + strlen(word);
	ok = config_option_parse(parser, table, word, object);
	if (ok && !config_at_end(parser)) {
		config_error(parser, "option '%s' takes no value", word);
		ok = false;
	}
	parser->rest = rest;
	return ok;
}

static void value_dump(const struct config_option *option, double value, FILE *out)
{
	char refid[REFID_TEXT_SIZE];

	if (option->kind == CONFIG_OPTION_MODE) {
		fprintf(out, "%04o", (unsigned int)value);
	} else if (option->kind == CONFIG_OPTION_REFID) {
		refid_text((uint32_t)value, refid);
		fputs(refid, out);
	} else {
		fprintf(out, option->kind == CONFIG_OPTION_UINT32 ? "%.0f" : "%.9g", value);
	}
}

void config_options_dump(const struct config_option *table, const void *object,
	const void *defaults, const char *before, const char *between, FILE *out)
{
	for (; table->name; table++) {
		double value = option_value(table, object);

		if (value == option_value(table, defaults))
			continue;
		fprintf(out, "%s%s", before, table->name);
		if (option_is_word(table))
			continue;
		fputs(between, out);
		value_dump(table, value, out);
	}
}
