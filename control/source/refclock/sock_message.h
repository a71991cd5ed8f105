/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SOCK_MESSAGE_H
#define CONTROL_SOCK_MESSAGE_H

/*
 * The datagrams of chrony's SOCK driver, in this machine's byte order and layout, which gpsd and
 * others send. Pure.
 */

#include <meridian/timemodel.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define SOCK_MESSAGE_MAGIC 0x534f434b /* "SOCK" */

struct sock_message {
	struct timeval time; /* CLOCK_REALTIME at the measurement */
	double offset_s;     /* of the clock against it; of a pulse: of it against the pulse */
	int pulse;           /* not 0: only the part of a second counts */
	int leap;            /* 0 none, 1 insert, 2 delete */
	int reserved;
	int magic;
};

struct sock_sample {
	struct timespec time;
	struct meridian_utc clock; /* what the clock showed then */
	bool pulse;
	uint8_t leap; /* MERIDIAN_NTP_LI_* */
};

/* False when it is no such message, or makes no sense. */
bool sock_message_decode(const void *buffer, size_t length, struct sock_sample *ret_sample);

#endif
