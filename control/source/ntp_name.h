/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_NAME_H
#define CONTROL_NTP_NAME_H

/*
 * The name in a line of the config, and at which of its addresses its servers are asked. A name is
 * looked up again when one of them is silent, less and less often.
 */

#include "config.h"
#include "resolver.h"

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
	uint8_t wait_log2; /* before the next look-up, log2 s */
};

/* `config` and `all` must outlive the name. */
void ntp_name_init(
	struct ntp_name *name, const struct config_server *config, const struct ntp_servers *all);

/* Gives its servers addresses: at once if it is one, else when it is looked up. */
void ntp_name_start(struct ntp_name *name);
void ntp_name_stop(struct ntp_name *name);

/* One of the servers needs another address. */
void ntp_name_look_up_later(struct ntp_name *name);

/* One of the servers answers: the next look-up is a new matter. */
void ntp_name_is_good(struct ntp_name *name);

#endif
