/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <takeover.h>

#include <cmocka.h>

/* A NIC of ours under DPDK's functions, and a TAP device of ours in the kernel's place. */

#define PORT 5
#define MOST 9702

static struct {
	struct rte_eth_dev_info info;
	uint16_t mtu;  /* 0: not told yet */
	int mtu_error; /* what it says to another */
	bool link;
} nic;

static struct {
	struct tap_state state;
	bool gone, carrier;
	unsigned int set_back;
} kernel;

static struct {
	unsigned int opened, buffers;
} way;

static struct takeover takeover;
static const struct meridian_policy_nic policy = {.name = "0000:81:00.0", .tap = "mnp129s0"};
static char error[256];

int rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *ret_info)
{
	assert_int_equal(port_id, PORT);
	*ret_info = nic.info;
	return 0;
}

int rte_eth_macaddr_get(uint16_t port_id, struct rte_ether_addr *ret_mac)
{
	assert_int_equal(port_id, PORT);
	*ret_mac = (struct rte_ether_addr){{2, 0, 0, 0, 0, 1}};
	return 0;
}

int rte_eth_allmulticast_enable(uint16_t port_id)
{
	assert_int_equal(port_id, PORT);
	return 0;
}

int rte_eth_dev_set_mtu(uint16_t port_id, uint16_t mtu)
{
	assert_int_equal(port_id, PORT);
	if (nic.mtu_error == 0)
		nic.mtu = mtu;
	return nic.mtu_error;
}

int rte_eth_link_get_nowait(uint16_t port_id, struct rte_eth_link *ret_link)
{
	assert_int_equal(port_id, PORT);
	*ret_link = (struct rte_eth_link){.link_status = nic.link, .link_speed = 10000};
	return 0;
}

int tap_open(struct tap *tap, const char *name, const uint8_t mac[static 6])
{
	*tap = (struct tap){.fd = 3};
	strcpy(tap->name, name);
	memcpy(kernel.state.mac, mac, sizeof(kernel.state.mac));
	return 0;
}

void tap_close(struct tap *tap)
{
	tap->fd = -1;
}

int tap_look(const struct tap *tap, struct tap_state *ret_state)
{
	(void)tap;
	*ret_state = kernel.state;
	return kernel.gone ? -ENODEV : 0;
}

int tap_set_mtu(const struct tap *tap, int mtu)
{
	(void)tap;
	kernel.state.mtu = mtu;
	kernel.set_back++;
	return 0;
}

int tap_set_mac(const struct tap *tap, const uint8_t mac[static 6])
{
	(void)tap;
	memcpy(kernel.state.mac, mac, sizeof(kernel.state.mac));
	return 0;
}

int tap_set_carrier(const struct tap *tap, bool carrier)
{
	(void)tap;
	kernel.carrier = carrier;
	return 0;
}

int punt_open(struct punt **ret_punt, const char *name, int fd, struct rte_mempool *pool,
	uint32_t packets_per_s, unsigned int buffers)
{
	(void)ret_punt;
	(void)name;
	(void)fd;
	(void)pool;
	(void)packets_per_s;
	way.opened++;
	way.buffers = buffers;
	return 0;
}

void punt_close(struct punt *punt)
{
	(void)punt;
}

uint64_t punt_refused(const struct punt *punt)
{
	(void)punt;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&nic, 0, sizeof(nic));
	memset(&kernel, 0, sizeof(kernel));
	memset(&way, 0, sizeof(way));
	nic.info = (struct rte_eth_dev_info){.min_mtu = RTE_ETHER_MIN_MTU,
		.max_mtu = MOST,
		.max_rx_pktlen = MOST + 26,
		.tx_desc_lim.nb_mtu_seg_max = UINT16_MAX,
		.rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER,
		.tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS};
	nic.link = true;
	return 0;
}

static void open_with(int mtu)
{
	kernel.state.mtu = mtu;
	assert_int_equal(takeover_open(&takeover, &policy, PORT, error, sizeof(error)), 0);
	assert_int_equal(takeover_start(&takeover, &policy, NULL, error, sizeof(error)), 0);
	assert_int_equal(way.opened, 1);
}

