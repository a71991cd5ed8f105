/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_STEP_H
#define CONTROL_SETUP_STEP_H

/*
 * One change to the host, with what is needed to do it, to print it as the command that does the
 * same, and to take it back.
 */

#include "card.h"
#include "name.h"
#include "sysfs.h"
#include <jansson.h>
#include <stdio.h>

#define STEP_VALUES     4
#define STEP_STEPS_MAX  256
#define STEP_ERROR_SIZE 256

/* `on` says what a step is for: an interface, a PCI address, a module; "": the host. What the
 * other members hold: */
enum step_kind {
	STEP_MODULE, /* loads the module */
	STEP_PAGES,  /* from[0], to[0]: hugepages of node from[1], -1: of all nodes */
	STEP_TABLE,  /* leads hashes to all queues evenly; table: where they led */
	STEP_QUEUES, /* from, to: receive, transmit, other and combined ones */
	STEP_HASH,   /* from[0], to[0]: RXH_*; from[1]: enum card_flow. Not all drivers can do it */
	STEP_STAMPS, /* from, to: HWTSTAMP_TX_*, HWTSTAMP_FILTER_* */
	STEP_BIND,   /* driver, interface, override: as before; from[0]: it was up */
	STEP_KINDS,
};

struct step {
	enum step_kind kind;
	char on[SYSFS_TEXT_SIZE];
	uint32_t ifindex; /* of the interface, which may be renamed; else 0 */
	int64_t from[STEP_VALUES], to[STEP_VALUES];
	char driver[SYSFS_TEXT_SIZE], override[SYSFS_TEXT_SIZE], interface[NAME_SIZE];
	uint16_t table[CARD_TABLE_MAX];
	size_t table_size;
};

struct steps {
	struct step *step; /* owned */
	size_t count;
};

/* Appends a step that is all zero but for these. Returns NULL without memory, or when there are
 * STEP_STEPS_MAX. */
struct step *steps_add(struct steps *steps, enum step_kind kind, const char *on);
void steps_free(struct steps *steps);

/* As shell commands, one a line, with `indent` in front. */
void step_print(const struct step *step, bool undo, const char *indent, FILE *out);

/*
 * Does it, or takes it back. Returns 0 or a negative errno with a sentence in ret_error. Of
 * step_undo() -ENODEV means that it is gone, with what was to be restored; and taking back what
 * was done in part or not at all does no harm.
 */
int step_do(const struct step *step, char ret_error[static STEP_ERROR_SIZE]);
int step_undo(const struct step *step, char ret_error[static STEP_ERROR_SIZE]);

/* Whether it is only a wish: a driver that refuses it is left as it is. */
bool step_is_wish(const struct step *step);

/* As JSON, and back: 0 or -EINVAL for what no step_to_json() can have made. */
json_t *step_to_json(const struct step *step);
int step_from_json(struct step *ret_step, json_t *json);

#endif
