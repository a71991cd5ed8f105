/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_SLOTS_H
#define CONTROL_STEER_SLOTS_H

/* The writer of pages with generations (meridian/slots.h). */

#include <meridian/slots.h>
#include <stdbool.h>

/* Puts a checked blob (it begins as struct meridian_slots_blob does, with its size) into the unused
 * slot and publishes it as the next generation, which is stored in `blob` too. The page may grow.
 * Returns 0, or a negative errno with the current generation as before. */
int slots_publish(struct meridian_page *page, void *blob);

/* Wipes the slot that is not in use. A reader that is just copying it sees the generation move. */
void slots_wipe_unused(struct meridian_page *page);

/* Whether two blobs, of which either may be NULL, say the same but for their generation. */
bool slots_same(const void *a, const void *b);

#endif
