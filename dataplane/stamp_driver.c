/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp_driver.h"
#include <rte_version.h>
#include <stddef.h>
#include <string.h>

#define US 1000

/* DPDK's release notes say since when. */
#if RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
#define PCAP_ALWAYS  false
#define PCAP_UNIT_NS 1
#else
#define PCAP_ALWAYS  true
#define PCAP_UNIT_NS US
#endif

static const struct stamp_driver drivers[] = {
	{"net_af_packet", false, 1}, /* since 24.11, of the kernel */
	{"net_pcap", PCAP_ALWAYS, PCAP_UNIT_NS},
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
