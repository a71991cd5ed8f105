/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

/* meridianctl: the operator's command. What its parts share. */

#include "ctl_client.h"
#include "ctl_output.h"
#include <exit_code.h>
#include <stdlib.h>

#define CTL_TOP_DEFAULT 10
#define CTL_TOP_MAX     1024

#define CTL_NAME_SIZE (CANDM_NAME_SIZE + 1)

struct ctl {
	const char *rundir;
	const char *socket; /* path */
	struct client client;
	int connected; /* result of client_open(); 0: the client may be used */

	const char *argument; /* of the command; NULL: it takes none */

	/* Of `clients`. */
	const char *window;
	unsigned int top; /* rows of each table, 1..CTL_TOP_MAX */
	bool prefixes;
};

/* The commands. Each returns an exit code, after output_error() where that is not 0. */
int ctl_status(struct ctl *ctl);
int ctl_sources(struct ctl *ctl);
int ctl_sourcestats(struct ctl *ctl);
int ctl_selectdata(struct ctl *ctl);
int ctl_ntpdata(struct ctl *ctl);
int ctl_tracking(struct ctl *ctl);
int ctl_serverstats(struct ctl *ctl);
int ctl_activity(struct ctl *ctl);
int ctl_online(struct ctl *ctl);
int ctl_offline(struct ctl *ctl);
int ctl_burst(struct ctl *ctl);
int ctl_refresh(struct ctl *ctl);
int ctl_reselect(struct ctl *ctl);
int ctl_makestep(struct ctl *ctl);
int ctl_clients(struct ctl *ctl);
int ctl_nics(struct ctl *ctl);
int ctl_accheck(struct ctl *ctl);

/* Exit code for what a client_ function returned, after reporting it; 0 for 0. */
int ctl_result(const struct ctl *ctl, int result);

/* Name of the reference: of the source at `tracking->address`, or what the reference ID says. */
void ctl_reference_name(struct ctl *ctl, const struct report_tracking *tracking,
	char ret_name[static CTL_NAME_SIZE]);

/* Prints `report` with a row for each source. `fill` asks the daemon for the source with this
 * number and writes its row, which stays where it is; it returns what the client_ function did.
 * Returns an exit code, after output_error() where that is not 0. */
int ctl_source_table(struct ctl *ctl, const struct output_report *report,
	int (*fill)(struct client *client, uint32_t index, void *row));

/* Numeric address, IPv4 or IPv6. False when `text` is none. */
bool ctl_address_parse(const char *text, struct report_address *ret_address);

/* Numeric address; the reference ID as text where there is none. */
void ctl_address_format(
	const struct report_address *address, uint32_t refid, char ret_text[static CTL_NAME_SIZE]);

/* The `status` sections of the answering processes (ctl_servers.c): what stands in the policy
 * and stats pages of `rundir`, with problems said. Takes up to 300 ms to see what moves. */
void ctl_servers(const char *rundir);

#endif
