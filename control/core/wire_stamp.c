/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_stamp.h"

bool wire_stamp_fits(const struct meridian_wire_stamp *stamp, uint8_t counter_id, uint64_t hz,
	uint64_t kernel_counter, bool answer)
{
	uint64_t apart = answer ? kernel_counter - stamp->counter : stamp->counter - kernel_counter;
	double apart_s = (double)(int64_t)apart / (double)hz;

	return stamp->counter_id == counter_id && apart_s >= -WIRE_STAMP_SLACK_S &&
		apart_s <= WIRE_STAMP_APART_MAX_S &&
		stamp->error_ns * 1e-9 <= WIRE_STAMP_APART_MAX_S;
}
