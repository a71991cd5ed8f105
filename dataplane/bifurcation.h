/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BIFURCATION_H
#define DATAPLANE_BIFURCATION_H

/*
 * A device that the kernel keeps and DPDK opens beside it. Isolated, it gives us what flow rules
 * match, and the kernel all the rest: its addresses, MTU and promiscuity are none of our business.
 * The rules follow the served addresses, are set anew when the link returns, and end with the
 * process. Main thread only.
 */

#include <meridian/policy.h>
#include <meridian/stats.h>
#include <stddef.h>
#include <stdint.h>

struct bifurcation;

/* Keeps DPDK from taking all that arrives. The port has its queues, and is not started: some
 * drivers refuse later, net_tap of DPDK 22.11 does nothing before. Returns 0 or -ENODEV with a
 * reason in `ret_error`, a string of `size` octets. */
int bifurcation_isolate(uint16_t port_id, char *ret_error, size_t size);

/* Sets the rules of a port that was started, for the addresses of `blob`. `name` must stay valid.
 * Returns 0, or -ENOMEM, or -ENODEV with a reason in `ret_error`. */
int bifurcation_open(struct bifurcation **ret_bifurcation, const char *name, uint16_t port_id,
	uint16_t queue_count, const struct meridian_policy_blob *blob, char *ret_error,
	size_t size);

/* About ten times a second, with the current policy. NULL, or why only a restart can follow; static
 * storage. */
const char *bifurcation_turn(
	struct bifurcation *bifurcation, const struct meridian_policy_blob *blob);

/* From now on the kernel gets all. */
void bifurcation_withdraw(struct bifurcation *bifurcation);

/* Before the port is stopped. NULL does nothing. */
void bifurcation_close(struct bifurcation *bifurcation);

/* Tells of the rules. */
void bifurcation_report(
	const struct bifurcation *bifurcation, struct meridian_stats_port *ret_report);

#endif
