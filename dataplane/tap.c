/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"
#define FLAGS_FILE "/sys/class/net/%s/flags"

static struct ifreq request_of(const struct tap *tap)
{
	struct ifreq request = {.ifr_flags = 0};

	memcpy(request.ifr_name, tap->name, sizeof(request.ifr_name));
	return request;
}

/* Makes it, or attaches to it; it stays when the descriptor is closed. */
static int device_take(struct tap *tap)
{
	struct ifreq request = request_of(tap);

	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(tap->fd, TUNSETIFF, &request) < 0 || ioctl(tap->fd, TUNSETPERSIST, 1) < 0)
		return -errno;
	return 0;
}

/* The ioctl tells of those flags alone that were set by one, not of those that a bridge needs. */
static int flags_open(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), FLAGS_FILE, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_promiscuous(const struct tap *tap)
{
	char text[32];
	ssize_t length = tap->flags < 0 ? -1 : pread(tap->flags, text, sizeof(text) - 1, 0);

	if (length < 0)
		return false;
	text[length] = '\0';
	return strtoul(text, NULL, 16) & IFF_PROMISC;
}

int tap_look(const struct tap *tap, struct tap_state *ret_state)
{
	struct ifreq request = request_of(tap);

	if (ioctl(tap->link, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(ret_state->mac, request.ifr_hwaddr.sa_data, sizeof(ret_state->mac));
	if (ioctl(tap->link, SIOCGIFMTU, &request) < 0)
		return -errno;
	ret_state->mtu = request.ifr_mtu;
	ret_state->promiscuous = is_promiscuous(tap);
	return 0;
}

int tap_set_mac(const struct tap *tap, const uint8_t mac[static 6])
{
	struct ifreq request = request_of(tap);

	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	return ioctl(tap->link, SIOCSIFHWADDR, &request) < 0 ? -errno : 0;
}

/* Programs of the host may not like a change, so there is none without need. */
static int mac_begin(const struct tap *tap, const uint8_t mac[static 6])
{
	struct tap_state state;
	int r = tap_look(tap, &state);

	return r < 0 || memcmp(state.mac, mac, sizeof(state.mac)) == 0 ? r : tap_set_mac(tap, mac);
}

int tap_open(struct tap *tap, const char *name, const uint8_t mac[static 6])
{
	int r;

	*tap = (struct tap){.flags = -1};
	snprintf(tap->name, sizeof(tap->name), "%s", name);
	tap->link = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tap->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	r = tap->link < 0 || tap->fd < 0 ? -errno : device_take(tap);
	if (r == 0)
		r = mac_begin(tap, mac);
	if (r == 0)
		r = tap_set_carrier(tap, false);
	if (r < 0)
		tap_close(tap);
	else
		tap->flags = flags_open(tap->name);
	return r;
}

void tap_close(struct tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	if (tap->link >= 0)
		close(tap->link);
	if (tap->flags >= 0)
		close(tap->flags);
	tap->fd = tap->link = tap->flags = -1;
}

int tap_set_mtu(const struct tap *tap, int mtu)
{
	struct ifreq request = request_of(tap);

	request.ifr_mtu = mtu;
	return ioctl(tap->link, SIOCSIFMTU, &request) < 0 ? -errno : 0;
}

int tap_set_carrier(const struct tap *tap, bool carrier)
{
	int value = carrier;

	return ioctl(tap->fd, TUNSETCARRIER, &value) < 0 ? -errno : 0;
}
