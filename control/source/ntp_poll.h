/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_POLL_H
#define CONTROL_NTP_POLL_H

/*
 * How often a server is asked.
 */

#include "ntp_server.h"

/* Polling begins. */
void ntp_poll_start(struct ntp_server *server);

/* A request is sent. */
void ntp_poll_asked(struct ntp_server *server);

/* The wait before the next request, with a random part: within a burst, or by the interval. */
uint64_t ntp_poll_interval_ns(const struct ntp_server *server);

/* A sample was taken, and `predicted_sd_s` was how well it could be predicted. */
void ntp_poll_adapt(struct ntp_server *server, double predicted_sd_s);

/* There was an answer, whatever its sample is worth: it is no silence, and what a kiss RATE
 * demanded is tried again after a while. */
void ntp_poll_answered(struct ntp_server *server);

/* Others are heard: if it is silent it is asked now, a few times at most, and not when it was
 * planned; `turn` keeps servers apart. */
void ntp_poll_ask_again(struct ntp_server *server, size_t turn);

/* A kiss RATE wants an interval of `wanted_log2`. Returns the wait before the next request. */
uint64_t ntp_poll_rate(struct ntp_server *server, int8_t wanted_log2);

#endif
