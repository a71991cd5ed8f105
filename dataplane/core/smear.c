/* SPDX-License-Identifier: BSD-3-Clause */
#include "smear.h"
#include "bytes.h"
#include "ntpv5.h"
#include <errno.h>
#include <math.h>
#include <meridian/ntp.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S       86400
#define SECOND      (INT64_C(1) << 32) /* 2^-32 s */
#define REFID_SMEAR UINT32_C(0xfe000000)
#define REFID_BITS  24
#define REFID_SHIFT 10 /* from 2^-32 s to 2^-22 s */
#define SHORT_SHIFT 16 /* to 2^-16 s */

#define DISPERSION_OFFSET offsetof(struct meridian_ntp_header, root_dispersion)
#define REFID_OFFSET      offsetof(struct meridian_ntp_header, refid)
#define REFERENCE_OFFSET  offsetof(struct meridian_ntp_header, reference)
#define ORIGIN_OFFSET     offsetof(struct meridian_ntp_header, origin)
#define RECEIVE_OFFSET    offsetof(struct meridian_ntp_header, receive)
#define TRANSMIT_OFFSET   offsetof(struct meridian_ntp_header, transmit)

int smear_init(struct smear *smear, const struct meridian_policy_blob *blob)
{
	const struct meridian_policy_address *from =
		MERIDIAN_POLICY_TABLE(blob, addresses, struct meridian_policy_address);
	struct meridian_policy_address *smeared;
	size_t count = 0;
	int r;

	*smear = (struct smear){.shape = MERIDIAN_SMEAR_NONE};
	for (size_t i = 0; i < blob->addresses.count; i++)
		count += from[i].smear;
	if (count == 0)
		return 0;
	smeared = calloc(count, sizeof(*smeared));
	if (smeared == NULL)
		return -ENOMEM;
	for (size_t i = 0, k = 0; i < blob->addresses.count; i++) {
		if (from[i].smear)
			smeared[k++] = from[i];
	}
	r = served_init(&smear->addresses, smeared, count);
	free(smeared);
	if (r == 0) {
		smear->shape = blob->smear_shape;
		smear->duration_s = blob->smear_duration_s;
	}
	return r;
}

void smear_fini(struct smear *smear)
{
	if (smear->shape != MERIDIAN_SMEAR_NONE)
		served_fini(&smear->addresses);
	smear->shape = MERIDIAN_SMEAR_NONE;
}

/* The instant of the leap second in the time without it. */
static int64_t instant_s(const struct meridian_timemodel_data *model)
{
	return model->leap_s - (model->leap == MERIDIAN_NTP_LI_DELETE);
}

bool smear_is_active(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc)
{
	int64_t half_s = smear->duration_s / 2 + 1;
	/* From when on the others announce it. */
	int64_t before_s = half_s > DAY_S + 1 ? half_s : DAY_S + 1;

	return smear->shape != MERIDIAN_SMEAR_NONE && model->leap_s != 0 &&
		model->leap != MERIDIAN_NTP_LI_NONE && utc.s >= instant_s(model) - before_s &&
		utc.s <= instant_s(model) + half_s;
}

int64_t smear_offset(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc)
{
	double duration_s = smear->duration_s;
	double past_s = (double)(utc.s - instant_s(model)) + ldexp((double)utc.frac64, -64);
	double part = fmin(fmax(past_s / duration_s + 0.5, 0), 1);

	if (smear->shape == MERIDIAN_SMEAR_COSINE)
		part = (1 - cos(M_PI * part)) / 2;
	if (model->leap == MERIDIAN_NTP_LI_INSERT)
		part = -part;
	/* Timestamps keep their marks, odd and even. */
	return 2 * llround(ldexp(part, 31));
}

static void add_u64(uint8_t *at, int64_t difference)
{
	put_u64(at, get_u64(at) + (uint64_t)difference);
}

/* Rounded up, and not past what the field holds. */
static uint32_t dispersion_more(uint32_t dispersion, uint64_t error)
{
	uint64_t sum = dispersion + ((error + (1u << SHORT_SHIFT) - 1) >> SHORT_SHIFT);

	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/* T3 of an interleaved reply was moved when it was measured. */
static void transmit_move(uint8_t *payload, int64_t moved, bool interleaved)
{
	if (!interleaved)
		add_u64(payload + TRANSMIT_OFFSET, moved);
}

static void stamps_move(uint8_t *payload, int64_t moved, bool interleaved)
{
	uint64_t reference = get_u64(payload + REFERENCE_OFFSET);

	if (reference != 0 && reference != NTPV5_UPGRADE)
		add_u64(payload + REFERENCE_OFFSET, moved);
	add_u64(payload + RECEIVE_OFFSET, moved);
	transmit_move(payload, moved, interleaved);
	/* As before, a reply must not be an answer to itself. */
	if (get_u64(payload + RECEIVE_OFFSET) == get_u64(payload + ORIGIN_OFFSET)) {
		add_u64(payload + RECEIVE_OFFSET, 2);
		transmit_move(payload, 2, interleaved);
	}
	if (get_u64(payload + TRANSMIT_OFFSET) == get_u64(payload + ORIGIN_OFFSET))
		transmit_move(payload, 2, interleaved);
}

static void reply_change(uint8_t *payload, int64_t moved, bool interleaved)
{
	bool synchronised = MERIDIAN_NTP_LI(payload[0]) != MERIDIAN_NTP_LI_UNKNOWN ||
		payload[offsetof(struct meridian_ntp_header, stratum)] != 0;
	uint64_t error = (uint64_t)(moved < 0 ? -moved : moved);

	stamps_move(payload, moved, interleaved);
	/* LI 3 also stands for an inserted second, which there is none of here. */
	if (!synchronised)
		return;
	payload[0] &= 0x3f;
	if (moved == 0)
		return;
	put_u32(payload + REFID_OFFSET,
		REFID_SMEAR |
			((uint32_t)(moved >> REFID_SHIFT) & ((UINT32_C(1) << REFID_BITS) - 1)));
	put_u32(payload + DISPERSION_OFFSET,
		dispersion_more(get_u32(payload + DISPERSION_OFFSET), error));
}

void smear_reply(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc, struct frame *frame)
{
	uint8_t *payload = frame->data + frame->payload;
	bool interleaved = frame->interleave == FRAME_INTERLEAVED;
	int64_t moved;

	if (!served_contains(&smear->addresses, frame_source(frame), frame->ipv6))
		return;
	/* What the reply tells is UTC already. */
	moved = smear_offset(smear, model, utc) - frame->leap_offset_s * SECOND;
	if (MERIDIAN_NTP_VERSION(payload[0]) == NTPV5_VERSION)
		ntpv5_reply_move(payload, moved, interleaved);
	else
		reply_change(payload, moved, interleaved);
	frame_checksum_udp(frame);
}
