/* SPDX-License-Identifier: BSD-3-Clause */

/* meridian-control: the slow path. Starts everything in one visible order, runs the loop, and
 * ends everything in the reverse order. */

#include "command/command.h"
#include "config.h"
#include "config_hwtimestamp.h"
#include "config_refclock.h"
#include "config_server.h"
#include "counter.h"
#include "daemon.h"
#include "event.h"
#include "kernel_clock.h"
#include "leap_file.h"
#include "order.h"
#include "publish.h"
#include "source/nic_clock.h"
#include "steer/access_rules.h"
#include "steer/steer.h"
#include "track.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <log.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRAM "meridian-control"

#define EXIT_USAGE        2
#define EXIT_CANNOT_START 3

struct options {
	const char *config_path;
	bool foreground, check_config, dump_config, may_lie;
};

/* A reload parses into the spare one; what runs keeps pointers into the other. */
static struct config configs[2];
static struct config *config = &configs[0];
static struct config started; /* what a restart is compared with; without the access rules */

static const char help[] =
	"usage: " PROGRAM " [--config FILE] [--foreground]\n"
	"       " PROGRAM " [--config FILE] --check-config | --dump-config\n"
	"\n"
	"Tracks upstream servers and publishes the time model that Meridian serves.\n"
	"\n"
	"  --config FILE   read FILE (default: " CONFIG_PATH_DEFAULT ")\n"
	"  --foreground    do not fork; log to standard error\n"
	"  --check-config  check the file, start nothing\n"
	"  --dump-config   print the config in effect, start nothing\n"
	"  --i-know-this-lies\n"
	"                  take a refclock SCRIPT beside real sources, which then only show\n"
	"  --version       print the version\n"
	"  --help          print this text\n";

