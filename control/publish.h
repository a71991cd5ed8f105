/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_PUBLISH_H
#define CONTROL_PUBLISH_H

/*
 * Publication: the one writer of the time page, and of the model log.
 */

#include "config.h"
#include "core/reference_ids.h"
#include <meridian/timemodel.h>

/* Opens page and log. *ret_adopted (never NULL) is what an earlier run left on the page, or has
 * counter_id MERIDIAN_COUNTER_NONE. Returns 0 or a negative errno, after logging why. */
int publish_init(const struct config *config, struct meridian_timemodel_data *ret_adopted);

/* Shows `data` to the readers and logs the lines they follow. `ids`, unless NULL, are where this
 * time comes from. */
void publish_model(const struct meridian_timemodel_data *data, const struct reference_ids *ids);

/* Opens the model log anew, after a rotation moved it. An open one that cannot be opened again
 * stays in use, with a line in the log. */
void publish_reopen(void);

/* Unmaps; the page stays for its readers. */
void publish_fini(void);

#endif
