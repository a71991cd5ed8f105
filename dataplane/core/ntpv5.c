/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntpv5.h"
#include "bytes.h"
#include "clock.h"
#include <arpa/inet.h>
#include <mac.h>
#include <meridian/ntp.h>
#include <string.h>

#define GOOD MERIDIAN_VERDICT_answered

#define TIME32_BITS   28 /* of a second */
#define TIME32_SECOND (UINT32_C(1) << TIME32_BITS)

#define IN_HEADER(member) offsetof(struct ntpv5_header, member)

#define FIELD_HEADER NTPV5_FIELD_HEADER

#define FIELD_PADDING     0xf501
#define FIELD_MAC         0xf502
#define FIELD_IDS_REQUEST 0xf503
#define FIELD_IDS         0xf504
#define FIELD_INFORMATION 0xf505
#define FIELD_CORRECTION  0xf506
#define FIELD_REFERENCE   0xf507
#define FIELD_DRAFT       0xf5ff

#define INFORMATION_SIZE 8
#define CORRECTION_SIZE  28
#define REFERENCE_SIZE   12

#define VERSIONS 0x1f /* 1 to 5, a bit each */

/* Of a correction: what its request had gathered, then what the reply will. */
#define CORRECTION_ORIGIN (FIELD_HEADER + 0)
#define CORRECTION_DELAY  (FIELD_HEADER + 12)
#define CORRECTION_PART   10 /* correction and path ID */

struct field {
	uint16_t type, length;
	uint32_t extent; /* octets with the padding */
};

static struct field field_at(const uint8_t *at)
{
	uint16_t length = get_u16(at + 2);

	return (struct field){get_u16(at), length, (length + UINT32_C(3)) & ~UINT32_C(3)};
}

static bool is_our_draft(const uint8_t *at, const struct field *field)
{
	const size_t length = sizeof(NTPV5_DRAFT) - 1;

	return field->length == FIELD_HEADER + length &&
		memcmp(at + FIELD_HEADER, NTPV5_DRAFT, length) == 0;
}

/* What a walk over the fields of a request has found. */
struct found {
	bool our_draft, foreign_draft;
	uint16_t mac, mac_at; /* octets of its field, and where it begins; 0: there is none */
};

/* Returns false for a field of a MAC that is too short for one, or a field after it. */
static bool found_field(
	struct found *found, const uint8_t *payload, uint32_t at, const struct field *field)
{
	bool ours = is_our_draft(payload + at, field);

	if (found->mac != 0 && field->type != FIELD_CORRECTION)
		return false;
	if (field->type == FIELD_DRAFT) {
		found->our_draft |= ours;
		found->foreign_draft |= !ours;
	}
	if (field->type == FIELD_MAC) {
		found->mac = field->length;
		found->mac_at = (uint16_t)at;
		return field->length > FIELD_HEADER + MAC_ID_SIZE;
	}
	return true;
}

/* `length` is a multiple of 4, hence so is what is left: there is room for a field's header. */
static enum meridian_verdict check_fields(
	const uint8_t *payload, uint32_t length, struct found *ret_found)
{
	*ret_found = (struct found){.mac = 0};
	for (uint32_t at = MERIDIAN_NTP_HEADER_SIZE; at < length;) {
		struct field field = field_at(payload + at);

		if (field.length < FIELD_HEADER || field.extent > length - at ||
			!found_field(ret_found, payload, at, &field))
			return MERIDIAN_VERDICT_bad_extension;
		at += field.extent;
	}
	return ret_found->our_draft && !ret_found->foreign_draft ? GOOD
								 : MERIDIAN_VERDICT_foreign_draft;
}

