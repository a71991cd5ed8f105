/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <arpa/inet.h>
#include <meridian/policy.h>
#include <string.h>
#include <sys/socket.h>

#define BURST_REQUESTS 8
#define BURST_SAMPLES  4

static bool address_parse(const char *text, struct report_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV6;
	return ret_address->family != 0;
}

/* The address of the source with this name. Returns what the client's functions do. */
static int name_find(struct ctl *ctl, const char *wanted, struct report_address *ret_address)
{
	char name[CTL_NAME_SIZE];
	struct report_source source;
	uint32_t count = 0;
	int r = client_source_count(&ctl->client, &count);

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = client_source(&ctl->client, i, &source, name);
		if (r == 0 && strcmp(name, wanted) == 0 && source.address.family != 0) {
			*ret_address = source.address;
			return 0;
		}
	}
	return r == 0 ? CANDM_STATUS_NO_SOURCE : r;
}

/* About the source of the command line, or all. */
static int order_about(struct ctl *ctl, uint16_t command, const struct order *burst)
{
	struct report_address address = {.family = 0};
	int r = 0;

	if (ctl->argument && !address_parse(ctl->argument, &address))
		r = name_find(ctl, ctl->argument, &address);
	if (r == 0)
		r = client_order(&ctl->client, command, &address, burst);
	return ctl_result(ctl, r);
}

int ctl_online(struct ctl *ctl)
{
	return order_about(ctl, CANDM_COMMAND_ONLINE, NULL);
}

int ctl_offline(struct ctl *ctl)
{
	return order_about(ctl, CANDM_COMMAND_OFFLINE, NULL);
}

int ctl_burst(struct ctl *ctl)
{
	const struct order burst = {.kind = ORDER_BURST,
		.burst_requests = BURST_REQUESTS,
		.burst_samples = BURST_SAMPLES};

	return order_about(ctl, CANDM_COMMAND_BURST, &burst);
}

int ctl_refresh(struct ctl *ctl)
{
	return ctl_result(ctl, client_order(&ctl->client, CANDM_COMMAND_REFRESH, NULL, NULL));
}

int ctl_reselect(struct ctl *ctl)
{
	return ctl_result(ctl, client_order(&ctl->client, CANDM_COMMAND_RESELECT, NULL, NULL));
}

int ctl_makestep(struct ctl *ctl)
{
	return ctl_result(ctl, client_order(&ctl->client, CANDM_COMMAND_MAKESTEP, NULL, NULL));
}
