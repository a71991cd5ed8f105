/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_SCRIPT_H
#define CONTROL_CORE_SCRIPT_H

/*
 * `refclock SCRIPT`: a clock that lies by plan, for rigs that test clients. A line of the script is
 * TIME ACTION, where TIME is in seconds since the start and never less than in the line before:
 *
 *	step SECONDS                    the clock jumps
 *	ramp SECONDS over SECONDS       it moves evenly; replaces what is left of another ramp
 *	leap insert|delete in SECONDS   announced now, at the nearest whole second of the clock then
 *	stratum N                       1 to 15, at the start 1
 *	refid NAME|ADDRESS              1 to 4 characters, or IPv4; at the start LIES
 *	error SECONDS                   the root dispersion told, at the start 1e-6
 *	lost                            unsynchronised
 *	back                            synchronised again
 *
 * Empty lines and what follows a # do not count. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_ACTIONS_MAX  1024
#define SCRIPT_MESSAGE_SIZE 160

#define SCRIPT_OFFSET_MAX_S 1e9   /* of a step or ramp */
#define SCRIPT_RATE_MAX     5e-3  /* of a ramp, s/s: what the time model can follow */
#define SCRIPT_LEAP_MAX_S   86400 /* no earlier than a day before do replies announce it */

enum script_kind {
	SCRIPT_STEP,
	SCRIPT_RAMP,
	SCRIPT_LEAP,
	SCRIPT_STRATUM,
	SCRIPT_REFID,
	SCRIPT_ERROR,
	SCRIPT_LOST,
	SCRIPT_BACK,
};

struct script_action {
	double at_s;
	enum script_kind kind;
	double value;   /* s; a stratum; of LEAP 1 to insert, -1 to delete */
	double seconds; /* how long a ramp takes; until a leap second */
	uint32_t refid; /* host order */
	unsigned int line;
};

struct script {
	struct script_action action[SCRIPT_ACTIONS_MAX];
	size_t count;
};

/* Reads a script. Returns 0, or -EINVAL with the line and what is wrong with it. */
int script_parse(const char *text, size_t length, struct script *ret_script, unsigned int *ret_line,
	char ret_message[SCRIPT_MESSAGE_SIZE]);

/* What the clock tells. */
struct script_state {
	size_t next; /* action to come */
	double offset_s, ramp_rate, ramp_begin_s, ramp_end_s;
	double error_s;
	uint32_t refid;
	uint8_t stratum;
	bool synchronised;
};

void script_begin(struct script_state *state);

/* Takes the next action that is due at `now_s`; NULL when there is none. A LEAP is left to the
 * caller. */
const struct script_action *script_take(
	const struct script *script, struct script_state *state, double now_s);

/* How far the clock is off at `now_s`, and how fast that grows. */
double script_offset(const struct script_state *state, double now_s);
double script_rate(const struct script_state *state, double now_s);

/* When something changes after `now_s`; INFINITY: never. */
double script_next_s(const struct script *script, const struct script_state *state, double now_s);

#endif
