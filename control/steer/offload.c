/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload.h"
#include "network.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 8 /* of 32 features each */

/* The kernel's names; `ethtool -k` shows the first as rx-vlan-offload. */
static const char *const features[] = {"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};
#define FEATURES (sizeof(features) / sizeof(features[0]))

/* Features as bits. */
struct feature_set {
	uint32_t block[BLOCKS_MAX];
};

static uint32_t feature_count(const char *name)
{
	union {
		struct ethtool_sset_info info;
		uint32_t words[sizeof(struct ethtool_sset_info) / 4 + 1];
	} question = {
		.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_FEATURES}};

	if (network_ethtool(name, &question) < 0 || question.info.sset_mask == 0)
		return 0;
	return question.info.data[0] < BLOCKS_MAX * 32 ? question.info.data[0] : BLOCKS_MAX * 32;
}

static bool is_vlan_feature(const char *text)
{
	for (size_t i = 0; i < FEATURES; i++) {
		if (strncmp(text, features[i], ETH_GSTRING_LEN) == 0)
			return true;
	}
	return false;
}

/* Which features are meant: their places differ between kernels. */
static int features_find(const char *name, struct feature_set *ret_set)
{
	uint32_t count = feature_count(name);
	struct ethtool_gstrings *strings = calloc(1, sizeof(*strings) + count * ETH_GSTRING_LEN);
	int r;

	memset(ret_set, 0, sizeof(*ret_set));
	if (strings == NULL)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = count;
	r = network_ethtool(name, strings);
	for (uint32_t i = 0; r == 0 && i < count && i < strings->len; i++) {
		if (is_vlan_feature((const char *)strings->data + (size_t)i * ETH_GSTRING_LEN))
			ret_set->block[i / 32] |= UINT32_C(1) << i % 32;
	}
	free(strings);
	return r;
}

static bool any_active(const char *name, const struct feature_set *set)
{
	union {
		struct ethtool_gfeatures head;
		uint32_t words[2 + BLOCKS_MAX * sizeof(struct ethtool_get_features_block) / 4];
	} answer = {.head = {.cmd = ETHTOOL_GFEATURES, .size = BLOCKS_MAX}};
	uint32_t active = 0;

	if (network_ethtool(name, &answer) < 0)
		return false;
	for (uint32_t i = 0; i < BLOCKS_MAX && i < answer.head.size; i++)
		active |= answer.head.features[i].active & set->block[i];
	return active != 0;
}

bool offload_strips_vlan(const char *name)
{
	struct feature_set set;

	return features_find(name, &set) == 0 && any_active(name, &set);
}

int offload_strip_vlan(const char *name, bool strip)
{
	union {
		struct ethtool_sfeatures head;
		uint32_t words[2 + BLOCKS_MAX * sizeof(struct ethtool_set_features_block) / 4];
	} change = {.head = {.cmd = ETHTOOL_SFEATURES, .size = (feature_count(name) + 31) / 32}};
	struct feature_set set;
	int r = features_find(name, &set);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
		change.head.features[i].valid = set.block[i];
		change.head.features[i].requested = strip ? set.block[i] : 0;
	}
	r = network_ethtool(name, &change);
	if (r < 0)
		return r;
	return any_active(name, &set) == strip ? 0 : -EOPNOTSUPP;
}
