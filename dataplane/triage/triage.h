/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TRIAGE_H
#define DATAPLANE_TRIAGE_H

/*
 * What goes to the kernel by a NIC that was taken over, by how much it matters: in which class of
 * MERIDIAN_PUNTS a frame is. The kernel's share is limited, and whoever floods the NIC must not get
 * at what the host lives by. So the classes that matter are those that a stranger cannot get into.
 *
 * link: what no router passes on, and hence only a neighbour can have sent: what is not IP; IP with
 * hop limit 255 (neighbour discovery, BFD, VRRP, BGP with RFC 5082); to or from link-local
 * addresses (RFC 4291, section 2.5.6; RFC 5771, section 4).
 *
 * answer: UDP between the same addresses and ports as something that the kernel has sent, not from
 * a port below 1024, where servers answer strangers. Control asks from a new port each time.
 * Multihop BFD (RFC 5883) has a source port for each side: here it is one flow.
 *
 * session: TCP of a connection in which the kernel has sent anything but SYN with ACK, or RST,
 * which strangers get, too; and other protocols, but for SCTP and DCCP, with a peer to whom the
 * kernel has sent them.
 *
 * An ICMP error belongs where the packet belongs that it quotes, if that is one the kernel has
 * sent.
 */

#include <meridian/stats.h>
#include <stdint.h>

struct triage;

/* `seed` is a random number that nobody else knows: with it, who chooses addresses cannot aim at
 * the flows of others. Main thread. Returns 0 and a pointer for triage_free(), or -ENOMEM. */
int triage_new(struct triage **ret_triage, uint64_t seed);

/* NULL is legal. */
void triage_free(struct triage *triage);

/* The class of a frame that was received, whose first `length` octets lie together, and a hash of
 * who sent it: of its IP source address, or else of its source MAC address. Any thread. */
enum meridian_punt triage_class(
	const struct triage *triage, const uint8_t *frame, uint32_t length, uint32_t *ret_sender);

/* The kernel sends this frame. `now_s` of any clock does not fall. One thread. */
void triage_sent(struct triage *triage, const uint8_t *frame, uint32_t length, uint32_t now_s);

#endif
