/* SPDX-License-Identifier: BSD-3-Clause */
#include "step.h"
#include "step_kinds.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct step_operations *const operations[STEP_KINDS] = {
	[STEP_MODULE] = &step_module,
	[STEP_PAGES] = &step_pages,
	[STEP_TABLE] = &step_table,
	[STEP_QUEUES] = &step_queues,
	[STEP_HASH] = &step_hash,
	[STEP_STAMPS] = &step_stamps,
	[STEP_BIND] = &step_bind,
};

int step_error(char error[static STEP_ERROR_SIZE], int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, STEP_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return result;
}

struct step *steps_add(struct steps *steps, enum step_kind kind, const char *on)
{
	struct step *step;

	if (steps->step == NULL)
		steps->step = calloc(STEP_STEPS_MAX, sizeof(*steps->step));
	if (steps->step == NULL || steps->count == STEP_STEPS_MAX)
		return NULL;
	step = &steps->step[steps->count++];
	memset(step, 0, sizeof(*step));
	step->kind = kind;
	snprintf(step->on, sizeof(step->on), "%s", on);
	return step;
}

void steps_free(struct steps *steps)
{
	free(steps->step);
	*steps = (struct steps){0};
}

void step_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	operations[step->kind]->print(step, undo, indent, out);
}

int step_do(const struct step *step, char ret_error[static STEP_ERROR_SIZE])
{
	return operations[step->kind]->run(step, ret_error);
}

int step_undo(const struct step *step, char ret_error[static STEP_ERROR_SIZE])
{
	return operations[step->kind]->undo(step, ret_error);
}

bool step_is_wish(const struct step *step)
{
	return operations[step->kind]->wish;
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static json_t *numbers(const int64_t value[static STEP_VALUES])
{
	return json_pack("[IIII]", (json_int_t)value[0], (json_int_t)value[1], (json_int_t)value[2],
		(json_int_t)value[3]);
}

json_t *step_to_json(const struct step *step)
{
	json_t *table = json_array();

	for (size_t i = 0; i < step->table_size; i++)
		json_array_append_new(table, json_integer(step->table[i]));
	return json_pack("{ss ss sI so so ss ss ss so}", "kind", operations[step->kind]->name, "on",
		step->on, "ifindex", (json_int_t)step->ifindex, "from", numbers(step->from), "to",
		numbers(step->to), "driver", step->driver, "override", step->override, "interface",
		step->interface, "table", table);
}

static bool numbers_read(int64_t value[static STEP_VALUES], const json_t *json)
{
	if (json_array_size(json) != STEP_VALUES)
		return false;
	for (size_t i = 0; i < STEP_VALUES; i++) {
		if (!json_is_integer(json_array_get(json, i)))
			return false;
		value[i] = json_integer_value(json_array_get(json, i));
	}
	return true;
}

static bool table_read(struct step *step, const json_t *json)
{
	if (json_array_size(json) > CARD_TABLE_MAX)
		return false;
	step->table_size = json_array_size(json);
	for (size_t i = 0; i < step->table_size; i++) {
		json_int_t queue = json_integer_value(json_array_get(json, i));

		if (queue < 0 || queue > UINT16_MAX)
			return false;
		step->table[i] = (uint16_t)queue;
	}
	return true;
}

static bool kind_read(struct step *step, const char *name)
{
	for (size_t i = 0; i < STEP_KINDS; i++) {
		if (strcmp(operations[i]->name, name) == 0) {
			step->kind = (enum step_kind)i;
			return true;
		}
	}
	return false;
}

/* Paths are made of them. */
static bool names_are_right(const struct step *step)
{
	char name[NAME_SIZE];
	enum name_kind kind = name_parse(step->on, name);
	bool driver = step->driver[0] == '\0' || name_is_driver(step->driver);

	if (step->interface[0] != '\0' && name_parse(step->interface, name) != NAME_INTERFACE)
		return false;
	switch (step->kind) {
	case STEP_PAGES:
		return step->on[0] == '\0';
	case STEP_MODULE:
		return name_is_driver(step->on);
	case STEP_BIND:
		return kind == NAME_PCI && driver &&
			(step->override[0] == '\0' || name_is_driver(step->override));
	default:
		return kind == NAME_INTERFACE;
	}
}

/* jansson's strings have any length. */
static bool text_take(char *ret_text, size_t size, const char *text)
{
	return snprintf(ret_text, size, "%s", text) < (int)size;
}

int step_from_json(struct step *ret_step, json_t *json)
{
	const char *kind, *on, *driver, *override, *interface;
	json_t *from, *to, *table;
	json_int_t ifindex;

	memset(ret_step, 0, sizeof(*ret_step));
	if (json_unpack(json, "{ss ss sI so so ss ss ss so}", "kind", &kind, "on", &on, "ifindex",
		    &ifindex, "from", &from, "to", &to, "driver", &driver, "override", &override,
		    "interface", &interface, "table", &table) < 0 ||
		!kind_read(ret_step, kind) || !text_take(ret_step->on, sizeof(ret_step->on), on) ||
		!text_take(ret_step->driver, sizeof(ret_step->driver), driver) ||
		!text_take(ret_step->override, sizeof(ret_step->override), override) ||
		!text_take(ret_step->interface, sizeof(ret_step->interface), interface) ||
		!numbers_read(ret_step->from, from) || !numbers_read(ret_step->to, to) ||
		!table_read(ret_step, table) || !names_are_right(ret_step))
		return -EINVAL;
	ret_step->ifindex = (uint32_t)ifindex;
	return 0;
}
