/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_DEMOTE_H
#define BENCH_DEMOTE_H

#include <stdint.h>

#define DEMOTE_LINE 64

/*
 * Moves a frame of up to two cache lines, `data` at the start of one, from this core's own cache to
 * the one that all cores share: there a NIC writes, too. What another core has in its own takes the
 * server longer to get. Where the processor cannot, the instruction does nothing.
 */
static inline void demote_frame(const uint8_t *data)
{
#if defined(__x86_64__)
	__asm__ volatile("cldemote %0" : : "m"(data[0]));
	__asm__ volatile("cldemote %0" : : "m"(data[DEMOTE_LINE]));
#else
	(void)data;
#endif
}

#endif
