/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PCI_H
#define DATAPLANE_PCI_H

/* What the kernel says of a PCI device. */

#include <stdbool.h>
#include <stddef.h>

/* The one kernel driver that hands devices to programs behind an IOMMU. */
#define PCI_DRIVER "vfio-pci"

/*
 * Whether the device at `address` ("0000:3b:00.0") is bound to PCI_DRIVER, or, to be `shared` with
 * the kernel, to a driver that lets DPDK's in beside it. If not, what is waited for is in
 * `ret_waiting`, a string of `size` octets.
 */
bool pci_ready(const char *address, bool shared, char *ret_waiting, size_t size);

#endif
