/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CLIENT_H
#define CONTROL_CTL_CLIENT_H

/*
 * Asks a running meridian-control over its unix socket. The client binds a socket of its own
 * beside the server's, since a datagram without a sender cannot be answered.
 */

#include "candm.h"
#include <sys/un.h>

struct client {
	int fd; /* -1: not connected */
	struct sockaddr_un own;
	uint32_t sequence;
	uint8_t octets[CANDM_REQUEST_MAX]; /* of the last reply */
};

/* Connects to the socket at `path`. Returns 0, or a negative errno. */
int client_open(struct client *client, const char *path);

/* Closes and unlinks; legal after a failed client_open(). */
void client_close(struct client *client);

/* Each of these asks once and waits at most 1 s, three times. They return 0; the positive
 * CANDM_STATUS_* the daemon answered with; -ETIMEDOUT; -EPROTO for a reply that is none; or
 * another negative errno. */
int client_tracking(struct client *client, struct report_tracking *ret_tracking);
int client_activity(struct client *client, struct report_activity *ret_activity);
int client_server_stats(struct client *client, struct report_server *ret_server);
int client_source_count(struct client *client, uint32_t *ret_count);

/* Whether the access rules allow a client at `address` to ask. */
int client_access_check(
	struct client *client, const struct report_address *address, bool *ret_allowed);

/* One source with its statistics; `ret_name` (CANDM_NAME_SIZE + 1 octets) is empty when it has
 * none. ret_source->name is not set. */
int client_source(
	struct client *client, uint32_t index, struct report_source *ret_source, char *ret_name);

/* What the selection thinks of one; `ret_name` as above. */
int client_select(
	struct client *client, uint32_t index, struct report_select *ret_select, char *ret_name);

/* What a server said last. */
int client_ntp(struct client *client, uint32_t index, struct report_ntp *ret_ntp);

/* The configured name of the source at `address`. */
int client_source_name(struct client *client, const struct report_address *address, char *ret_name);

/* Gives `command` (CANDM_COMMAND_*) about these sources; `burst` is for CANDM_COMMAND_BURST. For
 * commands that are not about sources both may be NULL. */
int client_order(struct client *client, uint16_t command, const struct order_target *target,
	const struct order *burst);

/* A sentence for what the functions above return; never NULL, static storage. */
const char *client_strerror(int result);

#endif