static void expect_mtu(uint16_t mtu)
{
	assert_int_equal(kernel.state.mtu, mtu);
	assert_int_equal(takeover.mtu, mtu);
}

static void starts_with_the_tap_device_s_mtu(void **state)
{
	(void)state;
	open_with(1500);
	assert_false(takeover.scatters);
	assert_int_equal(way.buffers, 1);
	expect_mtu(1500);
	setup(NULL);
	open_with(9000);
	assert_true(takeover.scatters);
	assert_int_equal(way.buffers, 5); /* of the largest that may come */
	expect_mtu(9000);
	assert_int_equal(kernel.set_back, 0);
}

static void starts_with_what_the_nic_can_have(void **state)
{
	(void)state;
	open_with(MOST + 1);
	expect_mtu(MOST);
	assert_true(takeover.scatters);
	setup(NULL);
	nic.info.rx_offload_capa = 0;
	open_with(9000);
	expect_mtu(2022);
	assert_false(takeover.scatters);
	assert_int_equal(way.buffers, 1);
}

/* Once frames may lie in several buffers, any MTU is taken while it runs. */
static void follows_the_mtu(void **state)
{
	static const uint16_t mtus[] = {68, 2022, 2023, MOST, 1500};

	(void)state;
	open_with(9000);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		kernel.state.mtu = mtus[i];
		assert_null(takeover_turn(&takeover));
		assert_int_equal(nic.mtu, mtus[i]);
		expect_mtu(mtus[i]);
	}
	assert_int_equal(kernel.set_back, 0);
}

static void wants_a_restart_to_scatter(void **state)
{
	(void)state;
	open_with(1500);
	kernel.state.mtu = 2022;
	assert_null(takeover_turn(&takeover));
	kernel.state.mtu = 2023;
	assert_non_null(takeover_turn(&takeover));
	assert_int_equal(nic.mtu, 2022);
	assert_int_equal(kernel.state.mtu, 2023); /* it starts with that */
	assert_int_equal(kernel.set_back, 0);
}

static void wants_a_restart_of_a_nic_that_has_to_stop(void **state)
{
	(void)state;
	open_with(1500);
	nic.mtu_error = -EBUSY;
	kernel.state.mtu = 1400;
	assert_non_null(takeover_turn(&takeover));
	assert_int_equal(kernel.state.mtu, 1400);
}

static void refuses_what_the_nic_cannot_have(void **state)
{
	static const int mtus[] = {67, MOST + 1, 65521};

	(void)state;
	open_with(9000);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		kernel.state.mtu = mtus[i];
		assert_null(takeover_turn(&takeover));
		expect_mtu(9000);
	}
	nic.mtu_error = -EINVAL;
	kernel.state.mtu = 4000;
	assert_null(takeover_turn(&takeover));
	expect_mtu(9000);
	setup(NULL);
	nic.info.tx_offload_capa = 0;
	open_with(1500);
	kernel.state.mtu = 2023;
	assert_null(takeover_turn(&takeover));
	expect_mtu(1500);
}

static void keeps_the_tap_device_as_the_nic(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

	(void)state;
	open_with(1500);
	kernel.state.mac[5] = 9;
	assert_null(takeover_turn(&takeover));
	assert_memory_equal(kernel.state.mac, mac, sizeof(mac));
	assert_true(kernel.carrier);
	nic.link = false;
	assert_null(takeover_turn(&takeover));
	assert_false(kernel.carrier);
	kernel.gone = true;
	assert_non_null(takeover_turn(&takeover));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts_with_the_tap_device_s_mtu, setup),
		cmocka_unit_test_setup(starts_with_what_the_nic_can_have, setup),
		cmocka_unit_test_setup(follows_the_mtu, setup),
		cmocka_unit_test_setup(wants_a_restart_to_scatter, setup),
		cmocka_unit_test_setup(wants_a_restart_of_a_nic_that_has_to_stop, setup),
		cmocka_unit_test_setup(refuses_what_the_nic_cannot_have, setup),
		cmocka_unit_test_setup(keeps_the_tap_device_as_the_nic, setup),
	};

	return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
