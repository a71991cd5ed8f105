/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan.h"
#include <string.h>

static struct config sample(void)
{
	struct config config = {.nic = {{.name = "eth0"}, {.name = "eth1", .queue_count = 3},
					{.name = "null0",
						.device = {"net_null0"},
						.address = {{.octets = {192, 0, 2, 1},
							.family = MERIDIAN_FAMILY_IPV4}},
						.address_count = 1}},
		.nic_count = 3,
		.worker_core = {4, 6},
		.worker_count = 2,
		.memory_mb = 64};

	return config;
}

static void test_default_is_one_worker_on_any_core(void **state)
{
	struct config config = {0};
	struct plan plan;

	(void)state;
	plan_init(&plan, &config);
	assert_int_equal(plan.worker_count, 1);
	assert_int_equal(plan.worker[0].core, MERIDIAN_CORE_ANY);
}

static void test_virtual_devices_are_no_interfaces(void **state)
{
	struct config config = sample();
	struct plan plan;

	(void)state;
	plan_init(&plan, &config);
	assert_int_equal(plan.nic_count, 3);
	assert_int_equal(plan.interface_count, 2);
}

static void test_taken_over_nics(void **state)
{
	struct config config = sample();
	struct plan plan;

	(void)state;
	strcpy(config.nic[0].tap, "ntp0");
	config.nic[1].bifurcated = true;
	plan_init(&plan, &config);
	assert_int_equal(plan.interface_count, 2);
	assert_int_equal(plan.xdp_count, 0);
	assert_int_equal(plan.nic[0].queue_count, 2); /* one for each worker */
	assert_int_equal(plan.nic[1].queue_count, 3);
}

static void test_queues_are_dealt_in_turn(void **state)
{
	const struct meridian_policy_nic nics[] = {{.queue_count = 2}, {.queue_count = 3}};
	const struct meridian_policy_queue expected[] = {
		{0, 0, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 1, 0}, {1, 2, 0, 0}};
	struct meridian_policy_queue queues[8];
	struct config config = sample();
	struct plan plan;

	(void)state;
	plan_init(&plan, &config);
	assert_int_equal(plan_queues(&plan, nics, 2, queues), 5);
	assert_memory_equal(queues, expected, sizeof(expected));
}

static const char *difference_after(void (*change)(struct config *))
{
	struct config before = sample(), after = sample();
	struct plan a, b;

	if (change)
		change(&after);
	plan_init(&a, &before);
	plan_init(&b, &after);
	return plan_difference(&a, &b);
}

static void change_nic(struct config *config)
{
	config->nic[1].generic = true;
}

static void change_phc(struct config *config)
{
	config->nic[1].phc = 3;
}

static void change_stamps(struct config *config)
{
	config->nic[1].stamps = CONFIG_NIC_STAMPS_XDP;
}

static void change_txtime(struct config *config)
{
	config->nic[1].txtime_ns = 5000;
}

static void change_txcomp(struct config *config)
{
	config->nic[1].txcomp_ns = 1;
}

static void change_delivery(struct config *config)
{
	config->nic[1].delivery_us = 300;
}

static void change_rxcomp(struct config *config)
{
	config->nic[1].rxcomp_ns = 1;
}

static void change_device(struct config *config)
{
	strcat(config->nic[2].device.text, ",size=100");
}

static void change_tap(struct config *config)
{
	strcpy(config->nic[0].tap, "ntp0");
}

static void change_punt(struct config *config)
{
	config->nic[0].punt_pps = 5;
}

static void change_address(struct config *config)
{
	config->nic[2].address[0].octets[3] = 2;
}

static void change_workers(struct config *config)
{
	config->worker_core[1] = 7;
}

static void change_memory(struct config *config)
{
	config->memory_mb++;
}

static void change_hugepages(struct config *config)
{
	config->hugepages = MERIDIAN_HUGEPAGES_NEVER;
}

static void change_bind(struct config *config)
{
	config->bind_count = 1;
}

static void test_difference_names_the_directive(void **state)
{
	(void)state;
	assert_null(difference_after(NULL));
	assert_null(difference_after(change_bind));
	assert_string_equal(difference_after(change_device), "nic");
	assert_string_equal(difference_after(change_address), "nic");
	assert_string_equal(difference_after(change_tap), "nic");
	assert_string_equal(difference_after(change_punt), "nic");
	assert_string_equal(difference_after(change_nic), "nic");
	assert_string_equal(difference_after(change_stamps), "nic");
	assert_string_equal(difference_after(change_phc), "nic");
	assert_string_equal(difference_after(change_rxcomp), "nic");
	assert_string_equal(difference_after(change_txcomp), "nic");
	assert_string_equal(difference_after(change_delivery), "nic");
	assert_string_equal(difference_after(change_txtime), "nic");
	assert_string_equal(difference_after(change_workers), "workers");
	assert_string_equal(difference_after(change_memory), "memory");
	assert_string_equal(difference_after(change_hugepages), "hugepages");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_is_one_worker_on_any_core),
		cmocka_unit_test(test_virtual_devices_are_no_interfaces),
		cmocka_unit_test(test_taken_over_nics),
		cmocka_unit_test(test_queues_are_dealt_in_turn),
		cmocka_unit_test(test_difference_names_the_directive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
