/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan.h"
#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

static struct nic nic; /* large */
static struct steps steps;
static char error[PLAN_ERROR_SIZE];

/* An interface with 4 of 8 queues and stamps of all packets. */
static int interface_setup(void **state)
{
	(void)state;
	nic = (struct nic){.name = "eth1",
		.interface = "eth1",
		.interfaces = 1,
		.use = NIC_AF_XDP,
		.link.type = ARPHRD_ETHER};
	nic.card.ifindex = 7;
	nic.card.has_channels = true;
	nic.card.channels.max_combined = 8;
	nic.card.channels.max_other = nic.card.channels.other_count = 1;
	nic.card.channels.combined_count = 4;
	nic.card.table_size = 128;
	for (uint16_t i = 0; i < 128; i++)
		nic.card.table[i] = i % 4;
	nic.card.has_hash[CARD_UDP4] = nic.card.has_hash[CARD_UDP6] = true;
	nic.card.hash[CARD_UDP4] = CARD_HASH_ADDRESSES | RXH_L4_B_0_1 | RXH_L4_B_2_3;
	nic.card.hash[CARD_UDP6] = CARD_HASH_ADDRESSES;
	nic.card.stamping.so_timestamping =
		SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE;
	nic.card.stamping.rx_filters = 1u << HWTSTAMP_FILTER_NONE | 1u << HWTSTAMP_FILTER_ALL;
	nic.card.has_stamps = true;
	return 0;
}

static int device_setup(void **state)
{
	(void)state;
	nic = (struct nic){.name = "0000:3b:00.0",
		.address = "0000:3b:00.0",
		.interface = "eth1",
		.interfaces = 1,
		.use = NIC_TAKEOVER,
		.pci = {.driver = "igb", .is_network = true, .iommu_group = 3}};
	nic.card.is_up = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	steps_free(&steps);
	return 0;
}

