/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_NETWORK 0x02
#define CLASS_BRIDGE  0x06

static int64_t number(const char *address, const char *file, int64_t otherwise)
{
	int64_t value;

	return sysfs_number(&value, "bus/pci/devices/%s/%s", address, file) < 0 ? otherwise : value;
}

static uint32_t class_of(const char *address)
{
	return (uint32_t)number(address, "class", 0) >> 16;
}

/* Bridges may stay with their driver, and so may what another program has by VFIO. */
static void other_note(struct pci *pci, const char *address)
{
	char driver[SYSFS_TEXT_SIZE];

	if (class_of(address) == CLASS_BRIDGE)
		return;
	pci->others++;
	if (pci->other[0] != '\0' || sysfs_link(driver, "bus/pci/devices/%s/driver", address) < 0 ||
		strcmp(driver, PCI_VFIO) == 0 || strcmp(driver, "pci-stub") == 0)
		return;
	snprintf(pci->other, sizeof(pci->other), "%.*s", NAME_SIZE - 1, address);
	strcpy(pci->other_driver, driver);
}

static void group_read(struct pci *pci, const char *address)
{
	struct sysfs_list list;
	char group[SYSFS_TEXT_SIZE];

	pci->iommu_group = -1;
	if (sysfs_link(group, "bus/pci/devices/%s/iommu_group", address) < 0)
		return;
	pci->iommu_group = atoi(group);
	if (sysfs_list(&list, "kernel/iommu_groups/%s/devices", group) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.name[i], address) != 0)
			other_note(pci, list.name[i]);
	}
}

int pci_read(const char *address, struct pci *ret_pci)
{
	*ret_pci = (struct pci){.node = -1};
	if (sysfs_find("bus/pci/devices/%s", address) < 0)
		return -ENODEV;
	sysfs_link(ret_pci->driver, "bus/pci/devices/%s/driver", address);
	sysfs_text(ret_pci->override, "bus/pci/devices/%s/driver_override", address);
	if (strcmp(ret_pci->override, "(null)") == 0)
		ret_pci->override[0] = '\0';
	ret_pci->vendor = (uint32_t)number(address, "vendor", 0);
	ret_pci->device = (uint32_t)number(address, "device", 0);
	ret_pci->is_network = class_of(address) == CLASS_NETWORK;
	ret_pci->node = (int)number(address, "numa_node", -1);
	group_read(ret_pci, address);
	return 0;
}
