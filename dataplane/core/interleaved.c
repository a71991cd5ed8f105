/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleaved.h"
#include "bytes.h"
#include "checksum.h"
#include "layout.h"
#include "reply.h"

#define VERSION 4

#define ORIGIN_OFFSET   offsetof(struct meridian_ntp_header, origin)
#define RECEIVE_OFFSET  offsetof(struct meridian_ntp_header, receive)
#define TRANSMIT_OFFSET offsetof(struct meridian_ntp_header, transmit)

static struct interleave_key key(
	const struct responder *responder, const uint8_t *address, bool ipv6, uint64_t receive)
{
	return interleave_key(responder->policy->interleave, address, ipv6, receive,
		responder->model.disruption_count);
}

void interleaved_prefetch(
	const struct responder *responder, const uint8_t *ntp, const uint8_t *source, bool ipv6)
{
	if (responder->policy->interleave != NULL)
		interleave_prefetch(key(responder, source, ipv6, get_u64(ntp + ORIGIN_OFFSET)));
}

static bool is_eligible(const struct responder *responder, const uint8_t *ntp)
{
	return responder->policy->interleave != NULL && responder->synchronised &&
		MERIDIAN_NTP_VERSION(ntp[0]) == VERSION &&
		MERIDIAN_NTP_MODE(ntp[0]) == MERIDIAN_NTP_MODE_CLIENT &&
		load_u64(ntp + RECEIVE_OFFSET) != load_u64(ntp + TRANSMIT_OFFSET);
}

void interleaved_classify(struct responder *responder, struct frame *frame, uint8_t *ntp,
	const uint8_t *source, bool ipv6)
{
	uint64_t earlier;

	if (!is_eligible(responder, ntp))
		return;
	responder->interleave_count++;
	frame->interleave = FRAME_ASKS;
	earlier = interleave_take(key(responder, source, ipv6, get_u64(ntp + ORIGIN_OFFSET)));
	/* A reply's transmit timestamp is never its origin timestamp, which the client chose. */
	if (earlier == 0 || earlier == get_u64(ntp + RECEIVE_OFFSET))
		return;
	frame->interleave = FRAME_INTERLEAVED;
	frame->earlier = earlier;
	store_u64(ntp + TRANSMIT_OFFSET, load_u64(ntp + RECEIVE_OFFSET));
}

void interleaved_classify_cookie(struct responder *responder, struct frame *frame, uint64_t cookie)
{
	if (responder->policy->interleave == NULL || !responder->synchronised)
		return;
	responder->interleave_count++;
	frame->interleave = FRAME_ASKS;
	if (cookie == 0)
		return;
	frame->earlier = interleave_take(key(responder, frame_source(frame), frame->ipv6, cookie));
	if (frame->earlier != 0)
		frame->interleave = FRAME_INTERLEAVED;
}

void interleaved_finish(struct frame *frame, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (frame[i].interleave != FRAME_INTERLEAVED)
			continue;
		reply_set_transmit(frame[i].data + frame[i].payload, frame[i].earlier);
		store_u16(frame[i].data + frame[i].udp + UDP_CHECKSUM,
			checksum_udp_field(checksum_add(
				frame[i].udp_sum, __builtin_bswap64(frame[i].earlier))));
	}
}

void interleaved_note_take(const struct responder *responder, const struct frame *frame,
	struct interleaved_note *ret_note)
{
	uint64_t told = get_u64(frame->data + frame->payload + RECEIVE_OFFSET);

	*ret_note = (struct interleaved_note){
		.key = key(responder, frame_destination(frame), frame->ipv6, told),
		.receive = told,
		.offset = told - frame->receive + timestamps_leap(frame->leap_offset_s),
		.earned = frame->interleave == FRAME_INTERLEAVED};
	interleave_prefetch(ret_note->key);
}

void interleaved_save(
	struct responder *responder, const struct interleaved_note *note, uint64_t transmit_counter)
{
	uint64_t ntp = clock_ntp(meridian_timemodel_utc(&responder->model, transmit_counter));
	struct interleave *table = responder->policy->interleave;
	uint64_t transmit =
		timestamps_measured(&responder->timestamps, ntp + note->offset, note->receive);

	interleave_course(table, responder->model.disruption_count, transmit);
	interleave_save(table, note->key, transmit, note->earned);
}