enum meridian_verdict ntpv5_parse(
	const uint8_t *payload, uint16_t length, struct request *ret_request)
{
	enum meridian_verdict verdict;
	struct found found;

	if (MERIDIAN_NTP_MODE(payload[0]) != MERIDIAN_NTP_MODE_CLIENT)
		return MERIDIAN_VERDICT_bad_mode;
	if (length % 4 != 0 || length > MERIDIAN_NTP_PAYLOAD_MAX)
		return MERIDIAN_VERDICT_bad_length;
	verdict = check_fields(payload, length, &found);
	if (verdict != GOOD)
		return verdict;
	*ret_request = (struct request){
		.version = NTPV5_VERSION,
		.reply_mode = MERIDIAN_NTP_MODE_SERVER,
		.mac = found.mac == 0 ? 0 : (uint16_t)(found.mac - FIELD_HEADER),
		.mac_at = (uint16_t)(found.mac_at + FIELD_HEADER),
		.transmit = get_u64(payload + IN_HEADER(client_cookie)),
		.interleaved = get_u16(payload + IN_HEADER(flags)) & NTPV5_FLAG_INTERLEAVED,
		.server_cookie = get_u64(payload + IN_HEADER(server_cookie)),
	};
	return GOOD;
}

/* The request's data begin with the offset of the octets that are asked for, and are as many. */
static bool ids_write(uint8_t *at, const struct field *field, const struct ntpv5_reply *reply)
{
	size_t length = field->length - FIELD_HEADER, offset;

	if (reply->page == NULL || length < sizeof(uint16_t) ||
		length > MERIDIAN_REFERENCE_IDS_SIZE)
		return false;
	offset = get_u16(at + FIELD_HEADER);
	if (offset > MERIDIAN_REFERENCE_IDS_SIZE - length)
		return false;
	put_u16(at, FIELD_IDS);
	meridian_reference_ids_read(reply->page, offset, length, at + FIELD_HEADER);
	return true;
}

static void correction_write(uint8_t *at)
{
	memcpy(at + CORRECTION_ORIGIN, at + CORRECTION_DELAY, CORRECTION_PART);
	memset(at + CORRECTION_ORIGIN + CORRECTION_PART, 0,
		CORRECTION_SIZE - CORRECTION_ORIGIN - CORRECTION_PART);
}

static void reference_write(uint8_t *at, const struct ntpv5_reply *reply)
{
	const struct meridian_timemodel_data *model = reply->model;
	struct meridian_utc reference = {
		model->reference_s, (uint64_t)model->reference_frac32 << 32};
	bool known = reply->synchronised && model->reference_s != 0;

	put_u64(at + FIELD_HEADER, known ? clock_ntp(reference) : 0);
}

static void padding_write(uint8_t *at, uint32_t extent)
{
	put_u16(at, FIELD_PADDING);
	put_u16(at + 2, (uint16_t)extent);
	memset(at + FIELD_HEADER, 0, extent - FIELD_HEADER);
}

/* Returns false for what is not supported. */
static bool field_write(
	uint8_t *at, const struct field *field, bool last, const struct ntpv5_reply *reply)
{
	if (field->type == FIELD_DRAFT || field->type == FIELD_MAC)
		return true;
	if (field->type == FIELD_IDS_REQUEST)
		return ids_write(at, field, reply);
	if (field->type == FIELD_INFORMATION && field->length == INFORMATION_SIZE)
		put_u32(at + FIELD_HEADER, (uint32_t)VERSIONS << 16);
	else if (field->type == FIELD_REFERENCE && field->length == REFERENCE_SIZE)
		reference_write(at, reply);
	else if (field->type == FIELD_CORRECTION && field->length == CORRECTION_SIZE && last)
		correction_write(at);
	else
		return false;
	return true;
}

static void fields_write(uint8_t *at, uint32_t length, const struct ntpv5_reply *reply)
{
	while (length > 0) {
		struct field field = field_at(at);

		if (field_write(at, &field, field.extent == length, reply))
			memset(at + field.length, 0, field.extent - field.length);
		else
			padding_write(at, field.extent);
		at += field.extent;
		length -= field.extent;
	}
}

/* During an inserted second UTC by its number is that of the second before. */
static bool is_ambiguous(const struct ntpv5_reply *reply)
{
	return !reply->smeared &&
		clock_leap_indicator(reply->model, reply->utc) == MERIDIAN_NTP_LI_UNKNOWN;
}

