/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci.h"
#include "bifurcated.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

/* Name of the driver that a device is bound to; "": none. */
static void driver_find(const char *address, char *ret_driver, size_t size)
{
	char path[64], target[256];
	const char *name;
	ssize_t length;

	snprintf(path, sizeof(path), DEVICES "/%s/driver", address);
	length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	name = strrchr(target, '/');
	snprintf(ret_driver, size, "%s", name ? name + 1 : "");
}

bool pci_ready(const char *address, bool shared, char *ret_waiting, size_t size)
{
	char path[64], driver[32];

	snprintf(path, sizeof(path), DEVICES "/%s", address);
	if (access(path, F_OK) < 0) {
		snprintf(ret_waiting, size, "PCI device %s, which is not there", address);
		return false;
	}
	driver_find(address, driver, sizeof(driver));
	if (shared ? bifurcated_driver(driver) : strcmp(driver, PCI_DRIVER) == 0)
		return true;
	snprintf(ret_waiting, size, "%s to be bound to %s: it has %s%s", address,
		shared ? BIFURCATED_DRIVERS : PCI_DRIVER, driver[0] ? "driver " : "no driver",
		driver);
	return false;
}
