/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

/*
 * The world that a simulation runs in: true time, this host's oscillator, servers with their
 * clocks, and the paths to them. Everything random comes from one seed.
 */

#include "seed.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_START_S     INT64_C(1800000000) /* UTC at true time 0, unless it is told */
#define WORLD_SERVERS_MAX 8
#define WORLD_LAWS_MAX    2
#define WORLD_CHANGES_MAX 4
#define WORLD_START_TICK  UINT64_C(1000000) /* the counter at true time 0; 1 GHz */
#define WORLD_NEVER       1e18

enum world_law_kind {
	LAW_NONE,
	LAW_EXPONENTIAL, /* mean `scale_s` */
	LAW_PARETO,      /* least `scale_s`, exponent `shape` */
	LAW_NORMAL,      /* sd `scale_s`; never below 0 in sum */
	LAW_LOGNORMAL,   /* median `scale_s`, sigma of the logarithm `shape` */
	LAW_CONSTANT,    /* `scale_s`: one of several paths, packet by packet */
	LAW_CONGESTION,  /* mean `scale_s` while congested; in and out about every `shape` s */
	LAW_WEIBULL,     /* scale `scale_s`, exponent `shape`: below 1 a long tail */
	LAW_DIURNAL,     /* mean from 0 to 2 `scale_s` and back within `shape` s */
};

/* One part of a packet's delay. */
struct world_law {
	enum world_law_kind kind;
	double scale_s, shape;
	double probability; /* that it applies to a packet; 0 counts as 1 */
};

struct world_direction {
	double least_s;
	struct world_law law[WORLD_LAWS_MAX];
};

/* From `at_s` on the path takes that much longer. */
struct world_change {
	double at_s, there_s, back_s;
};

/* The path is down while (t - start_s) mod period_s < length_s, for t >= start_s. */
struct world_outage {
	double start_s, length_s, period_s; /* period 0: once */
};

struct world_server {
	struct world_direction there, back; /* to the server, from it */
	struct world_change change[WORLD_CHANGES_MAX];
	struct world_outage outage;
	double error_s;      /* of its clock */
	double error_from_s; /* it is right until then */
	double error_rate;   /* s/s, since then */
	double root_delay_s, root_dispersion_s;
	uint8_t stratum;  /* 0 counts as 1 */
	uint8_t announce; /* of leap seconds whatever is true; MERIDIAN_NTP_LI_* */
	bool no_leap;     /* it neither knows nor follows the leap second */
	double late_s;    /* mean of what its transmit stamps come too early; it tells later */
	bool kiss;        /* asks once for a slower rate */
	double loss;      /* probability that a request or its answer is lost */
};

/* A reference clock: it is read `law` late, which no reading shows; of that of a card, so long is
 * the bracket of a reading. */
struct world_clock {
	double least_s;
	struct world_law law;
	struct world_outage outage;
	bool old_kernel; /* brackets are of CLOCK_REALTIME */
};

enum world_clocks {
	WORLD_CLOCK_SHM,
	WORLD_CLOCK_PPS,
	WORLD_CLOCK_SOCK,
	WORLD_CLOCK_PHC,
	WORLD_CLOCKS,
};

struct world_oscillator {
	double frequency;      /* UTC seconds per nominal second is 1 / (1 + frequency) */
	double walk;           /* sd of the frequency's change in a second */
	double flicker;        /* sd of white noise of frequency, in a second */
	double cycle, cycle_s; /* amplitude and period: temperature */
	double jump, jump_s;   /* change of frequency, and when */
	double aging;          /* change of frequency per second */
};

struct world_suspend {
	double start_s, length_s; /* the counter stands still; length 0: never */
};

/* The counter leaps ahead, or back. */
struct world_jump {
	double at_s, by_s;
};

/* A leap second begins: 23:59:60, or what would be 23:59:59. Kind MERIDIAN_NTP_LI_NONE: never. */
struct world_leap {
	double at_s;
	uint8_t kind;
};

struct world {
	int64_t start_s; /* UTC at true time 0; 0: WORLD_START_S */
	struct world_leap leap;
	struct world_jump jump;
	struct world_clock clock[WORLD_CLOCKS];
	const char *name; /* that all servers have as addresses; NULL: each has its own */
	struct world_oscillator oscillator;
	struct world_server server[WORLD_SERVERS_MAX];
	size_t server_count;
	struct world_suspend suspend;
	double late_s; /* nobody can be reached for so long after the start or a suspend, */
	struct world_outage outage; /* nor now and then */
	double clock_error_s;       /* of CLOCK_REALTIME at the start */
};

/* Begins at true time 0. `world` must outlive the simulation. */
void world_start(const struct world *world, struct seed seed);

/* Moves true time on to `true_s`, which is not before the last one. */
void world_advance(double true_s);

double world_now_s(void);

/* True while the host sleeps. */
bool world_is_suspended(double at_s);

/* Some server can be heard now: its path is not down and the host does not sleep. */
bool world_is_reachable(void);

/* UTC at a true time: an inserted second is the one before it once more. */
struct world_utc {
	int64_t s;
	double fraction;
};

struct world_utc world_utc(double at_s);

/* The leap indicator of who knows all at that time. */
uint8_t world_leap_indicator(double at_s);

/* It is 23:59:60, or the second after a deleted one: who is a little early or late is off by 1 s.
 */
bool world_is_in_leap(double at_s);

/* How late the reference clock is read now; false when there is nothing to read. */
bool world_clock_read(enum world_clocks clock, double *ret_late_s);

/* That of a card is read with `old_kernel`. */
bool world_clock_is_old(void);

/* The counter, and how long the host slept, now. */
uint64_t world_counter(void);
int64_t world_suspended_ns(void);

/* The oscillator's frequency error at this second. */
double world_frequency(void);

/* Uniform in [0, 1). */
double world_random(void);

/* What becomes of a request sent now: when it arrives, what the server's clock shows then (s since
 * true time 0, without leap seconds), when the answer is back. False when it is lost. */
struct world_passage {
	double server_s, arrival_s, return_s;
	double late_s; /* the answer left so long after its transmit stamp */
};

bool world_passage(size_t server, struct world_passage *ret_passage);

#endif
