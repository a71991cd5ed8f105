/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst.h"
#include "burst_engine.h"
#include "interleaved.h"

bool burst_engine_has_avx512(void)
{
#ifdef BURST_AVX512
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
		__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
	return false;
#endif
}

const struct burst_engine *burst_engine_best(void)
{
#ifdef BURST_AVX512
	if (burst_engine_has_avx512())
		return &burst_engine_avx512;
#endif
	return &burst_engine_plain;
}

uint64_t burst_classify(struct responder *responder, struct frame *frame,
	const uint64_t *receive_counter, enum meridian_verdict *ret_verdict, unsigned int count)
{
	return responder->engine->classify(responder, frame, receive_counter, ret_verdict, count);
}

/* Takes the time out of the replies that are to tell none. */
static void kisses_finish(struct frame *frame, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *payload = frame[i].data + frame[i].payload;

		if (!reply_is_kiss(payload))
			continue;
		reply_set_transmit(payload, reply_origin(payload));
		frame_checksum_udp(&frame[i]);
	}
}

void burst_finish(struct responder *responder, struct frame *frame, unsigned int count,
	uint64_t transmit_counter)
{
	responder->engine->finish(responder, frame, count, transmit_counter);
	if (responder->interleave_count > 0)
		interleaved_finish(frame, count);
	if (responder->kissing)
		kisses_finish(frame, count);
}

void burst_sign(const struct responder *responder, struct frame *frame, unsigned int count)
{
	if (!responder->signing)
		return;
	for (unsigned int i = 0; i < count; i++) {
		if (frame[i].key != 0)
			responder_sign(responder, &frame[i]);
	}
}
