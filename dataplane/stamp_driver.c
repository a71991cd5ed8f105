/* SPDX-License-Identifier: BSD-3-Clause */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_read_clock() */
#include "stamp_driver.h"
#include <errno.h>
#include <rte_ethdev.h>
#include <rte_version.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <units.h>

#define US 1000

/* DPDK's release notes say since when. */
#if RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
#define PCAP_ALWAYS  false
#define PCAP_UNIT_NS 1
#else
#define PCAP_ALWAYS  true
#define PCAP_UNIT_NS US
#endif

#ifdef RTE_LIBRTE_IEEE1588
#define IGB_TRANSMITS true
#else
#define IGB_TRANSMITS false
#endif

/*
 * net_ice has 32 bits from the card and makes up those above, sometimes wrongly. It stamps what it
 * sends too, but only on a slower way, which is not for a few samples' sake. mlx5 counts ticks of a
 * rate that differs from card to card, or nanoseconds where the card's firmware is set so. net_igb
 * leaves transmit stamps out unless DPDK was built with them; in net_i40e and net_ixgbe they need a
 * slower way even then.
 */
static const struct stamp_driver drivers[] = {
	{.name = "mlx5_pci", .receives = true, .clock = STAMP_DRIVER_RAW, .kind = {.bits = 64}},
	{.name = "net_af_packet", /* since 24.11 */
		.receives = true,
		.clock = STAMP_DRIVER_REALTIME,
		.unit_ns = 1},
	{.name = "net_axgbe",
		.transmits = true,
		.clock = STAMP_DRIVER_TIMESYNC,
		.kind = {.hz = NS_PER_SECOND, .bits = 64}},
	{.name = "net_e1000_igb",
		.transmits = IGB_TRANSMITS,
		.clock = STAMP_DRIVER_TIMESYNC,
		.kind = {.hz = NS_PER_SECOND, .bits = 64}},
	{.name = "net_hns3",
		.receives = true,
		.transmits = true,
		.clock = STAMP_DRIVER_TIMESYNC,
		.kind = {.hz = NS_PER_SECOND, .bits = 64}},
	{.name = "net_ice",
		.receives = true,
		.clock = STAMP_DRIVER_TIMESYNC,
		.kind = {.hz = NS_PER_SECOND, .bits = 32}},
	{.name = "net_igc", /* since 23.03 */
		.transmits = true,
		.clock = STAMP_DRIVER_TIMESYNC,
		.kind = {.hz = NS_PER_SECOND, .bits = 64}},
	{.name = "net_pcap",
		.receives = true,
		.always = PCAP_ALWAYS,
		.clock = STAMP_DRIVER_REALTIME,
		.unit_ns = PCAP_UNIT_NS},
};

#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

const struct stamp_driver *stamp_driver_find(const char *name)
{
	for (size_t i = 0; i < DRIVERS; i++) {
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	}
	return NULL;
}

int stamp_driver_clock_start(const struct stamp_driver *driver, uint16_t port_id)
{
	switch (driver->clock) {
	case STAMP_DRIVER_RAW:
		return 0;
	case STAMP_DRIVER_TIMESYNC:
		return rte_eth_timesync_enable(port_id);
	default:
		return -ENOTSUP;
	}
}

static int timesync_read(uint16_t port_id, uint64_t *ret_device)
{
	struct timespec now;
	int r = rte_eth_timesync_read_time(port_id, &now);

	if (r == 0)
		*ret_device = timespec_ns(&now);
	return r;
}

int stamp_driver_clock_read(
	const struct stamp_driver *driver, uint16_t port_id, uint64_t *ret_device)
{
	switch (driver->clock) {
	case STAMP_DRIVER_RAW:
		return rte_eth_read_clock(port_id, ret_device);
	case STAMP_DRIVER_TIMESYNC:
		return timesync_read(port_id, ret_device);
	default:
		return -ENOTSUP;
	}
}

/* net_axgbe succeeds without a stamp, and then writes none. */
int stamp_driver_transmit_read(
	const struct stamp_driver *driver, uint16_t port_id, uint64_t *ret_device)
{
	struct timespec left = {.tv_sec = 0};
	int r = driver->transmits ? rte_eth_timesync_read_tx_timestamp(port_id, &left) : -ENOTSUP;

	if (r == 0)
		*ret_device = timespec_ns(&left);
	return r == 0 && *ret_device == 0 ? -EAGAIN : r;
}
