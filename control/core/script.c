/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS     " \t\r"
#define LINE_SIZE  256
#define TIME_MAX_S 1e9

struct line {
	char *rest; /* words that are not taken yet */
	char *message;
};

static bool __attribute__((format(printf, 2, 3)))
fail(const struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line->message, SCRIPT_MESSAGE_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

static char *take_word(struct line *line)
{
	char *word = line->rest + strspn(line->rest, BLANKS);

	if (*word == '\0')
		return NULL;
	line->rest = word + strcspn(word, BLANKS);
	if (*line->rest)
		*line->rest++ = '\0';
	return word;
}

static bool take_number(
	struct line *line, const char *what, double min, double max, double *ret_value)
{
	const char *word = take_word(line);
	char *end;

	if (word == NULL)
		return fail(line, "%s is missing (allowed: %.10g to %.10g)", what, min, max);
	*ret_value = strtod(word, &end);
	if (end == word || *end || word[strspn(word, "0123456789+-.eE")])
		return fail(line, "%s '%.32s' is not a number (allowed: %.10g to %.10g)", what,
			word, min, max);
	if (!(*ret_value >= min && *ret_value <= max))
		return fail(line, "%s %.32s is out of range (allowed: %.10g to %.10g)", what, word,
			min, max);
	return true;
}

static bool take_keyword(struct line *line, const char *wanted)
{
	const char *word = take_word(line);

	if (word && strcmp(word, wanted) == 0)
		return true;
	return fail(line, "'%.32s' stands where `%s` must", word ? word : "", wanted);
}

static bool step_parse(struct line *line, struct script_action *action)
{
	return take_number(
		line, "the step", -SCRIPT_OFFSET_MAX_S, SCRIPT_OFFSET_MAX_S, &action->value);
}

static bool ramp_parse(struct line *line, struct script_action *action)
{
	if (!take_number(
		    line, "the ramp", -SCRIPT_OFFSET_MAX_S, SCRIPT_OFFSET_MAX_S, &action->value) ||
		!take_keyword(line, "over") ||
		!take_number(line, "its time", 1e-3, TIME_MAX_S, &action->seconds))
		return false;
	if (fabs(action->value) <= SCRIPT_RATE_MAX * action->seconds)
		return true;
	return fail(line, "%.10g s over %.10g s is too fast (allowed: %.10g s/s)", action->value,
		action->seconds, SCRIPT_RATE_MAX);
}

static bool leap_parse(struct line *line, struct script_action *action)
{
	const char *word = take_word(line);

	if (word && strcmp(word, "insert") == 0)
		action->value = 1;
	else if (word && strcmp(word, "delete") == 0)
		action->value = -1;
	else
		return fail(
			line, "'%.32s' stands where `insert` or `delete` must", word ? word : "");
	return take_keyword(line, "in") &&
		take_number(line, "the time until then", 2, SCRIPT_LEAP_MAX_S, &action->seconds);
}

static bool stratum_parse(struct line *line, struct script_action *action)
{
	if (!take_number(line, "the stratum", MERIDIAN_NTP_STRATUM_PRIMARY,
		    MERIDIAN_NTP_STRATUM_MAX, &action->value))
		return false;
	if (action->value == floor(action->value))
		return true;
	return fail(line, "the stratum %.10g is not a whole number", action->value);
}

static bool refid_parse(struct line *line, struct script_action *action)
{
	const char *word = take_word(line);
	struct in_addr address;
	size_t length = word ? strlen(word) : 0;

	if (word && inet_pton(AF_INET, word, &address) == 1) {
		action->refid = ntohl(address.s_addr);
		return true;
	}
	if (length < 1 || length > 4)
		return fail(line,
			"the reference ID '%.32s' is neither 1 to 4 characters nor an "
			"IPv4 address",
			word ? word : "");
	for (size_t i = 0; i < length; i++) {
		if (!isgraph((unsigned char)word[i]))
			return fail(line, "the reference ID has a character that is not ASCII");
		action->refid |= (uint32_t)(unsigned char)word[i] << (24 - 8 * i);
	}
	return true;
}

static bool error_parse(struct line *line, struct script_action *action)
{
	return take_number(line, "the error", 0, 16, &action->value);
}

static bool nothing_parse(struct line *line, struct script_action *action)
{
	(void)line;
	(void)action;
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(struct line *line, struct script_action *action);
} kinds[] = {
	[SCRIPT_STEP] = {"step", step_parse},
	[SCRIPT_RAMP] = {"ramp", ramp_parse},
	[SCRIPT_LEAP] = {"leap", leap_parse},
	[SCRIPT_STRATUM] = {"stratum", stratum_parse},
	[SCRIPT_REFID] = {"refid", refid_parse},
	[SCRIPT_ERROR] = {"error", error_parse},
	[SCRIPT_LOST] = {"lost", nothing_parse},
	[SCRIPT_BACK] = {"back", nothing_parse},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool action_parse(struct line *line, double last_s, struct script_action *action)
{
	const char *word, *rest;
	unsigned int kind = 0;

	if (!take_number(line, "the time", 0, TIME_MAX_S, &action->at_s))
		return false;
	if (action->at_s < last_s)
		return fail(line, "the time %.10g is before that of the line above, %.10g",
			action->at_s, last_s);
	word = take_word(line);
	while (word && kind < KINDS && strcmp(word, kinds[kind].name) != 0)
		kind++;
	if (word == NULL || kind == KINDS)
		return fail(line, "there is no action '%.32s'", word ? word : "");
	action->kind = (enum script_kind)kind;
	if (!kinds[kind].parse(line, action))
		return false;
	rest = take_word(line);
	return rest ? fail(line, "'%.32s' is too much", rest) : true;
}

/* True for an action, and for a line without one. */
static bool line_parse(struct script *script, char *text, unsigned int number, char *message)
{
	double last_s = script->count > 0 ? script->action[script->count - 1].at_s : 0;
	struct line line = {.rest = text, .message = message};
	struct script_action action = {.line = number};

	text[strcspn(text, "#")] = '\0';
	if (text[strspn(text, BLANKS)] == '\0')
		return true;
	if (script->count == SCRIPT_ACTIONS_MAX)
		return fail(&line, "more than %d actions", SCRIPT_ACTIONS_MAX);
	if (!action_parse(&line, last_s, &action))
		return false;
	script->action[script->count++] = action;
	return true;
}

int script_parse(const char *text, size_t length, struct script *ret_script, unsigned int *ret_line,
	char ret_message[SCRIPT_MESSAGE_SIZE])
{
	const char *end = text + length;

	ret_script->count = 0;
	for (*ret_line = 1; text < end; ++*ret_line) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((newline ? newline : end) - text);
		char line[LINE_SIZE];

		if (size >= sizeof(line) || memchr(text, '\0', size)) {
			snprintf(ret_message, SCRIPT_MESSAGE_SIZE,
				"the line is longer than %d characters, or not text",
				LINE_SIZE - 1);
			return -EINVAL;
		}
		memcpy(line, text, size);
		line[size] = '\0';
		if (!line_parse(ret_script, line, *ret_line, ret_message))
			return -EINVAL;
		text = newline ? newline + 1 : end;
	}
	return 0;
}

void script_begin(struct script_state *state)
{
	*state = (struct script_state){.error_s = 1e-6,
		.refid = MERIDIAN_NTP_REFID('L', 'I', 'E', 'S'),
		.stratum = MERIDIAN_NTP_STRATUM_PRIMARY,
		.synchronised = true};
}

static void ramp_begin(struct script_state *state, const struct script_action *action)
{
	state->offset_s = script_offset(state, action->at_s);
	state->ramp_rate = action->value / action->seconds;
	state->ramp_begin_s = action->at_s;
	state->ramp_end_s = action->at_s + action->seconds;
}

const struct script_action *script_take(
	const struct script *script, struct script_state *state, double now_s)
{
	const struct script_action *action = &script->action[state->next];

	if (state->next == script->count || action->at_s > now_s)
		return NULL;
	state->next++;
	switch (action->kind) {
	case SCRIPT_STEP:
		state->offset_s += action->value;
		break;
	case SCRIPT_RAMP:
		ramp_begin(state, action);
		break;
	case SCRIPT_STRATUM:
		state->stratum = (uint8_t)action->value;
		break;
	case SCRIPT_REFID:
		state->refid = action->refid;
		break;
	case SCRIPT_ERROR:
		state->error_s = action->value;
		break;
	case SCRIPT_LOST:
	case SCRIPT_BACK:
		state->synchronised = action->kind == SCRIPT_BACK;
		break;
	case SCRIPT_LEAP:
		break;
	}
	return action;
}

double script_offset(const struct script_state *state, double now_s)
{
	return state->offset_s +
		state->ramp_rate * (fmin(now_s, state->ramp_end_s) - state->ramp_begin_s);
}

double script_rate(const struct script_state *state, double now_s)
{
	return now_s < state->ramp_end_s ? state->ramp_rate : 0;
}

double script_next_s(const struct script *script, const struct script_state *state, double now_s)
{
	double next_s = now_s < state->ramp_end_s ? state->ramp_end_s : INFINITY;

	if (state->next < script->count)
		next_s = fmin(next_s, script->action[state->next].at_s);
	return next_s;
}
