/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock PHC with extpps: pulses on a pin of a network card, stamped by the card's clock, which
 * may show any time. */

#include "device.h"
#include "refclock.h"
#include "source/phc_clock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVENTS_MAX 30 /* in one read(2), by the kernel */

struct phc_pulse {
	struct phc_clock clock;
	unsigned int channel;
};

/* A card without pins to choose from has one for each channel. Returns -ECHRNG and -ENXIO when it
 * has no such channel, no such pin. */
static int pin_choose(int fd, const struct config_refclock *config)
{
	struct ptp_pin_desc pin = {
		.index = config->pin, .func = PTP_PF_EXTTS, .chan = config->channel};
	struct ptp_clock_caps caps;

	if (ioctl(fd, PTP_CLOCK_GETCAPS, &caps) < 0)
		return -errno;
	if (config->channel >= caps.n_ext_ts)
		return caps.n_ext_ts == 0 ? -EOPNOTSUPP : -ECHRNG;
	if (caps.n_pins == 0)
		return 0;
	if (config->pin >= caps.n_pins)
		return -ENXIO;
	return ioctl(fd, PTP_PIN_SETFUNC, &pin) < 0 ? -errno : 0;
}

/* Old drivers stamp both edges, whichever is asked for, and do not know the strict question. */
static int edge_choose(int fd, const struct config_refclock *config)
{
	struct ptp_extts_request request = {.index = config->channel,
		.flags = PTP_ENABLE_FEATURE | PTP_STRICT_FLAGS |
			(config->clear ? PTP_FALLING_EDGE : PTP_RISING_EDGE)};

	if (ioctl(fd, PTP_EXTTS_REQUEST2, &request) == 0)
		return 0;
	request.flags &= ~(unsigned int)PTP_STRICT_FLAGS;
	return ioctl(fd, PTP_EXTTS_REQUEST, &request) < 0 ? -errno : 0;
}

static void stamps_stop(int fd, unsigned int channel)
{
	struct ptp_extts_request request = {.index = channel};

	ioctl(fd, PTP_EXTTS_REQUEST, &request);
}

static int card_start(int fd, const struct config_refclock *config, enum phc_method *ret_method)
{
	int r = phc_method_find(fd, !config->nocrossts, ret_method);

	if (r == 0)
		r = pin_choose(fd, config);
	return r < 0 ? r : edge_choose(fd, config);
}

static int start(struct refclock *refclock)
{
	const struct config_refclock *config = refclock->config;
	const struct counter *counter = refclock->source.context->counter;
	struct phc_pulse *pulse;
	enum phc_method method;
	int fd = device_open(config->parameter, O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return fd;
	r = card_start(fd, config, &method);
	pulse = r < 0 ? NULL : calloc(1, sizeof(*pulse));
	if (pulse == NULL) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	phc_clock_init(&pulse->clock, counter, fd, method,
		fmax(config->precision_s, counter->precision_s));
	pulse->channel = config->channel;
	refclock->state = pulse;
	return 0;
}

static void take(struct refclock *refclock, const struct ptp_extts_event *event)
{
	const struct phc_pulse *pulse = refclock->state;
	struct timespec stamp = {.tv_sec = event->t.sec, .tv_nsec = event->t.nsec};
	struct refclock_reading reading = {.pulse = true};

	if (event->index != pulse->channel)
		return;
	if (phc_clock_counter(&pulse->clock, &stamp, &reading.counter, &reading.error_s) == 0)
		refclock_take(refclock, &reading);
}

/* A read(2) without an event to read would wait for one. */
static int take_waiting(struct refclock *refclock, int fd)
{
	struct ptp_extts_event events[EVENTS_MAX];
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	ssize_t size;

	if (poll(&pollfd, 1, 0) <= 0)
		return 0;
	size = read(fd, events, sizeof(events));
	if (size < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < (size_t)size / sizeof(events[0]); i++)
		take(refclock, &events[i]);
	return 0;
}

static int poll_card(struct refclock *refclock)
{
	struct phc_pulse *pulse = refclock->state;
	int r = phc_clock_read(&pulse->clock);

	if (r < 0 && !phc_error_passes(r))
		return r;
	return take_waiting(refclock, pulse->clock.fd);
}

static void stop(struct refclock *refclock)
{
	struct phc_pulse *pulse = refclock->state;

	stamps_stop(pulse->clock.fd, pulse->channel);
	close(pulse->clock.fd);
	free(pulse);
}

const struct refclock_driver refclock_phc_pulse = {.start = start, .poll = poll_card, .stop = stop};
