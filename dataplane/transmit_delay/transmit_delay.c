/* SPDX-License-Identifier: BSD-3-Clause */
#include "transmit_delay.h"
#include <stdlib.h>
#include <string.h>

/* A line is as good before its anchor as after it. */
static uint64_t stamp_error_ns(
	const struct device_line *line, uint64_t handed_counter, uint64_t now_counter)
{
	uint64_t now_error_ns = device_line_error_ns(line, now_counter);
	uint64_t fresh_ticks = line->fresh_until_counter - line->counter;

	if (now_error_ns == UINT64_MAX || now_counter - handed_counter <= fresh_ticks)
		return now_error_ns;
	return line->late_error_ns;
}

/* Where the sample is placed by the line. Returns false if it cannot be of this reply. */
static bool sample_take(const struct device_line *line, uint64_t handed_counter,
	uint64_t now_counter, uint64_t stamp, struct transmit_delay_sample *ret_sample)
{
	uint64_t error_ns = stamp_error_ns(line, handed_counter, now_counter), counter;
	struct device_line_span span;
	int64_t delay_ns;

	if (error_ns > TRANSMIT_DELAY_MAX_NS) /* or there is no line */
		return false;
	span = device_line_span(line, now_counter, handed_counter);
	if (device_line_counter(line, &span, stamp, &counter) != MERIDIAN_FAULT_COUNT)
		return false;
	delay_ns = device_line_ns(line, (int64_t)(counter - handed_counter));
	if (delay_ns < -(int64_t)error_ns || delay_ns > TRANSMIT_DELAY_MAX_NS)
		return false;
	*ret_sample = (struct transmit_delay_sample){(int32_t)delay_ns, (int32_t)error_ns + 1};
	return true;
}

void transmit_delay_restart(struct transmit_delay *delay)
{
	delay->count = delay->next = 0;
	delay->refused_in_row = 0;
}

bool transmit_delay_note(struct transmit_delay *delay, const struct device_line *line,
	uint64_t handed_counter, uint64_t now_counter, uint64_t stamp)
{
	struct transmit_delay_sample *next = &delay->sample[delay->next];

	if (!sample_take(line, handed_counter, now_counter, stamp, next)) {
		delay->refused++;
		if (++delay->refused_in_row >= TRANSMIT_DELAY_REFUSED_MAX)
			transmit_delay_restart(delay);
		return false;
	}
	delay->next = (delay->next + 1) % TRANSMIT_DELAY_SAMPLES;
	if (delay->count < TRANSMIT_DELAY_SAMPLES)
		delay->count++;
	delay->refused_in_row = 0;
	delay->taken++;
	return true;
}

static int by_delay(const void *a, const void *b)
{
	const struct transmit_delay_sample *left = a, *right = b;

	return (left->delay_ns > right->delay_ns) - (left->delay_ns < right->delay_ns);
}

static int32_t median(const struct transmit_delay *delay)
{
	struct transmit_delay_sample sorted[TRANSMIT_DELAY_SAMPLES];

	memcpy(sorted, delay->sample, delay->count * sizeof(sorted[0]));
	qsort(sorted, delay->count, sizeof(sorted[0]), by_delay);
	return sorted[delay->count / 2].delay_ns;
}

struct transmit_delay_known transmit_delay_known(const struct transmit_delay *delay)
{
	struct transmit_delay_known known = {.known = false};

	if (delay->count == 0)
		return known;
	known.delay_ns = median(delay);
	for (unsigned int i = 0; i < delay->count; i++) {
		const struct transmit_delay_sample *sample = &delay->sample[i];
		int32_t error_ns = abs(sample->delay_ns - known.delay_ns) + sample->error_ns;

		if (error_ns > known.error_ns)
			known.error_ns = error_ns;
	}
	known.known = delay->count >= TRANSMIT_DELAY_SAMPLES_MIN;
	return known;
}
