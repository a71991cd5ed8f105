/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SMEAR_H
#define DATAPLANE_SMEAR_H

/*
 * Smeared leap seconds, at the addresses where the operator wants them: for some hours around it
 * the second is spread over the time told, half before the leap and half after. Such a reply shows
 * no leap indicator, has what it is off UTC in its reference ID (254, then 24 bits of a signed
 * number of 2^-22 s, as ntpd does) and as more root dispersion.
 *
 * The one place where T2 does not strictly increase: of two requests whose T2 are the least apart,
 * 2 of 2^-32 s (timestamps.h), the second gets the first one's when an inserted second moves on by
 * as much between them. It never goes back, and T3 stays after T2.
 *
 * It is done to finished replies, between burst_finish() and their sending, and on no other day:
 * the usual way of a packet knows nothing of it. All pure, but for smear_init().
 */

#include "frame.h"
#include "served.h"
#include <meridian/policy.h>
#include <meridian/timemodel.h>

struct smear {
	uint8_t shape; /* MERIDIAN_SMEAR_*; NONE: the rest is empty */
	uint32_t duration_s;
	struct served addresses;
};

/* Takes what a checked policy says. Allocates. Returns 0, or -ENOMEM with nothing to free. */
int smear_init(struct smear *smear, const struct meridian_policy_blob *blob);
void smear_fini(struct smear *smear);

/* Whether replies of the time `utc`, of `model` before leap seconds are applied, differ. */
bool smear_is_active(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc);

/* What is added to `utc` then, 2^-32 s and even: from 0 to -1 s for an inserted second, to 1 s for
 * a deleted one. */
int64_t smear_offset(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc);

/* Changes a finished reply whose request came at `utc`, where it is from an address with smear. */
void smear_reply(const struct smear *smear, const struct meridian_timemodel_data *model,
	struct meridian_utc utc, struct frame *frame);

#endif
