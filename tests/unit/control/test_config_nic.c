/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_nic(void **state)
{
	static const char *const no_clocks[] = {"/dev/ptp", "/dev/ptp65535", "/dev/ptp-1",
		"/dev/ptp+1", "/dev/ptp1x", "/dev/ptp123456", "eth0"};

	(void)state;
	assert_int_equal(
		load("nic eth0\nnic eth1 queues 4 xdp generic stamps NIC phc /dev/ptp12 rxcomp -7 "
		     "txcomp 950 delivery 1200\n"),
		0);
	assert_int_equal(config.nic_count, 2);
	assert_int_equal(config.nic[0].queue_count, 0);
	assert_false(config.nic[0].generic);
	assert_int_equal(config.nic[1].queue_count, 4);
	assert_true(config.nic[1].generic);
	assert_int_equal(config.nic[0].stamps, CONFIG_NIC_STAMPS_AUTO);
	assert_int_equal(config.nic[1].stamps, CONFIG_NIC_STAMPS_NIC);
	assert_int_equal(config.nic[0].phc, 0);
	assert_int_equal(config.nic[1].phc, 13);
	assert_int_equal(config.nic[0].rxcomp_ns, 0);
	assert_int_equal(config.nic[1].rxcomp_ns, -7);
	assert_int_equal(config.nic[1].txcomp_ns, 950);
	assert_int_equal(config.nic[0].delivery_us, 0);
	assert_int_equal(config.nic[1].delivery_us, 1200);
	config_free(&config);
	expect_error("nic eth0\nnic eth0\n", "2: nic: eth0 is there already\n");
	expect_error("nic interface0123456\n",
		"1: nic: 'interface0123456' is not an interface name (1 to 15 characters, no "
		"'/' or ':')\n");
	expect_error(
		"nic eth0 queues 65\n", "1: nic: queues 65 is out of range (allowed: 1 to 64)\n");
	expect_error("nic eth0 txcomp -1000001\n",
		"1: nic: txcomp -1000001 is out of range (allowed: -1000000 to 1000000)\n");
	expect_error("nic eth0 txtime 5000\n",
		"1: nic: `txtime` is for NICs that are taken over: AF_XDP sends at once\n");
	expect_error("nic 3b:00.0 txtime 999\n",
		"1: nic: txtime 999 is out of range (allowed: 1000 to 100000)\n");
	expect_error("nic eth0 rxcomp 1000001\n",
		"1: nic: rxcomp 1000001 is out of range (allowed: -1000000 to 1000000)\n");
	expect_error("nic eth0 delivery 9\n",
		"1: nic: delivery 9 is out of range (allowed: 10 to 50000)\n");
	expect_error("nic 3b:00.0 delivery 50001\n",
		"1: nic: delivery 50001 is out of range (allowed: 10 to 50000)\n");
	expect_error("nic eth0 delivery 0.5\n",
		"1: nic: delivery '0.5' is not a whole number (allowed: 10 to 50000)\n");
	expect_error("nic eth0 xdp native\n",
		"1: nic: xdp 'native' is not a mode (allowed: auto, generic)\n");
	expect_error("nic eth0 stamps kernel\n",
		"1: nic: stamps 'kernel' is not known (allowed: auto, nic, xdp)\n");
	expect_error("nic 0000:3b:00.0 stamps nic\n",
		"1: nic: `stamps` is for interfaces: DPDK's drivers stamp where they can\n");
	expect_error("nic 3b:00.0 phc /dev/ptp0\n",
		"1: nic: `phc` is for interfaces: DPDK's drivers know their clock\n");
	for (size_t i = 0; i < sizeof(no_clocks) / sizeof(no_clocks[0]); i++) {
		char line[64], error[128];

		snprintf(line, sizeof(line), "nic eth0 phc %s\n", no_clocks[i]);
		snprintf(error, sizeof(error),
			"1: nic: phc '%s' is not a PTP clock (/dev/ptp0 to /dev/ptp65534)\n",
			no_clocks[i]);
		expect_error(line, error);
	}
	expect_error("nic eth0 address 192.0.2.1\n",
		"1: nic: `address` is for virtual devices: an interface has those that the kernel "
		"says\n");
}

