/* SPDX-License-Identifier: BSD-3-Clause */
#include "mtu_range.h"

/* As drivers reckon, a frame has two VLAN tags, and a checksum that may be received along. */
#define OVERHEAD    (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)
#define BUFFER_ROOM RTE_MBUF_DEFAULT_DATAROOM

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Not every driver has a limit for both, and DPDK checks both. */
static uint32_t driver_most(const struct rte_eth_dev_info *info)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	return info->max_rx_pktlen < overhead
		? info->max_mtu
		: lesser(info->max_mtu, info->max_rx_pktlen - overhead);
}

struct mtu_range mtu_range(const struct rte_eth_dev_info *info)
{
	uint32_t buffers = lesser(MTU_BUFFERS_MAX, info->tx_desc_lim.nb_mtu_seg_max);
	uint32_t most = driver_most(info);
	bool scatters = buffers > 1 && (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) &&
		(info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	uint32_t room = (scatters ? buffers : 1) * BUFFER_ROOM - OVERHEAD;

	return (struct mtu_range){.least = info->min_mtu,
		.most = (uint16_t)lesser(most, room),
		.one_buffer = (uint16_t)lesser(most, BUFFER_ROOM - OVERHEAD),
		.scatters = scatters};
}

uint16_t mtu_nearest(const struct mtu_range *range, int mtu)
{
	if (mtu < range->least)
		return range->least;
	return mtu > range->most ? range->most : (uint16_t)mtu;
}

unsigned int mtu_buffers(uint16_t mtu)
{
	return (mtu + OVERHEAD + BUFFER_ROOM - 1) / BUFFER_ROOM;
}
