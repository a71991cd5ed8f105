/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_PCI_H
#define CONTROL_SETUP_PCI_H

/* What sysfs says about a PCI device, and about those that share its IOMMU group: they can only be
 * given to a program together. */

#include "name.h"
#include "sysfs.h"

#define PCI_VFIO "vfio-pci"

struct pci {
	char driver[SYSFS_TEXT_SIZE];   /* bound to it; "": none */
	char override[SYSFS_TEXT_SIZE]; /* the only driver that it takes; "": any */
	uint32_t vendor, device;
	bool is_network;       /* by its class */
	int node;              /* of memory that is near; -1: not told */
	int iommu_group;       /* -1: none, so that its DMA is not confined */
	unsigned int others;   /* in the group, without bridges */
	char other[NAME_SIZE]; /* the first of them that the kernel still uses; "" */
	char other_driver[SYSFS_TEXT_SIZE];
};

/* Reads what is known of the device at `address`. Returns 0, -ENODEV when there is none, or a
 * negative errno. */
int pci_read(const char *address, struct pci *ret_pci);

#endif
