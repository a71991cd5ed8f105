/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector.h"
#include "fold.h"
#include <meridian/policy.h>

/* 1 to 2 * stride - 1 packets on to the next sample, each as likely. */
static uint32_t step(struct sampler *sampler, uint32_t stride)
{
	uint64_t choices = 2 * (uint64_t)stride - 1;

	return 1 + (uint32_t)((fold_random(&sampler->random) >> 32) * choices >> 32);
}

/* A frame with a reply or a kiss goes to the client; a request that was refused is still as it
 * came, and perhaps not parsed. */
static void sample_take(
	struct collector_sample *ret_sample, const struct frame *frame, uint8_t fate, bool turned)
{
	struct frame copy = *frame;
	const uint8_t *client;

	if (turned) {
		client = frame_destination(&copy);
	} else {
		frame_parse(&copy);
		client = frame_source(&copy);
	}
	*ret_sample = (struct collector_sample){
		.family = copy.ipv6 ? MERIDIAN_FAMILY_IPV6 : MERIDIAN_FAMILY_IPV4, .fate = fate};
	memcpy(ret_sample->address, client, copy.ipv6 ? 16 : 4);
}

static void packet_take(
	struct collector *collector, const struct frame *frame, enum meridian_verdict verdict)
{
	bool turned = meridian_verdict_outcome(verdict) == MERIDIAN_OUTCOME_ANSWER;
	uint8_t fate = MERIDIAN_CLIENTS_ANSWERED;

	if (verdict == MERIDIAN_VERDICT_rate_limited || verdict == MERIDIAN_VERDICT_kod)
		fate = MERIDIAN_CLIENTS_RATE_LIMITED;
	else if (verdict == MERIDIAN_VERDICT_denied)
		fate = MERIDIAN_CLIENTS_DENIED;
	else if (!turned)
		return;
	if (collector->count < COLLECTOR_SAMPLES)
		sample_take(&collector->sample[collector->count++], frame, fate, turned);
	else
		collector->lost++;
}

void collector_sample(struct collector *collector, struct sampler *sampler,
	const struct frame *frame, const enum meridian_verdict *verdict, unsigned int count)
{
	uint32_t i = sampler->skip;

	for (; i < count; i += step(sampler, collector->stride))
		packet_take(collector, &frame[i], verdict[i]);
	sampler->skip = i - count;
}
