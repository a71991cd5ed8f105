/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"
#include "config_hwtimestamp.h"
#include "config_refclock.h"
#include "config_script.h"
#include "config_server.h"
#include "event.h"
#include "publish.h"
#include "steer/access_rules.h"
#include "steer/steer.h"
#include "track.h"
#include <errno.h>
#include <log.h>
#include <stdlib.h>
#include <string.h>

/* A few milliseconds each. */
#define LINES_STEP 8192
#define RULES_STEP 131072

/* What runs keeps pointers into the one while the other is read. */
static struct config configs[2];
static struct config *config = &configs[0];
static struct config started; /* what a restart is compared with; without what others own */
static bool may_lie;

static struct {
	int timer; /* 0: nothing is going on */
	struct config *config;
	struct config_reader *reader; /* NULL: all was read */
	struct access_rules *rules;   /* NULL: not yet, or taken over */
	FILE *errors;                 /* into `lines` */
	char *lines;
	size_t size;
} job;

/* Logs line by line what the parser wrote. */
static void log_lines(char *lines, int priority)
{
	char *rest = lines;

	for (const char *line; (line = strsep(&rest, "\n"));) {
		if (*line)
			log_write(priority, "%s", line);
	}
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool same_servers(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
		if (!config_server_same(&a->server[i], &b->server[i]))
			return false;
	}
	return true;
}

static bool same_steering(const struct config *a, const struct config *b)
{
	const struct discipline_config *x = &a->kernel_clock, *y = &b->kernel_clock;

	return a->steer_clock == b->steer_clock && x->rtcsync == y->rtcsync && x->leap == y->leap &&
		x->max_slew_ppm == y->max_slew_ppm && x->step_s == y->step_s &&
		x->step_updates == y->step_updates && x->change_max_s == y->change_max_s &&
		x->change_start == y->change_start && x->change_ignore == y->change_ignore;
}

static bool same_hwtimestamps(const struct config *a, const struct config *b)
{
	if (a->hwtimestamp_count != b->hwtimestamp_count)
		return false;
	for (size_t i = 0; i < a->hwtimestamp_count; i++) {
		if (!config_hwtimestamp_same(&a->hwtimestamp[i], &b->hwtimestamp[i]))
			return false;
	}
	return true;
}

static bool same_refclocks(const struct config *a, const struct config *b)
{
	if (a->refclock_count != b->refclock_count)
		return false;
	for (size_t i = 0; i < a->refclock_count; i++) {
		if (!config_refclock_same(&a->refclock[i], &b->refclock[i]))
			return false;
	}
	return true;
}

/* What a reload takes over stands in the manual (config_doc.c); all else needs a restart. */
static void log_what_needs_restart(const struct config *before, const struct config *after)
{
	bool sources_same = same_servers(before, after) && same_refclocks(before, after) &&
		same_text(before->script, after->script) && same_hwtimestamps(before, after) &&
		before->auth_select == after->auth_select &&
		before->local_stratum == after->local_stratum &&
		before->local_distance_s == after->local_distance_s;
	bool clock_same = before->counter_id == after->counter_id &&
		before->max_clock_error_ppm == after->max_clock_error_ppm &&
		before->max_distance_s == after->max_distance_s &&
		before->max_error_s == after->max_error_s &&
		before->max_jitter_s == after->max_jitter_s &&
		before->min_sources == after->min_sources &&
		before->clock_precision_s == after->clock_precision_s &&
		before->holdover_s == after->holdover_s;
	bool files_same = same_text(before->rundir, after->rundir) &&
		same_text(before->driftfile, after->driftfile) &&
		same_text(before->modellog, after->modellog) &&
		same_text(before->pidfile, after->pidfile) && same_text(before->user, after->user);
	bool command_same = before->cmdport == after->cmdport &&
		same_text(before->bindcmdaddress, after->bindcmdaddress) &&
		memcmp(before->bindcmd, after->bindcmd, sizeof(before->bindcmd)) == 0;

	if (!sources_same)
		log_warning("reload: server, pool, refclock, hwtimestamp, authselectmode and local "
			    "take effect at the next start");
	if (!clock_same)
		log_warning("reload: counter, clockprecision, maxclockerror, maxdistance, "
			    "maxerror, maxjitter, minsources and holdover take effect at the next "
			    "start");
	if (!same_steering(before, after))
		log_warning("reload: steerclock and how it steers take effect at the next start");
	if (!files_same)
		log_warning("reload: rundir, driftfile, modellog, pidfile and user take effect at "
			    "the next start");
	if (!command_same)
		log_warning("reload: cmdport and bindcmdaddress take effect at the next start");
}