static void test_taken_over_nic(void **state)
{
	(void)state;
	assert_int_equal(load("nic 0000:3B:00.0\n"
			      "nic 5:1f.7 mode takeover tap ntp0 queues 4 punt 5000\n"
			      "nic 0001:02:03.1\n"),
		0);
	assert_int_equal(config.nic_count, 3);
	assert_true(config_nic_is_taken_over(&config.nic[0]));
	assert_string_equal(config.nic[0].name, "0000:3b:00.0");
	assert_string_equal(config.nic[0].tap, "mnp59s0");
	assert_int_equal(config.nic[0].queue_count, 0);
	assert_int_equal(config.nic[0].punt_pps, 100000);
	assert_string_equal(config.nic[1].name, "0000:05:1f.7");
	assert_string_equal(config.nic[1].tap, "ntp0");
	assert_int_equal(config.nic[1].queue_count, 4);
	assert_int_equal(config.nic[1].punt_pps, 5000);
	assert_string_equal(config.nic[2].tap, "mnP1p2s3f1");
	config_free(&config);
}

static void test_taken_over_nic_errors(void **state)
{
	(void)state;
	expect_error("nic 3b:00.0\nnic 0000:3b:00.0\n", "2: nic: 0000:3b:00.0 is there already\n");
	expect_error("nic mnp59s0\nnic 3b:00.0\n", "2: nic: mnp59s0 is there already\n");
	expect_error("nic 3b:00.0\nnic mnp59s0\n", "2: nic: mnp59s0 is there already\n");
	expect_error("nic 3b:00.0 tap interface0123456\n",
		"1: nic: tap 'interface0123456' is not an interface name (1 to 15 characters, no "
		"'/' or ':')\n");
	expect_error("nic 3b:00.0 mode share\n",
		"1: nic: mode 'share' is not a mode (allowed: takeover, bifurcated)\n");
	expect_error("nic 3b:00.0 punt 99\n",
		"1: nic: punt 99 is out of range (allowed: 100 to 10000000)\n");
	expect_error("nic 3b:00.0 xdp auto\n",
		"1: nic: no XDP program is attached to a NIC that is taken over: leave out "
		"`xdp`\n");
	expect_error("nic eth0 tap ntp0\n",
		"1: nic: `tap` is for NICs that are taken over, named by a PCI address\n");
	expect_error("nic 3b:00.8\n",
		"1: nic: '3b:00.8' is not an interface name (1 to 15 characters, no '/' or ':'), "
		"nor the PCI address of a NIC (0000:3b:00.0)\n");
	expect_error("nic 3b:00.0 tap ntp:0\n",
		"1: nic: tap 'ntp:0' is not an interface name (1 to 15 characters, no '/' or "
		"':')\n");
	expect_error("nic ffff:ff:1f.7\n", "1: nic: ffff:ff:1f.7: its domain is above 9999\n");
}

static void test_bifurcated_nic(void **state)
{
	(void)state;
	assert_int_equal(load("nic 3b:00.0 mode bifurcated queues 2\n"
			      "nic vdev:net_tap0,remote=eth0 mode bifurcated address 192.0.2.1\n"
			      "nic mnp59s0\n"),
		0);
	assert_true(config.nic[0].bifurcated);
	assert_true(config_nic_is_pci(&config.nic[0]));
	assert_false(config_nic_is_taken_over(&config.nic[0]));
	assert_int_equal(config.nic[0].queue_count, 2);
	assert_int_equal(config.nic[0].punt_pps, 0);
	assert_true(config.nic[1].bifurcated);
	assert_true(config_nic_is_virtual(&config.nic[1]));
	assert_false(config_nic_is_pci(&config.nic[1]));
	assert_false(config.nic[2].bifurcated);
	assert_false(config_nic_is_pci(&config.nic[2]));
	config_free(&config);
	expect_error("nic 3b:00.0 mode bifurcated tap mnp59s0\n",
		"1: nic: mode bifurcated: the kernel keeps 0000:3b:00.0: leave out `tap` and "
		"`punt`\n");
	expect_error("nic 3b:00.0 mode bifurcated punt 100000\n",
		"1: nic: mode bifurcated: the kernel keeps 0000:3b:00.0: leave out `tap` and "
		"`punt`\n");
	expect_error("nic 3b:00.0 mode bifurcated tap ntp0\n",
		"1: nic: mode bifurcated: the kernel keeps 0000:3b:00.0: leave out `tap` and "
		"`punt`\n");
	expect_error("nic 3b:00.0 punt 5000 mode bifurcated\n",
		"1: nic: mode bifurcated: the kernel keeps 0000:3b:00.0: leave out `tap` and "
		"`punt`\n");
	expect_error("nic eth0 mode bifurcated\n",
		"1: nic: `mode` is for PCI addresses and virtual devices\n");
	expect_error("nic vdev:net_tap0 mode takeover address 192.0.2.1\n",
		"1: nic: mode 'takeover' is not a mode of a virtual device (allowed: "
		"bifurcated)\n");
	expect_error("nic vdev:net_tap0,remote=eth0 mode bifurcated\n",
		"1: nic: tap0: an `address` is missing: a virtual device has none of the kernel\n");
	expect_error("nic 3b:00.0 mode bifurcated xdp auto\n",
		"1: nic: no XDP program is attached to a NIC that is taken over: leave out "
		"`xdp`\n");
}

