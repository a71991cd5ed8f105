/* SPDX-License-Identifier: BSD-3-Clause */
#include "card.h"
#include "interface.h"
#include "network.h"
#include "xdp_features.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IFNAMSIZ == 16, "as headers without <net/if.h> say");

static const uint32_t flow_type[CARD_FLOWS] = {UDP_V4_FLOW, UDP_V6_FLOW};

static void driver_read(const char *name, struct card *card)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (network_ethtool(name, &info) < 0)
		return;
	snprintf(card->driver, sizeof(card->driver), "%.*s", (int)sizeof(info.driver), info.driver);
	snprintf(card->bus, sizeof(card->bus), "%.*s", (int)sizeof(info.bus_info), info.bus_info);
}

static void channels_read(const char *name, struct card *card)
{
	card->channels = (struct ethtool_channels){.cmd = ETHTOOL_GCHANNELS};
	card->has_channels = network_ethtool(name, &card->channels) == 0;
}

static void table_read(const char *name, struct card *card)
{
	struct ethtool_rxfh_indir *table;
	struct ethtool_rxfh_indir question = {.cmd = ETHTOOL_GRXFHINDIR};

	if (network_ethtool(name, &question) < 0 || question.size > CARD_TABLE_MAX)
		return;
	table = calloc(1, sizeof(*table) + question.size * sizeof(table->ring_index[0]));
	if (table == NULL)
		return;
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = question.size;
	if (network_ethtool(name, table) == 0) {
		card->table_size = table->size;
		for (size_t i = 0; i < card->table_size; i++)
			card->table[i] = (uint16_t)table->ring_index[i];
	}
	free(table);
}

static void hash_read(const char *name, struct card *card)
{
	for (size_t i = 0; i < CARD_FLOWS; i++) {
		struct ethtool_rxnfc question = {.cmd = ETHTOOL_GRXFH, .flow_type = flow_type[i]};

		card->has_hash[i] = network_ethtool(name, &question) == 0 && question.data != 0;
		card->hash[i] = question.data;
	}
}

int card_read(const char *name, struct card *ret_card)
{
	struct ifreq ifreq = {0};
	int r = interface_ioctl(name, SIOCGIFFLAGS, &ifreq);

	memset(ret_card, 0, sizeof(*ret_card));
	if (r < 0)
		return r;
	ret_card->is_up = (ifreq.ifr_flags & IFF_UP) != 0;
	ret_card->ifindex = if_nametoindex(name);
	driver_read(name, ret_card);
	channels_read(name, ret_card);
	table_read(name, ret_card);
	hash_read(name, ret_card);
	(void)hwstamp_ask(name, &ret_card->stamping);
	ret_card->has_stamps = hwstamp_get(name, &ret_card->stamps) == 0;
	ret_card->has_xdp =
		xdp_features_read(ret_card->ifindex, &ret_card->xdp, &ret_card->xdp_metadata) == 0;
	return 0;
}

unsigned int card_queues(const struct card *card)
{
	unsigned int queues = card->channels.rx_count + card->channels.combined_count;

	return card->has_channels && queues > 0 ? queues : 1;
}

unsigned int card_queues_max(const struct card *card)
{
	unsigned int most = card->channels.max_combined;

	if (!card->has_channels)
		return 1;
	if (most == 0)
		most = card->channels.max_rx < card->channels.max_tx ? card->channels.max_rx
								     : card->channels.max_tx;
	return most > 0 ? most : 1;
}

bool card_table_is_even(const struct card *card, unsigned int queues)
{
	size_t count[CARD_TABLE_MAX] = {0}, least = CARD_TABLE_MAX, most = 0;

	for (size_t i = 0; i < card->table_size; i++) {
		if (card->table[i] >= queues || card->table[i] >= CARD_TABLE_MAX)
			return false;
		count[card->table[i]]++;
	}
	for (size_t i = 0; i < queues && i < CARD_TABLE_MAX; i++) {
		least = count[i] < least ? count[i] : least;
		most = count[i] > most ? count[i] : most;
	}
	return card->table_size == 0 || most - least <= 1;
}

int card_set_channels(const char *name, const uint32_t channels[static 4])
{
	struct ethtool_channels order = {.cmd = ETHTOOL_SCHANNELS,
		.rx_count = channels[0],
		.tx_count = channels[1],
		.other_count = channels[2],
		.combined_count = channels[3]};

	return network_ethtool(name, &order);
}

int card_set_table(const char *name, const uint16_t *table, size_t size)
{
	struct ethtool_rxfh_indir *order =
		calloc(1, sizeof(*order) + size * sizeof(order->ring_index[0]));
	int r;

	if (order == NULL)
		return -ENOMEM;
	order->cmd = ETHTOOL_SRXFHINDIR;
	order->size = (uint32_t)size;
	for (size_t i = 0; i < size; i++)
		order->ring_index[i] = table[i];
	r = network_ethtool(name, order);
	free(order);
	return r;
}

int card_set_hash(const char *name, enum card_flow flow, uint64_t hash)
{
	struct ethtool_rxnfc order = {
		.cmd = ETHTOOL_SRXFH, .flow_type = flow_type[flow], .data = hash};

	return network_ethtool(name, &order);
}

int card_set_up(const char *name, bool up)
{
	struct ifreq ifreq = {0};
	int r = interface_ioctl(name, SIOCGIFFLAGS, &ifreq);

	if (r < 0)
		return r;
	ifreq.ifr_flags = (short)(up ? ifreq.ifr_flags | IFF_UP : ifreq.ifr_flags & ~IFF_UP);
	return interface_ioctl(name, SIOCSIFFLAGS, &ifreq);
}

int card_rename(const char *name, const char *new_name)
{
	struct ifreq ifreq = {0};

	snprintf(ifreq.ifr_newname, sizeof(ifreq.ifr_newname), "%s", new_name);
	return interface_ioctl(name, SIOCSIFNAME, &ifreq);
}

size_t card_find(const char *bus, char ret_name[static 16])
{
	struct if_nameindex *all = if_nameindex();
	size_t found = 0;

	ret_name[0] = '\0';
	for (const struct if_nameindex *one = all; one && one->if_name; one++) {
		struct card card = {0};

		driver_read(one->if_name, &card);
		if (strcmp(card.bus, bus) == 0 && found++ == 0)
			snprintf(ret_name, IFNAMSIZ, "%s", one->if_name);
	}
	if_freenameindex(all);
	return found;
}
