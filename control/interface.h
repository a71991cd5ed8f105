/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_INTERFACE_H
#define CONTROL_INTERFACE_H

#include <net/if.h>

/* Puts `request` (SIOC*) about the interface `name` to the kernel; *ifreq is what it reads and
 * writes, but for the name. Returns 0 or a negative errno. */
int interface_ioctl(const char *name, unsigned long request, struct ifreq *ifreq);

/* Its index, asked as clknetsim answers it, which if_nametoindex() is not; or a negative errno. */
int interface_index(const char *name);

#endif
