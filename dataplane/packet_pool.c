/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_pool.h"
#include "log.h"
#include <errno.h>
#include <rte_mbuf.h>

/* A pool whose pages need not be contiguous for a NIC leaves open where it finds a buffer. Behind
 * an IOMMU that is where we find it (--iova-mode=va). */
static void buffer_init(struct rte_mempool *pool, void *argument, void *object, unsigned int index)
{
	struct rte_mbuf *mbuf = object;

	rte_pktmbuf_init(pool, argument, object, index);
	rte_mbuf_iova_set(mbuf, (uintptr_t)mbuf->buf_addr);
}

static int pool_populate(struct rte_mempool *pool)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE};

	if (rte_mempool_set_ops_byname(pool, "ring_mp_mc", NULL) < 0)
		return -ENOBUFS;
	rte_pktmbuf_pool_init(pool, &private);
	if (rte_mempool_populate_default(pool) < 0 || pool->nb_mem_chunks != 1)
		return -ENOBUFS;
	rte_mempool_obj_iter(pool, buffer_init, NULL);
	return 0;
}

int packet_pool_create(struct rte_mempool **ret_pool, const char *name, unsigned int count,
	unsigned int cache, int socket)
{
	struct rte_mempool *pool = rte_mempool_create_empty(name, count,
		sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, cache,
		sizeof(struct rte_pktmbuf_pool_private), socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (pool == NULL || pool_populate(pool) < 0) {
		rte_mempool_free(pool);
		return -ENOBUFS;
	}
	*ret_pool = pool;
	return 0;
}

int packet_pool_place(struct rte_mempool **ret_pool, const char *name, unsigned int count,
	unsigned int cache, int socket)
{
	int r = packet_pool_create(ret_pool, name, count, cache, socket);

	if (r == 0 || socket == SOCKET_ID_ANY)
		return r;
	r = packet_pool_create(ret_pool, name, count, cache, SOCKET_ID_ANY);
	if (r == 0)
		log_warning("%s: no packet memory at its memory node %d: its buffers are elsewhere",
			name, socket);
	return r;
}
