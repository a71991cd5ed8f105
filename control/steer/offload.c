/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload.h"
#include "network.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 8 /* of 32 features each */

/* The kernel's names, in the order of OFFLOAD_*; `ethtool -k` shows the first as rx-vlan-offload.
 */
static const char *const features[] = {"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};
#define FEATURES (sizeof(features) / sizeof(features[0]))

#define PLACE_NONE UINT32_MAX /* the kernel does not know the feature */

/* Where the kernel has them among its features: this differs from one kernel to the next. */
struct places {
	uint32_t count; /* of all its features */
	uint32_t at[FEATURES];
};

/* 0: the kernel does not say, or has more than we know to ask about. */
static uint32_t feature_count(const char *name)
{
	union {
		struct ethtool_sset_info info;
		uint32_t words[sizeof(struct ethtool_sset_info) / 4 + 1];
	} question = {
		.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_FEATURES}};

	if (network_ethtool(name, &question) < 0 || question.info.sset_mask == 0)
		return 0;
	return question.info.data[0] <= BLOCKS_MAX * 32 ? question.info.data[0] : 0;
}

static void place_note(struct places *places, uint32_t place, const char *text)
{
	for (size_t i = 0; i < FEATURES; i++) {
		if (strncmp(text, features[i], ETH_GSTRING_LEN) == 0)
			places->at[i] = place;
	}
}

/* The kernel writes all its names, whatever room it was told of: there must be room for them. */
static int places_find(const char *name, struct places *ret_places)
{
	uint32_t count = feature_count(name);
	struct ethtool_gstrings *strings;
	int r;

	if (count == 0)
		return -EOPNOTSUPP;
	*ret_places = (struct places){.count = count, .at = {PLACE_NONE, PLACE_NONE}};
	strings = calloc(1, sizeof(*strings) + count * ETH_GSTRING_LEN);
	if (strings == NULL)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = count;
	r = network_ethtool(name, strings);
	for (uint32_t i = 0; r == 0 && i < count && i < strings->len; i++)
		place_note(
			ret_places, i, (const char *)strings->data + (size_t)i * ETH_GSTRING_LEN);
	free(strings);
	return r;
}

/* The same for every interface, for as long as the kernel runs. */
static int places_get(const char *name, const struct places **ret_places)
{
	static struct places known;
	struct places found;
	int r;

	*ret_places = &known;
	if (known.count > 0)
		return 0;
	r = places_find(name, &found);
	if (r == 0)
		known = found;
	return r;
}

/* Of the features above, as a set. */
struct state {
	uint32_t active, changeable;
};

static int state_get(const char *name, const struct places *places, struct state *ret_state)
{
	union {
		struct ethtool_gfeatures head;
		uint32_t words[2 + BLOCKS_MAX * sizeof(struct ethtool_get_features_block) / 4];
	} answer = {.head = {.cmd = ETHTOOL_GFEATURES, .size = BLOCKS_MAX}};
	int r = network_ethtool(name, &answer);

	memset(ret_state, 0, sizeof(*ret_state));
	for (uint32_t i = 0; r == 0 && i < FEATURES; i++) {
		uint32_t at = places->at[i];
		const struct ethtool_get_features_block *block;

		if (at == PLACE_NONE || at / 32 >= answer.head.size)
			continue;
		block = &answer.head.features[at / 32];
		ret_state->active |= (block->active >> at % 32 & 1) << i;
		ret_state->changeable |= (block->available >> at % 32 & 1) << i;
	}
	return r;
}

static int change(const char *name, const struct places *places, uint32_t set, bool on)
{
	union {
		struct ethtool_sfeatures head;
		uint32_t words[2 + BLOCKS_MAX * sizeof(struct ethtool_set_features_block) / 4];
	} order = {.head = {.cmd = ETHTOOL_SFEATURES, .size = (places->count + 31) / 32}};

	for (uint32_t i = 0; i < FEATURES; i++) {
		uint32_t at = places->at[i];

		if ((set >> i & 1) == 0 || at == PLACE_NONE)
			continue;
		order.head.features[at / 32].valid |= UINT32_C(1) << at % 32;
		if (on)
			order.head.features[at / 32].requested |= UINT32_C(1) << at % 32;
	}
	return network_ethtool(name, &order);
}

uint32_t offload_vlan_stripping(const char *name)
{
	const struct places *places;
	struct state state = {0};

	if (places_get(name, &places) == 0)
		(void)state_get(name, places, &state);
	return state.active;
}

/* Of two features the driver may change one and refuse the other. */
static int change_all(const char *name, const struct places *places, uint32_t set, bool on)
{
	struct state state = {0};
	int r = change(name, places, set, on);

	if (r == 0)
		r = state_get(name, places, &state);
	if (r < 0)
		return r;
	return (state.active & set) == (on ? set : 0) ? 0 : -EOPNOTSUPP;
}

int offload_strip_vlan(const char *name, uint32_t set, bool strip)
{
	const struct places *places;
	struct state before = {0};
	int r = places_get(name, &places);

	if (r == 0)
		r = state_get(name, places, &before);
	if (r < 0)
		return r;
	set &= strip ? ~before.active : before.active;
	if ((set & ~before.changeable) != 0)
		return -EOPNOTSUPP;
	r = change_all(name, places, set, strip);
	if (r < 0)
		(void)change(name, places, set, !strip);
	return r;
}