/* The plan as shell commands. */
static void expect_plan(const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(plan_nic(&nic, &steps), 0);
	for (size_t i = 0; i < steps.count; i++)
		step_print(&steps.step[i], false, "", out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void expect_refused(const char *words)
{
	assert_int_equal(plan_check(&nic, false, error), -EPERM);
	assert_non_null(strstr(error, words));
	assert_ptr_equal(strstr(error, nic.name), error);
}

static void test_interface(void **state)
{
	(void)state;
	nic.queues = 2;
	assert_int_equal(plan_check(&nic, false, error), 0);
	expect_plan("ethtool -L eth1 combined 2\n"
		    "ethtool -N eth1 rx-flow-hash udp4 sd\n"
		    "hwstamp_ctl -i eth1 -t 1 -r 1\n");
	assert_int_equal(steps.step[0].ifindex, 7);
	assert_int_equal(steps.step[0].to[2], 1);
}

static void test_interface_that_is_ready(void **state)
{
	(void)state;
	nic.queues = 4;
	nic.card.hash[CARD_UDP4] = CARD_HASH_ADDRESSES;
	nic.card.stamps.rx_filter = HWTSTAMP_FILTER_ALL;
	expect_plan("");
}

/* A table of the operator's is left alone, unless the queues that it leads to are to change. */
static void test_table(void **state)
{
	(void)state;
	nic.card.table[5] = 3;
	nic.card.hash[CARD_UDP4] = CARD_HASH_ADDRESSES;
	nic.card.has_stamps = false;
	expect_plan("");
	nic.queues = 2;
	expect_plan("ethtool -X eth1 default\nethtool -L eth1 combined 2\n");
	assert_int_equal(steps.step[0].table_size, 128);
	assert_int_equal(steps.step[0].table[5], 3);
}

/* Drivers differ in the order of an even table. */
static void test_even_table(void **state)
{
	(void)state;
	assert_true(card_table_is_even(&nic.card, 4));
	assert_false(card_table_is_even(&nic.card, 3));
	assert_false(card_table_is_even(&nic.card, 5));
	for (uint16_t i = 0; i < 128; i++)
		nic.card.table[i] = (uint16_t)(i * 3 / 128);
	assert_true(card_table_is_even(&nic.card, 3));
	nic.card.table[0] = 1;
	assert_false(card_table_is_even(&nic.card, 3));
}

/* A veth, and other cards with channels of their own for each direction. */
static void test_channels_of_one_direction(void **state)
{
	(void)state;
	nic.card.channels =
		(struct ethtool_channels){.max_rx = 8, .max_tx = 6, .rx_count = 1, .tx_count = 1};
	nic.card.table_size = 0;
	memset(nic.card.has_hash, 0, sizeof(nic.card.has_hash));
	nic.card.stamping.rx_filters = 1u << HWTSTAMP_FILTER_PTP_V2_L4_EVENT;
	nic.queues = 6;
	assert_int_equal(plan_check(&nic, false, error), 0);
	expect_plan("ethtool -L eth1 rx 6 tx 6\n");
	nic.queues = 7;
	expect_refused("has 6 queues at most, 7 are wanted");
}

static void test_default_route(void **state)
{
	(void)state;
	nic.carries_default = true;
	expect_refused("the default route");
	assert_int_equal(plan_check(&nic, true, error), 0);
}

static void test_device(void **state)
{
	(void)state;
	assert_int_equal(plan_check(&nic, false, error), 0);
	expect_plan("echo 'vfio-pci' >/sys/bus/pci/devices/0000:3b:00.0/driver_override\n"
		    "echo 0000:3b:00.0 >/sys/bus/pci/drivers/igb/unbind\n"
		    "echo 0000:3b:00.0 >/sys/bus/pci/drivers_probe\n");
	assert_string_equal(steps.step[0].interface, "eth1");
	assert_int_equal(steps.step[0].from[0], 1);
}

static void test_device_that_is_taken(void **state)
{
	(void)state;
	strcpy(nic.pci.driver, "vfio-pci");
	nic.interfaces = 0;
	assert_int_equal(plan_check(&nic, false, error), 0);
	expect_plan("");
}

static void test_device_that_is_refused(void **state)
{
	(void)state;
	nic.pci.iommu_group = -1;
	expect_refused("no IOMMU");
	assert_int_equal(plan_check(&nic, true, error), -EPERM);
	nic.pci.iommu_group = 3;
	strcpy(nic.pci.other, "0000:3b:00.1");
	strcpy(nic.pci.other_driver, "ahci");
	expect_refused("0000:3b:00.1 is in the same IOMMU group 3 and used by ahci");
	nic.pci.other[0] = '\0';
	nic.interfaces = 2;
	expect_refused("2 interfaces");
	nic.pci.is_network = false;
	expect_refused("no NIC");
}

static void test_bifurcated_needs_nothing(void **state)
{
	(void)state;
	nic.use = NIC_BIFURCATED;
	nic.pci.iommu_group = -1;
	assert_int_equal(plan_check(&nic, false, error), 0);
	expect_plan("");
}

static void test_mode_that_the_driver_has_not(void **state)
{
	(void)state;
	nic.mode = NIC_MODE_BIFURCATED;
	strcpy(nic.pci.driver, "ice");
	expect_refused("mlx5_core or mlx4_core, not ice: say `mode takeover`");
	nic.use = NIC_BIFURCATED;
	assert_int_equal(plan_check(&nic, false, error), 0);
	nic.mode = NIC_MODE_TAKEOVER;
	strcpy(nic.pci.driver, "mlx5_core");
	expect_refused("its driver (mlx5_core) stays and shares the NIC with DPDK");
	strcpy(nic.pci.driver, "mana");
	for (nic.mode = NIC_MODE_TAKEOVER; nic.mode <= NIC_MODE_BIFURCATED; nic.mode++) {
		nic.use = NIC_TAKEOVER;
		expect_refused("needs the kernel's (mana) beside it, but has no flow rules");
	}
}

static void test_pages(void **state)
{
	const struct pages pages = {.node = 1, .total = 20, .ready = 12};

	(void)state;
	assert_int_equal(plan_pages(&pages, 24, &steps), 0);
	assert_int_equal(steps.count, 0);
	assert_int_equal(plan_pages(&pages, 25, &steps), 0);
	assert_int_equal(steps.count, 1);
	assert_int_equal(steps.step[0].from[0], 20);
	assert_int_equal(steps.step[0].to[0], 21);
	assert_int_equal(steps.step[0].from[1], 1);
}

int main(void)
{
#define OF_INTERFACE(test) cmocka_unit_test_setup_teardown(test, interface_setup, teardown)
#define OF_DEVICE(test)    cmocka_unit_test_setup_teardown(test, device_setup, teardown)
	const struct CMUnitTest tests[] = {
		OF_INTERFACE(test_interface),
		OF_INTERFACE(test_interface_that_is_ready),
		OF_INTERFACE(test_table),
		OF_INTERFACE(test_even_table),
		OF_INTERFACE(test_channels_of_one_direction),
		OF_INTERFACE(test_default_route),
		OF_DEVICE(test_device),
		OF_DEVICE(test_device_that_is_taken),
		OF_DEVICE(test_device_that_is_refused),
		OF_DEVICE(test_bifurcated_needs_nothing),
		OF_DEVICE(test_mode_that_the_driver_has_not),
		OF_INTERFACE(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
