/* SPDX-License-Identifier: BSD-3-Clause */

/* Prints the time of this host's Meridian with its bound, once a second. */

#include <inttypes.h>
#include <meridian/meridian.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void print_utc(const char *name, struct meridian_utc utc)
{
	time_t s = (time_t)utc.s;
	uint64_t ns = utc.frac64 >> 32;
	char text[32];
	struct tm tm;

	ns = ns * 1000000000 >> 32;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	printf("%s %s.%09" PRIu64 "Z  ", name, text, ns);
}

int main(int argc, char **argv)
{
	const char *rundir = argc > 1 ? argv[1] : NULL;
	long count = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	struct meridian *meridian;
	int r = meridian_open(&meridian, rundir);

	if (r < 0) {
		fprintf(stderr, "meridian-now: %s\n", meridian_strerror(r));
		return 3;
	}
	for (long i = 0; i < count; i++) {
		struct meridian_utc earliest, latest;

		if (i > 0)
			sleep(1);
		r = meridian_now(meridian, &earliest, &latest);
		if (r < 0) {
			fprintf(stderr, "meridian-now: %s\n", meridian_strerror(r));
			continue;
		}
		print_utc("earliest", earliest);
		print_utc("latest", latest);
		printf("width %" PRId64 " ns\n", meridian_utc_diff_ns(latest, earliest));
	}
	meridian_close(meridian);
	return r < 0 ? 1 : 0;
}
