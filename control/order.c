/* SPDX-License-Identifier: BSD-3-Clause */
#include "order.h"
#include "kernel_clock.h"
#include "track.h"

static bool has_address(const struct source *source, const struct report_address *address,
	const struct report_address *mask)
{
	if (address->family == 0)
		return true;
	if (source->address.family != address->family)
		return false;
	for (size_t i = 0; i < sizeof(address->octets); i++) {
		uint8_t differs = source->address.octets[i] ^ address->octets[i];

		if (differs & (mask->family == 0 ? 0xff : mask->octets[i]))
			return false;
	}
	return true;
}

static bool is_meant(const struct order_target *target, size_t index)
{
	if (target->id != 0)
		return target->id == index + 1;
	return has_address(track_source(index), &target->address, &target->mask);
}

bool order_sources(const struct order_target *target, const struct order *order)
{
	bool done = false;

	for (size_t i = 0; i < track_source_count(); i++) {
		struct source *source = track_source(i);

		if (source->kind->order && is_meant(target, i) &&
			source->kind->order(source, order))
			done = true;
	}
	return done;
}

void order_reselect(void)
{
	track_select();
}

bool order_step(void)
{
	struct track_status status = track_status();

	return status.updated && status.model->data.status == MERIDIAN_TIMEMODEL_SYNCHRONISED &&
		kernel_clock_step();
}
