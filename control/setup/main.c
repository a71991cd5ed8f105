/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "log.h"
#include "packet_memory.h"
#include "plan.h"
#include "routes.h"
#include "run.h"
#include "show.h"
#include <errno.h>
#include <exit_code.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "meridian-setup"

#define NICS_MAX MERIDIAN_POLICY_NICS_MAX

_Static_assert(NICS_MAX <= RUN_NAMES_MAX, "room for all");

struct options {
	const char *config_path; /* NULL: the default one, if it is there */
	const char *state_path;
	unsigned int queues; /* 0: what the config says */
	bool dry, undo, force, json;
	char **words; /* NICs */
	size_t word_count;
};

static const char help[] =
	"Usage: " PROGRAM " [OPTION]... [NIC]...\n"
	"\n"
	"Prepares this machine for Meridian: hugepages, queues, RSS and time stamps of "
	"interfaces,\n"
	"which stay the kernel's (eth1), and the driver of NICs that DPDK is to have "
	"(0000:3b:00.0).\n"
	"Without NIC: those of the config.\n"
	"\n"
	"  --dry-run       only print what is there and what would be done\n"
	"  --undo          take back what earlier runs did, for these NICs or for all\n"
	"  --force         also the NIC that the default route needs\n"
	"  --queues N      so many queues for each interface, 1 to 64\n"
	"  --config FILE   read FILE (default: " CONFIG_PATH_DEFAULT ", if it is there)\n"
	"  --state FILE    what to take back is in FILE (default: " STATE_PATH_DEFAULT ")\n"
	"  --json          print what is there and what is to be done as JSON\n"
	"  --version       print the version\n"
	"  --help          print this text\n"
	"\n"
	"Exit status: 0 ok, 1 refused or failed (then nothing is changed), 2 usage or config "
	"error,\n"
	"3 cannot start.\n";

/* --- options ------------------------------------------------------------------------------------
 */

static int queues_take(struct options *options, const char *text)
{
	char *end;
	unsigned long queues = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || queues < 1 ||
		queues > MERIDIAN_POLICY_QUEUES_MAX) {
		log_error("--queues %s: not a whole number from 1 to %d", text,
			MERIDIAN_POLICY_QUEUES_MAX);
		return -EINVAL;
	}
	options->queues = (unsigned int)queues;
	return 0;
}

static int option_take(struct options *options, int option)
{
	switch (option) {
	case 'd':
		options->dry = true;
		return 0;
	case 'u':
		options->undo = true;
		return 0;
	case 'f':
		options->force = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'c':
		options->config_path = optarg;
		return 0;
	case 's':
		options->state_path = optarg;
		return 0;
	case 'q':
		return queues_take(options, optarg);
	case 'v':
		puts(PROGRAM " " MERIDIAN_VERSION);
		exit(0);
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		fputs("see " PROGRAM " --help\n", stderr);
		return -EINVAL;
	}
}

static int options_parse(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"dry-run", no_argument, NULL, 'd'},
		{"undo", no_argument, NULL, 'u'},
		{"force", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"queues", required_argument, NULL, 'q'},
		{"config", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){.state_path = STATE_PATH_DEFAULT};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option_take(options, option) < 0)
			return -EINVAL;
	}
	options->words = argv + optind;
	options->word_count = (size_t)(argc - optind);
	if (options->word_count > NICS_MAX) {
		log_error("more than %d NICs", NICS_MAX);
		return -EINVAL;
	}
	if (options->undo && (options->json || options->queues > 0)) {
		log_error("--undo does not go with --json or --queues");
		return -EINVAL;
	}
	return 0;
}

static int config_take(const struct options *options, struct config *config)
{
	const char *path = options->config_path;

	if (path == NULL && access(CONFIG_PATH_DEFAULT, F_OK) == 0)
		path = CONFIG_PATH_DEFAULT;
	if (path != NULL)
		return config_load(config, path, stderr);
	memset(config, 0, sizeof(*config));
	strcpy(config->rundir, MERIDIAN_RUNDIR_DEFAULT);
	return 0;
}

/* --- preparing ----------------------------------------------------------------------------------
 */

struct setup {
	const struct options *options;
	const struct config *config;
	struct nic *nics;
	size_t count;
	struct steps steps;
	char refusal[PLAN_ERROR_SIZE]; /* "": none */
};

static const struct config_nic *config_find(const struct config *config, const char *name)
{
	char known[NAME_SIZE];

	for (size_t i = 0; i < config->nic_count; i++) {
		if (!config_nic_is_virtual(&config->nic[i]) &&
			name_parse(config->nic[i].name, known) != NAME_NONE &&
			strcmp(known, name) == 0)
			return &config->nic[i];
	}
	return NULL;
}

