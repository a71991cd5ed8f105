/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

/* The command line. One table makes the parser and the help. No DPDK. */

#include "address.h"
#include "schedule.h"
#include "traffic.h"

#define OPTIONS_ERROR_SIZE 256

enum port_kind {
	PORT_AF_XDP,
	PORT_AF_PACKET,
	PORT_VDEV,
	PORT_PCI
};

struct load_options {
	uint64_t given; /* which options stood on the command line; by the functions below */

	const char *port; /* as given */
	enum port_kind port_kind;
	const char *port_name; /* behind the colon: interface, device or address */
	char interface[16];    /* of af_xdp and af_packet; else "" */
	uint32_t queue;        /* of af_xdp */

	struct address target[TRAFFIC_TARGETS_MAX];
	uint32_t target_count;
	bool own_target; /* any target is allowed */
	bool has_target_mac, has_source_mac;
	uint8_t target_mac[6], source_mac[6];
	struct prefix source[CLIENTS_RANGES];
	uint32_t source_count;
	uint64_t clients; /* 0: all of the prefixes */
	uint16_t port_low, port_high;
	bool has_vlan;
	uint64_t vlan;

	uint64_t core; /* UINT64_MAX: the last one */
	uint64_t burst;
	uint64_t memory_mb;
	bool no_huge;

	uint64_t rate_milli;
	struct schedule_spec pattern; /* pattern and its numbers; the rest is filled in later */
	uint64_t duration_ms, warm_up_ms, timeout_ms;
	uint32_t weight[REQUEST_KIND_COUNT];
	const char *key_file;
	uint64_t key_id; /* 0: none */
	uint64_t lag_limit_ns;
	uint64_t skip_late_us; /* 0: none */

	bool search;
	uint64_t search_loss_ppm, search_from_milli, search_to_milli, search_resolution_ppm;
	uint64_t search_tries;

	bool reflect;
	bool json, progress, no_progress, help, version;
	const char *csv, *hgrm, *plot;
};

/* Parses the arguments over the defaults. Strings point into `argv`. Returns 0, or -EINVAL and a
 * message that names the option, its value and what is allowed. */
int options_parse(
	struct load_options *options, int argc, char **argv, char error[OPTIONS_ERROR_SIZE]);

void options_help(void);

/* Whether an option of that name was given. */
bool options_given(const struct load_options *options, const char *name);

/* Takes it for not given. */
void options_forget(struct load_options *options, const char *name);

/* Name of the first in the order of the help; one must have been given. */
const char *options_first_given(const struct load_options *options);

#endif
