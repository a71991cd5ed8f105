/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BURST_ENGINE_H
#define DATAPLANE_BURST_ENGINE_H

/*
 * burst.h, of which a processor may have a faster version than plain C. All versions give the same
 * octets. Each is what burst_loop.h makes of its few operations on one frame.
 */

#include "layout.h"
#include "responder.h"

/* The two shapes of nearly all requests, see burst.h. */
enum burst_shape {
	BURST_OTHER, /* for responder_classify() */
	BURST_IPV4,
	BURST_IPV6,
};

struct burst_engine {
	const char *name;
	uint64_t (*classify)(struct responder *responder, struct frame *frame,
		const uint64_t *receive_counter, enum meridian_verdict *ret_verdict,
		unsigned int count);
	void (*finish)(struct responder *responder, struct frame *frame, unsigned int count,
		uint64_t transmit_counter);

	/* What classify() goes by; for tests. The responder has a policy. */
	enum burst_shape (*shape)(const struct responder *responder, const struct frame *frame);
};

extern const struct burst_engine burst_engine_plain;
extern const struct burst_engine burst_engine_avx512; /* where burst_engine_has_avx512() */

bool burst_engine_has_avx512(void);

/* The fastest that this processor can run. */
const struct burst_engine *burst_engine_best(void);

/* Where a request of one of the two common shapes has what. */
#define BURST_UDP_LENGTH     (UDP_HEADER + MERIDIAN_NTP_HEADER_SIZE)
#define BURST_IP_LENGTH      (IPV4_HEADER + BURST_UDP_LENGTH)
#define BURST_ADDRESSES_IPV4 (ETHERNET_HEADER + 12)
#define BURST_ADDRESSES_IPV6 (ETHERNET_HEADER + 8)
#define BURST_UDP_IPV4       (ETHERNET_HEADER + IPV4_HEADER)
#define BURST_UDP_IPV6       (ETHERNET_HEADER + IPV6_HEADER)
#define BURST_NTP_IPV4       (BURST_UDP_IPV4 + UDP_HEADER)
#define BURST_NTP_IPV6       (BURST_UDP_IPV6 + UDP_HEADER)
#define BURST_END_IPV4       (BURST_UDP_IPV4 + BURST_UDP_LENGTH)
#define BURST_END_IPV6       (BURST_UDP_IPV6 + BURST_UDP_LENGTH)

#endif
