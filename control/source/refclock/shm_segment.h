/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SHM_SEGMENT_H
#define CONTROL_SHM_SEGMENT_H

/*
 * The shared memory of ntpd's driver 28, which gpsd and others write. Pure.
 */

#include <meridian/timemodel.h>
#include <stdbool.h>
#include <time.h>

#define SHM_SEGMENT_KEY 0x4e545030 /* "NTP0", plus the unit */

#define SHM_SEGMENT_FREE  0 /* mode: the writer waits until we have cleared `valid` */
#define SHM_SEGMENT_COUNT 1 /* mode: `count` tells whether it wrote meanwhile */

struct shm_segment {
	int mode;
	int count;
	time_t clock_s;
	int clock_us;
	time_t receive_s;
	int receive_us;
	int leap; /* 0 none, 1 insert, 2 delete; 3: the clock is not synchronised */
	int precision;
	int nsamples;
	int valid;
	int clock_ns; /* with clock_us, where it says the same; older writers leave it alone */
	int receive_ns;
	int reserved[8];
};

struct shm_sample {
	struct meridian_utc clock; /* what the clock showed */
	struct timespec receive;   /* CLOCK_REALTIME then */
	double resolution_s;       /* of both together */
	uint8_t leap;              /* MERIDIAN_NTP_LI_* */
};

/* Takes the sample that waits there, and marks it as taken. Returns false when there is none, when
 * it changed meanwhile, or when it makes no sense. The segment may be anybody's: nothing in it is
 * trusted, or read twice. */
bool shm_segment_take(volatile struct shm_segment *segment, struct shm_sample *ret_sample);

#endif
