/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"
#include "offload.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PLACE_CTAG 7
#define PLACE_STAG 40

/* A kernel and the driver of its card. */
static struct {
	uint32_t features;      /* that the kernel knows; 0: it does not say how many */
	uint32_t active[2];     /* blocks of the card's features */
	uint32_t changeable[2]; /* the same */
	unsigned int listed;    /* so often it was asked for their names */
} kernel;

/* As the kernel does it: all names, whatever room there is. */
static void list(struct ethtool_gstrings *strings)
{
	assert_int_equal(strings->string_set, ETH_SS_FEATURES);
	assert_int_equal(strings->len, kernel.features);
	memset(strings->data, 0, (size_t)kernel.features * ETH_GSTRING_LEN);
	strcpy((char *)strings->data + (size_t)PLACE_CTAG * ETH_GSTRING_LEN, "rx-vlan-hw-parse");
	strcpy((char *)strings->data + (size_t)PLACE_STAG * ETH_GSTRING_LEN,
		"rx-vlan-stag-hw-parse");
	kernel.listed++;
}

static void answer(struct ethtool_gfeatures *answer)
{
	assert_true(answer->size >= 2);
	answer->size = 2;
	for (int i = 0; i < 2; i++) {
		answer->features[i].active = kernel.active[i];
		answer->features[i].available = kernel.changeable[i];
	}
}

static void change(const struct ethtool_sfeatures *order)
{
	assert_int_equal(order->size, (kernel.features + 31) / 32);
	for (int i = 0; i < 2; i++) {
		uint32_t valid = order->features[i].valid;

		kernel.active[i] =
			(kernel.active[i] & ~valid) | (order->features[i].requested & valid);
	}
}

int network_ethtool(const char *name, void *question)
{
	struct ethtool_sset_info *info = question;

	assert_string_equal(name, "nic0");
	switch (info->cmd) {
	case ETHTOOL_GSSET_INFO:
		if (kernel.features == 0)
			return -EOPNOTSUPP;
		info->data[0] = kernel.features;
		return 0;
	case ETHTOOL_GSTRINGS:
		list(question);
		return 0;
	case ETHTOOL_GFEATURES:
		answer(question);
		return 0;
	case ETHTOOL_SFEATURES:
		change(question);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static void start(uint32_t features)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.features = features;
	kernel.active[PLACE_CTAG / 32] |= UINT32_C(1) << PLACE_CTAG % 32;
	kernel.active[PLACE_STAG / 32] |= UINT32_C(1) << PLACE_STAG % 32;
	memset(kernel.changeable, 0xff, sizeof(kernel.changeable));
}

/* There would be no room for them. First of the tests: what is known once is not asked for again.
 */
static void does_not_ask_for_names_that_it_cannot_hold(void **state)
{
	static const uint32_t counts[] = {0, 257, 100000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		start(counts[i]);
		assert_int_equal(offload_vlan_stripping("nic0"), 0);
		assert_int_equal(offload_strip_vlan("nic0", OFFLOAD_VLAN_CTAG, false), -EOPNOTSUPP);
		assert_int_equal(kernel.listed, 0);
	}
}

static void asks_for_names_once(void **state)
{
	(void)state;
	start(256);
	for (int i = 0; i < 3; i++)
		assert_int_equal(offload_vlan_stripping("nic0"), 3);
	assert_int_equal(kernel.listed, 1);
}

static void switches_what_the_driver_lets(void **state)
{
	(void)state;
	start(256);
	assert_int_equal(offload_strip_vlan("nic0", OFFLOAD_VLAN_CTAG, false), 0);
	assert_int_equal(offload_vlan_stripping("nic0"), OFFLOAD_VLAN_STAG);
	assert_int_equal(offload_strip_vlan("nic0", OFFLOAD_VLAN_CTAG, true), 0);
	assert_int_equal(offload_vlan_stripping("nic0"), OFFLOAD_VLAN_CTAG | OFFLOAD_VLAN_STAG);
	kernel.changeable[PLACE_STAG / 32] = 0;
	assert_int_equal(offload_strip_vlan("nic0", 3, false), -EOPNOTSUPP);
	assert_int_equal(offload_vlan_stripping("nic0"), OFFLOAD_VLAN_CTAG | OFFLOAD_VLAN_STAG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_not_ask_for_names_that_it_cannot_hold),
		cmocka_unit_test(asks_for_names_once),
		cmocka_unit_test(switches_what_the_driver_lets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
