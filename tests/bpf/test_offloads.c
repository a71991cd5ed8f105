/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What control takes from a network card, and how it gives that back: against a veth pair, which
 * can take VLAN tags off.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "isolate.h"
#include "nic.h"
#include "offload.h"
#include "offload_record.h"
#include "xdp.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#define NIC  "offload0"
#define PINS BPFFS_ROOT "/meridian-tmp/" NIC

static struct xdp xdp;

static int setup(void **state)
{
	(void)state;
	run("ip link add " NIC " type veth peer name offload1");
	return xdp_init(&xdp, "/tmp", NIC);
}

static int teardown(void **state)
{
	(void)state;
	xdp_detach(&xdp);
	return system("ip link del " NIC);
}

/* Both kinds of tags, and back; what is not meant stays as it is. */
static void test_vlan_tags_stay_on(void **state)
{
	const uint32_t both = OFFLOAD_VLAN_CTAG | OFFLOAD_VLAN_STAG;

	(void)state;
	assert_int_equal(offload_vlan_stripping(NIC), both);
	run("ethtool -K " NIC " rxvlan off"); /* 802.1Q only */
	assert_int_equal(offload_vlan_stripping(NIC), OFFLOAD_VLAN_STAG);
	assert_int_equal(offload_strip_vlan(NIC, OFFLOAD_VLAN_STAG, false), 0);
	assert_int_equal(offload_vlan_stripping(NIC), 0);
	assert_int_equal(offload_strip_vlan(NIC, OFFLOAD_VLAN_STAG, true), 0);
	assert_int_equal(offload_vlan_stripping(NIC), OFFLOAD_VLAN_STAG);
	assert_int_equal(offload_strip_vlan(NIC, both, true), 0);
	run("ethtool -k " NIC " | grep -q 'rx-vlan-offload: on'");
	assert_int_equal(offload_vlan_stripping("lo"), 0);
	assert_int_equal(offload_strip_vlan("lo", both, true), -EOPNOTSUPP);
}

/* For one interface: another of the same name has lost nothing. */
static void test_offloads_are_noted(void **state)
{
	static const char directory[] = BPFFS_ROOT "/meridian-note/" NIC;

	(void)state;
	assert_int_equal(offload_record_read(directory, 7), 0);
	assert_int_equal(offload_record_write(directory, 7, OFFLOAD_VLAN_CTAG), 0);
	assert_int_equal(offload_record_read(directory, 7), OFFLOAD_VLAN_CTAG);
	assert_int_equal(offload_record_write(directory, 8, OFFLOAD_VLAN_STAG), 0);
	assert_int_equal(offload_record_read(directory, 7), 0);
	assert_int_equal(offload_record_read(directory, 8), OFFLOAD_VLAN_STAG);
	offload_record_remove(directory);
	assert_int_equal(offload_record_read(directory, 8), 0);
	assert_int_not_equal(access(BPFFS_ROOT "/meridian-note", F_OK), 0);
}

/* The note is there until all is given back, whatever happens after the program went. */
static void test_offloads_are_given_back_before_the_note_goes(void **state)
{
	uint32_t ifindex = if_nametoindex(NIC), id;

	(void)state;
	for (int other = 0; other < 2; other++) {
		assert_int_equal(xdp_attach(&xdp, ifindex, XDP_ANY), 0);
		assert_int_equal(offload_record_write(PINS, ifindex, OFFLOAD_VLAN_STAG), 0);
		assert_int_equal(offload_strip_vlan(NIC, OFFLOAD_VLAN_STAG, false), 0);
		if (other) {
			xdp_leave(&xdp);
			assert_true(xdp_remove(PINS));
		} else {
			xdp_detach(&xdp);
		}
		assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
		assert_int_equal(id, 0);
		assert_int_not_equal(access(PINS "/link", F_OK), 0);
		assert_int_equal(offload_record_read(PINS, ifindex), OFFLOAD_VLAN_STAG);
		nic_forget_other(PINS);
		assert_int_equal(
			offload_vlan_stripping(NIC), OFFLOAD_VLAN_CTAG | OFFLOAD_VLAN_STAG);
		assert_int_not_equal(access(BPFFS_ROOT "/meridian-tmp", F_OK), 0);
	}
}

/* As the loopback interface does for ever. */
static void test_driver_that_refuses_to_take_offloads_back(void **state)
{
	static const struct config_nic config = {.name = "lo"};
	uint32_t ifindex = if_nametoindex("lo");
	struct nic nic;

	(void)state;
	assert_int_equal(nic_init(&nic, &config, "/tmp"), 0);
	assert_int_equal(offload_record_write(nic.xdp.directory, ifindex, OFFLOAD_VLAN_CTAG), 0);
	assert_false(nic_forget_other(nic.xdp.directory));
	assert_int_equal(offload_record_read(nic.xdp.directory, ifindex), OFFLOAD_VLAN_CTAG);
	nic_fini(&nic, true);
	assert_int_equal(offload_record_read(nic.xdp.directory, ifindex), OFFLOAD_VLAN_CTAG);
	offload_record_remove(nic.xdp.directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vlan_tags_stay_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_offloads_are_noted, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_offloads_are_given_back_before_the_note_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_driver_that_refuses_to_take_offloads_back, setup, teardown),
	};
	int r = isolate();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
