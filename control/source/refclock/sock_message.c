/* SPDX-License-Identifier: BSD-3-Clause */
#include "sock_message.h"
#include "core/timescale.h"
#include <math.h>
#include <meridian/ntp.h>
#include <string.h>
#include <units.h>

#define OFFSET_MAX_S 4294967296.0 /* an era of NTP */
#define TIME_MAX_S   (INT64_C(1) << 40)

_Static_assert(sizeof(time_t) != 8 || sizeof(struct sock_message) == 40, "layout of SOCK");

static bool makes_sense(const struct sock_message *message)
{
	return message->magic == SOCK_MESSAGE_MAGIC && message->leap >= 0 && message->leap <= 2 &&
		message->time.tv_sec >= 0 && message->time.tv_sec < TIME_MAX_S &&
		message->time.tv_usec >= 0 && message->time.tv_usec < US_PER_SECOND &&
		fabs(message->offset_s) < OFFSET_MAX_S;
}

bool sock_message_decode(const void *buffer, size_t length, struct sock_sample *ret_sample)
{
	static const uint8_t leaps[] = {
		MERIDIAN_NTP_LI_NONE, MERIDIAN_NTP_LI_INSERT, MERIDIAN_NTP_LI_DELETE};
	struct sock_message message;
	struct meridian_utc time;

	if (length != sizeof(message))
		return false;
	memcpy(&message, buffer, sizeof(message));
	if (!makes_sense(&message))
		return false;
	time = (struct meridian_utc){.s = message.time.tv_sec,
		.frac64 = (uint64_t)(((meridian_u128)(uint64_t)message.time.tv_usec << 64) /
			US_PER_SECOND)};
	*ret_sample = (struct sock_sample){.time = {.tv_sec = message.time.tv_sec,
						   .tv_nsec = message.time.tv_usec * NS_PER_US},
		.clock = timescale_utc_add(
			time, message.pulse ? -message.offset_s : message.offset_s),
		.pulse = message.pulse != 0,
		.leap = leaps[message.leap]};
	return true;
}
