/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"
#include "bpffs.h"
#include "hwstamp_loan.h"
#include "log.h"
#include "nic.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define INDENT "  "

/* --- doing --------------------------------------------------------------------------------------
 */

/* main() has blocked them, so that no step is left half done. */
static bool is_interrupted(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigismember(&pending, signals[i]))
			return true;
	}
	return false;
}

static int note(struct state *state, const struct step *step)
{
	struct step *noted = steps_add(&state->steps, step->kind, step->on);
	int r;

	if (noted == NULL)
		return log_errno(-ENOSPC, "%s", state->path);
	*noted = *step;
	r = state_save(state);
	return r < 0 ? log_errno(r, "%s", state->path) : 0;
}

static void forget(struct state *state, size_t index)
{
	state->steps.count--;
	memmove(&state->steps.step[index], &state->steps.step[index + 1],
		(state->steps.count - index) * sizeof(state->steps.step[0]));
	(void)state_save(state);
}

/* What cannot be taken back stays noted, for --undo. */
static void roll_back(struct state *state, size_t count)
{
	char error[STEP_ERROR_SIZE];

	while (state->steps.count > count) {
		const struct step *step = &state->steps.step[state->steps.count - 1];
		int r = step_undo(step, error);

		if (r < 0 && r != -ENODEV) {
			log_error("not taken back: %s; try meridian-setup --undo", error);
			return;
		}
		forget(state, state->steps.count - 1);
	}
}

/* A wish that is refused is no error. */
static int do_step(const struct step *step, struct state *state)
{
	char error[STEP_ERROR_SIZE];
	int r = is_interrupted() ? -EINTR : note(state, step);

	if (r == -EINTR)
		log_error("interrupted");
	if (r < 0)
		return r;
	step_print(step, false, INDENT, stdout);
	r = step_do(step, error);
	if (r < 0 && step_is_wish(step)) {
		log_notice("%s: left as it is", error);
		forget(state, state->steps.count - 1);
		return 0;
	}
	if (r < 0)
		log_error("%s", error);
	return r;
}

int run_steps(const struct steps *steps, struct state *state)
{
	size_t before = state->steps.count;

	for (size_t i = 0; i < steps->count; i++) {
		int r = do_step(&steps->step[i], state);

		if (r < 0) {
			roll_back(state, before);
			return r;
		}
	}
	return 0;
}

/* --- taking back --------------------------------------------------------------------------------
 */

static bool is_for(const char *on, const struct run_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(on, names->name[i]) == 0)
			return true;
	}
	return names->count == 0;
}

static int undo_step(struct state *state, size_t index, bool dry)
{
	const struct step *step = &state->steps.step[index];
	char error[STEP_ERROR_SIZE];
	int r;

	step_print(step, true, INDENT, stdout);
	if (dry)
		return 0;
	r = step_undo(step, error);
	if (r == -ENODEV) {
		log_notice("%s", error);
		r = 0;
	} else if (r < 0) {
		log_error("%s", error);
	}
	if (r == 0)
		forget(state, index);
	return r;
}

int run_undo(struct state *state, const struct run_names *names, bool dry)
{
	int result = 0;

	for (size_t i = state->steps.count; i-- > 0;) {
		int r;

		if (!is_for(state->steps.step[i].on, names))
			continue;
		r = undo_step(state, i, dry);
		if (result == 0)
			result = r;
	}
	return result;
}

/* --- XDP programs -------------------------------------------------------------------------------
 */

static bool control_lives(const char *rundir)
{
	char path[PATH_MAX];
	bool lives;
	int fd;

	snprintf(path, sizeof(path), "%s/control.lock", rundir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	lives = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return lives;
}

/* What bpffs_remove_others() calls back for takes no argument. */
static struct {
	const char *rundir;
	const struct run_names *names;
	bool dry;
	int found;
} detaching;

static bool is_named(const char *directory)
{
	char path[BPFFS_PATH_SIZE];

	for (size_t i = 0; i < detaching.names->count; i++) {
		if (bpffs_directory(path, detaching.rundir, detaching.names->name[i]) == 0 &&
			strcmp(path, directory) == 0)
			return true;
	}
	return detaching.names->count == 0;
}

static bool detach(const char *directory)
{
	if (!is_named(directory))
		return false;
	printf(INDENT "rm -r %s # detaches the XDP program\n", directory);
	detaching.found++;
	return !detaching.dry && nic_forget_other(directory);
}

int run_detach(const char *rundir, const struct run_names *names, bool dry)
{
	if (control_lives(rundir))
		return -EBUSY;
	detaching.rundir = rundir;
	detaching.names = names;
	detaching.dry = dry;
	detaching.found = 0;
	bpffs_remove_others(rundir, NULL, 0, detach);
	return detaching.found;
}

/* --- time stamps that control has borrowed ------------------------------------------------------
 */

int run_give_back(const char *rundir, const struct run_names *names, bool dry)
{
	uint32_t ifindex[HWSTAMP_LOANS_MAX];
	struct hwtstamp_config before[HWSTAMP_LOANS_MAX];
	char name[IF_NAMESIZE];
	size_t count;
	int found = 0;

	if (control_lives(rundir) || hwstamp_loan_open(rundir, false) < 0)
		return 0;
	count = hwstamp_loans(ifindex, before);
	for (size_t i = 0; i < count; i++) {
		if (if_indextoname(ifindex[i], name) == NULL || !is_for(name, names))
			continue;
		printf(INDENT "hwstamp_ctl -i %s -t %d -r %d\n", name, before[i].tx_type,
			before[i].rx_filter);
		found++;
		if (!dry)
			hwstamp_give_back(ifindex[i], HWSTAMP_FOR_ANYBODY);
	}
	hwstamp_loan_close();
	return found;
}
