/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CORE_REFERENCE_IDS_H
#define CONTROL_CORE_REFERENCE_IDS_H

/*
 * Reference IDs of NTPv5 (draft-ietf-ntp-ntpv5, "Reference IDs Request and Response Extension
 * Fields"): a server tells the set of those from which its time comes, its own included, as a Bloom
 * filter, so that a client finds itself in it when the time goes round in a loop. Each ID is ten
 * numbers of 12 bits, the first one in the upper bits, and each number a bit of the filter. Pure.
 */

#include <meridian/timemodel.h>
#include <stdint.h>

#define REFERENCE_ID_SIZE 15

struct reference_ids {
	uint8_t filter[MERIDIAN_REFERENCE_IDS_SIZE];
};

void reference_ids_add(struct reference_ids *ids, const uint8_t id[static REFERENCE_ID_SIZE]);

/* A server that is asked in an older version of NTP: its ID is the MD5 of its address. `family` is
 * MERIDIAN_FAMILY_*; nothing is added for any other. */
void reference_ids_add_server(struct reference_ids *ids, const uint8_t *octets, uint8_t family);

/* A reference clock: the MD5 of its `refid`, host order. */
void reference_ids_add_clock(struct reference_ids *ids, uint32_t refid);

#endif
