/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_INSPECT_H
#define CONTROL_SETUP_INSPECT_H

/* What a NIC is, and what it can be used for. */

#include "card.h"
#include "carrier.h"
#include "network.h"
#include "pci.h"

#define INSPECT_ERROR_SIZE 256

enum nic_use {
	NIC_AF_XDP,     /* the kernel keeps it */
	NIC_BIFURCATED, /* so it does, and its driver lets DPDK have queues */
	NIC_TAKEOVER,   /* DPDK's driver has it, by vfio-pci */
};

enum nic_mode {
	NIC_MODE_ANY, /* the config does not name the NIC */
	NIC_MODE_TAKEOVER,
	NIC_MODE_BIFURCATED,
};

struct nic {
	char name[NAME_SIZE]; /* that the operator gave */
	enum nic_use use;
	enum nic_mode mode;        /* of the config, for a NIC that is named by its PCI address */
	size_t interfaces;         /* of the kernel that it has */
	char interface[NAME_SIZE]; /* the first; "": none, as the kernel's driver does not have it
				    */
	struct network_nic link;   /* with an interface */
	struct card card;          /* with an interface */
	char address[NAME_SIZE];   /* of PCI; "": no PCI device */
	struct pci pci;            /* with an address */
	bool carries_default;      /* the default route, alone or below another interface */
	unsigned int queues;       /* wanted; 0: leave them */
};

/* Finds the NIC that `word` names among `links`. Returns 0; -EINVAL when that can be no NIC,
 * -ENODEV when there is none, or a negative errno, with a sentence in ret_error. */
int nic_inspect(struct nic *ret_nic, const char *word, const struct carrier_link *links,
	size_t count, char ret_error[static INSPECT_ERROR_SIZE]);

/* "AF_XDP", "bifurcated", "takeover". */
const char *nic_use_name(enum nic_use use);

/* Queues that a dataplane opens there. */
unsigned int nic_queues(const struct nic *nic);

#endif
