/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_WIRE_STAMP_H
#define CONTROL_WIRE_STAMP_H

/* What is to be thought of the dataplane's stamps of our packets (meridian/wire_stamps.h). Pure. */

#include <meridian/wire_stamps.h>
#include <stdbool.h>

/* A packet that takes longer than this between NIC and kernel has met with something. */
#define WIRE_STAMP_APART_MAX_S 10e-3

/* As far as the kernel's stamps, converted to ticks, may be off. */
#define WIRE_STAMP_SLACK_S 100e-6

/*
 * Whether a stamp can be right: it is of counter `counter_id`, which has `hz` ticks in a second,
 * and its packet was at the NIC after `kernel_counter`, when the kernel had the question to be
 * sent, or before that, if it is when the kernel had the answer (`answer`), by no more than
 * WIRE_STAMP_APART_MAX_S.
 *
 * So a page that lies makes an offset wrong by half of both at most, and then only if it knows the
 * key of each packet. Without a stamp of the kernel, its time is when we sent, or woke up to read.
 */
bool wire_stamp_fits(const struct meridian_wire_stamp *stamp, uint8_t counter_id, uint64_t hz,
	uint64_t kernel_counter, bool answer);

#endif
