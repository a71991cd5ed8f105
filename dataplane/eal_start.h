/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_EAL_START_H
#define DATAPLANE_EAL_START_H

/*
 * How every program of ours starts DPDK's environment: its arguments, what its memory is of, and
 * where the libraries below it log. Main thread only; EAL cannot be started twice.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAL_ARGUMENTS_MAX 64

/* The argument vector and the text it points into; EAL wants both writable. Zeroed at first. */
struct eal_arguments {
	char text[8192];
	size_t used;
	char *vector[EAL_ARGUMENTS_MAX + 1];
	int count;
	bool overflow; /* an argument did not fit: EAL is not started */
};

/* Adds one argument. */
void eal_arguments_add(struct eal_arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the kernel would give us so much packet memory of hugepages of PACKET_MEMORY_PAGE_MB. */
bool eal_hugepages_available(uint64_t memory_mb);

/* Adds how much packet memory there is to be, and of which pages. */
void eal_arguments_memory(struct eal_arguments *arguments, uint64_t memory_mb, bool hugepages);

/* Adds what is the same for all programs and starts EAL. What DPDK logs goes to our
 * log, as warnings: EAL's own errors, and what the other libraries and the drivers log at their
 * levels. What libbpf and libxdp log goes there for debugging. Returns 0 or a negative errno after
 * logging why. */
int eal_arguments_start(struct eal_arguments *arguments);

#endif
