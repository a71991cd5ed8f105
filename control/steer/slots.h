/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_SLOTS_H
#define CONTROL_STEER_SLOTS_H

/* The writer of pages with generations (meridian/slots.h). */

#include <meridian/slots.h>
#include <stdbool.h>

/* Puts a checked blob (it begins as struct meridian_slots_blob does, with its size) into the unused
 * slot and publishes it as the next generation. The page may grow. Returns 0, or a negative errno
 * with the current generation as before. */
int slots_publish(struct meridian_page *page, const void *blob);

/* The same in steps: begin; room until there is; write; commit. `page` grows, and its generation
 * leads nowhere else, until then; whoever gives up just begins again. */
struct slots_writer {
	struct meridian_page *page;
	uint64_t size, written; /* bytes */
};

/* Begins a blob of `size` bytes. */
void slots_begin(struct slots_writer *writer, struct meridian_page *page, uint64_t size);

/* Makes room, at most `step` bytes of it. Returns 1 when there is enough, 0 to be called again, or
 * a negative errno: -ENOSPC, and takes nothing more, when the file system has not all of it. */
int slots_room_step(struct slots_writer *writer, uint64_t step);

/* Appends to the blob, which begins with its `size`: the generation before it is not the caller's.
 */
void slots_write(struct slots_writer *writer, const void *data, uint64_t size);

/* Where the blob stands now, to be looked at. */
void *slots_blob(const struct slots_writer *writer);

/* Publishes it. Returns its generation. */
uint64_t slots_commit(struct slots_writer *writer);

/* Wipes the slot that is not in use. A reader that is just copying it sees the generation move. */
void slots_wipe_unused(struct meridian_page *page);

/* Whether two blobs, of which either may be NULL, say the same but for their generation. */
bool slots_same(const void *a, const void *b);

#endif