static int options_parse(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'},
		{"foreground", no_argument, NULL, 'f'},
		{"check-config", no_argument, NULL, 'k'},
		{"dump-config", no_argument, NULL, 'd'},
		{"i-know-this-lies", no_argument, NULL, 'l'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*options = (struct options){.config_path = CONFIG_PATH_DEFAULT};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config_path = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'k':
			options->check_config = true;
			break;
		case 'd':
			options->dump_config = true;
			break;
		case 'l':
			options->may_lie = true;
			break;
		case 'v':
			puts(PROGRAM " " MERIDIAN_VERSION);
			exit(0);
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, PROGRAM ": unexpected argument '%s'\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static void on_signal(int signal_number)
{
	if (signal_number == SIGHUP)
		event_request_reload();
	else
		event_quit();
}

static void signals_init(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Logs line by line what the parser wrote. */
static void log_lines(char *lines, int priority)
{
	char *rest = lines;

	for (const char *line; (line = strsep(&rest, "\n"));) {
		if (*line)
			log_write(priority, "%s", line);
	}
}

/* A script beside real sources looks like a real server. */
static bool lies_allowed(const struct config *loaded, bool may_lie, FILE *errors)
{
	bool has_sources = loaded->server_count > 0 || loaded->refclock_count > 0;

	if (loaded->script[0] == '\0')
		return true;
	if (has_sources && !may_lie) {
		fprintf(errors,
			"%s: refclock SCRIPT serves a wrong time, and there are real sources; if "
			"that is meant, start " PROGRAM " with --i-know-this-lies\n",
			loaded->path);
		return false;
	}
	if (loaded->steer_clock) {
		fprintf(errors,
			"%s: refclock SCRIPT must not lead the kernel's clock: remove "
			"steerclock\n",
			loaded->path);
		return false;
	}
	return true;
}

/* config_load() of what may be run, too. */
static int load(struct config *loaded, const char *path, bool may_lie, FILE *errors)
{
	int r = config_load(loaded, path, errors);

	if (r < 0)
		return r;
	if (lies_allowed(loaded, may_lie, errors))
		return 0;
	config_free(loaded);
	return -EINVAL;
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

static void on_reload(void *arg)
{
	const struct options *options = arg;
	struct config *spare = config == &configs[0] ? &configs[1] : &configs[0];
	char *lines = NULL;
	struct meridian_policy_access *table;
	size_t size = 0, count;
	FILE *errors = open_memstream(&lines, &size);
	int r;

	publish_reopen();
	if (errors == NULL) {
		log_errno(-errno, "reload");
		return;
	}
	r = load(spare, config->path, options->may_lie, errors);
	if (r == 0) {
		r = access_rules_resolve(spare->rule, spare->rule_count, &table, &count);
		if (r < 0) {
			fprintf(errors, "access rules: %s\n", strerror(-r));
			config_free(spare);
		}
	}
	fclose(errors);
	log_lines(lines, r < 0 ? LOG_ERR : LOG_WARNING);
	free(lines);
	if (r < 0) {
		log_error("%s was not taken over, going on as before", config->path);
		return;
	}
	log_what_needs_restart(&started, spare);
	track_reload(spare);
	steer_reload(spare, table, count);
	config_free(config);
	config = spare;
	log_notice("%s was read again", config->path);
}

/* The list of what there is, in its order; ends what started when one cannot. */
static int run(struct options *options)
{
	static const struct answer_orders orders = {order_sources, order_reselect, order_step};
	static struct counter counter;
	int r = daemon_lock(config->rundir);

	if (r < 0)
		return r;
	r = counter_init(&counter, config);
	if (r < 0)
		return r;
	r = daemon_pidfile_write(config->pidfile);
	if (r < 0)
		return r;
	r = kernel_clock_init(config, &counter);
	if (r < 0)
		goto fini_pidfile;
	nic_clock_init(config, &counter);
	r = track_init(config, &counter);
	if (r < 0)
		goto fini_nic_clock;
	r = steer_init(config, counter.id);
	if (r < 0)
		goto fini_track;
	r = command_init(config, &orders);
	if (r < 0)
		goto fini_steer;
	r = daemon_drop(config->user, config->nic_count > 0, config->steer_clock);
	if (r < 0)
		goto fini_command;
	started = *config;
	started.rule = NULL;
	started.keys = NULL;
	event_on_reload(on_reload, options);
	log_notice("started, version " MERIDIAN_VERSION);
	if (!options->foreground) {
		log_open(PROGRAM, true, LOG_INFO);
		daemon_ready();
	}
	r = event_loop();
	if (r < 0)
		log_errno(r, "poll");
	log_notice("ending");
fini_command:
	command_fini();
fini_steer:
	steer_fini();
fini_track:
	track_fini();
fini_nic_clock:
	nic_clock_fini();
	kernel_clock_fini();
fini_pidfile:
	daemon_pidfile_remove(config->pidfile);
	return r;
}

/* A daemon leaves its directory; a reload must find the file all the same. */
static void config_path_resolve(struct config *loaded)
{
	char resolved[PATH_MAX];

	if (realpath(loaded->path, resolved) && strlen(resolved) < sizeof(loaded->path))
		strcpy(loaded->path, resolved);
}

int main(int argc, char **argv)
{
	struct options options;
	int r;

	if (options_parse(argc, argv, &options) < 0) {
		fputs("try " PROGRAM " --help\n", stderr);
		return EXIT_USAGE;
	}
	umask(022);
	log_open(PROGRAM, false, LOG_INFO);
	if (load(config, options.config_path, options.may_lie, stderr) < 0)
		return EXIT_USAGE;
	config_path_resolve(config);
	if (options.dump_config)
		config_dump(config, stdout);
	if (options.check_config || options.dump_config) {
		/* A start warns of a bad list and goes on. */
		r = options.check_config ? leap_file_check(config->leapseclist, stderr) : 0;
		config_free(config);
		return r < 0 ? EXIT_USAGE : 0;
	}
	signals_init();
	if (!options.foreground) {
		r = daemon_fork();
		if (r < 0) {
			log_errno(r, "cannot become a daemon");
			return EXIT_CANNOT_START;
		}
	}
	r = run(&options);
	config_free(config);
	return r < 0 ? EXIT_CANNOT_START : 0;
}
