/* SPDX-License-Identifier: BSD-3-Clause */
#include "phc_read.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <units.h>

static struct timespec timespec_of(const struct ptp_clock_time *time)
{
	return (struct timespec){.tv_sec = time->sec, .tv_nsec = time->nsec};
}

static void bracket_add(struct phc_readings *readings, const struct ptp_clock_time *before,
	const struct ptp_clock_time *device, const struct ptp_clock_time *after)
{
	int64_t width_ns = (after->sec - before->sec) * NS_PER_SECOND + (int64_t)after->nsec -
		(int64_t)before->nsec;

	if (width_ns < 0 || width_ns >= NS_PER_SECOND)
		return;
	readings->bracket[readings->count++] = (struct phc_bracket){
		.before = timespec_of(before), .width_ns = width_ns, .device = timespec_of(device)};
}

static int read_precise(int fd, struct phc_readings *readings)
{
	struct ptp_sys_offset_precise precise = {.rsv = {0}};

	if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &precise) < 0)
		return -errno;
	bracket_add(readings, &precise.sys_monoraw, &precise.device, &precise.sys_monoraw);
	return 0;
}

/* The clock to read with was a reserved field of zero, which is CLOCK_REALTIME's number. */
static int read_extended(int fd, clockid_t clock, struct phc_readings *readings)
{
	struct ptp_sys_offset_extended extended = {
		.n_samples = PHC_READINGS, .rsv = {(unsigned int)clock}};

	if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &extended) < 0)
		return -errno;
	for (unsigned int i = 0; i < PHC_READINGS; i++)
		bracket_add(readings, &extended.ts[i][0], &extended.ts[i][1], &extended.ts[i][2]);
	return 0;
}

static int read_plain(int fd, struct phc_readings *readings)
{
	struct ptp_sys_offset plain = {.n_samples = PHC_READINGS};

	if (ioctl(fd, PTP_SYS_OFFSET, &plain) < 0)
		return -errno;
	for (unsigned int i = 0; i < PHC_READINGS; i++)
		bracket_add(readings, &plain.ts[2 * i], &plain.ts[2 * i + 1], &plain.ts[2 * i + 2]);
	return 0;
}

clockid_t phc_method_clock(enum phc_method method)
{
	return method == PHC_PRECISE || method == PHC_EXTENDED_RAW ? CLOCK_MONOTONIC_RAW
								   : CLOCK_REALTIME;
}

int phc_read(int fd, enum phc_method method, struct phc_readings *ret_readings)
{
	int r;

	ret_readings->clock = phc_method_clock(method);
	ret_readings->count = 0;
	switch (method) {
	case PHC_PRECISE:
		r = read_precise(fd, ret_readings);
		break;
	case PHC_EXTENDED_RAW:
		r = read_extended(fd, CLOCK_MONOTONIC_RAW, ret_readings);
		break;
	case PHC_EXTENDED_REALTIME:
		r = read_extended(fd, CLOCK_REALTIME, ret_readings);
		break;
	default:
		r = read_plain(fd, ret_readings);
	}
	return r == 0 && ret_readings->count == 0 ? -ERANGE : r;
}

int phc_method_find(int fd, bool precise_too, enum phc_method *ret_method)
{
	struct phc_readings readings;
	int r = -EOPNOTSUPP;

	for (int i = precise_too ? PHC_PRECISE : PHC_EXTENDED_RAW; i < PHC_METHODS; i++) {
		*ret_method = (enum phc_method)i;
		r = phc_read(fd, *ret_method, &readings);
		if (r == 0)
			break;
	}
	return r;
}

int phc_open(unsigned int index, bool precise_too, enum phc_method *ret_method)
{
	char path[32];
	int fd, r;

	snprintf(path, sizeof(path), "/dev/ptp%u", index);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = phc_method_find(fd, precise_too, ret_method);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

const struct phc_bracket *phc_narrowest(const struct phc_readings *readings)
{
	const struct phc_bracket *narrowest = &readings->bracket[0];

	for (size_t i = 1; i < readings->count; i++) {
		if (readings->bracket[i].width_ns < narrowest->width_ns)
			narrowest = &readings->bracket[i];
	}
	return narrowest;
}
