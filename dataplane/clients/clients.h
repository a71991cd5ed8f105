/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CLIENTS_H
#define DATAPLANE_CLIENTS_H

/*
 * Who asks, of the whole process: gathers what its servers collect and writes their page. Main
 * thread only.
 *
 * A server has two collectors. It fills the one that it is shown; the other is emptied into the
 * book, and shown to it at the next turn. What a server has let go is known by its heartbeat, which
 * moves after each of its turns, so nobody waits for anybody.
 */

#include "book.h"
#include "server.h"
#include <meridian/policy.h>

#define CLIENTS_SERVERS_MAX MERIDIAN_POLICY_WORKERS_MAX

struct clients_server {
	struct server *server;
	const uint64_t *heartbeat; /* NULL: the server runs in this thread */
	uint64_t heartbeat_shown;  /* when it was last shown a collector */
	uint32_t stride;
	unsigned int shown; /* number of the collector it fills */
	struct collector *collector[2];
};

struct clients {
	struct meridian_page page;
	struct book book;
	bool open; /* the book */
	unsigned int count;
	struct clients_server server[CLIENTS_SERVERS_MAX];
};

/* Makes or adopts the page `kind`, which is empty until clients_turn(). Returns 0, or a negative
 * errno after logging why. */
int clients_init(
	struct clients *clients, const char *rundir, const struct meridian_page_kind *kind);

/* Empties the page and frees everything. No server may be running any more. */
void clients_fini(struct clients *clients);

/* Gives collectors to a server that does not run yet, or that runs in this thread (`heartbeat` is
 * NULL). It must stay where it is. Returns 0 or -ENOMEM. */
int clients_add(struct clients *clients, struct server *server, const uint64_t *heartbeat);

/* About ten times a second: writes down what has been collected since; nothing unless `wanted`. */
void clients_turn(struct clients *clients, bool wanted);

#endif
