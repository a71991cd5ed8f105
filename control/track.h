/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRACK_H
#define CONTROL_TRACK_H

/*
 * The tracker: from the sources' samples to the published time model. It selects and combines
 * the sources, leads the model there, keeps its bound honest while they are silent, and follows
 * CLOCK_REALTIME where there is nothing better (`local`, and before the first synchronisation).
 */

#include "config.h"
#include "core/model.h"
#include "counter.h"
#include "source/source.h"

/* Opens the page and starts the sources. `config` is copied, `counter` must outlive the
 * tracker. Returns 0 or a negative errno, after logging why. May be called again after the end. */
int track_init(const struct config *config, const struct counter *counter);

/* Takes over what can change while it runs: the list of leap seconds, which is read again. */
void track_reload(const struct config *config);

/* Stops the sources; the published model stays. */
void track_fini(void);

/* For reports: what there is to see of the clock, at `counter`. */
struct track_status {
	const struct model *model;
	const struct source *best; /* NULL: none is followed */
	struct estimate combined;  /* at the last update */
	double last_offset_s;      /* published clock minus what the last update said */
	double rms_offset_s;
	double update_interval_s;
	double residual_frequency; /* of the published clock, by the last update */
	bool local;                /* the model is this host's clock */
	bool updated;              /* sources have set the clock, in this run or the one before */
};

struct track_status track_status(void);

/* Selects among the sources now. */
void track_select(void);

/* The sources, in the order of the config. */
size_t track_source_count(void);
struct source *track_source(size_t index);

#endif
