/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

/* What is simulated, and how good the clock must be there. */

#include "world.h"

struct scenario {
	const char *name, *text;
	double duration_s;
	int8_t minpoll_log2, maxpoll_log2;
	double precision_s;          /* clockprecision; 0: 100 ns */
	double score_from_s;         /* 0: after a quarter */
	double probe_s;              /* 0: the end */
	double cold_limit_s;         /* until within 1 ms; 0: any; half a round trip within 10 s */
	double rate_limit;           /* of line_rms; 0: any */
	double rms_limit_s;          /* generous: against regressions */
	double bound_limit_s;        /* of its median: a bound that says little is of no use */
	unsigned int requests_limit; /* of their mean: nor is a poll interval that never grows */
	double restart_s;            /* when the tracker is started anew; 0: never */
	const char *config;          /* more directives; NULL: none */
	const char *options;         /* of each server; NULL: iburst */
	const char *option[WORLD_SERVERS_MAX]; /* more of that server; NULL: none */
	uint8_t filter[WORLD_SERVERS_MAX];     /* option of that server; 0: none */
	int8_t poll_log2[WORLD_SERVERS_MAX];   /* of that server alone; 0: as of all */
	double lost_s; /* seconds without synchronisation that are right, after the first time */
	unsigned int comes;    /* and how often it comes back; judged with lost_s */
	unsigned int liars;    /* bits of servers that must not be combined after 5 samples */
	unsigned int replaced; /* bits of servers that a pool must not ask any more in the end */
	bool may_step;         /* disruptions after the first synchronisation are right */
	bool may_lose;         /* so is a time without synchronisation */
	bool tied;           /* as many liars as others may be heard: it may be lost at any time */
	bool broken_promise; /* no server tells the truth: no bound can hold */
	unsigned int seeds;  /* of a test run; 0: 3 */
	struct world world;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

#endif
