/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci.h"
#include "step_kinds.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICE       "bus/pci/devices"
#define DRIVERS      "bus/pci/drivers"
#define PROBE        "bus/pci/drivers_probe"
#define TRIES        100 /* for what udev or a driver may have to do first */
#define TRY_PAUSE_MS 50

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void bind_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	const char *before = undo ? PCI_VFIO : step->driver;

	fprintf(out, "%secho '%s' >/sys/" DEVICE "/%s/driver_override\n", indent,
		undo ? step->override : PCI_VFIO, step->on);
	if (before[0] != '\0')
		fprintf(out, "%secho %s >/sys/" DRIVERS "/%s/unbind\n", indent, step->on, before);
	if (!undo || step->driver[0] != '\0')
		fprintf(out, "%secho %s >/sys/" PROBE "\n", indent, step->on);
	if (undo && step->interface[0] != '\0')
		fprintf(out, "%sip link set dev %s name %s%s\n", indent, "ethN", step->interface,
			step->from[0] ? " up" : "");
}

static int file_error(
	char error[static STEP_ERROR_SIZE], int r, const struct step *step, const char *what)
{
	return step_error(error, r, "%s: %s: %s", step->on, what, strerror(-r));
}

/* Takes `driver` from it, if there is one, and says which it may have from now on. */
static int release(const struct step *step, const char *override, const char *driver,
	char error[static STEP_ERROR_SIZE])
{
	char text[SYSFS_TEXT_SIZE + 1];
	int r;

	snprintf(text, sizeof(text), "%s\n", override);
	r = sysfs_write(text, DEVICE "/%s/driver_override", step->on);
	if (r < 0)
		return file_error(error, r, step, "driver_override");
	if (driver[0] != '\0') {
		r = sysfs_write(step->on, DRIVERS "/%s/unbind", driver);
		if (r < 0)
			return file_error(error, r, step, "unbind");
	}
	return 0;
}

static int bind_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char driver[SYSFS_TEXT_SIZE];
	int r = release(step, PCI_VFIO, step->driver, error);

	if (r < 0)
		return r;
	r = sysfs_write(step->on, PROBE);
	if (r < 0)
		return file_error(error, r, step, "drivers_probe");
	if (sysfs_link(driver, DEVICE "/%s/driver", step->on) < 0 || strcmp(driver, PCI_VFIO) != 0)
		return step_error(error, -EIO, "%s: " PCI_VFIO " does not take it", step->on);
	return 0;
}

/* A group of VFIO can be opened by one at a time. The kernel waits for that one in `unbind`. */
static bool is_in_use(const struct pci *pci)
{
	char path[64];
	int fd;

	if (pci->iommu_group < 0)
		return false;
	snprintf(path, sizeof(path), "/dev/vfio/%d", pci->iommu_group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

static bool interface_find(const struct step *step, char ret_name[static 16])
{
	for (unsigned int i = 0; i < TRIES; i++) {
		if (card_find(step->on, ret_name) > 0)
			return true;
		pause_ms(TRY_PAUSE_MS);
	}
	return false;
}

/* udev renames it, too, maybe at this moment. */
static int interface_restore(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char name[16];
	int r;

	if (!interface_find(step, name))
		return step_error(error, -EIO, "%s: %s does not bring %s back", step->on,
			step->driver, step->interface);
	if (strcmp(name, step->interface) != 0) {
		card_set_up(name, false);
		r = card_rename(name, step->interface);
		if (r < 0 && (card_find(step->on, name) == 0 || strcmp(name, step->interface) != 0))
			return step_error(error, r, "%s: %s is not to be had as %s: %s", step->on,
				name, step->interface, strerror(-r));
	}
	r = step->from[0] ? card_set_up(step->interface, true) : 0;
	return r < 0 ? file_error(error, r, step, step->interface) : 0;
}

static int bind_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	struct pci pci;
	int r;

	if (pci_read(step->on, &pci) < 0)
		return step_error(error, -ENODEV, "%s: the device is gone", step->on);
	if (strcmp(pci.driver, PCI_VFIO) == 0 && is_in_use(&pci))
		return step_error(error, -EBUSY,
			"%s: a program has it open by VFIO: stop the dataplane first", step->on);
	r = release(
		step, step->override, strcmp(pci.driver, PCI_VFIO) == 0 ? pci.driver : "", error);
	if (r < 0 || step->driver[0] == '\0')
		return r;
	pci_read(step->on, &pci);
	r = pci.driver[0] == '\0' ? sysfs_write(step->on, PROBE) : 0;
	if (r < 0)
		return file_error(error, r, step, "drivers_probe");
	return step->interface[0] != '\0' ? interface_restore(step, error) : 0;
}

const struct step_operations step_bind = {
	.name = "bind", .print = bind_print, .run = bind_run, .undo = bind_undo};
