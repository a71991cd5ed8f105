/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_SERVER_H
#define CONTROL_NTP_SERVER_H

/*
 * One upstream server: when it is asked, and what it answered.
 */

#include "core/interleave.h"
#include "core/polling.h"
#include "exchange.h"
#include "ntp_name.h"
#include "source.h"

struct ntp_server {
	struct source source; /* first */
	struct config_server config;
	struct exchange exchange;
	struct packet_request request; /* the one under way */
	struct mac_key key;            /* that signed it, where there is one */
	struct interleave interleave;
	bool answered;                    /* it is, but its transmit stamp may still come */
	struct packet_response response;  /* the last one that answers a request of ours */
	enum packet_verdict last_verdict; /* on it */
	uint64_t requests, verdicts[PACKET_VERDICT_COUNT];
	uint64_t transmit_stamps[EXCHANGE_STAMPS], receive_stamps[EXCHANGE_STAMPS];
	struct exchange_stamps stamped; /* of the last answer, when it came */
	uint8_t unanswered;             /* polls since the last good response, saturating */
	int8_t poll_floor_log2;         /* minpoll, raised by a kiss RATE, past maxpoll too */
	uint8_t burst_requests;         /* still to send, 2 s apart */
	uint8_t burst_samples;          /* wanted before the burst ends early */
	struct poll poll;
	bool warming;       /* the request under way is there for its own sake (presend) */
	struct sample best; /* of the samples since the last one that was used (filter) */
	uint8_t best_of;    /* how many there were */
	int poll_timer, expiry_timer;
	bool offline; /* the operator wants it not to be asked; the poll timer goes on where the
			 server itself does not want to be asked before */
	bool denied;  /* it does not want to be asked at all: the poll timer ends that */
	struct ntp_name *name;
	size_t index;         /* the later in the config, the later the first request */
	uint8_t silent_polls; /* since the last good response or look-up */
	uint8_t false_polls;  /* in a row as a falseticker */
	uint8_t good_answers; /* since the last kiss RATE */
	bool lost; /* silent or wrong for so long that another address is welcome, or denied */
};

/* Prepares one; polling begins when its name gives it an address. The more servers there are before
 * (`index`), the later the first request. */
void ntp_server_start(struct ntp_server *server, const struct source_context *context,
	struct ntp_name *name, size_t index);

/* See struct source_kind (ntp_order.c). */
bool ntp_server_order(struct source *source, const struct order *order);

/* Asks after that time, and not when it was planned; nobody who is offline. */
void ntp_server_ask_in(struct ntp_server *server, uint64_t delay_ns);

/* A kiss RATE is in force: earlier than its poll timer says it is not asked, whatever happens. */
static inline bool ntp_server_wants_fewer(const struct ntp_server *server)
{
	return server->poll_floor_log2 > server->config.minpoll_log2;
}

/* The first questions of a server, or of one that is back: `iburst`. Not of who is offline. */
void ntp_server_begin_burst(struct ntp_server *server);

/* See struct source_kind (ntp_report.c). */
void ntp_server_report(const struct source *source, struct report_ntp *ret_ntp);

/* It has no address, or one that does not answer, lies, or denies us service. */
bool ntp_server_wants_address(const struct ntp_server *server);

/* There is no other address for it. */
void ntp_server_stay(struct ntp_server *server);

/* Asks at this address from now on: another server, as far as we know. */
void ntp_server_move(struct ntp_server *server, const struct config_address *address);

#endif
