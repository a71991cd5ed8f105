/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"
#include "config_script.h"
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
static char *started; /* own_lines() at the start; NULL: none */
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

/* For free(); NULL when there is no memory. */
static char *own_lines(const struct config *of)
{
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	if (out == NULL)
		return NULL;
	config_dump_own(of, out);
	if (fclose(out) == 0)
		return lines;
	free(lines);
	return NULL;
}

/* Of what is not steer's: control's sources, clock and files. */
static void log_what_needs_restart(const struct config *after)
{
	char *lines = own_lines(after), *names = NULL;
	size_t size;
	FILE *out = open_memstream(&names, &size);
	unsigned int count = 0;
	bool known = lines && started && out;

	if (known)
		count = config_difference(started, lines, out);
	if (out && fclose(out) != 0)
		known = false;
	if (!known)
		log_warning("reload: no memory to tell what takes effect at the next start");
	else if (count > 0)
		log_warning("reload: changes of %s take effect at the next start", names);
	free(names);
	free(lines);
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
	log_what_needs_restart(job.config);
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
	started = own_lines(config);
	event_on_reload(on_reload, NULL);
}

void reload_fini(void)
{
	event_on_reload(NULL, NULL);
	job_drop();
	free(started);
	started = NULL;
}
