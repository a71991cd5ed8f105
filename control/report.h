/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_REPORT_H
#define CONTROL_REPORT_H

/*
 * State that an operator can see, as plain values: filled by the parts that own it, encoded by
 * command/. Signs follow chrony's monitoring protocol: offsets are positive when our clock is
 * ahead of the source (slow sources), frequencies positive when our counter runs fast.
 */

#include <meridian/timemodel.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct report_address {
	uint8_t octets[16];
	uint8_t family; /* MERIDIAN_FAMILY_*; 0: none (unresolved, or a reference clock) */
};

struct report_tracking {
	uint32_t refid;                /* host order */
	struct report_address address; /* of the source that is followed; family 0: none */
	uint16_t stratum;              /* 0 while unsynchronised */
	uint16_t leap;                 /* MERIDIAN_NTP_LI_* */
	struct meridian_utc reference; /* {0, 0} while unsynchronised */
	double current_correction_s;   /* still to be added to the published clock by its slew */
	double last_offset_s;
	double rms_offset_s;
	double frequency_ppm;
	double residual_frequency_ppm;
	double skew_ppm;
	double root_delay_s;
	double root_dispersion_s;
	double last_update_interval_s;
};

enum report_source_state {
	REPORT_SOURCE_SELECTED,
	REPORT_SOURCE_NONSELECTABLE,
	REPORT_SOURCE_FALSETICKER,
	REPORT_SOURCE_JITTERY,
	REPORT_SOURCE_UNSELECTED,
	REPORT_SOURCE_COMBINED
};

struct report_source {
	struct report_address address; /* family 0 while its name is not resolved */
	const char *name;              /* as configured; valid until the next event */
	uint32_t refid;                /* what identifies it when it has no address */
	int16_t poll_log2;
	uint16_t stratum;
	enum report_source_state state;
	uint8_t reachability;     /* last 8 polls, newest in bit 0 */
	uint32_t sample_age_s;    /* of the last good sample; UINT32_MAX: none */
	double original_offset_s; /* of the last sample, as measured */
	double offset_s;          /* the same, corrected for what the clock did since */
	double error_s;           /* its margin of error */
	/* Statistics of the estimator. */
	uint32_t samples, runs, span_s;
	double stddev_s, residual_frequency_ppm, skew_ppm, estimated_offset_s,
		estimated_offset_error_s;
};

/* Options of a source. */
#define REPORT_OPTION_NOSELECT 1u
#define REPORT_OPTION_PREFER   2u
#define REPORT_OPTION_TRUST    4u
#define REPORT_OPTION_REQUIRE  8u

/* What the selection thinks of a source. */
struct report_select {
	struct report_address address;
	uint32_t refid;
	char state; /* chrony's letter: ctl_selectdata.c says what each means */
	uint8_t leap;
	uint16_t written;   /* REPORT_OPTION_*, in its line */
	uint16_t options;   /* the same, in effect */
	bool authenticated; /* it has a key */
	uint32_t sample_age_s;
	double score;         /* 1: the best one; the less, the farther away */
	double low_s, high_s; /* the published clock is ahead of UTC by something between */
};

/* Tests of a response as chrony numbers them: 1 2 3, 5 6 7, A B C D, from bit 9 down. */
#define REPORT_TESTS_ALL 0x3ffu

/* The last answer of a server that was one, and counts. */
struct report_ntp {
	struct report_address remote, local;
	uint16_t port;
	uint8_t leap, version, mode, stratum;
	int8_t poll_log2, precision_log2;
	double root_delay_s, root_dispersion_s;
	uint32_t refid;
	struct meridian_utc reference;
	double offset_s; /* of its sample, positive when the source is ahead of our clock */
	double delay_s, dispersion_s;
	double response_s; /* how long the server took */
	double asymmetry;  /* as configured */
	uint16_t tests;    /* those passed */
	bool interleaved, authenticated;
	/* By the key of its line; 0: it has none. */
	uint32_t key_id;
	uint16_t key_type, key_bits;
	uint16_t unauthenticated;           /* answers that were not, saturating */
	char transmit_stamp, receive_stamp; /* 'D'aemon, 'K'ernel, 'H'ardware */
	/* They are the dataplane's, which is one of the daemons, or the NIC's by way of it. */
	bool dataplane_transmit, dataplane_receive;
	/* Ever: requests, packets received, answers to a request, samples; stamps by origin. */
	uint32_t requests, received, valid, good;
	uint32_t kernel_transmits, kernel_receives, hardware_transmits, hardware_receives;
	/* The dataplane's own, and those of it that were not believed. */
	uint32_t dataplane_transmits, dataplane_receives, dataplane_refused;
};

struct report_activity {
	uint32_t online, offline, burst_online, burst_offline, unresolved;
};

struct report_server {
	uint64_t ntp_hits, ntp_drops; /* dataplane and fallback together */
	uint64_t command_hits, command_drops;
	uint64_t daemon_rx, kernel_rx, hardware_rx; /* by origin of the receive stamp */
	uint64_t daemon_tx, kernel_tx, hardware_tx;
	uint64_t authenticated; /* replies with a MAC */
	uint64_t interleaved;   /* replies in that mode */
	/* Transmit times kept for clients in that mode, and what time they span. */
	uint64_t interleave_held, interleave_span_s;
};

/* Sources are numbered 0..report_source_count()-1 in the order of the config. */
unsigned int report_source_count(void);
/* Fills *ret_source; -ENOENT past the last one. */
int report_source(unsigned int index, struct report_source *ret_source);
/* The same of what the selection thinks. */
int report_select(unsigned int index, struct report_select *ret_select);
/* What a server said last; -ENOENT where there is none, or it has no address yet. */
int report_ntp(unsigned int index, struct report_ntp *ret_ntp);
void report_tracking(struct report_tracking *ret_tracking);
void report_activity(struct report_activity *ret_activity);

#endif
