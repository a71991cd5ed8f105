/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_PACKET_H
#define CONTROL_CORE_PACKET_H

/*
 * The client's side of NTP on the wire: the request, and every check of a response (RFC 5905
 * section 9.2, tests 1 to 7 of its figure 17, and those that chrony added). Pure.
 */

#include "sample.h"
#include <mac.h>
#include <meridian/ntp.h>
#include <stdbool.h>
#include <stddef.h>

/* Verdicts on a response. The first one that applies counts. */
#define PACKET_VERDICTS(X)                                                                         \
	X(OK, "accepted")                                                                          \
	X(LENGTH, "shorter than a header or not a multiple of 4")                                  \
	X(VERSION, "version other than ours")                                                      \
	X(MODE, "not in server mode")                                                              \
	X(ORIGIN, "does not answer our request (test 2)")                                          \
	X(AUTH, "not authenticated with our key (test 5)")                                         \
	X(KISS_RATE, "kiss-o'-death RATE")                                                         \
	X(KISS_DENY, "kiss-o'-death DENY")                                                         \
	X(KISS_RSTR, "kiss-o'-death RSTR")                                                         \
	X(KISS_OTHER, "other kiss-o'-death")                                                       \
	X(ZERO, "receive or transmit time is zero (test 3)")                                       \
	X(UNSYNCHRONISED, "server is not synchronised (test 6)")                                   \
	X(STRATUM, "stratum above 15 (test 6)")                                                    \
	X(REFERENCE, "reference time is after the transmit time (test 7)")                         \
	X(ROOT_DISTANCE, "root distance above maxdistance (test 7)")                               \
	X(LOOP, "server follows us")                                                               \
	X(ORDER, "transmit time is before the receive time")                                       \
	X(NEGATIVE, "delay is negative")                                                           \
	X(DELAY, "delay above maxdelay (test A)")                                                  \
	X(DELAY_RATIO, "delay above maxdelayratio (test B)")                                       \
	X(DELAY_DEV, "delay above maxdelaydevratio (test C)")

enum packet_verdict {
#define X(name, text) PACKET_##name,
	PACKET_VERDICTS(X)
#undef X
	PACKET_VERDICT_COUNT
};

/* The sentence above. Static storage. */
const char *packet_verdict_text(enum packet_verdict verdict);

/* It answers our request, if not always as we wish. */
static inline bool packet_is_answer(enum packet_verdict verdict)
{
	return verdict == PACKET_OK || verdict >= PACKET_KISS_RATE;
}

/* From here on the server is known to answer, and to keep its time; the sample is a bad one. */
#define PACKET_FIRST_LATE PACKET_DELAY

/* Three stamps of an answered exchange; the fourth one the server may tell afterwards. */
struct packet_exchange {
	uint64_t t1, t4;                  /* ticks */
	double error_s;                   /* of both, beyond precision_s */
	struct meridian_ntp_timestamp t2; /* as the server wrote it */
};

/* What we asked, and what the checks need to know of us. */
struct packet_request {
	uint8_t version;
	uint8_t transmit[8]; /* random: it says nothing about us and cannot be guessed */
	/* Interleaved mode (RFC 9769 section 2): the server may answer with the measured transmit
	 * time of its answer in an earlier exchange. It shows that it does by the octets it gives
	 * back. */
	bool interleaved;
	uint8_t receive[8]; /* random, too */
	struct packet_exchange earlier;
	const struct mac_key *key; /* that the response must be signed with; NULL: any may come */
	uint32_t our_refid;        /* how our own address looks as a reference ID; 0: not known */
	double max_distance_s;
	double max_delay_s;       /* maxdelay, and the limits that follow from its two brothers; */
	double max_delay_ratio_s; /* INFINITY: none */
	double max_delay_dev_s;
	double precision_s;
	const struct timescale *timescale;
	uint64_t t1, t4; /* ticks */
	double error_s;  /* of both, beyond precision_s */
};

/* What a response said. */
struct packet_response {
	uint8_t leap; /* MERIDIAN_NTP_LI_* */
	uint8_t stratum;
	int8_t poll_log2, precision_log2;
	uint32_t refid;
	struct meridian_utc reference; /* {0, 0}: not given */
	double response_s;             /* how long the server took; with PACKET_OK, or late */
	bool interleaved;              /* the sample is of request->earlier */
	struct meridian_ntp_timestamp receive;
	struct sample sample;
	uint64_t from, to; /* our stamps of the exchange that the sample is of, ticks */
};

/* Writes a request: all zero but version, mode, `transmit`, and what asks for an interleaved
 * answer. */
void packet_request_write(
	const struct packet_request *request, uint8_t buffer[MERIDIAN_NTP_HEADER_SIZE]);

/* Reads and checks what arrived for `request`. *ret_response is complete only with PACKET_OK;
 * from PACKET_KISS_RATE on its header fields are set. */
enum packet_verdict packet_response_check(const struct packet_request *request,
	const uint8_t *buffer, size_t length, struct packet_response *ret_response);

#endif
