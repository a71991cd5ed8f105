/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_SERVER_H
#define CONTROL_NTP_SERVER_H

/*
 * One upstream server: when it is asked, and what it answered.
 */

#include "core/packet.h"
#include "exchange.h"
#include "resolver.h"
#include "source.h"

struct ntp_server {
	struct source source; /* first */
	struct config_server config;
	struct exchange exchange;
	struct packet_response response; /* the last good one */
	uint64_t verdicts[PACKET_VERDICT_COUNT];
	enum packet_verdict last_verdict;
	uint8_t unanswered;     /* polls since the last good response, saturating */
	int8_t poll_floor_log2; /* minpoll, raised by a kiss RATE, past maxpoll too */
	uint8_t burst_requests; /* still to send, 2 s apart */
	uint8_t burst_samples;  /* wanted before the burst ends early */
	int8_t poll_score;      /* good predictions; moves the poll */
	int poll_timer, expiry_timer, resolve_timer;
	struct resolver *resolver;
	uint8_t resolve_log2; /* wait before the next look-up, log2 s */
	uint8_t silent_polls; /* since the last good response or look-up */
};

/* Prepares and starts polling. `config` is copied. The more servers started before (`index`), the
 * later the first request. */
void ntp_server_start(struct ntp_server *server, const struct source_context *context,
	const struct config_server *config, size_t index);

#endif
