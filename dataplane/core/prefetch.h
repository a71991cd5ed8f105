/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PREFETCH_H
#define DATAPLANE_PREFETCH_H

/*
 * Fetches a cache line that will be written. What __builtin_prefetch() makes of a write without
 * the compiler's -mprfchw is a read: a line that another core has written last is then shared with
 * it, and the write has to ask that core a second time.
 */
static inline void prefetch_write(const void *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#endif
