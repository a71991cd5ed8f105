/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * How the XDP program comes, stays and goes: control's xdp.c against a veth pair, in network and
 * mount namespaces of our own, so that nothing of it reaches the host.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addresses.h"
#include "isolate.h"
#include "network.h"
#include "xdp.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <steer.skel.h>
#include <steer_map.h>

#define NIC  "lifetime0"
#define PINS BPFFS_ROOT "/meridian-tmp/" NIC

static struct xdp xdp;

static uint32_t nic_make(void)
{
	run("ip link add " NIC " numrxqueues 2 numtxqueues 2 type veth peer name lifetime1");
	return if_nametoindex(NIC);
}

static int setup(void **state)
{
	(void)state;
	nic_make();
	return xdp_init(&xdp, "/tmp", NIC);
}

static int teardown(void **state)
{
	(void)state;
	xdp_detach(&xdp);
	return system("ip link del " NIC);
}

/* Program that the interface runs, whoever attached it; 0: none. */
static uint32_t attached_program(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(NIC), 0, &id), 0);
	return id;
}

/* Which map of sockets the loaded program uses; the kernel lets nobody look into it. */
static uint32_t socket_map_id(void)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	assert_int_equal(
		bpf_obj_get_info_by_fd(bpf_map__fd(xdp.bpf->maps.xsks_map), &info, &size), 0);
	return info.id;
}

static void attach(enum xdp_wish wish)
{
	if (xdp_attach(&xdp, if_nametoindex(NIC), wish) < 0)
		fail_msg("%s", xdp.error);
	assert_int_equal(attached_program(), xdp.program_id);
	assert_int_equal(socket_map_id(), xdp.socket_map_id);
	assert_int_equal(access(PINS "/link", F_OK), 0);
}

/* A program that is not ours; the caller closes it. */
static int foreign_program(void)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static uint64_t deadline_of(uint32_t queue)
{
	uint64_t deadline_ns = UINT64_MAX;

	assert_int_equal(bpf_map__lookup_elem(xdp.bpf->maps.steer_queue, &queue, sizeof(queue),
				 &deadline_ns, sizeof(deadline_ns), 0),
		0);
	return deadline_ns;
}

static void test_native_mode_and_away_again(void **state)
{
	(void)state;
	attach(XDP_ANY);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_NATIVE);
	xdp_detach(&xdp);
	assert_int_equal(attached_program(), 0);
	assert_int_not_equal(access(BPFFS_ROOT "/meridian-tmp", F_OK), 0);
}

static void test_generic_mode_when_configured(void **state)
{
	(void)state;
	attach(XDP_GENERIC);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_GENERIC);
	assert_int_equal(xdp.native_error, 0);
}

/* veth gives frames larger than a page in pieces, to programs that say they can take them. */
static void test_native_mode_for_jumbo_frames(void **state)
{
	(void)state;
	run("ip link set lifetime1 mtu 9000");
	attach(XDP_ANY);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_NATIVE);
	assert_int_equal(xdp.native_error, 0);
	xdp_leave(&xdp); /* the next control does the same */
	attach(XDP_ANY);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_NATIVE);
}

static void test_generic_mode_when_native_is_refused(void **state)
{
	(void)state;
	run("ip link del " NIC " && ip link add " NIC " type bridge");
	attach(XDP_ANY);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_GENERIC);
	assert_true(xdp.native_error < 0);
}

/* veth has them, though it stamps nothing. */
static void test_asks_for_stamps_of_the_nic(void **state)
{
	uint32_t map_id;

	(void)state;
	attach(XDP_ANY);
	assert_false(xdp.nic_stamps);
	map_id = socket_map_id();
	xdp_leave(&xdp);
	attach(XDP_NIC_STAMPS); /* the next control does */
	assert_true(xdp.nic_stamps);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_NATIVE);
	assert_int_equal(socket_map_id(), map_id);
	xdp_leave(&xdp);
	attach(XDP_ANY);
	assert_false(xdp.nic_stamps);
	assert_int_equal(socket_map_id(), map_id);
}

