/* SPDX-License-Identifier: BSD-3-Clause */
#include "candm.h"

void candm_target(struct candm_wire *wire, struct order_target *target)
{
	uint32_t no_id = 0;

	candm_address(wire, &target->mask, &no_id);
	candm_address(wire, &target->address, &target->id);
}

static uint8_t at_most_u8(uint32_t count)
{
	return count < UINT8_MAX ? (uint8_t)count : UINT8_MAX;
}

void candm_burst(struct candm_wire *wire, struct order *order)
{
	uint32_t samples = order->burst_samples, requests = order->burst_requests;

	candm_index(wire, &samples);
	candm_index(wire, &requests);
	order->burst_samples = at_most_u8(samples);
	order->burst_requests = at_most_u8(requests);
}