static uint8_t leap_indicator(const struct ntpv5_reply *reply)
{
	const struct meridian_timemodel_data *model = reply->model;

	if (!reply->synchronised)
		return MERIDIAN_NTP_LI_UNKNOWN;
	if (reply->smeared)
		return MERIDIAN_NTP_LI_NONE;
	/* The host's clock is no source that would know, but a list of leap seconds is. */
	if (model->refid == MERIDIAN_NTP_REFID_LOCAL && model->leap_known_until_s <= reply->utc.s)
		return MERIDIAN_NTP_LI_UNKNOWN;
	if (model->leap_s == 0 || reply->utc.s < model->leap_s - NTPV5_LEAP_NOTICE_S)
		return MERIDIAN_NTP_LI_NONE;
	if (meridian_timemodel_leap_offset_s(model, reply->utc) != 0 && !is_ambiguous(reply))
		return MERIDIAN_NTP_LI_NONE;
	return model->leap;
}

static uint16_t flags(const struct ntpv5_reply *reply)
{
	uint16_t set = reply->interleaved ? NTPV5_FLAG_INTERLEAVED : 0;

	if (reply->synchronised && !is_ambiguous(reply))
		set |= NTPV5_FLAG_SYNCHRONISED;
	return set;
}

/* Of T2 as told, whose seconds may be a little off those of `utc`. */
static uint8_t era(const struct ntpv5_reply *reply)
{
	int64_t seconds = reply->utc.s + (int64_t)MERIDIAN_NTP_UNIX_OFFSET_S;

	seconds += (int32_t)((uint32_t)(reply->receive >> 32) - (uint32_t)seconds);
	return (uint8_t)(seconds >> 32);
}

/* As of older versions, who is not synchronised claims a second each. */
static void errors_write(struct ntpv5_header *header, const struct ntpv5_reply *reply)
{
	uint32_t delay = TIME32_SECOND, dispersion = TIME32_SECOND;

	if (reply->synchronised) {
		delay = clock_error(reply->model->root_delay_ns, TIME32_BITS);
		dispersion = clock_error(reply->dispersion_ns, TIME32_BITS);
	}
	header->root_delay = htonl(delay);
	header->root_dispersion = htonl(dispersion);
}

void ntpv5_reply_write(uint8_t *payload, uint16_t length, const struct ntpv5_reply *reply)
{
	struct ntpv5_header header = {
		.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(
			leap_indicator(reply), NTPV5_VERSION, MERIDIAN_NTP_MODE_SERVER),
		.stratum = reply->synchronised ? reply->model->stratum : 0,
		.poll = reply->least_poll_log2,
		.precision = reply->model->precision_log2,
		.timescale = reply->smeared ? NTPV5_TIMESCALE_SMEARED : NTPV5_TIMESCALE_UTC,
		.era = era(reply),
		.flags = htons(flags(reply)),
	};

	errors_write(&header, reply);
	memcpy(&header.client_cookie, payload + IN_HEADER(client_cookie), 8);
	memcpy(payload, &header, sizeof(header));
	put_u64(payload + IN_HEADER(receive), reply->receive);
	if (reply->remembered)
		put_u64(payload + IN_HEADER(server_cookie), reply->receive);
	fields_write(payload + MERIDIAN_NTP_HEADER_SIZE,
		(uint32_t)(length - MERIDIAN_NTP_HEADER_SIZE), reply);
}

static void add_u64(uint8_t *at, int64_t difference)
{
	put_u64(at, get_u64(at) + (uint64_t)difference);
}

void ntpv5_reply_move(uint8_t *payload, int64_t moved, bool interleaved)
{
	add_u64(payload + IN_HEADER(receive), moved);
	if (!interleaved)
		add_u64(payload + IN_HEADER(transmit), moved);
	/* The cookie is T2, which is never 0. */
	if (load_u64(payload + IN_HEADER(server_cookie)) != 0)
		memcpy(payload + IN_HEADER(server_cookie), payload + IN_HEADER(receive), 8);
}