static int nic_add(
	struct setup *setup, const char *word, const struct carrier_link *links, size_t link_count)
{
	struct nic *nic = &setup->nics[setup->count];
	char error[INSPECT_ERROR_SIZE];
	const struct config_nic *line;
	int r = nic_inspect(nic, word, links, link_count, error);

	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	for (size_t i = 0; i < setup->count; i++) {
		if (strcmp(setup->nics[i].name, nic->name) == 0)
			return 0;
	}
	line = config_find(setup->config, nic->name);
	nic->queues = setup->options->queues;
	if (nic->queues == 0 && line != NULL)
		nic->queues = line->queue_count;
	if (line != NULL && config_nic_is_pci(line))
		nic->mode = line->bifurcated ? NIC_MODE_BIFURCATED : NIC_MODE_TAKEOVER;
	setup->count++;
	return 0;
}

static int nics_find(struct setup *setup)
{
	const struct options *options = setup->options;
	const struct config *config = setup->config;
	struct carrier_link *links;
	size_t link_count;
	int r = routes_links(&links, &link_count);

	if (r < 0)
		return log_errno(r, "the kernel does not tell about routes");
	for (size_t i = 0; r == 0 && i < options->word_count; i++)
		r = nic_add(setup, options->words[i], links, link_count);
	for (size_t i = 0; r == 0 && options->word_count == 0 && i < config->nic_count; i++) {
		if (!config_nic_is_virtual(&config->nic[i]))
			r = nic_add(setup, config->nic[i].name, links, link_count);
	}
	free(links);
	if (r == 0 && setup->count == 0) {
		log_error("which NIC? None is named here, or by a `nic` of the config");
		r = -EINVAL;
	}
	return r;
}

/* Of a NIC in the config that is not to be prepared now. */
static uint32_t other_memory_mb(const struct config_nic *nic)
{
	unsigned int queues = nic->queue_count;
	struct card card;
	char name[NAME_SIZE];
	bool device = config_nic_is_virtual(nic) || name_parse(nic->name, name) == NAME_PCI;

	if (queues == 0 && !device && card_read(nic->name, &card) == 0)
		queues = card_queues(&card);
	return plan_memory_mb(device ? NIC_TAKEOVER : NIC_AF_XDP, queues > 0 ? queues : 1);
}

static uint32_t memory_mb(const struct setup *setup)
{
	const struct config *config = setup->config;
	uint32_t need_mb = PACKET_MEMORY_BASE_MB;

	if (config->hugepages == MERIDIAN_HUGEPAGES_NEVER || config->memory_mb > 0)
		return config->hugepages == MERIDIAN_HUGEPAGES_NEVER ? 0 : config->memory_mb;
	for (size_t i = 0; i < setup->count; i++)
		need_mb += plan_memory_mb(setup->nics[i].use, nic_queues(&setup->nics[i]));
	for (size_t i = 0; i < config->nic_count; i++) {
		bool known = false;

		for (size_t k = 0; k < setup->count; k++)
			known |= config_find(config, setup->nics[k].name) == &config->nic[i];
		if (!known)
			need_mb += other_memory_mb(&config->nic[i]);
	}
	return need_mb;
}

/* The node that all NICs are near to. */
static int common_node(const struct setup *setup)
{
	int node = setup->nics[0].address[0] != '\0' ? setup->nics[0].pci.node : -1;

	for (size_t i = 1; i < setup->count; i++) {
		if (setup->nics[i].address[0] == '\0' || setup->nics[i].pci.node != node)
			return -1;
	}
	return node;
}

static int host_plan(struct setup *setup)
{
	struct pages pages;
	bool takeover = false, bifurcated = false;
	int r = 0;

	for (size_t i = 0; i < setup->count; i++) {
		takeover |= setup->nics[i].use == NIC_TAKEOVER;
		bifurcated |= setup->nics[i].use == NIC_BIFURCATED;
	}
	if (takeover && sysfs_find("bus/pci/drivers/" PCI_VFIO) < 0)
		r = plan_module(PCI_VFIO, &setup->steps);
	if (r == 0 && bifurcated && sysfs_find("module/ib_uverbs") < 0)
		r = plan_module("ib_uverbs", &setup->steps);
	if (r == 0 && pages_read(&pages, common_node(setup)) == 0)
		r = plan_pages(&pages, memory_mb(setup), &setup->steps);
	return r;
}

