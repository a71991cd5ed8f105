/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PACKET_POOL_H
#define DATAPLANE_PACKET_POOL_H

/*
 * Packet buffers that suit every DPDK driver, AF_XDP's of DPDK 22.11 among them: it registers the
 * first memory chunk with the kernel as buffers times their size, so all buffers lie in one chunk
 * without holes. rte_pktmbuf_pool_create() does not see to that.
 */

#include <rte_mempool.h>

/*
 * Creates a pool of `count` buffers (best one less than a power of two) of
 * RTE_MBUF_DEFAULT_BUF_SIZE octets, headroom included, of which each thread keeps up to `cache` to
 * itself, in memory of NUMA node `socket` (SOCKET_ID_ANY: any). EAL is up. The caller owns
 * *ret_pool and gives it to rte_mempool_free(). Returns 0, or -ENOBUFS when the buffers do not fit
 * into the packet memory.
 */
int packet_pool_create(struct rte_mempool **ret_pool, const char *name, unsigned int count,
	unsigned int cache, int socket);

/* The same near a device at node `socket`, if there is memory, which is warned of; else anywhere.
 */
int packet_pool_place(struct rte_mempool **ret_pool, const char *name, unsigned int count,
	unsigned int cache, int socket);

#endif
