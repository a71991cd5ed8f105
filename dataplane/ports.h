/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORTS_H
#define DATAPLANE_PORTS_H

/*
 * The port queues that a policy asks for. Main thread only.
 *
 * An interface is usable while it exists and control has attached the XDP program, a virtual
 * device or a NIC that is named by its PCI address always; the others are left out. Which NICs are
 * usable, their queues and who polls them is fixed while the process runs: ports_outdated() tells
 * when a restart is needed.
 */

#include "port.h"
#include "port_clock.h"
#include "port_ethdev.h"
#include <meridian/policy.h>
#include <stddef.h>

struct ports_entry {
	struct port_queue *queue;
	uint16_t nic;    /* index into the policy's nics */
	uint16_t worker; /* index into the policy's workers */
};

struct ports {
	struct ports_entry *entry;
	size_t count;
	struct port_ethdev *device[MERIDIAN_POLICY_NICS_MAX]; /* by nic; NULL: AF_XDP */
	struct port_clock *clock[MERIDIAN_POLICY_NICS_MAX];   /* the kernel's, by nic; or NULL */
	unsigned int device_count;                            /* DPDK's devices in use */
	struct meridian_policy_blob *blob;                    /* that they were opened from */
	char failed[32];  /* queue or device that could not be opened, for a message */
	char reason[320]; /* why, where `failed` is a device; else "" */
};

/*
 * 0 when there is a usable NIC in the policy and each has the program and the map attached that
 * the policy names, or is bound to the driver that it is taken over or shared by; else -EAGAIN, and
 * `ret_waiting` (a string of `size` octets) says what for.
 */
int ports_ready(const struct meridian_policy_blob *blob, char *ret_waiting, size_t size);

/*
 * Opens every queue of the usable NICs, as far as DPDK has devices, once. Returns 0, or, with none
 * of them left open:
 *
 *   -EAGAIN  ports_ready() no longer holds: wait for the next policy
 *   -EBUSY   another socket has a queue, perhaps only until its process has ended
 *
 * or another negative errno; ports_error_log() says what is behind it.
 */
int ports_open(struct ports *ports, const struct meridian_policy_blob *blob);
void ports_close(struct ports *ports);

/* Logs why ports_open() returned `error`. */
void ports_error_log(const struct ports *ports, int error);

/* Warns of workers that are not of their NIC's memory node. */
void ports_check_placement(const struct ports *ports);

/* Describes the open NICs in `port`, MERIDIAN_STATS_PORTS_MAX entries; returns how many. */
uint32_t ports_report(const struct ports *ports, struct meridian_stats_port *port);

/* Brings missed_packets and flow rules of these `count` up to date. A system call per queue. */
void ports_count_missed(
	const struct ports *ports, struct meridian_stats_port *port, uint32_t count);

/* Reads the clocks of the NICs that have one, by counter `counter_id`, takes links to be as fast as
 * `blob` says, and describes clocks and stamps of these `count` ports in `ret_clock`. About ten
 * times a second. */
void ports_turn(const struct ports *ports, const struct meridian_policy_blob *blob,
	uint8_t counter_id, uint64_t counter_hz, const struct meridian_stats_port *port,
	uint32_t count, struct meridian_stats_clock *ret_clock);

/* Describes the way between each of these `count` ports and the kernel. About ten times a second.
 */
void ports_report_takeover(const struct ports *ports, const struct meridian_stats_port *port,
	uint32_t count, struct meridian_stats_takeover *ret_takeover,
	struct meridian_stats_punt *ret_punt);

/* About ten times a second: the kernel follows the links of NICs that were taken over, and these
 * follow its MTUs; flow rules follow the addresses of `blob`. NULL, or why only a restart can
 * follow; static storage. */
const char *ports_follow_policy(const struct ports *ports, const struct meridian_policy_blob *blob);

/* Workers are about to stop: leaves to the kernel what flow rules bring. */
void ports_withdraw(const struct ports *ports);

/* NULL while the ports serve `blob` and their interfaces exist; else why not. Static storage. */
const char *ports_outdated(const struct ports *ports, const struct meridian_policy_blob *blob);

#endif