static int plan(struct setup *setup)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < setup->count; i++)
		r = plan_check(&setup->nics[i], setup->options->force, setup->refusal);
	if (r == 0)
		r = host_plan(setup);
	for (size_t i = 0; r == 0 && i < setup->count; i++)
		r = plan_nic(&setup->nics[i], &setup->steps);
	if (r < 0) {
		steps_free(&setup->steps);
		log_error("%s", setup->refusal[0] ? setup->refusal : strerror(-r));
	}
	return r;
}

/* Says what is there; and, unless it is done right after this, what is to be done. */
static int show(const struct setup *setup)
{
	const struct steps *steps = &setup->steps;

	if (setup->options->json)
		return show_json(setup->nics, setup->count, steps, setup->refusal, stdout);
	for (size_t i = 0; i < setup->count; i++)
		show_nic(&setup->nics[i], stdout);
	if (steps->count > 0)
		printf(setup->options->dry ? "would do:\n" : "doing:\n");
	else if (setup->refusal[0] == '\0')
		printf("nothing to do\n");
	for (size_t i = 0; setup->options->dry && i < steps->count; i++)
		step_print(&steps->step[i], false, "  ", stdout);
	fflush(stdout);
	return 0;
}

static int state_take(const struct options *options, struct state *state)
{
	char error[STATE_ERROR_SIZE];
	int r = state_open(state, options->state_path, !options->dry, error);

	if (r < 0)
		log_error("%s", error);
	else if (state->of_earlier_boot)
		log_notice("%s is of an earlier boot: nothing of it is left to take back",
			state->path);
	return r;
}

static int prepare_with(struct setup *setup, struct state *state)
{
	int r = nics_find(setup);

	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
	r = plan(setup);
	if (show(setup) < 0 || r < 0)
		return EXIT_REFUSED;
	if (setup->options->dry || setup->steps.count == 0)
		return 0;
	if (run_steps(&setup->steps, state) < 0)
		return EXIT_REFUSED;
	if (!setup->options->json)
		printf("done; " PROGRAM " --undo takes it back\n");
	return 0;
}

static int prepare(const struct options *options, const struct config *config)
{
	struct setup setup = {.options = options, .config = config};
	struct state state;
	int code = EXIT_START;

	if (state_take(options, &state) < 0)
		return code;
	setup.nics = calloc(NICS_MAX + 1, sizeof(*setup.nics));
	if (setup.nics != NULL)
		code = prepare_with(&setup, &state);
	else
		log_errno(-ENOMEM, "NICs");
	steps_free(&setup.steps);
	free(setup.nics);
	state_close(&state);
	return code;
}

/* --- taking back --------------------------------------------------------------------------------
 */

static int undo_with(const struct options *options, const char *rundir, struct state *state,
	const struct run_names *names)
{
	size_t before = state->steps.count;
	int detached = run_detach(rundir, names, options->dry);
	int given_back = run_give_back(rundir, names, options->dry), r;

	if (detached == -EBUSY)
		log_notice("%s: meridian-control is running: its XDP programs stay", rundir);
	r = run_undo(state, names, options->dry);
	if (r == 0 && before == state->steps.count && !options->dry && detached <= 0 &&
		given_back == 0)
		printf("nothing to take back\n");
	if (state->of_earlier_boot && !options->dry)
		(void)state_save(state);
	return r < 0 ? EXIT_REFUSED : 0;
}

static int undo(const struct options *options, const struct config *config)
{
	struct run_names names = {.count = options->word_count};
	struct state state;
	int code;

	for (size_t i = 0; i < options->word_count; i++) {
		if (name_parse(options->words[i], names.name[i]) == NAME_NONE) {
			log_error("'%.64s' is neither an interface name nor a PCI address",
				options->words[i]);
			return EXIT_USAGE;
		}
	}
	if (state_take(options, &state) < 0)
		return EXIT_START;
	code = undo_with(options, config->rundir, &state, &names);
	state_close(&state);
	return code;
}

/* A signal waits until a step is done: run_steps(). */
static void signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct options options;
	struct config config;
	int code;

	log_open(PROGRAM, false, LOG_INFO);
	if (options_parse(argc, argv, &options) < 0 || config_take(&options, &config) < 0)
		return EXIT_USAGE;
	if (!options.dry && geteuid() != 0) {
		log_error("only root can change that; --dry-run shows what would be done");
		config_free(&config);
		return EXIT_START;
	}
	if (!options.dry)
		signals_block();
	code = options.undo ? undo(&options, &config) : prepare(&options, &config);
	config_free(&config);
	return code;
}
