/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_H
#define CONTROL_STEER_H

/*
 * Steering: which packets reach the dataplane, and what the answering processes are told.
 *
 * Follows the interfaces of the config by rtnetlink, loads and attaches the XDP program, keeps
 * its map of served addresses, publishes the policy page, and watches the workers' heartbeats:
 * a queue is steered to its socket only while its worker polls (at most 200 ms longer), so that
 * a dead or stopped dataplane leaves the packets to the kernel and the fallback.
 *
 * The program and its maps are pinned under bpffs, in a directory named after the run directory,
 * and outlive control: a restarted control takes them over with the sockets in them.
 */

#include "config.h"
#include "report.h"

/*
 * Publishes the first policy and, when the config has a `nic`, attaches and starts following.
 * `config` must stay valid until steer_reload() or steer_fini(). `counter_id` is the counter
 * control chose. An interface that does not exist is waited for; a foreign XDP program on it is an
 * error that names it and is tried again. Returns 0 or a negative errno, after logging why.
 */
int steer_init(const struct config *config, uint8_t counter_id);

/* Takes over bind addresses, rate limits and `idlesleep` of a reloaded config, and its keys, and
 * for good the table that access_rules made of its rules: the next policy generation, which many
 * rules reach after some turns of the loop. What needs a restart (nic, workers, hugepages, memory)
 * is logged. `config` replaces the earlier one, which may be freed then. */
void steer_reload(const struct config *config, struct meridian_policy_access *table, size_t count);

/* Whether the rules of the last reload are still on their way to the page. */
bool steer_is_publishing(void);

/* Stops following. Detaches and unpins when no dataplane lives or the one that does is ending;
 * leaves everything in place otherwise. Takes up to 600 ms to tell. */
void steer_fini(void);

/* Whether the access rules allow a client at `address` to ask. */
bool steer_allows(const struct report_address *address);

/* Where the pages of this instance are. */
const char *steer_rundir(void);

/* Sums of the answering processes' statistics, for the operator. */
void steer_report_server(struct report_server *ret_server);

#endif
