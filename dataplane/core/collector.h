/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_COLLECTOR_H
#define DATAPLANE_COLLECTOR_H

/*
 * What a worker writes down of who asks: a sketch of the clients it answered, and a sample of its
 * requests. Each worker has two collectors, one of which it fills while the main thread empties the
 * other (clients/clients.h), so a worker only ever adds, to memory of its own.
 *
 * Each request is sampled with the same chance, one in `stride`: between two samples a random
 * number of packets pass, `stride` on average, so that nobody can keep in step with it. The main
 * thread sets the stride by the load; at 1 every request is in the sample.
 */

#include "frame.h"
#include "limit.h"
#include <meridian/clients.h>
#include <meridian/stats.h>

#define COLLECTOR_SAMPLES 4096

struct collector_sample {
	uint8_t address[16]; /* as in struct meridian_clients_talker */
	uint8_t family;      /* MERIDIAN_FAMILY_* */
	uint8_t fate;        /* MERIDIAN_CLIENTS_ANSWERED ... */
	uint8_t reserved[6];
};

struct collector {
	struct meridian_clients_sketch ipv4, ipv6;
	uint32_t stride; /* of its samples; at least 1 */
	uint32_t count;  /* of samples */
	uint32_t lost;   /* samples for which there was no room */
	struct collector_sample sample[COLLECTOR_SAMPLES];
};

/* Where a worker is between two samples. */
struct sampler {
	uint64_t random; /* state */
	uint32_t skip;   /* packets before the next sample */
};

/* Adds to a sketch the client of this hash, as limit_source_ipv4() and limit_source_ipv6() make it.
 */
static inline void sketch_add(struct meridian_clients_sketch *sketch, uint64_t hash)
{
	uint8_t *place = &sketch->rank[hash >> (64 - MERIDIAN_CLIENTS_SKETCH_BITS)];
	uint64_t rest = hash << MERIDIAN_CLIENTS_SKETCH_BITS |
		UINT64_C(1) << (MERIDIAN_CLIENTS_SKETCH_BITS - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

	if (__builtin_expect(rank > *place, 0))
		*place = rank;
}

/* Takes its samples of a burst in which the sampler does not pass over all packets. Each frame and
 * its verdict are as burst_classify() left them. */
void collector_sample(struct collector *collector, struct sampler *sampler,
	const struct frame *frame, const enum meridian_verdict *verdict, unsigned int count);

/* The same for any burst. */
static inline void collector_add(struct collector *collector, struct sampler *sampler,
	const struct frame *frame, const enum meridian_verdict *verdict, unsigned int count)
{
	if (__builtin_expect(sampler->skip >= count, 1))
		sampler->skip -= count;
	else
		collector_sample(collector, sampler, frame, verdict, count);
}

#endif