static void step(void *arg);

static void go_on(void)
{
	job.timer = event_add_timer(0, step, NULL);
	if (job.timer < 0)
		log_errno(job.timer, "reload");
}

/* Nothing is left of a job but what was taken over. */
static void job_drop(void)
{
	event_remove_timer(job.timer);
	config_reader_close(job.reader);
	access_rules_free(job.rules);
	if (job.errors)
		fclose(job.errors);
	free(job.lines);
	if (job.config)
		config_free(job.config);
	memset(&job, 0, sizeof(job));
}

static void errors_log(int priority)
{
	fclose(job.errors);
	job.errors = NULL;
	log_lines(job.lines, priority);
}

static void give_up(void)
{
	errors_log(LOG_ERR);
	job_drop();
	log_error("%s was not taken over, going on as before", config->path);
}

static void on_reload(void *arg)
{
	(void)arg;
	publish_reopen();
	job_drop();
	event_longest_turn_ns();
	job.errors = open_memstream(&job.lines, &job.size);
	if (job.errors == NULL) {
		log_errno(-errno, "reload");
		return;
	}
	job.config = config == &configs[0] ? &configs[1] : &configs[0];
	if (config_reader_open(&job.reader, job.config, config->path, job.errors) < 0)
		give_up();
	else
		go_on();
}

/* The config is complete, and so is the table of its rules. */
static void take_over(void)
{
	struct config *before = config;
	struct meridian_policy_access *table;
	size_t count;

	access_rules_take(job.rules, &table, &count);
	errors_log(LOG_WARNING);
	log_what_needs_restart(&started, job.config);
	track_reload(job.config);
	steer_reload(job.config, table, count);
	config = job.config;
	job.config = before; /* what to free */
	access_rules_free(job.rules);
	job.rules = NULL;
}

static int read_some(void)
{
	int r = config_reader_step(job.reader, LINES_STEP);

	if (r == 0)
		return 0;
	config_reader_close(job.reader);
	job.reader = NULL;
	if (r < 0 || !config_script_allowed(job.config, may_lie, job.errors))
		return -EINVAL;
	job.rules = access_rules_new(job.config->rule, job.config->rule_count);
	if (job.rules)
		return 0;
	fprintf(job.errors, "%s: %s\n", config->path, strerror(ENOMEM));
	return -ENOMEM;
}

static void step(void *arg)
{
	(void)arg;
	job.timer = 0;
	if (job.reader) {
		if (read_some() < 0)
			give_up();
		else
			go_on();
	} else if (job.rules) {
		if (access_rules_step(job.rules, RULES_STEP))
			take_over();
		go_on();
	} else if (steer_is_publishing()) {
		go_on();
	} else {
		job_drop();
		log_notice("%s was read again; the event loop was busy for %.1f ms at a time",
			config->path, (double)event_longest_turn_ns() / 1e6);
	}
}

struct config *reload_config(void)
{
	return config;
}

void reload_init(bool lies_allowed)
{
	may_lie = lies_allowed;
	started = *config;
	started.rule = NULL;
	started.keys = NULL;
	event_on_reload(on_reload, NULL);
}

void reload_fini(void)
{
	event_on_reload(NULL, NULL);
	job_drop();
}
