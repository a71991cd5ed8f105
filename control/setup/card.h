/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SETUP_CARD_H
#define CONTROL_SETUP_CARD_H

/*
 * An interface's card, as its driver in the kernel shows it: queues, how packets are spread over
 * them, time stamps, XDP. Setters return 0 or a negative errno.
 */

#include "hwstamp.h"
#include <linux/ethtool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_TABLE_MAX 4096

enum card_flow {
	CARD_UDP4,
	CARD_UDP6,
	CARD_FLOWS,
};

/* What packets are spread by so that a client always has the same queue. */
#define CARD_HASH_ADDRESSES (RXH_IP_SRC | RXH_IP_DST)

struct card {
	uint32_t ifindex;
	bool is_up;
	char driver[33]; /* as the kernel says */
	char bus[33];    /* where its device is, such as a PCI address; "" for a virtual one */

	bool has_channels;
	struct ethtool_channels channels;

	size_t table_size; /* of the queues that hashes lead to; 0: the driver has none */
	uint16_t table[CARD_TABLE_MAX];
	bool has_hash[CARD_FLOWS];
	uint64_t hash[CARD_FLOWS]; /* RXH_* */

	struct hwstamp stamping; /* what is possible */
	bool has_stamps;         /* the setting can be read, and so given back */
	struct hwtstamp_config stamps;

	bool has_xdp;          /* the kernel tells: from Linux 6.3 on */
	uint64_t xdp;          /* XDP_FEATURES_NATIVE, _ZERO_COPY */
	uint64_t xdp_metadata; /* XDP_FEATURES_STAMPS */
};

/* Asks all that. Returns 0, -ENODEV when there is no such interface, or a negative errno. What
 * the driver does not tell is left out. */
int card_read(const char *name, struct card *ret_card);

/* Receive queues in use, at least 1, and how many there can be. */
unsigned int card_queues(const struct card *card);
unsigned int card_queues_max(const struct card *card);

/* Whether as many hashes lead to each of the first `queues` queues, as drivers do by themselves, in
 * one order or another. Pure. */
bool card_table_is_even(const struct card *card, unsigned int queues);

int card_set_channels(
	const char *name, const uint32_t channels[static 4]);             /* rx, tx, other, both */
int card_set_table(const char *name, const uint16_t *table, size_t size); /* 0: the driver's own */
int card_set_hash(const char *name, enum card_flow flow, uint64_t hash);
int card_set_up(const char *name, bool up);
int card_rename(const char *name, const char *new_name); /* while it is down */

/* Finds the interfaces of the device at `bus`: how many there are, and the first. */
size_t card_find(const char *bus, char ret_name[static 16]);

#endif
