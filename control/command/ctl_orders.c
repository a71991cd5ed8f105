/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <string.h>

#define BURST_REQUESTS 8
#define BURST_SAMPLES  4

/* About all sources with this name: a pool has several, not all of which need have an address.
 * Returns what the client's functions do: 0 if one of them can carry it out. */
static int order_name(struct ctl *ctl, uint16_t command, const struct order *burst)
{
	char name[CTL_NAME_SIZE];
	struct report_source source;
	bool done = false;
	uint32_t count = 0;
	int r = client_source_count(&ctl->client, &count);

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = client_source(&ctl->client, i, &source, name);
		if (r != 0 || strcmp(name, ctl->argument) != 0)
			continue;
		r = client_order(&ctl->client, command, &(struct order_target){.id = i + 1}, burst);
		done = done || r == 0;
		if (r == CANDM_STATUS_NO_SOURCE)
			r = 0;
	}
	return r == 0 && !done ? CANDM_STATUS_NO_SOURCE : r;
}

/* About the source of the command line, or all. */
static int order_about(struct ctl *ctl, uint16_t command, const struct order *burst)
{
	struct order_target target = {.id = 0};
	int r;

	if (ctl->argument && !ctl_address_parse(ctl->argument, &target.address))
		r = order_name(ctl, command, burst);
	else
		r = client_order(&ctl->client, command, &target, burst);
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
	int r = client_order(&ctl->client, CANDM_COMMAND_MAKESTEP, NULL, NULL);

	if (r != CANDM_STATUS_FAILED)
		return ctl_result(ctl, r);
	output_error(EXIT_REFUSED,
		"makestep: there is no time to step to, or the clock is not steered "
		"(`steerclock`)");
	return EXIT_REFUSED;
}
