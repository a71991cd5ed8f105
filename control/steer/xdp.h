/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_XDP_H
#define CONTROL_STEER_XDP_H

/*
 * The XDP program of one interface: loaded, attached by a BPF link, and pinned together with its
 * maps, so that all of it outlives control. A later control takes the link and the maps over,
 * with the dataplane's sockets in them, and swaps the program underneath.
 */

#include "bpffs.h"
#include <meridian/policy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XDP_ERROR_SIZE (BPFFS_PATH_SIZE + 256)

struct steer_bpf;

/* One thread. */
struct xdp {
	struct steer_bpf *bpf; /* program and maps; NULL while detached */
	int link_fd;
	uint32_t program_id;
	uint32_t socket_map_id;          /* of xsks_map; 0 while detached */
	uint8_t mode;                    /* MERIDIAN_XDP_*, as the kernel said after attaching */
	int native_error;                /* why the driver refused native mode; 0: it did not */
	bool nic_stamps;                 /* the program asks for the NIC's stamps */
	char directory[BPFFS_PATH_SIZE]; /* of the pins */
	char error[XDP_ERROR_SIZE];      /* why xdp_attach() failed */
};

/* Detached, with the place of its pins. Touches nothing. Returns 0, or a negative errno when
 * `rundir` does not exist or its name is too long. */
int xdp_init(struct xdp *xdp, const char *rundir, const char *interface);

/* Whether the interface runs no other program than what is pinned for it. Returns 0; -EBUSY, and
 * xdp->error says whose program it is. */
int xdp_check_free(struct xdp *xdp, uint32_t ifindex);

enum xdp_wish {
	XDP_ANY,
	XDP_GENERIC,    /* generic mode, whatever the driver can */
	XDP_NIC_STAMPS, /* with the NIC's stamps, if that can be: xdp->nic_stamps tells */
};

/*
 * Takes over what is pinned for this interface, or attaches anew: native mode, with frames in
 * pieces where the driver wants that (jumbo frames), and generic where it refuses both. On failure
 * everything this call did is undone, xdp->error says why, and the result is a negative errno:
 * -EBUSY when the interface has somebody else's program.
 */
int xdp_attach(struct xdp *xdp, uint32_t ifindex, enum xdp_wish wish);

/* Whether the interface `ifindex` still runs our program. Nobody can put another in its place, but
 * the link ends with its interface, or when somebody detaches it (`bpftool link detach`). */
bool xdp_attached(const struct xdp *xdp, uint32_t ifindex);

/* Whether the program that is pinned for the interface runs on it, be it taken over yet or not. */
bool xdp_runs(const struct xdp *xdp, uint32_t ifindex);

/* Takes all but `count` sorted addresses out of the program's served set; adds them to it. The
 * second returns 0 or a negative errno. */
void xdp_withdraw(struct xdp *xdp, const struct meridian_policy_address *addresses, size_t count);
int xdp_serve(struct xdp *xdp, const struct meridian_policy_address *addresses, size_t count);

/* Says until when packets of `queue` may go to its socket: CLOCK_MONOTONIC, 0: not at all. 0 or a
 * negative errno. */
int xdp_steer(struct xdp *xdp, uint32_t queue, uint64_t deadline_ns);

/* Detaches and unpins all but the note of offloads, which are to be given back only then; or lets
 * go and leaves all in place. Legal on a detached one that xdp_init() has seen. */
void xdp_detach(struct xdp *xdp);
void xdp_leave(struct xdp *xdp);

/* Detaches and unpins the same in an interface's directory, which is not taken over. Returns
 * whether there was a program. */
bool xdp_remove(const char *directory);

#endif
