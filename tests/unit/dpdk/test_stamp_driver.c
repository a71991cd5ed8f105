/* SPDX-License-Identifier: BSD-3-Clause */
#define ALLOW_EXPERIMENTAL_API
#include <errno.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stamp_driver.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7

static const struct timespec card = {.tv_sec = 5000000000, .tv_nsec = 999999999};
static int enabled, result;
static bool has_left;

int rte_eth_read_clock(uint16_t port_id, uint64_t *ret_clock)
{
	assert_int_equal(port_id, PORT);
	*ret_clock = UINT64_MAX - 1;
	return result;
}

int rte_eth_timesync_enable(uint16_t port_id)
{
	assert_int_equal(port_id, PORT);
	enabled++;
	return result;
}

int rte_eth_timesync_read_time(uint16_t port_id, struct timespec *ret_time)
{
	assert_int_equal(port_id, PORT);
	assert_int_equal(enabled, 1);
	*ret_time = card;
	return result;
}

int rte_eth_timesync_read_tx_timestamp(uint16_t port_id, struct timespec *ret_time)
{
	assert_int_equal(port_id, PORT);
	if (has_left)
		*ret_time = card;
	return result;
}

static int setup(void **state)
{
	(void)state;
	enabled = result = 0;
	has_left = true;
	return 0;
}

static void knows_drivers_by_their_whole_name(void **state)
{
	static const char *const unknown[] = {
		"", "net_pca", "net_pcap0", "net_e1000_igbvf", "net_virtio"};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_null(stamp_driver_find(unknown[i]));
	assert_string_equal(stamp_driver_find("net_pcap")->name, "net_pcap");
}

/* Kernel's stamps have no clock of a device to be read. */
static void reads_no_clock_for_stamps_of_the_kernel(void **state)
{
	const struct stamp_driver *pcap = stamp_driver_find("net_pcap");
	uint64_t device;

	(void)state;
	assert_int_equal(pcap->clock, STAMP_DRIVER_REALTIME);
	assert_int_equal(pcap->unit_ns, 1000);
	assert_true(pcap->always);
	assert_int_equal(stamp_driver_clock_start(pcap, PORT), -ENOTSUP);
	assert_int_equal(stamp_driver_clock_read(pcap, PORT, &device), -ENOTSUP);
}

static void reads_ticks_of_any_rate(void **state)
{
	const struct stamp_driver *mlx5 = stamp_driver_find("mlx5_pci");
	uint64_t device;

	(void)state;
	assert_int_equal(mlx5->kind.hz, 0);
	assert_int_equal(stamp_driver_clock_start(mlx5, PORT), 0);
	assert_int_equal(stamp_driver_clock_read(mlx5, PORT, &device), 0);
	assert_true(device == UINT64_MAX - 1);
	result = -ENOTSUP; /* as in isolated mode */
	assert_int_equal(stamp_driver_clock_read(mlx5, PORT, &device), -ENOTSUP);
}

/* The card's seconds need not fit into 32 bits; of its stamps only 32 are believed. */
static void reads_the_time_of_a_card(void **state)
{
	const struct stamp_driver *ice = stamp_driver_find("net_ice");
	uint64_t device;

	(void)state;
	assert_int_equal(ice->kind.bits, 32);
	assert_int_equal(stamp_driver_clock_start(ice, PORT), 0);
	assert_int_equal(stamp_driver_clock_read(ice, PORT, &device), 0);
	assert_true(device == UINT64_C(5000000000999999999));
	result = -EIO;
	assert_int_equal(stamp_driver_clock_read(ice, PORT, &device), -EIO);
}

static void reads_when_a_packet_left(void **state)
{
	const struct stamp_driver *hns3 = stamp_driver_find("net_hns3");
	const struct stamp_driver *ice = stamp_driver_find("net_ice");
	uint64_t device = 0;

	(void)state;
	assert_true(hns3->receives && hns3->transmits);
	assert_int_equal(stamp_driver_transmit_read(hns3, PORT, &device), 0);
	assert_true(device == UINT64_C(5000000000999999999));
	result = -EINVAL; /* not yet */
	assert_int_equal(stamp_driver_transmit_read(hns3, PORT, &device), -EINVAL);
	result = 0;
	has_left = false; /* success without a stamp */
	assert_int_equal(stamp_driver_transmit_read(hns3, PORT, &device), -EAGAIN);
	assert_int_equal(stamp_driver_transmit_read(ice, PORT, &device), -ENOTSUP);
}

/* What the table says of a NIC's clock is what its model takes. */
static void has_kinds_that_can_be_modelled(void **state)
{
	static const char *const names[] = {
		"mlx5_pci", "net_axgbe", "net_e1000_igb", "net_hns3", "net_ice", "net_igc"};
	struct device_clock clock;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct stamp_driver *driver = stamp_driver_find(names[i]);

		assert_false(driver->always);
		assert_int_equal(device_clock_init(&clock, &driver->kind, 2000000000), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(knows_drivers_by_their_whole_name, setup),
		cmocka_unit_test_setup(reads_no_clock_for_stamps_of_the_kernel, setup),
		cmocka_unit_test_setup(reads_ticks_of_any_rate, setup),
		cmocka_unit_test_setup(reads_the_time_of_a_card, setup),
		cmocka_unit_test_setup(reads_when_a_packet_left, setup),
		cmocka_unit_test_setup(has_kinds_that_can_be_modelled, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
