/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Attaches the XDP_TX echo (echo.bpf.c) to an interface until SIGINT or SIGTERM, then says how
 * many replies it sent. The program goes with this process, however it ends: it hangs on a link
 * that nobody pins.
 */

#include "echo.skel.h"

#include <errno.h>
#include <exit_code.h>
#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NANOSECONDS_PER_S 1000000000ll

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NANOSECONDS_PER_S + now.tv_nsec;
}

/* Good to some microseconds, and the kernel's later steering is missed: enough for an echo. */
static uint64_t realtime_minus_monotonic_ns(void)
{
	return (uint64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

static int attach(struct echo_bpf **ret_echo, const char *interface)
{
	unsigned int index = if_nametoindex(interface);
	struct echo_bpf *echo;
	int error;

	if (index == 0)
		return -errno;
	echo = echo_bpf__open();
	if (!echo)
		return -errno;
	echo->rodata->echo_realtime_minus_monotonic_ns = realtime_minus_monotonic_ns();
	error = echo_bpf__load(echo);
	if (error == 0) {
		echo->links.echo = bpf_program__attach_xdp(echo->progs.echo, (int)index);
		error = echo->links.echo ? 0 : -errno;
	}
	if (error != 0) {
		echo_bpf__destroy(echo);
		return error;
	}
	*ret_echo = echo;
	return 0;
}

static int count_replies(const struct echo_bpf *echo, uint64_t *ret_replies)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *counters;
	uint32_t key = 0;
	int error;

	if (cpus < 0)
		return cpus;
	counters = calloc((size_t)cpus, sizeof(*counters));
	if (!counters)
		return -ENOMEM;
	error = bpf_map__lookup_elem(echo->maps.echo_replies, &key, sizeof(key), counters,
		(size_t)cpus * sizeof(*counters), 0);
	*ret_replies = 0;
	for (int cpu = 0; error == 0 && cpu < cpus; cpu++)
		*ret_replies += counters[cpu];
	free(counters);
	return error;
}

static int run(const char *interface, const sigset_t *until)
{
	struct echo_bpf *echo = NULL;
	uint64_t replies = 0;
	int signal_number, error = attach(&echo, interface);

	if (error != 0 || echo == NULL) {
		fprintf(stderr, "bench-echo: %s: %s\n", interface, strerror(-error));
		return EXIT_START;
	}
	puts("attached");
	fflush(stdout);
	sigwait(until, &signal_number);
	error = count_replies(echo, &replies);
	echo_bpf__destroy(echo);
	if (error != 0) {
		fprintf(stderr, "bench-echo: cannot count the replies: %s\n", strerror(-error));
		return EXIT_REFUSED;
	}
	printf("%" PRIu64 " replies\n", replies);
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t until;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: bench-echo INTERFACE\n");
		return EXIT_USAGE;
	}
	/* Blocked from the start: a signal that comes early is waited for too. */
	sigemptyset(&until);
	sigaddset(&until, SIGINT);
	sigaddset(&until, SIGTERM);
	sigprocmask(SIG_BLOCK, &until, NULL);
	return run(argv[1], &until);
}
