/* SPDX-License-Identifier: BSD-3-Clause */
#include "seed.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static bool seed_wanted(struct seed *seed)
{
	const char *wanted = getenv("TEST_SEED");

	if (wanted != NULL)
		seed->state = strtoull(wanted, NULL, 0);
	return wanted != NULL;
}

static void seed_print(const char *test, const struct seed *seed)
{
	printf("# %s: TEST_SEED=0x%" PRIx64 "\n", test, seed->state);
}

struct seed seed_init(const char *test)
{
	struct seed seed;

	if (!seed_wanted(&seed) &&
		getrandom(&seed.state, sizeof(seed.state), 0) != (ssize_t)sizeof(seed.state))
		abort();
	seed_print(test, &seed);
	return seed;
}

struct seed seed_init_fixed(const char *test)
{
	struct seed seed;

	if (!seed_wanted(&seed))
		seed.state = 1;
	seed_print(test, &seed);
	return seed;
}

/* splitmix64 */
uint64_t seed_next(struct seed *seed)
{
	uint64_t z = seed->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
