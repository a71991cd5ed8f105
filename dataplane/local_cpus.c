/* SPDX-License-Identifier: BSD-3-Clause */
#include "local_cpus.h"
#include "cores.h"
#include "policy_nics.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_SIZE 4096

/* A virtual device, or an interface that is none of a bus, has no such file. */
static bool nic_cpus(const struct meridian_policy_nic *nic, cpu_set_t *ret_cpus)
{
	bool pci = policy_nic_is_pci(nic);
	char path[96], text[TEXT_SIZE];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/sys/%s/%s%s/local_cpulist",
		pci ? "bus/pci/devices" : "class/net", nic->name, pci ? "" : "/device");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return cores_parse(text, ret_cpus) == 0;
}

void local_cpus(const struct meridian_policy_blob *blob, cpu_set_t *ret_cpus)
{
	bool told = false;
	cpu_set_t cpus;

	CPU_ZERO(ret_cpus);
	for (uint64_t i = 0; i < blob->nics.count; i++) {
		const struct meridian_policy_nic *nic = &nic_table(blob)[i];

		if ((nic->kind != MERIDIAN_NIC_AF_XDP && !policy_nic_is_pci(nic)) ||
			!nic_cpus(nic, &cpus))
			continue;
		if (told)
			CPU_AND(ret_cpus, ret_cpus, &cpus);
		else
			*ret_cpus = cpus;
		told = true;
	}
}
