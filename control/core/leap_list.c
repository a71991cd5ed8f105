/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_list.h"
#include "leap.h"
#include <ctype.h>
#include <meridian/ntp.h>
#include <nettle/sha1.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE    256
#define DIGITS_MAX   15 /* of a number: far from where 64 bits end */
#define DIGEST_WORDS (SHA1_DIGEST_SIZE / 4)
#define TAI_MAX_S    1000

struct parser {
	struct leap_list *list;
	struct sha1_ctx sha1;
	uint32_t digest[DIGEST_WORDS];
	bool has_updated, has_expires, has_digest;
};

/* Takes a decimal number, which is part of what the checksum is over. */
static bool take_number(struct parser *parser, const char **text, int64_t *ret_value)
{
	const char *begin = *text + strspn(*text, " \t");
	size_t length = strspn(begin, "0123456789");

	if (length == 0 || length > DIGITS_MAX)
		return false;
	sha1_update(&parser->sha1, length, (const uint8_t *)begin);
	*ret_value = strtoll(begin, NULL, 10);
	*text = begin + length;
	return true;
}

static bool at_end(const char *text)
{
	text += strspn(text, " \t\r");
	return *text == '\0' || *text == '#';
}

static bool take_time(struct parser *parser, const char **text, int64_t *ret_utc_s)
{
	if (!take_number(parser, text, ret_utc_s))
		return false;
	*ret_utc_s -= (int64_t)MERIDIAN_NTP_UNIX_OFFSET_S;
	return true;
}

/* The words of the digest may lack leading zeros. */
static bool take_digest(struct parser *parser, const char *text)
{
	for (size_t i = 0; i < DIGEST_WORDS; i++) {
		const char *begin = text + strspn(text, " \t");
		size_t length = strspn(begin, "0123456789abcdefABCDEF");

		if (length == 0 || length > 8)
			return false;
		parser->digest[i] = (uint32_t)strtoul(begin, NULL, 16);
		text = begin + length;
	}
	return at_end(text);
}

static const char *special_parse(struct parser *parser, const char *text)
{
	switch (text[1]) {
	case '$':
		text += 2;
		parser->has_updated = take_time(parser, &text, &parser->list->updated_s);
		return parser->has_updated && at_end(text) ? NULL : "the time of update is wrong";
	case '@':
		text += 2;
		parser->has_expires = take_time(parser, &text, &parser->list->expires_s);
		return parser->has_expires && at_end(text) ? NULL : "the time of expiry is wrong";
	case 'h':
		if (!isspace((unsigned char)text[2]))
			return NULL;
		parser->has_digest = take_digest(parser, text + 2);
		return parser->has_digest ? NULL : "the checksum is not five hexadecimal words";
	default:
		return NULL;
	}
}

static const char *entry_parse(struct parser *parser, const char *text)
{
	struct leap_list *list = parser->list;
	struct leap_entry entry;
	int64_t tai_s;

	if (!take_time(parser, &text, &entry.from_s) || !take_number(parser, &text, &tai_s) ||
		!at_end(text))
		return "not a time and a number of seconds";
	entry.tai_offset_s = (int32_t)tai_s;
	if (tai_s > TAI_MAX_S)
		return "TAI - UTC is above 1000 seconds";
	if (!leap_month_begins(entry.from_s))
		return "not the begin of a month";
	if (list->count == LEAP_LIST_MAX)
		return "more than 256 leap seconds";
	if (list->count > 0) {
		const struct leap_entry *last = &list->entry[list->count - 1];

		if (entry.from_s <= last->from_s)
			return "not later than the line before";
		if (labs((long)entry.tai_offset_s - last->tai_offset_s) != 1)
			return "not one second more or less than the line before";
	}
	list->entry[list->count++] = entry;
	return NULL;
}

static const char *line_parse(struct parser *parser, const char *line)
{
	if (*line == '#')
		return special_parse(parser, line);
	return at_end(line) ? NULL : entry_parse(parser, line);
}

static bool digest_good(struct parser *parser)
{
	uint8_t digest[SHA1_DIGEST_SIZE];
	bool good = true;

	sha1_digest(&parser->sha1, sizeof(digest), digest);
	for (size_t i = 0; i < DIGEST_WORDS; i++) {
		const uint8_t *octet = &digest[4 * i];
		uint32_t word = (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 |
			(uint32_t)octet[2] << 8 | octet[3];

		good = good && word == parser->digest[i];
	}
	return good;
}

static const char *whole_check(struct parser *parser)
{
	if (parser->list->count == 0)
		return "there is no entry";
	if (!parser->has_updated || !parser->has_expires)
		return "it does not say when it was made (#$) and when it expires (#@)";
	if (!parser->has_digest)
		return "there is no checksum (#h)";
	if (!digest_good(parser))
		return "the checksum (#h) does not match: the file is damaged";
	return NULL;
}

const char *leap_list_parse(
	const char *text, size_t length, struct leap_list *ret_list, unsigned int *ret_line)
{
	struct parser parser = {.list = ret_list};
	const char *end = text + length, *wrong;

	memset(ret_list, 0, sizeof(*ret_list));
	sha1_init(&parser.sha1);
	for (*ret_line = 1; text < end; ++*ret_line) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((newline ? newline : end) - text);
		char line[LINE_SIZE];

		if (size >= sizeof(line) || memchr(text, '\0', size))
			return "the line is longer than 255 characters, or not text";
		memcpy(line, text, size);
		line[size] = '\0';
		wrong = line_parse(&parser, line);
		if (wrong)
			return wrong;
		text = newline ? newline + 1 : end;
	}
	*ret_line = 0;
	return whole_check(&parser);
}

int32_t leap_list_of_tai(const struct leap_list *list, int64_t tai_s)
{
	int32_t tai_offset_s = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct leap_entry *entry = &list->entry[i];

		if (tai_s < entry->from_s + (i > 0 ? tai_offset_s : entry->tai_offset_s))
			break;
		tai_offset_s = entry->tai_offset_s;
	}
	return tai_s - tai_offset_s < list->expires_s ? tai_offset_s : 0;
}
