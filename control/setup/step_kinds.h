/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_STEP_KINDS_H
#define CONTROL_SETUP_STEP_KINDS_H

/* What each kind of step does. Of step.c. */

#include "step.h"

struct step_operations {
	const char *name;
	bool wish;
	void (*print)(const struct step *step, bool undo, const char *indent, FILE *out);
	int (*run)(const struct step *step, char error[static STEP_ERROR_SIZE]);
	int (*undo)(const struct step *step, char error[static STEP_ERROR_SIZE]);
};

/* Of the host: step_host.c. */
extern const struct step_operations step_module, step_pages;
/* Of an interface: step_card.c. */
extern const struct step_operations step_table, step_queues, step_hash, step_stamps;
/* Of a PCI device: step_bind.c. */
extern const struct step_operations step_bind;

/* Writes a sentence, and returns `result`. */
int step_error(char error[static STEP_ERROR_SIZE], int result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
