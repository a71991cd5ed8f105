/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock PPS: asks the kernel for the stamp of the last pulse (RFC 2783). */

#include "device.h"
#include "refclock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pps {
	int fd;
	uint32_t sequence; /* of the last pulse that was taken */
};

/* Which edge counts is a setting of the device. */
static int edge_choose(int fd, int edge)
{
	struct pps_kparams params;
	int capabilities;

	if (ioctl(fd, PPS_GETCAP, &capabilities) < 0 || ioctl(fd, PPS_GETPARAMS, &params) < 0)
		return -errno;
	if (!(capabilities & edge))
		return -EOPNOTSUPP;
	params.api_version = PPS_API_VERS;
	params.mode = (params.mode & ~PPS_CAPTUREBOTH) | edge | PPS_TSFMT_TSPEC;
	return ioctl(fd, PPS_SETPARAMS, &params) < 0 ? -errno : 0;
}

static int start(struct refclock *refclock)
{
	struct pps *pps;
	int fd = device_open(refclock->config->parameter, O_RDWR | O_CLOEXEC | O_NOCTTY), r;

	if (fd < 0)
		return fd;
	r = edge_choose(fd, refclock->config->clear ? PPS_CAPTURECLEAR : PPS_CAPTUREASSERT);
	pps = r < 0 ? NULL : calloc(1, sizeof(*pps));
	if (pps == NULL) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	pps->fd = fd;
	refclock->state = pps;
	return 0;
}

static int poll(struct refclock *refclock)
{
	struct pps *pps = refclock->state;
	struct refclock_reading reading = {.pulse = true};
	struct pps_fdata data = {.timeout = {.sec = 0}};
	const struct pps_ktime *pulse;
	struct timespec stamp;
	uint32_t sequence;

	if (ioctl(pps->fd, PPS_FETCH, &data) < 0)
		return errno == EINTR || errno == ETIMEDOUT ? 0 : -errno;
	pulse = refclock->config->clear ? &data.info.clear_tu : &data.info.assert_tu;
	sequence = refclock->config->clear ? data.info.clear_sequence : data.info.assert_sequence;
	if (sequence == pps->sequence || pulse->sec == 0)
		return 0;
	pps->sequence = sequence;
	stamp = (struct timespec){.tv_sec = pulse->sec, .tv_nsec = pulse->nsec};
	if (refclock_stamp(refclock, &stamp, &reading))
		refclock_take(refclock, &reading);
	return 0;
}

static void stop(struct refclock *refclock)
{
	struct pps *pps = refclock->state;

	close(pps->fd);
	free(pps);
}

const struct refclock_driver refclock_pps = {.start = start, .poll = poll, .stop = stop};
