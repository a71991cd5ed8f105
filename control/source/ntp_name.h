/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_NAME_H
#define CONTROL_NTP_NAME_H

/*
 * The name in a line of the config, and at which of its addresses its servers (one, or those of a
 * pool) are asked. A name is looked up again when one of them needs another address, less and less
 * often while there is none.
 */

#include "config.h"
#include "resolver.h"

/* Addresses that are not asked again are remembered, the last so many. */
#define NTP_NAME_REFUSED_MAX 16

struct ntp_server;

/* All servers there are, of all names: no two are asked at one address. */
struct ntp_servers {
	struct ntp_server *server[CONFIG_SOURCES_MAX];
	size_t count;
};

struct ntp_name {
	const struct config_server *config;
	const struct ntp_servers *all;
	struct resolver *resolver;
	int timer;
	uint8_t wait_log2;                                   /* before the next look-up, log2 s */
	struct config_address refused[NTP_NAME_REFUSED_MAX]; /* ring */
	uint8_t refused_next;
};

/* `config` and `all` must outlive the name. */
void ntp_name_init(
	struct ntp_name *name, const struct config_server *config, const struct ntp_servers *all);

/* Gives its servers addresses: at once if it is one, else when it is looked up. */
void ntp_name_start(struct ntp_name *name);
void ntp_name_stop(struct ntp_name *name);

/* Does not wait for the next look-up; there is none when all servers are content. */
void ntp_name_look_up_now(struct ntp_name *name);

/* One of the servers needs another address. */
void ntp_name_look_up_later(struct ntp_name *name);

/* None of its servers shall be asked at this address any more. */
void ntp_name_refuse(struct ntp_name *name, const struct config_address *address);

/* The name is looked up, not given as an address. */
bool ntp_name_is_looked_up(const struct ntp_name *name);

#endif
