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

struct interleave_key interleaved_key(
	const struct responder *responder, const uint8_t *ntp, const uint8_t *source, bool ipv6)
{
	return key(responder, source, ipv6, get_u64(ntp + ORIGIN_OFFSET));
}

bool interleaved_eligible(const uint8_t *ntp)
{
	return MERIDIAN_NTP_VERSION(ntp[0]) == VERSION &&
		MERIDIAN_NTP_MODE(ntp[0]) == MERIDIAN_NTP_MODE_CLIENT &&
		load_u64(ntp + RECEIVE_OFFSET) != load_u64(ntp + TRANSMIT_OFFSET);
}

uint8_t interleaved_classify(
	struct responder *responder, struct frame *frame, uint8_t *ntp, struct interleave_key key)
{
	uint64_t earlier = interleave_take(key);

	responder->interleave_count++;
	/* A reply's transmit timestamp is never its origin timestamp, which the client chose. */
	if (earlier == 0 || earlier == get_u64(ntp + RECEIVE_OFFSET))
		return FRAME_ASKS;
	frame->earlier = earlier;
	store_u64(ntp + TRANSMIT_OFFSET, load_u64(ntp + RECEIVE_OFFSET));
	return FRAME_INTERLEAVED;
}

void interleaved_classify_one(struct responder *responder, struct frame *frame, uint8_t *ntp)
{
	frame->interleave = FRAME_BASIC;
	if (!interleaved_remembers(responder) || !interleaved_asked(ntp) ||
		!interleaved_eligible(ntp))
		return;
	frame->interleave = interleaved_classify(responder, frame, ntp,
		interleaved_key(responder, ntp, frame_source(frame), frame->ipv6));
}

void interleaved_classify_cookie(struct responder *responder, struct frame *frame, uint64_t cookie)
{
	if (!interleaved_remembers(responder))
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

static void note_take(const struct responder *responder, const struct frame *frame,
	struct interleaved_note *ret_note)
{
	uint64_t told = get_u64(frame->data + frame->payload + RECEIVE_OFFSET);

	ret_note->key = key(responder, frame_destination(frame), frame->ipv6, told);
	ret_note->receive = told;
	ret_note->offset = told - frame->receive + timestamps_leap(frame->leap_offset_s);
	ret_note->earned = frame->interleave == FRAME_INTERLEAVED;
	interleave_prefetch(ret_note->key);
}

unsigned int interleaved_notes_take(const struct responder *responder, const struct frame *frame,
	unsigned int count, struct interleaved_note *ret_note)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (frame[i].interleave == FRAME_BASIC)
			continue;
		note_take(responder, &frame[i], &ret_note[taken]);
		ret_note[taken++].frame = i;
	}
	return taken;
}

static uint64_t transmit_of(
	struct responder *responder, const struct interleaved_note *note, uint64_t transmit_counter)
{
	uint64_t ntp = clock_ntp(meridian_timemodel_utc(&responder->model, transmit_counter));

	return timestamps_measured(&responder->timestamps, ntp + note->offset, note->receive);
}

void interleaved_save(struct responder *responder, const struct interleaved_note *note,
	unsigned int count, uint64_t transmit_counter, uint64_t step)
{
	struct interleave *table = responder->policy->interleave;
	struct interleave_saving saving[INTERLEAVE_SAVE_MAX] __attribute__((uninitialized));

	for (unsigned int i = 0; i < count; i++) {
		saving[i].key = note[i].key;
		saving[i].transmit =
			transmit_of(responder, &note[i], transmit_counter + note[i].frame * step);
		saving[i].earned = note[i].earned;
	}
	if (count == 0)
		return;
	interleave_course(table, responder->model.disruption_count, saving[0].transmit);
	interleave_save_all(table, saving, count);
}