static void test_asks_for_stamps_of_the_nic_with_jumbo_frames(void **state)
{
	(void)state;
	run("ip link set lifetime1 mtu 9000");
	attach(XDP_NIC_STAMPS);
	assert_true(xdp.nic_stamps);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_NATIVE);
}

/* A bridge has no driver that could be asked. */
static void test_does_without_stamps_of_the_nic(void **state)
{
	(void)state;
	run("ip link del " NIC " && ip link add " NIC " type bridge");
	attach(XDP_NIC_STAMPS);
	assert_false(xdp.nic_stamps);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_GENERIC);
}

/* In a link of generic mode there is no driver either, and the kernel would not notice. */
static void test_takes_no_stamps_of_the_nic_in_generic_mode(void **state)
{
	(void)state;
	attach(XDP_GENERIC);
	xdp_leave(&xdp);
	attach(XDP_NIC_STAMPS);
	assert_false(xdp.nic_stamps);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_GENERIC);
}

static void test_next_control_keeps_the_maps_and_swaps_the_program(void **state)
{
	uint32_t program_id, map_id;

	(void)state;
	attach(XDP_ANY);
	program_id = xdp.program_id;
	map_id = socket_map_id();
	assert_int_equal(xdp_steer(&xdp, 1, 12345), 0);
	xdp_leave(&xdp);
	assert_int_equal(attached_program(), program_id);
	attach(XDP_ANY);
	assert_int_not_equal(xdp.program_id, program_id);
	assert_int_equal(socket_map_id(), map_id);
	assert_int_equal(deadline_of(0), 0);
	assert_int_equal(deadline_of(1), 12345);
}

/* By this the dataplane learns that its sockets are in a map which nothing sends from. */
static void test_attaching_anew_changes_the_map(void **state)
{
	uint32_t map_id;

	(void)state;
	attach(XDP_ANY);
	map_id = xdp.socket_map_id;
	xdp_detach(&xdp);
	assert_int_equal(xdp.socket_map_id, 0);
	attach(XDP_ANY);
	assert_int_not_equal(xdp.socket_map_id, map_id);
}

static void test_maps_of_an_older_layout_are_replaced(void **state)
{
	int other = bpf_map_create(BPF_MAP_TYPE_ARRAY, "steer_queue", 4, 4, STEER_QUEUES_MAX, NULL);
	uint32_t map_id;

	(void)state;
	attach(XDP_ANY);
	map_id = socket_map_id();
	xdp_leave(&xdp);
	assert_int_equal(unlink(PINS "/steer_queue"), 0);
	assert_int_equal(bpf_obj_pin(other, PINS "/steer_queue"), 0);
	close(other);
	attach(XDP_ANY);
	assert_int_equal(socket_map_id(), map_id);
	assert_int_equal(deadline_of(STEER_QUEUES_MAX - 1), 0);
}

static void test_interface_that_is_not_configured_any_more(void **state)
{
	const char *const keep[] = {xdp.directory};

	(void)state;
	attach(XDP_ANY);
	assert_int_equal(bpffs_remove_others("/tmp", keep, 1, xdp_remove), 0);
	assert_true(xdp_attached(&xdp, if_nametoindex(NIC)));
	assert_int_equal(bpffs_remove_others("/tmp", NULL, 0, xdp_remove), 1);
	assert_int_equal(attached_program(), 0); /* at once */
	assert_int_not_equal(access(BPFFS_ROOT "/meridian-tmp", F_OK), 0);
}

static void test_change_to_generic_mode(void **state)
{
	(void)state;
	attach(XDP_ANY);
	xdp_leave(&xdp);
	attach(XDP_GENERIC);
	assert_int_equal(xdp.mode, MERIDIAN_XDP_GENERIC);
}

static void test_foreign_program_is_named_and_left_alone(void **state)
{
	int ifindex = (int)if_nametoindex(NIC);
	int fd = foreign_program();
	uint32_t id;
	char text[64];

	(void)state;
	assert_int_equal(bpf_xdp_attach(ifindex, fd, 0, NULL), 0);
	id = attached_program();
	assert_int_equal(xdp_attach(&xdp, (uint32_t)ifindex, XDP_ANY), -EBUSY);
	snprintf(text, sizeof(text), "id %u, name 'somebody'", id);
	assert_non_null(strstr(xdp.error, text));
	assert_int_equal(attached_program(), id);
	assert_int_not_equal(access(BPFFS_ROOT "/meridian-tmp", F_OK), 0);
	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0);
	close(fd);
	attach(XDP_ANY);
}

