/* SPDX-License-Identifier: BSD-3-Clause */
#include "inspect.h"
#include "bifurcated.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum nic_use use_of(enum name_kind kind, const char *driver)
{
	if (kind == NAME_INTERFACE)
		return NIC_AF_XDP;
	return bifurcated_driver(driver) ? NIC_BIFURCATED : NIC_TAKEOVER;
}

static bool carries(const char *name, const struct carrier_link *links, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(links[i].name, name) == 0)
			return links[i].carries;
	}
	return false;
}

/* Of several interfaces of a device, all count. */
static bool device_carries(const char *address, const struct carrier_link *links, size_t count)
{
	struct card card;

	for (size_t i = 0; i < count; i++) {
		if (links[i].carries && card_read(links[i].name, &card) == 0 &&
			strcmp(card.bus, address) == 0)
			return true;
	}
	return false;
}

static int interface_inspect(struct nic *nic, char error[static INSPECT_ERROR_SIZE])
{
	int r = network_nic(nic->interface, &nic->link);

	if (r == 0)
		r = card_read(nic->interface, &nic->card);
	if (r == -ENODEV)
		snprintf(error, INSPECT_ERROR_SIZE, "%s: there is no such interface", nic->name);
	else if (r < 0)
		snprintf(error, INSPECT_ERROR_SIZE, "%s: %s", nic->name, strerror(-r));
	return r;
}

static int device_inspect(struct nic *nic, char error[static INSPECT_ERROR_SIZE])
{
	snprintf(nic->address, sizeof(nic->address), "%s", nic->name);
	if (pci_read(nic->address, &nic->pci) < 0) {
		snprintf(error, INSPECT_ERROR_SIZE, "%s: there is no such PCI device", nic->name);
		return -ENODEV;
	}
	nic->interfaces = card_find(nic->address, nic->interface);
	return nic->interfaces > 0 ? interface_inspect(nic, error) : 0;
}

int nic_inspect(struct nic *ret_nic, const char *word, const struct carrier_link *links,
	size_t count, char ret_error[static INSPECT_ERROR_SIZE])
{
	enum name_kind kind;
	int r;

	memset(ret_nic, 0, sizeof(*ret_nic));
	kind = name_parse(word, ret_nic->name);
	if (kind == NAME_NONE) {
		snprintf(ret_error, INSPECT_ERROR_SIZE,
			"'%.64s' is neither an interface name (1 to %d characters) nor a PCI "
			"address (such as 0000:3b:00.0)",
			word, NAME_SIZE - 1);
		return -EINVAL;
	}
	if (kind == NAME_PCI) {
		r = device_inspect(ret_nic, ret_error);
		ret_nic->carries_default = device_carries(ret_nic->address, links, count);
	} else {
		snprintf(ret_nic->interface, sizeof(ret_nic->interface), "%s", ret_nic->name);
		ret_nic->interfaces = 1;
		r = interface_inspect(ret_nic, ret_error);
		if (name_parse(ret_nic->card.bus, ret_nic->address) != NAME_PCI ||
			pci_read(ret_nic->address, &ret_nic->pci) < 0)
			ret_nic->address[0] = '\0';
		ret_nic->carries_default = carries(ret_nic->name, links, count);
	}
	ret_nic->use = use_of(kind, ret_nic->pci.driver);
	return r;
}

const char *nic_use_name(enum nic_use use)
{
	static const char *const name[] = {[NIC_AF_XDP] = "AF_XDP",
		[NIC_BIFURCATED] = "bifurcated",
		[NIC_TAKEOVER] = "takeover"};

	return name[use];
}

unsigned int nic_queues(const struct nic *nic)
{
	if (nic->queues > 0)
		return nic->queues;
	return nic->use == NIC_AF_XDP ? card_queues(&nic->card) : 1;
}
