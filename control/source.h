/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SOURCE_H
#define CONTROL_SOURCE_H

/*
 * One upstream server: when it is asked, what it answered, what its estimator believes.
 */

#include "config.h"
#include "core/estimator.h"
#include "core/packet.h"
#include "core/select.h"
#include "exchange.h"
#include "resolver.h"

struct source {
	struct config_server config;
	char label[CONFIG_NAME_SIZE + 8]; /* how messages call it: name, and port if not 123 */
	const struct counter *counter;
	double max_distance_s;
	struct config_address address; /* family 0: not resolved yet */
	struct estimator estimator;
	struct exchange exchange;
	struct packet_response response; /* the last good one */
	uint64_t verdicts[PACKET_VERDICT_COUNT];
	enum packet_verdict last_verdict;
	enum select_state state;  /* set by the tracker */
	uint64_t requests;        /* ever sent */
	uint64_t last_sample;     /* counter when the last good response came */
	double original_offset_s; /* published clock minus the source's, when it came */
	uint8_t reach;            /* last 8 polls, newest in bit 0 */
	uint8_t unanswered;       /* polls since the last good response, saturating */
	int8_t poll_log2;
	int8_t poll_floor_log2; /* minpoll, raised by a kiss RATE, past maxpoll too */
	uint8_t burst_requests; /* still to send, 2 s apart */
	uint8_t burst_samples;  /* wanted before the burst ends early */
	int8_t poll_score;      /* good predictions; moves the poll */
	bool stopped;           /* the server denied us */
	int poll_timer, expiry_timer, resolve_timer;
	struct resolver *resolver;
	uint8_t resolve_log2; /* wait before the next look-up, log2 s */
	uint8_t silent_polls; /* since the last good response or look-up */
	double start_frequency, start_frequency_sd;
};

/* Called when a source has a new sample, or became unreachable. */
typedef void (*source_handler)(struct source *source);

/* Prepares and starts polling. `timescale` and `counter` must outlive the source. */
void source_start(struct source *source, const struct config *config, size_t index,
	const struct counter *counter, const struct timescale *timescale, double frequency,
	double frequency_sd, source_handler handler);

void source_stop(struct source *source);

/* True once the source answered, or had its chance to. */
bool source_settled(const struct source *source);

#endif