static void test_nobody_else_replaces_ours(void **state)
{
	int ifindex = (int)if_nametoindex(NIC);
	int fd = foreign_program();

	(void)state;
	attach(XDP_ANY);
	assert_true(bpf_xdp_attach(ifindex, fd, 0, NULL) < 0);
	assert_true(bpf_xdp_detach(ifindex, 0, NULL) < 0);
	assert_true(xdp_attached(&xdp, (uint32_t)ifindex));
	close(fd);
}

/* Another instance, which is named by what it has pinned. */
static void test_other_instance_is_named(void **state)
{
	struct xdp other;

	(void)state;
	attach(XDP_ANY);
	assert_int_equal(xdp_init(&other, "/var/tmp", NIC), 0);
	assert_int_equal(xdp_attach(&other, if_nametoindex(NIC), XDP_ANY), -EBUSY);
	assert_non_null(strstr(other.error, "rm " PINS "/link"));
	assert_null(other.bpf);
	assert_true(xdp_attached(&xdp, if_nametoindex(NIC)));
}

static void test_link_that_somebody_detached(void **state)
{
	uint32_t map_id;

	(void)state;
	attach(XDP_ANY);
	map_id = xdp.socket_map_id;
	run("bpftool link detach pinned " PINS "/link");
	assert_int_equal(attached_program(), 0);
	assert_false(xdp_attached(&xdp, if_nametoindex(NIC)));
	xdp_leave(&xdp);
	attach(XDP_ANY);
	assert_int_equal(xdp.socket_map_id, map_id);
}

static void test_interface_deleted_and_made_again(void **state)
{
	uint32_t ifindex = if_nametoindex(NIC);

	(void)state;
	attach(XDP_ANY);
	run("ip link del " NIC);
	assert_false(xdp_attached(&xdp, ifindex));
	ifindex = nic_make();
	assert_false(xdp_attached(&xdp, ifindex));
	xdp_detach(&xdp);
	attach(XDP_ANY);
}

/* Control was not there to see it: the pinned link leads nowhere. */
static void test_interface_made_again_while_control_was_away(void **state)
{
	(void)state;
	attach(XDP_ANY);
	xdp_leave(&xdp);
	run("ip link del " NIC);
	nic_make();
	attach(XDP_ANY);
}

static void test_interface_that_does_not_exist(void **state)
{
	(void)state;
	assert_true(xdp_attach(&xdp, 9999, XDP_ANY) < 0);
	assert_non_null(strstr(xdp.error, "attach"));
	assert_int_not_equal(access(BPFFS_ROOT "/meridian-tmp", F_OK), 0);
}

static bool is_served(struct bpf_map *map, const void *octets)
{
	uint8_t value;

	return bpf_map__lookup_elem(map, octets, bpf_map__key_size(map), &value, 1, 0) == 0;
}

static void test_served_addresses_follow(void **state)
{
	const uint8_t a[16] = {192, 0, 2, 1}, b[16] = {192, 0, 2, 2}, c[16] = {0x20, 0x01};
	struct addresses addresses = {0};

	(void)state;
	attach(XDP_ANY);
	addresses_add(&addresses, MERIDIAN_FAMILY_IPV4, a);
	addresses_add(&addresses, MERIDIAN_FAMILY_IPV6, c);
	assert_int_equal(xdp_serve(&xdp, addresses.entry, addresses.count), 0);
	assert_true(is_served(xdp.bpf->maps.steer_ipv4, a));
	assert_true(is_served(xdp.bpf->maps.steer_ipv6, c));
	addresses.count = 0;
	addresses_add(&addresses, MERIDIAN_FAMILY_IPV4, b);
	xdp_withdraw(&xdp, addresses.entry, addresses.count);
	assert_false(is_served(xdp.bpf->maps.steer_ipv4, a));
	assert_false(is_served(xdp.bpf->maps.steer_ipv4, b));
	assert_int_equal(xdp_serve(&xdp, addresses.entry, addresses.count), 0);
	assert_false(is_served(xdp.bpf->maps.steer_ipv4, a));
	assert_true(is_served(xdp.bpf->maps.steer_ipv4, b));
	assert_false(is_served(xdp.bpf->maps.steer_ipv6, c));
	addresses_fini(&addresses);
}

