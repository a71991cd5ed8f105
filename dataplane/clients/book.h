/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CLIENTS_BOOK_H
#define DATAPLANE_CLIENTS_BOOK_H

/* What the collectors of all workers make together, over each window. Pure: time is told. */

#include "collector.h"

struct book {
	struct meridian_clients *page;
	uint64_t key[2];                              /* secret, of the tables */
	uint64_t decayed_ns[MERIDIAN_CLIENTS_LEVELS]; /* CLOCK_MONOTONIC */
};

/* Begins an empty book in `page`, of which nothing but the head is kept. `seed` is a random number
 * that nobody else knows. */
void book_open(
	struct book *book, struct meridian_clients *page, const uint64_t seed[2], uint64_t now_ns);

/* Empties the page: nobody can be read from it any more. */
void book_close(struct book *book);

/* Time has passed: counts decay, parts of time end. Before book_add(), not more than a second of
 * requests late. */
void book_turn(struct book *book, uint64_t now_ns);

/* Adds what a worker has collected, and empties its collector but for the stride. After
 * book_turn(). */
void book_add(struct book *book, struct collector *collector);

#endif
