/* SPDX-License-Identifier: BSD-3-Clause */
#include <mtu_range.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What DPDK's drivers tell of their devices. */

#define ONE_BUFFER 2022
#define MOST       16358 /* in eight buffers */

static struct rte_eth_dev_info device(uint16_t max_mtu, uint32_t max_rx_pktlen)
{
	return (struct rte_eth_dev_info){.min_mtu = RTE_ETHER_MIN_MTU,
		.max_mtu = max_mtu,
		.max_rx_pktlen = max_rx_pktlen,
		.tx_desc_lim.nb_mtu_seg_max = UINT16_MAX,
		.rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER,
		.tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS};
}

static void expect(const struct rte_eth_dev_info *info, uint16_t one_buffer, uint16_t most)
{
	struct mtu_range range = mtu_range(info);

	assert_int_equal(range.least, RTE_ETHER_MIN_MTU);
	assert_int_equal(range.one_buffer, one_buffer);
	assert_int_equal(range.most, most);
}

static void knows_the_driver_s_limit(void **state)
{
	struct rte_eth_dev_info igb = device(16357, 16383), i40e = device(9702, 9728),
				vf = device(1500, 1518), vmxnet3 = device(9190, 16384);

	(void)state;
	expect(&igb, ONE_BUFFER, 16357);
	expect(&i40e, ONE_BUFFER, 9702);
	expect(&vf, 1500, 1500);
	expect(&vmxnet3, ONE_BUFFER, 9190);
}

/* Neither limit need be there, and one alone will do. */
static void knows_drivers_of_few_words(void **state)
{
	struct rte_eth_dev_info silent = device(UINT16_MAX, UINT32_MAX),
				longest = device(UINT16_MAX, 9728), nothing = device(9000, 0),
				same = device(9000, 9000);

	(void)state;
	expect(&silent, ONE_BUFFER, MOST);
	expect(&longest, ONE_BUFFER, 9710);
	expect(&nothing, ONE_BUFFER, 9000);
	expect(&same, ONE_BUFFER, 8982);
}

/* A frame is in one buffer unless it can be in several both ways. */
static void knows_who_does_not_scatter(void **state)
{
	struct rte_eth_dev_info receives = device(16357, 16383), sends = receives, both = receives,
				few = receives, one = receives;

	(void)state;
	receives.tx_offload_capa = 0;
	sends.rx_offload_capa = 0;
	few.tx_desc_lim.nb_mtu_seg_max = 3;
	one.tx_desc_lim.nb_mtu_seg_max = 1;
	expect(&receives, ONE_BUFFER, ONE_BUFFER);
	expect(&sends, ONE_BUFFER, ONE_BUFFER);
	expect(&few, ONE_BUFFER, 3 * 2048 - 26);
	expect(&one, ONE_BUFFER, ONE_BUFFER);
	assert_false(mtu_range(&receives).scatters);
	assert_false(mtu_range(&sends).scatters);
	assert_false(mtu_range(&one).scatters);
	assert_true(mtu_range(&both).scatters);
}

static void finds_the_nearest(void **state)
{
	struct rte_eth_dev_info i40e = device(9702, 9728);
	struct mtu_range range = mtu_range(&i40e);

	(void)state;
	assert_int_equal(mtu_nearest(&range, 67), 68);
	assert_int_equal(mtu_nearest(&range, 68), 68);
	assert_int_equal(mtu_nearest(&range, 1500), 1500);
	assert_int_equal(mtu_nearest(&range, 9702), 9702);
	assert_int_equal(mtu_nearest(&range, 9703), 9702);
	assert_int_equal(mtu_nearest(&range, 70000), 9702);
}

static void counts_buffers(void **state)
{
	(void)state;
	assert_int_equal(mtu_buffers(68), 1);
	assert_int_equal(mtu_buffers(ONE_BUFFER), 1);
	assert_int_equal(mtu_buffers(ONE_BUFFER + 1), 2);
	assert_int_equal(mtu_buffers(9000), 5);
	assert_int_equal(mtu_buffers(MOST), MTU_BUFFERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_driver_s_limit),
		cmocka_unit_test(knows_drivers_of_few_words),
		cmocka_unit_test(knows_who_does_not_scatter),
		cmocka_unit_test(finds_the_nearest),
		cmocka_unit_test(counts_buffers),
	};

	return cmocka_run_group_tests_name("mtu_range", tests, NULL, NULL);
}
