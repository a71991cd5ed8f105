/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_clock.h"
#include "event.h"
#include "hwstamp_loan.h"
#include "interface.h"
#include "phc_clock.h"
#include "refclock/device.h"
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <log.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

#define CLOCKS_MAX 16
#define START_NS   (NS_PER_SECOND / 10) /* between the first readings */
#define FCS_SIZE   4

struct nic_clock {
	char name[IFNAMSIZ];
	unsigned int ifindex;
	struct config_hwtimestamp config;
	struct phc_clock phc;
	double octet_s; /* how long an octet takes on the wire; 0: not known */
	unsigned int readings;
	int timer;
};

static struct nic_clock clocks[CLOCKS_MAX];
static size_t clock_count;
static const struct counter *counter;

static int ts_info(const char *name, struct hwstamp *ret_can)
{
	const uint32_t needed = SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_TX_HARDWARE;
	int r = hwstamp_ask(name, ret_can);

	if (r == 0 && ((ret_can->so_timestamping & needed) != needed || ret_can->phc < 0))
		return -EOPNOTSUPP;
	return r;
}

/* Which packets the card shall stamp on receipt: those wanted, else what it can. */
static int rx_filter_choose(const struct hwstamp *can, uint8_t wanted)
{
	static const int filters[] = {
		[CONFIG_RXFILTER_NONE] = HWTSTAMP_FILTER_NONE,
		[CONFIG_RXFILTER_NTP] = HWTSTAMP_FILTER_NTP_ALL,
		[CONFIG_RXFILTER_ALL] = HWTSTAMP_FILTER_ALL,
		[CONFIG_RXFILTER_PTP] = HWTSTAMP_FILTER_PTP_V2_L4_EVENT,
	};

	return wanted != CONFIG_RXFILTER_AUTO ? filters[wanted] : hwstamp_rx_filter(can);
}

static double octet_seconds(const char *name)
{
	uint32_t mbps = hwstamp_speed_mbps(name);

	return mbps == 0 ? 0 : 8 / (mbps * 1e6);
}

static int card_configure(struct nic_clock *clock, const struct hwstamp *can, int *ret_rx_filter)
{
	int ifindex = interface_index(clock->name);

	if (ifindex < 0)
		return ifindex;
	clock->ifindex = (unsigned int)ifindex;
	*ret_rx_filter = rx_filter_choose(can, clock->config.rxfilter);
	return hwstamp_borrow(clock->name, HWSTAMP_FOR_SOURCES, HWTSTAMP_TX_ON, *ret_rx_filter);
}

static void on_timer(void *arg)
{
	struct nic_clock *clock = arg;
	double interval_s = ldexp(1, clock->config.minpoll_log2);

	phc_clock_read(&clock->phc);
	clock->readings++;
	clock->timer = event_add_timer(clock->readings <= HWCLOCK_READINGS_MIN
			? START_NS
			: (uint64_t)(interval_s * NS_PER_SECOND),
		on_timer, clock);
}

static int phc_start(struct nic_clock *clock, int index)
{
	char path[32];
	enum phc_method method;
	int fd, r;

	snprintf(path, sizeof(path), "/dev/ptp%d", index);
	fd = device_open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	r = phc_method_find(fd, !clock->config.nocrossts, &method);
	if (r < 0) {
		close(fd);
		return r;
	}
	phc_clock_init(&clock->phc, counter, fd, method, clock->config.precision_s);
	return 0;
}

static int clock_start(struct nic_clock *clock, int *ret_rx_filter)
{
	struct hwstamp can;
	int r = ts_info(clock->name, &can);

	if (r == 0)
		r = card_configure(clock, &can, ret_rx_filter);
	if (r < 0)
		return r;
	r = phc_start(clock, can.phc);
	if (r < 0)
		hwstamp_give_back(clock->ifindex, HWSTAMP_FOR_SOURCES);
	return r;
}

static void clock_add(const struct config_hwtimestamp *config, const char *name, bool wildcard)
{
	struct nic_clock *clock = &clocks[clock_count];
	int rx_filter = HWTSTAMP_FILTER_NONE, r;

	if (clock_count == CLOCKS_MAX)
		return;
	*clock = (struct nic_clock){.config = *config};
	memcpy(clock->name, name, strnlen(name, IFNAMSIZ - 1));
	r = clock_start(clock, &rx_filter);
	if (r < 0 && wildcard)
		return;
	if (r == -EOPNOTSUPP || r == -ENOTTY)
		log_warning("hwtimestamp %s: the interface takes no stamps in hardware, the "
			    "kernel's are used",
			name);
	else if (r < 0)
		log_errno(r, "hwtimestamp %s: no stamps in hardware, the kernel's are used", name);
	if (r < 0)
		return;
	clock->octet_s = octet_seconds(name);
	clock_count++;
	log_info("hwtimestamp %s: the card stamps %s", name,
		rx_filter == HWTSTAMP_FILTER_NONE ? "what is sent" : "what is sent and received");
	on_timer(clock);
}

static bool is_added(const char *name)
{
	for (size_t i = 0; i < clock_count; i++) {
		if (strcmp(clocks[i].name, name) == 0)
			return true;
	}
	return false;
}

/* `*`: every interface that can. */
static void clock_add_all(const struct config_hwtimestamp *config)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) < 0)
		return;
	for (i = list; i; i = i->ifa_next) {
		if (!(i->ifa_flags & IFF_LOOPBACK) && !is_added(i->ifa_name))
			clock_add(config, i->ifa_name, true);
	}
	freeifaddrs(list);
	if (clock_count == 0)
		log_warning("hwtimestamp *: no interface takes stamps in hardware");
}

void nic_clock_init(const struct config *config, const struct counter *new_counter)
{
	counter = new_counter;
	for (size_t i = 0; i < config->hwtimestamp_count; i++) {
		const struct config_hwtimestamp *line = &config->hwtimestamp[i];

		if (strcmp(line->name, "*") == 0)
			clock_add_all(line);
		else if (!is_added(line->name))
			clock_add(line, line->name, false);
	}
}

void nic_clock_fini(void)
{
	for (size_t i = 0; i < clock_count; i++) {
		event_remove_timer(clocks[i].timer);
		close(clocks[i].phc.fd);
		hwstamp_give_back(clocks[i].ifindex, HWSTAMP_FOR_SOURCES);
	}
	clock_count = 0;
}

bool nic_clock_any(void)
{
	return clock_count > 0;
}

static const struct nic_clock *clock_find(unsigned int ifindex)
{
	if (ifindex == 0)
		return clock_count == 1 ? &clocks[0] : NULL;
	for (size_t i = 0; i < clock_count; i++) {
		if (clocks[i].ifindex == ifindex)
			return &clocks[i];
	}
	return NULL;
}

/* Cards stamp the begin of a packet. That a packet was received means its end. */
static double correction_s(const struct nic_clock *clock, const struct nic_clock_stamp *stamp)
{
	if (stamp->transmit)
		return clock->config.txcomp_s;
	return (double)(stamp->length + FCS_SIZE) * clock->octet_s - clock->config.rxcomp_s;
}

int nic_clock_counter(
	const struct nic_clock_stamp *stamp, uint64_t *ret_counter, double *ret_error_s)
{
	const struct nic_clock *clock = clock_find(stamp->ifindex);
	int r;

	if (clock == NULL)
		return -ENODEV;
	r = phc_clock_counter(&clock->phc, &stamp->time, ret_counter, ret_error_s);
	if (r < 0)
		return r;
	*ret_counter +=
		(uint64_t)timescale_ticks(&clock->phc.model.timescale, correction_s(clock, stamp));
	return 0;
}
