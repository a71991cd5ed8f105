/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_UNMAP_GUARD_H
#define DATAPLANE_UNMAP_GUARD_H

/*
 * Keeps DPDK from unmapping what a polling thread is using.
 *
 * The memif driver of DPDK 22.11 hears in EAL's interrupt thread that its peer is gone. It clears
 * the flag that its receive and transmit functions look at before they touch the peer's memory,
 * unmaps that memory, and only then frees what it knew about it. Nobody waits for a worker that
 * looked before. So munmap() is defined here for the whole process: called in that thread it first
 * waits until all polling threads have come around, after which they see the flag.
 *
 * It does not wait for ever: a thread that hangs would stop all else that EAL does there. When the
 * wait gives up, the memory is unmapped all the same, and the thread crashes if it goes on to read
 * it. The dataplane gives a worker WORKER_TURN_MAX_MS (worker.h) and logs which one hangs;
 * meridian-load gives up after 2 s and says nothing.
 *
 * What remains, of a driver that computes a ring's address before it looks at the flag: a thread
 * may take the address of memory that is going away or not mapped yet, be preempted before it looks
 * at the flag, and not run again until a peer has connected. For that it has to lose its core
 * between two loads, either in the instants (at most about a millisecond) between its last turn
 * that was waited for and the driver's forgetting of the address, or while a new peer introduces
 * itself. Then it reads unmapped memory. A worker that has its core for itself is not preempted.
 *
 * The program must export the symbol `munmap` (meson.build), lest the driver finds libc's.
 */

/*
 * Returns when every polling thread has ended the receive or transmit call that it was in, or has
 * not done so for too long. Called in EAL's interrupt thread.
 */
typedef void unmap_guard_wait_function(void);

/* Sets what to wait for, before the first thread polls; NULL when none does any more. Returns when
 * nobody is in the function of before, which must not call this. */
void unmap_guard_set(unmap_guard_wait_function *wait);

#endif
