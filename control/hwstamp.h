/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_HWSTAMP_H
#define CONTROL_HWSTAMP_H

/*
 * Stamps that a network card takes, as the kernel's ioctls tell and set them. What is set stays so
 * until somebody sets it anew: control sets by hwstamp_loan.h.
 */

#include <linux/net_tstamp.h>
#include <stdint.h>

/* What a card can. */
struct hwstamp {
	uint32_t so_timestamping; /* SOF_TIMESTAMPING_* */
	uint32_t rx_filters;      /* bits of HWTSTAMP_FILTER_* */
	int phc;                  /* its clock is /dev/ptpN; -1: none */
};

/* Asks that. Returns 0 or a negative errno. */
int hwstamp_ask(const char *name, struct hwstamp *ret_can);

/* The receive filter to have stamps of NTP by; HWTSTAMP_FILTER_NONE: it cannot. Pure. */
int hwstamp_rx_filter(const struct hwstamp *can);

/* What is set. 0 or a negative errno: many drivers do not tell. */
int hwstamp_get(const char *name, struct hwtstamp_config *ret_config);

/* Sets HWTSTAMP_TX_* and HWTSTAMP_FILTER_*. 0 or a negative errno. */
int hwstamp_set(const char *name, int tx_type, int rx_filter);

/* Speed of the link in Mbit/s; 0: not known. */
uint32_t hwstamp_speed_mbps(const char *name);

#endif