static void test_what_the_kernel_says_about_an_interface(void **state)
{
	struct addresses addresses = {0};
	struct network_nic nic;

	(void)state;
	assert_int_equal(network_nic("lifetime9", &nic), -ENODEV);
	run("ip link set " NIC " mtu 1400 address 02:00:00:00:00:07");
	run("ip addr add 192.0.2.1/24 dev " NIC);
	run("ip addr add 192.0.2.99 peer 192.0.2.100 dev " NIC);
	run("ip addr add 198.51.100.1/24 dev lifetime1");
	run("ip addr add 203.0.113.1/32 dev lo && ip addr add 127.0.0.1/8 dev lo");
	run("ip link set " NIC " up && ip addr add 2001:db8::1/64 dev " NIC); /* tentative */
	assert_int_equal(network_nic(NIC, &nic), 0);
	assert_int_equal(nic.ifindex, if_nametoindex(NIC));
	assert_int_equal(nic.mtu, 1400);
	assert_int_equal(nic.flags & IFF_UP, IFF_UP);
	assert_int_equal(nic.rx_queues, 2);
	assert_int_equal(nic.type, ARPHRD_ETHER);
	assert_string_equal(nic.kind, "veth");
	assert_int_equal(nic.master, 0);
	assert_string_equal(nic.master_kind, "");
	assert_int_equal(nic.mac[5], 7);
	assert_int_equal(network_nic_addresses(&nic.ifindex, 1, &addresses), 0);
	addresses_sort(&addresses);
	assert_int_equal(addresses.count, 3);
	assert_int_equal(addresses.entry[0].octets[3], 1);
	assert_int_equal(addresses.entry[1].octets[3], 99);
	assert_int_equal(addresses.entry[2].octets[0], 203);
	addresses_fini(&addresses);
}

static void test_a_port_and_its_master(void **state)
{
	struct network_nic nic;
	uint8_t mac[6];

	(void)state;
	run("ip link add master0 address 02:00:00:00:00:09 type bridge");
	run("ip link set " NIC " master master0");
	assert_int_equal(network_nic(NIC, &nic), 0);
	assert_int_equal(nic.master, if_nametoindex("master0"));
	assert_string_equal(nic.master_kind, "bridge");
	assert_int_equal(network_mac(nic.master, mac), 0);
	assert_int_equal(mac[5], 9);
	assert_int_equal(network_nic("master0", &nic), 0);
	assert_string_equal(nic.kind, "bridge");
	assert_int_equal(network_mac(9999, mac), -ENODEV);
	run("ip link del master0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_native_mode_and_away_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generic_mode_when_configured, setup, teardown),
		cmocka_unit_test_setup_teardown(test_native_mode_for_jumbo_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_generic_mode_when_native_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asks_for_stamps_of_the_nic, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_asks_for_stamps_of_the_nic_with_jumbo_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_does_without_stamps_of_the_nic, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_takes_no_stamps_of_the_nic_in_generic_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_next_control_keeps_the_maps_and_swaps_the_program, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_attaching_anew_changes_the_map, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_maps_of_an_older_layout_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_interface_that_is_not_configured_any_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_to_generic_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_foreign_program_is_named_and_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_else_replaces_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_instance_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_that_somebody_detached, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_interface_deleted_and_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_interface_made_again_while_control_was_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_interface_that_does_not_exist, setup, teardown),
		cmocka_unit_test_setup_teardown(test_served_addresses_follow, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_the_kernel_says_about_an_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_port_and_its_master, setup, teardown),
	};
	int r = isolate();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
