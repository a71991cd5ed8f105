/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What local programs hand over: the SHM segment, which its writer may change at any time, and
 * SOCK datagrams.
 *
 * Input: which (1: SHM), then the octets.
 */

#include "fuzz.h"
#include <refclock/shm_segment.h>
#include <refclock/sock_message.h>
#include <units.h>

static void check_stamp(const struct timespec *stamp, uint8_t leap)
{
	FUZZ_CHECK(stamp->tv_nsec >= 0 && stamp->tv_nsec < NS_PER_SECOND);
	FUZZ_CHECK(leap <= MERIDIAN_NTP_LI_DELETE);
}

static void shm(struct fuzz_input *input)
{
	struct shm_segment segment;
	struct shm_sample sample;

	fuzz_take(input, &segment, sizeof(segment));
	if (!shm_segment_take(&segment, &sample))
		return;
	check_stamp(&sample.receive, sample.leap);
	FUZZ_CHECK(segment.valid == 0);
	FUZZ_CHECK(sample.resolution_s > 0);
	FUZZ_CHECK(!shm_segment_take(&segment, &sample));
}

static void sock(struct fuzz_input *input)
{
	void *message = fuzz_copy(input->data, input->size);
	struct sock_sample sample;

	if (sock_message_decode(message, input->size, &sample))
		check_stamp(&sample.time, sample.leap);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (fuzz_u8(&input) & 1)
		shm(&input);
	else
		sock(&input);
	return 0;
}