static void test_virtual_nic(void **state)
{
	const uint8_t address[16] = {192, 0, 2, 1};

	(void)state;
	assert_int_equal(load("nic vdev:net_memif0,role=server,id=0 address 192.0.2.1 queues 2 "
			      "address 2001:db8::1\n"
			      "nic VDEV:net_virtio_user0 address ::1\n"
			      "nic eth0\n"),
		0);
	assert_int_equal(config.nic_count, 3);
	assert_true(config_nic_is_virtual(&config.nic[0]));
	assert_string_equal(config.nic[0].name, "memif0");
	assert_string_equal(config.nic[0].device.text, "net_memif0,role=server,id=0");
	assert_int_equal(config.nic[0].queue_count, 2);
	assert_int_equal(config.nic[0].address_count, 2);
	assert_int_equal(config.nic[0].address[0].family, MERIDIAN_FAMILY_IPV4);
	assert_memory_equal(config.nic[0].address[0].octets, address, sizeof(address));
	assert_int_equal(config.nic[0].address[1].family, MERIDIAN_FAMILY_IPV6);
	assert_string_equal(config.nic[1].name, "virtio_user0");
	assert_int_equal(config.nic[1].queue_count, 0);
	assert_false(config_nic_is_virtual(&config.nic[2]));
	config_free(&config);
}

#define NOT_A_DEVICE                                                                               \
	" is not the name of a virtual device (net_ and 1 to 15 letters, digits or '_', such as "  \
	"net_memif0)\n"

static void test_virtual_nic_errors(void **state)
{
	char line[512];

	(void)state;
	expect_error("nic vdev: address ::1\n", "1: nic: vdev:''" NOT_A_DEVICE);
	expect_error("nic vdev:net_ address ::1\n", "1: nic: vdev:'net_'" NOT_A_DEVICE);
	expect_error("nic vdev:eth0,a=b address ::1\n", "1: nic: vdev:'eth0'" NOT_A_DEVICE);
	expect_error("nic vdev:net_a-b address ::1\n", "1: nic: vdev:'net_a-b'" NOT_A_DEVICE);
	expect_error("nic vdev:net_0123456789abcdef address ::1\n",
		"1: nic: vdev:'net_0123456789abcdef'" NOT_A_DEVICE);
	expect_error("nic vdev:net_af_xdp0,iface=eth0 address ::1\n",
		"1: nic: vdev:'net_af_xdp0' is AF_XDP on an interface of the kernel: name the "
		"interface instead\n");
	expect_error("nic vdev:net_null0,\xc3\xa4 address ::1\n",
		"1: nic: vdev:'net_null0' has arguments with other than printable ASCII "
		"characters\n");
	snprintf(line, sizeof(line), "nic vdev:net_null0,%0246d address ::1\n", 0);
	expect_error(
		line, "1: nic: net_null0: name and arguments are longer than 255 characters\n");
	expect_error("nic vdev:net_null0\n",
		"1: nic: null0: an `address` is missing: a virtual device has none of the "
		"kernel\n");
	expect_error("nic vdev:net_null0 address\n", "1: nic: the address is missing\n");
	expect_error("nic vdev:net_null0 address ntp.example.net\n",
		"1: nic: address 'ntp.example.net' is not an IPv4 or IPv6 address\n");
	expect_error("nic vdev:net_null0 address 0.0.0.0\n",
		"1: nic: address 0.0.0.0 is not the address of a host\n");
	expect_error("nic vdev:net_null0 xdp auto address ::1\n",
		"1: nic: no XDP program is attached to a virtual device: leave out `xdp`\n");
	expect_error("nic vdev:net_null0 queues 65 address ::1\n",
		"1: nic: queues 65 is out of range (allowed: 1 to 64)\n");
	expect_error(
		"nic null0\nnic vdev:net_null0 address ::1\n", "2: nic: null0 is there already\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic),
		cmocka_unit_test(test_taken_over_nic),
		cmocka_unit_test(test_taken_over_nic_errors),
		cmocka_unit_test(test_bifurcated_nic),
		cmocka_unit_test(test_virtual_nic),
		cmocka_unit_test(test_virtual_nic_errors),
	};

	return cmocka_run_group_tests(tests, load_setup, load_teardown);
}
