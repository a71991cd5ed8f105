/* SPDX-License-Identifier: BSD-3-Clause */

/* meridian-control: the slow path. Starts everything in one visible order, runs the loop, and
 * ends everything in the reverse order. */

#include "command/command.h"
#include "config.h"
#include "config_script.h"
#include "counter.h"
#include "daemon.h"
#include "event.h"
#include "hwstamp_loan.h"
#include "kernel_clock.h"
#include "leap_file.h"
#include "order.h"
#include "reload.h"
#include "source/nic_clock.h"
#include "source/wire_stamps.h"
#include "steer/steer.h"
#include "track.h"
#include <errno.h>
#include <exit_code.h>
#include <getopt.h>
#include <limits.h>
#include <log.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRAM "meridian-control"

struct options {
	const char *config_path;
	bool foreground, check_config, dump_config, may_lie;
};

static const char help[] =
	"Usage: " PROGRAM " [--config FILE] [--foreground]\n"
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

/* config_load() of what may be run, too. */
static int load(struct config *loaded, const char *path, bool may_lie, FILE *errors)
{
	int r = config_load(loaded, path, errors);

	if (r < 0)
		return r;
	if (config_script_allowed(loaded, may_lie, errors))
		return 0;
	config_free(loaded);
	return -EINVAL;
}

/* Whatever stamps the packets of sources. */
static void stamps_init(const struct config *config, const struct counter *counter)
{
	int r = hwstamp_loan_open(config->rundir, true);

	if (r < 0)
		log_warning("%s: how cards are set to stamp will not be given back: %s",
			config->rundir, meridian_page_strerror(r));
	nic_clock_init(config, counter);
	wire_stamps_init(config);
}

static void stamps_fini(void)
{
	wire_stamps_fini();
	nic_clock_fini();
	hwstamp_loan_close();
}

/* From when all runs until a signal. */
static int serve(const struct options *options)
{
	int r;

	reload_init(options->may_lie);
	log_notice("started, version " MERIDIAN_VERSION);
	if (!options->foreground) {
		log_open(PROGRAM, true, LOG_INFO);
		daemon_ready();
	}
	r = event_loop();
	if (r < 0)
		log_errno(r, "poll");
	log_notice("ending");
	reload_fini();
	return r;
}

/* The list of what there is, in its order; ends what started when one cannot. */
static int run(const struct options *options, struct config *config)
{
	static const struct answer_orders orders = {order_sources, order_reselect, order_step};
	static struct counter counter;
	char pidfile[CONFIG_PATH_SIZE];
	int r = daemon_lock(config->rundir);

	if (r < 0)
		return r;
	r = counter_init(&counter, config);
	if (r < 0)
		return r;
	strcpy(pidfile, config->pidfile); /* a reload may name another */
	r = daemon_pidfile_write(pidfile);
	if (r < 0)
		return r;
	r = kernel_clock_init(config, &counter);
	if (r < 0)
		goto fini_pidfile;
	stamps_init(config, &counter);
	r = track_init(config, &counter);
	if (r < 0)
		goto fini_stamps;
	r = steer_init(config, counter.id);
	if (r < 0)
		goto fini_track;
	hwstamp_give_back_rest(); /* of what an earlier control has borrowed */
	r = command_init(config, &orders);
	if (r < 0)
		goto fini_steer;
	r = daemon_drop(config->user, config->nic_count > 0, config->steer_clock);
	if (r == 0)
		r = serve(options);
	command_fini();
fini_steer:
	steer_fini();
fini_track:
	track_fini();
fini_stamps:
	stamps_fini();
	kernel_clock_fini();
fini_pidfile:
	daemon_pidfile_remove(pidfile);
	return r;
}

/* A daemon leaves its directory; a reload must find the file all the same. */
static void config_path_resolve(struct config *loaded)
{
	char resolved[PATH_MAX];

	if (realpath(loaded->path, resolved) && strlen(resolved) < sizeof(loaded->path))
		strcpy(loaded->path, resolved);
}

static int dump(const struct config *config)
{
	config_dump(config, stdout);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fputs(PROGRAM ": the config could not be written\n", stderr);
	return EXIT_REFUSED;
}

/* What is done instead of starting. Returns the exit code. */
static int config_show(const struct options *options, const struct config *config)
{
	int r = options->dump_config ? dump(config) : 0;

	/* A start warns of a bad list and goes on. */
	if (options->check_config && leap_file_check(config->leapseclist, stderr) < 0)
		return EXIT_USAGE;
	return r;
}

int main(int argc, char **argv)
{
	struct config *config = reload_config();
	struct options options;
	int r;

	if (options_parse(argc, argv, &options) < 0) {
		fputs("see " PROGRAM " --help\n", stderr);
		return EXIT_USAGE;
	}
	umask(022);
	log_open(PROGRAM, false, LOG_INFO);
	if (load(config, options.config_path, options.may_lie, stderr) < 0)
		return EXIT_USAGE;
	config_path_resolve(config);
	if (options.check_config || options.dump_config) {
		r = config_show(&options, config);
		config_free(config);
		return r;
	}
	signals_init();
	if (!options.foreground) {
		r = daemon_fork();
		if (r < 0) {
			log_errno(r, "cannot become a daemon");
			return EXIT_START;
		}
	}
	r = run(&options, config);
	config_free(reload_config());
	return r < 0 ? EXIT_START : 0;
}
