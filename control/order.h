/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_ORDER_H
#define CONTROL_ORDER_H

/*
 * What the operator orders while control runs (chronyc and meridianctl online, offline, burst,
 * refresh, reselect, makestep). The next run knows nothing of it.
 */

#include "report.h"
#include <stdbool.h>

enum order_kind {
	ORDER_ONLINE,  /* the server is asked again */
	ORDER_OFFLINE, /* it is not asked any more, whoever resolves its name */
	ORDER_BURST,   /* it is asked every 2 s for a while */
	ORDER_REFRESH, /* its name is looked up now, if it wants another address */
};

struct order {
	enum order_kind kind;
	uint8_t burst_requests; /* ORDER_BURST: so many at most, at least 1 */
	uint8_t burst_samples;  /* and so many good answers are enough; 0: as many as there are */
};

/* Which sources are meant: those whose address is `address` in the bits of `mask`. A `mask` without
 * family means all bits, an `address` without family all sources, also those without any. */
struct order_target {
	uint32_t id; /* not 0: that source alone, counted from 1 in the order of the config */
	struct report_address address, mask;
};

/* False: there is none that can carry it out. */
bool order_sources(const struct order_target *target, const struct order *order);

/* Selects among the sources now, as every sample makes the tracker do. */
void order_reselect(void);

/* The kernel's clock is stepped at the next second, whatever `makestep` says; `maxchange` holds.
 * False: it is not steered, or there is no time to step it to. */
bool order_step(void);

#endif
