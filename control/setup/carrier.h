/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_CARRIER_H
#define CONTROL_SETUP_CARRIER_H

/*
 * Which interfaces carry the default route: the one it leads out of, and those below it, such as
 * the ports of a bond under a bridge under a VLAN. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carrier_link {
	char name[16];
	uint32_t index;
	uint32_t master; /* that it is a port of; 0: none */
	uint32_t lower;  /* that it sends by, as a VLAN does; 0: none, or one we do not see */
	bool is_switch;  /* all its ports are below each: Open vSwitch */
	bool is_default; /* the default route leads out of it */
	bool carries;    /* the result */
};

/* Sets `carries` of all `count` links. */
void carrier_spread(struct carrier_link *links, size_t count);

#endif
