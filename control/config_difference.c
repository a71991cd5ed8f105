/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <string.h>

struct line {
	const char *text;
	size_t length; /* 0: there is none */
};

static bool is_of(struct line line, const char *name)
{
	size_t length = strlen(name);

	return line.length >= length && memcmp(line.text, name, length) == 0 &&
		(line.length == length || line.text[length] == ' ');
}

/* The first line of that directive from *dump on, which is moved past it. */
static struct line line_next(const char **dump, const char *name)
{
	while (**dump) {
		struct line line = {*dump, strcspn(*dump, "\n")};

		*dump += line.length;
		*dump += **dump == '\n';
		if (is_of(line, name))
			return line;
	}
	return (struct line){"", 0};
}

static bool is_same(const char *name, const char *before, const char *after)
{
	struct line one, other;

	do {
		one = line_next(&before, name);
		other = line_next(&after, name);
		if (one.length != other.length || memcmp(one.text, other.text, one.length) != 0)
			return false;
	} while (one.length > 0);
	return true;
}

unsigned int config_difference(const char *before, const char *after, FILE *out)
{
	unsigned int count = 0;

	for (size_t i = 0; i < config_table_size; i++) {
		const struct config_directive *row = &config_table[i];

		if (row->live || is_same(row->name, before, after))
			continue;
		/* With the other one it came or went, perhaps by default. */
		if (row->needs == NULL || is_same(row->needs, before, after))
			fprintf(out, "%s%s", count++ > 0 ? ", " : "", row->name);
	}
	return count;
}
