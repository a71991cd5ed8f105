/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"
#include "bytes.h"
#include "clock.h"
#include "ntpv5.h"
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#define SHORT_BITS   16 /* of a second, in NTP short format */
#define SHORT_SECOND (UINT32_C(1) << SHORT_BITS)

/* Of a kiss, as seconds log2. */
#define KISS_POLL_MIN 6
#define KISS_POLL_MAX 10
#define POLL_MAX      17

#define REFERENCE_OFFSET offsetof(struct meridian_ntp_header, reference)
#define RECEIVE_OFFSET   offsetof(struct meridian_ntp_header, receive)
#define TRANSMIT_OFFSET  offsetof(struct meridian_ntp_header, transmit)
#define ORIGIN_OFFSET    offsetof(struct meridian_ntp_header, origin)

static int8_t clamp(int8_t value, int8_t min, int8_t max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

static void prepare_unsynchronised(struct meridian_ntp_header *common)
{
	common->root_delay = htonl(SHORT_SECOND);
	common->root_dispersion = htonl(SHORT_SECOND);
}

static void prepare_synchronised(struct meridian_ntp_header *common,
	const struct meridian_timemodel_data *model, uint64_t now_counter)
{
	struct meridian_utc reference = {
		model->reference_s, (uint64_t)model->reference_frac32 << 32};
	uint64_t dispersion_ns = meridian_timemodel_dispersion_ns(model, now_counter);
	uint64_t stamp = model->reference_s == 0 ? 0 : clock_ntp(reference);

	common->stratum = model->stratum;
	common->root_delay = htonl(clock_error(model->root_delay_ns, SHORT_BITS));
	common->root_dispersion = htonl(clock_error(dispersion_ns, SHORT_BITS));
	common->refid = htonl(model->refid);
	common->reference.seconds = htonl((uint32_t)(stamp >> 32));
	common->reference.fraction = htonl((uint32_t)stamp);
}

void reply_prepare(struct meridian_ntp_header *ret_common,
	const struct meridian_timemodel_data *model, bool synchronised, uint64_t now_counter)
{
	memset(ret_common, 0, sizeof(*ret_common));
	ret_common->precision = model->precision_log2;
	if (synchronised)
		prepare_synchronised(ret_common, model, now_counter);
	else
		prepare_unsynchronised(ret_common);
}

void reply_write(uint8_t *payload, const struct meridian_ntp_header *common,
	const struct request *request, uint8_t leap, uint64_t receive)
{
	memcpy(payload, common, ORIGIN_OFFSET);
	payload[0] = MERIDIAN_NTP_LI_VN_MODE(leap, request->version, request->reply_mode);
	payload[offsetof(struct meridian_ntp_header, poll)] = (uint8_t)request->poll;
	if (request->upgrade)
		put_u64(payload + REFERENCE_OFFSET, NTPV5_UPGRADE);
	put_u64(payload + ORIGIN_OFFSET, request->transmit);
	put_u64(payload + RECEIVE_OFFSET, receive);
}

/* Some clients take the poll for their own lower limit; none is told an absurd one. */
void reply_write_kiss(uint8_t *payload, const struct request *request, int8_t least_poll_log2)
{
	struct meridian_ntp_header kiss = {.refid = htonl(MERIDIAN_NTP_KISS_RATE)};
	struct request told = *request;
	int8_t least = clamp(least_poll_log2, KISS_POLL_MIN, KISS_POLL_MAX);

	told.upgrade = false;
	told.poll = clamp(request->poll, least, POLL_MAX);
	reply_write(payload, &kiss, &told, MERIDIAN_NTP_LI_UNKNOWN, request->transmit);
	reply_set_transmit(payload, request->transmit);
}

void reply_set_transmit(uint8_t *payload, uint64_t transmit)
{
	put_u64(payload + TRANSMIT_OFFSET, transmit);
}
