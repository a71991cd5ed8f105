/* SPDX-License-Identifier: BSD-3-Clause */
#include "hwstamp.h"
#include "interface.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

static int ethtool(const char *name, void *question)
{
	return interface_ioctl(name, SIOCETHTOOL, &(struct ifreq){.ifr_data = question});
}

int hwstamp_ask(const char *name, struct hwstamp *ret_can)
{
	struct ethtool_ts_info info = {.cmd = ETHTOOL_GET_TS_INFO, .phc_index = -1};
	int r = ethtool(name, &info);

	*ret_can = (struct hwstamp){.phc = -1};
	if (r == 0)
		*ret_can = (struct hwstamp){.so_timestamping = info.so_timestamping,
			.rx_filters = info.rx_filters,
			.phc = info.phc_index};
	return r;
}

int hwstamp_rx_filter(const struct hwstamp *can)
{
	const uint32_t needed = SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE;

	if ((can->so_timestamping & needed) != needed)
		return HWTSTAMP_FILTER_NONE;
	if (can->rx_filters & 1u << HWTSTAMP_FILTER_NTP_ALL)
		return HWTSTAMP_FILTER_NTP_ALL;
	return can->rx_filters & 1u << HWTSTAMP_FILTER_ALL ? HWTSTAMP_FILTER_ALL
							   : HWTSTAMP_FILTER_NONE;
}

int hwstamp_get(const char *name, struct hwtstamp_config *ret_config)
{
	return interface_ioctl(
		name, SIOCGHWTSTAMP, &(struct ifreq){.ifr_data = (void *)ret_config});
}

int hwstamp_set(const char *name, int tx_type, int rx_filter)
{
	struct hwtstamp_config order = {.tx_type = tx_type, .rx_filter = rx_filter};

	return interface_ioctl(name, SIOCSHWTSTAMP, &(struct ifreq){.ifr_data = (void *)&order});
}

uint32_t hwstamp_speed_mbps(const char *name)
{
	struct ethtool_cmd settings = {.cmd = ETHTOOL_GSET};
	uint32_t mbps;

	if (ethtool(name, &settings) < 0)
		return 0;
	mbps = ethtool_cmd_speed(&settings);
	return mbps == (uint32_t)SPEED_UNKNOWN ? 0 : mbps;
}
