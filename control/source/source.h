/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SOURCE_H
#define CONTROL_SOURCE_H

/*
 * A source of time as tracker, selection and reports see it. What it is (an NTP server, a
 * reference clock) is its kind: a struct that begins with this one, and feeds it samples.
 */

#include "config.h"
#include "core/estimator.h"
#include "core/select.h"
#include "counter.h"
#include "driftfile.h"
#include "order.h"
#include "report.h"

struct source;

/* Something is new of a source: it has a sample, or became unreachable. */
typedef void (*source_handler)(struct source *source);

/* What all sources are given; must outlive them. */
struct source_context {
	const struct config *config;
	const struct counter *counter;
	const struct timescale *timescale;
	const struct model *model; /* as published */
	struct drift_start start;  /* what is known of the counter's frequency */
	bool goes_on;              /* `model` is that of the run before */
	source_handler handler;
	/* Asked before a sample, taken between two counter values, goes to its estimator; may
	 * correct it, or refuse it. NULL: every sample is taken. */
	bool (*admit)(uint64_t from, uint64_t to, struct sample *sample);
};

enum source_activity {
	SOURCE_NOT_COUNTED, /* `activity` is about servers only */
	SOURCE_ONLINE,
	SOURCE_BURST,
	SOURCE_OFFLINE,
	SOURCE_UNRESOLVED,
};

struct source_kind {
	/* Ends all that runs; the source will not be used again. */
	void (*stop)(struct source *source);
	enum source_activity (*activity)(const struct source *source);
	/* What a server said last, but for its offset; NULL: it is none. */
	void (*report)(const struct source *source, struct report_ntp *ret_ntp);
	/* Follows a timescale that was moved ahead; NULL: nothing depends on it but the estimator.
	 */
	void (*shift)(struct source *source, double seconds);
	/* Carries out an order; false: it cannot. NULL: nothing can be ordered of it. */
	bool (*order)(struct source *source, const struct order *order);
};

struct source {
	const struct source_kind *kind;
	const struct source_context *context;
	const struct config_source *config;
	const char *name;                  /* as reports show it */
	char label[CONFIG_NAME_SIZE + 64]; /* how messages call it */
	struct config_address address;     /* family 0: not resolved yet, or a reference clock */
	uint32_t refid;                    /* what those who follow it announce; 0: not known */
	struct estimator estimator;
	enum select_state state;  /* set by the tracker */
	bool refuted;             /* the same: it cannot be of any majority */
	uint64_t polls;           /* ever made */
	uint64_t heard;           /* counter when it was heard last, with or without a sample */
	uint64_t outlived;        /* when a server was asked again, as others are heard; 0: not */
	uint64_t last_sample;     /* counter when the last good sample was complete */
	double original_offset_s; /* published clock minus the source's, when it came */
	uint8_t stratum;          /* of the source, by its last sample */
	uint8_t leap;             /* MERIDIAN_NTP_LI_*, the same */
	uint8_t reach;            /* last 8 polls, newest in bit 0 */
	int8_t poll_log2;
	bool spared;   /* it is silent, and has been asked again */
	bool stopped;  /* it will say nothing any more */
	bool follower; /* it says nothing before others have set the clock */
	bool leapless; /* `leap` is not its own: it has no way to announce leap seconds */
	bool absent;   /* there is nobody to ask: a pool has fewer addresses than sources */
};

/* Fills the common part; the kind sets name and label. `context` and `config` must outlive it. */
void source_init(struct source *source, const struct source_kind *kind,
	const struct source_context *context, const struct config_source *config);

/* Forgets the samples: it is another clock, as far as we know. */
void source_reset(struct source *source);

/* A poll begins: what was not heard since the last one is noted. */
void source_begin_poll(struct source *source);

/* The source was heard in this poll, if only with a sample that is not used. */
static inline void source_hear(struct source *source)
{
	source->reach |= 1;
	source->heard = counter_read(source->context->counter);
}

/* Follows a timescale that was moved ahead: all offsets are that much less. */
void source_shift(struct source *source, double seconds);

/* A measurement came, taken from `from` to `to`: adds the configured offset. False when it must
 * not be used. */
bool source_admit(struct source *source, uint64_t from, uint64_t to, struct sample *sample);

/* Takes what was admitted, and was complete at `counter`. The kind calls source_tell() when it is
 * done with it. */
void source_add(struct source *source, const struct sample *sample, uint64_t counter);

/* Something is new: the tracker looks. */
static inline void source_tell(struct source *source)
{
	source->context->handler(source);
}

/* The source will say nothing any more. */
void source_give_up(struct source *source);

/* True once it gave a sample, or had its chance to. */
bool source_settled(const struct source *source);

#endif
