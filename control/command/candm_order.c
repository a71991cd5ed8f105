/* SPDX-License-Identifier: BSD-3-Clause */
#include "candm.h"

bool candm_which(
	struct candm_wire *wire, struct report_address *address, struct report_address *mask)
{
	uint32_t mask_id = 0, id = 0;

	candm_address(wire, mask, &mask_id);
	candm_address(wire, address, &id);
	return mask_id == 0 && id == 0;
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
