/* SPDX-License-Identifier: BSD-3-Clause */

/* refclock SHM: looks for a sample in shared memory. */

#include "refclock.h"
#include "shm_segment.h"
#include <errno.h>
#include <log.h>
#include <stdlib.h>
#include <sys/shm.h>

#define IDLE_POLLS 8 /* without a sample: is it still the segment that writers know? */

struct shm {
	void *segment;
	key_t key;
	int id;
	unsigned int idle_polls;
};

/* Whoever made it may write what we then believe. */
static void warn_of_writers(const struct refclock *refclock, int id)
{
	struct shmid_ds status;

	if (shmctl(id, IPC_STAT, &status) == 0 && (status.shm_perm.mode & 022) != 0)
		log_warning("%s: others than its owner may write to the segment",
			refclock->source.label);
}

static int start(struct refclock *refclock)
{
	struct shm *shm = calloc(1, sizeof(*shm));
	void *segment;
	int r;

	if (shm == NULL)
		return -ENOMEM;
	shm->key = SHM_SEGMENT_KEY + atoi(refclock->config->parameter);
	shm->id = shmget(shm->key, sizeof(struct shm_segment), IPC_CREAT | refclock->config->mode);
	segment = shm->id < 0 ? (void *)-1 : shmat(shm->id, NULL, 0);
	if (segment == (void *)-1) {
		r = -errno;
		free(shm);
		return r;
	}
	shm->segment = segment;
	refclock->state = shm;
	warn_of_writers(refclock, shm->id);
	return 0;
}

/* A segment that was removed goes on for those who have it, and writers make another one. */
static int look_for_the_segment(struct shm *shm)
{
	int id;

	if (++shm->idle_polls < IDLE_POLLS)
		return 0;
	shm->idle_polls = 0;
	id = shmget(shm->key, sizeof(struct shm_segment), 0);
	if (id < 0)
		return -errno;
	return id == shm->id ? 0 : -ESTALE;
}

static int poll(struct refclock *refclock)
{
	struct shm *shm = refclock->state;
	struct refclock_reading reading = {.pulse = false};
	struct shm_sample sample;

	if (!shm_segment_take(shm->segment, &sample))
		return look_for_the_segment(shm);
	shm->idle_polls = 0;
	if (!refclock_stamp(refclock, &sample.receive, &reading))
		return 0;
	reading.error_s += sample.resolution_s;
	reading.utc = sample.clock;
	reading.leap = sample.leap;
	refclock_take(refclock, &reading);
	return 0;
}

static void stop(struct refclock *refclock)
{
	struct shm *shm = refclock->state;

	shmdt(shm->segment);
	free(shm);
}

const struct refclock_driver refclock_shm = {.start = start, .poll = poll, .stop = stop};
