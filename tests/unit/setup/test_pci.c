/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pages.h"
#include "pci.h"
#include "rundir.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NIC   "0000:3b:00.0"
#define OTHER "0000:3b:00.1"
#define PORT  "0000:3a:00.0"

/* --- a tree like sysfs --------------------------------------------------------------------------
 */

static void directory(const char *name)
{
	char path[512], *slash;

	snprintf(path, sizeof(path), "%s/%s/", sysfs_root, name);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void file(const char *where, const char *name, const char *text)
{
	char path[512];
	FILE *out;

	directory(where);
	snprintf(path, sizeof(path), "%s/%s/%s", sysfs_root, where, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void lead(const char *where, const char *name, const char *target)
{
	char path[512];

	directory(where);
	snprintf(path, sizeof(path), "%s/%s/%s", sysfs_root, where, name);
	assert_int_equal(symlink(target, path), 0);
}

static void device(const char *address, const char *class, const char *driver)
{
	char where[64], target[64];

	snprintf(where, sizeof(where), "bus/pci/devices/%s", address);
	file(where, "class", class);
	file(where, "vendor", "0x8086\n");
	file(where, "device", "0x10c9\n");
	file(where, "numa_node", "1\n");
	file(where, "driver_override", "(null)\n");
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	if (driver[0] != '\0')
		lead(where, "driver", target);
	lead(where, "iommu_group", "../../../kernel/iommu_groups/17");
	snprintf(where, sizeof(where), "kernel/iommu_groups/17/devices/%s", address);
	directory(where);
}

static int setup(void **state)
{
	if (rundir_setup(state) < 0)
		return -1;
	sysfs_root = *state;
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	return place->level > 0 ? remove(path) : 0;
}

static int teardown(void **state)
{
	if (nftw(*state, entry_remove, 8, FTW_DEPTH | FTW_PHYS) != 0)
		return -1;
	return rundir_teardown(state);
}

/* --- devices ------------------------------------------------------------------------------------
 */

static void test_device_alone(void **state)
{
	struct pci pci;

	(void)state;
	device(NIC, "0x020000\n", "igb");
	device(PORT, "0x060400\n", "pcieport");
	assert_int_equal(pci_read(NIC, &pci), 0);
	assert_string_equal(pci.driver, "igb");
	assert_string_equal(pci.override, "");
	assert_int_equal(pci.vendor, 0x8086);
	assert_int_equal(pci.device, 0x10c9);
	assert_true(pci.is_network);
	assert_int_equal(pci.node, 1);
	assert_int_equal(pci.iommu_group, 17);
	assert_int_equal(pci.others, 0);
	assert_string_equal(pci.other, "");
	assert_int_equal(pci_read(PORT, &pci), 0);
	assert_false(pci.is_network);
	assert_int_equal(pci_read(OTHER, &pci), -ENODEV);
}

static void test_group_that_is_shared(void **state)
{
	struct pci pci;

	(void)state;
	device(NIC, "0x020000\n", "igb");
	device(OTHER, "0x020000\n", "vfio-pci");
	assert_int_equal(pci_read(NIC, &pci), 0);
	assert_int_equal(pci.others, 1);
	assert_string_equal(pci.other, "");
	device("0000:3b:00.2", "0x010601\n", "ahci");
	assert_int_equal(pci_read(NIC, &pci), 0);
	assert_int_equal(pci.others, 2);
	assert_string_equal(pci.other, "0000:3b:00.2");
	assert_string_equal(pci.other_driver, "ahci");
}

static void test_device_that_tells_nothing(void **state)
{
	struct pci pci;

	(void)state;
	directory("bus/pci/devices/" NIC);
	file("bus/pci/devices/" NIC, "numa_node", "none of your business\n");
	assert_int_equal(pci_read(NIC, &pci), 0);
	assert_string_equal(pci.driver, "");
	assert_int_equal(pci.node, -1);
	assert_int_equal(pci.iommu_group, -1);
	assert_false(pci.is_network);
}

/* --- hugepages ----------------------------------------------------------------------------------
 */

#define PAGES "hugepages/hugepages-2048kB"

static void test_pages_of_the_node(void **state)
{
	struct pages pages;

	(void)state;
	assert_int_equal(pages_read(&pages, -1), -ENOENT);
	file("kernel/mm/" PAGES, "nr_hugepages", "40\n");
	file("kernel/mm/" PAGES, "free_hugepages", "30\n");
	assert_int_equal(pages_read(&pages, 0), 0);
	assert_int_equal(pages.node, -1);
	assert_int_equal(pages.total, 40);
	assert_true(pages.ready >= 30);
	file("devices/system/node/node1/" PAGES, "nr_hugepages", "15\n");
	file("devices/system/node/node1/" PAGES, "free_hugepages", "5\n");
	assert_int_equal(pages_read(&pages, 1), 0);
	assert_int_equal(pages.node, 1);
	assert_int_equal(pages.total, 15);
	assert_int_equal(pages_read(&pages, -1), 0);
	assert_int_equal(pages.total, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group_that_is_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_that_tells_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages_of_the_node, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
