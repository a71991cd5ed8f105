/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_SHOW_H
#define CONTROL_SETUP_SHOW_H

/* What was found about NICs and is to be done, for people and for programs. */

#include "inspect.h"
#include "step.h"

/* A NIC as a paragraph of text. */
void show_nic(const struct nic *nic, FILE *out);

/* NICs, steps as shell commands, and the reason why it is refused, as one JSON object. `refusal`
 * may be NULL. Returns 0 or -ENOMEM. */
int show_json(const struct nic *nics, size_t count, const struct steps *steps, const char *refusal,
	FILE *out);

#endif
