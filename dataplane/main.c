/* SPDX-License-Identifier: BSD-3-Clause */

/* meridian-dataplane: DPDK workers that answer NTP. The main thread starts them, follows
 * control's pages and stops them. */

#include "clients/clients.h"
#include "eal.h"
#include "exit_code.h"
#include "log.h"
#include "options.h"
#include "pages.h"
#include "ports.h"
#include "program.h"
#include "unmap_guard.h"
#include "wire_stamps.h"
#include "worker.h"
#include <errno.h>
#include <inttypes.h>
#include <meridian/counter.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <units.h>

#define TURN_NS     100000000 /* of the main thread */
#define TURNS_PER_S 10
#define DRAIN_NS    200000000 /* control stops steering within that time of seeing it */

#define OPEN_TIMEOUT_S 10

#define AGAIN "%s: ending, to be started again"

static struct options options;
static struct pages pages;
static struct clients clients;
static struct ports ports;
static struct wire_stamps wire;
static struct worker workers[MERIDIAN_POLICY_WORKERS_MAX];
static unsigned int worker_count, worker_running;

static void turn_wait(long ns)
{
	struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
}

static int pages_start(void)
{
	return pages_init(&pages, options.rundir, &meridian_stats_dataplane_kind);
}

static void pages_stop(void)
{
	pages_fini(&pages);
}

static int clients_start(void)
{
	return clients_init(&clients, options.rundir, &meridian_clients_dataplane_kind);
}

static void clients_stop(void)
{
	clients_fini(&clients);
}

/* Waits until there is a policy whose NICs are ready. Says once what for. */
static int policy_start(void)
{
	char waiting[128] = "", said[128] = "";

	for (; !program_stop; turn_wait(TURN_NS)) {
		if (pages_poll(&pages))
			pages_taken(&pages);
		if (pages.view == NULL)
			continue;
		if (ports_ready(pages.blob, waiting, sizeof(waiting)) == 0)
			return 0;
		if (strcmp(waiting, said) != 0)
			log_notice("waiting for %s", waiting);
		strcpy(said, waiting);
	}
	return -EINTR;
}

static int eal_start(void)
{
	return eal_init(pages.blob, &pages.stats->memory);
}

/* Waits a turn, following control's pages. Returns -EINTR when told to stop. */
static int busy_wait(void)
{
	turn_wait(TURN_NS);
	if (pages_poll(&pages))
		pages_taken(&pages);
	return program_stop ? -EINTR : 0;
}

/* Opens the ports, trying again while a dataplane before us may still be closing its own. */
static int ports_open_patiently(void)
{
	uint64_t until_ns = 0;
	int r;

	while ((r = ports_open(&ports, pages.blob)) == -EBUSY) {
		uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

		if (until_ns == 0) {
			until_ns = now_ns + OPEN_TIMEOUT_S * NS_PER_SECOND;
			log_notice("%s is not to be had yet; trying for %d s", ports.failed,
				OPEN_TIMEOUT_S);
			eal_mute(true); /* a driver would say the same ten times a second */
		}
		if (now_ns > until_ns)
			break;
		r = busy_wait();
		if (r < 0)
			break;
	}
	eal_mute(false);
	return r;
}

/* When control changes its XDP program meanwhile, the ports are those of its next policy. */
static int ports_start(void)
{
	const char *outdated;
	int r;

	while ((r = ports_open_patiently()) == -EAGAIN) {
		r = policy_start();
		if (r < 0)
			return r;
		outdated = eal_outdated(pages.blob);
		if (outdated) {
			log_notice(AGAIN, outdated);
			return PROGRAM_AGAIN;
		}
	}
	if (r == 0) {
		ports_check_placement(&ports);
		pages.stats->port_count = ports_report(&ports, pages.stats->port);
	} else if (r != -EINTR) {
		ports_error_log(&ports, r);
	}
	return r;
}

static void ports_stop(void)
{
	ports_close(&ports);
}

static int wire_start(void)
{
	bool wanted = false;

	for (size_t i = 0; i < MERIDIAN_POLICY_NICS_MAX; i++) {
		if (ports.device[i] && port_ethdev_note(ports.device[i], &wire))
			wanted = true;
	}
	if (wanted)
		wire_stamps_open(&wire, options.rundir);
	return 0;
}

static void wire_stop(void)
{
	wire_stamps_close(&wire);
}

/* A worker that does not come back may still use whatever we would free: leave it all as it is,
 * and let control see that the heartbeats end. */
__attribute__((noreturn)) static void worker_hangs(unsigned int worker)
{
	log_error("worker %u on CPU %" PRIu64 " hangs: ending at once", worker,
		meridian_stats_get(&workers[worker].slot->core));
	_exit(EXIT_START);
}

/* In EAL's interrupt thread, before a dead peer's memory goes. A worker that has not started yet
 * is waited for, too. */
static void workers_wait(void)
{
	unsigned int hung;

	if (worker_wait(workers, worker_count, &hung) < 0)
		log_error("worker %u does not come around while a device loses its peer", hung);
}

static int workers_init(void)
{
	for (unsigned int i = 0; i < ports.blob->workers.count; i++) {
		int r = worker_init(&workers[i], &pages.stats->worker[i], eal_core(i), pages.view);

		if (r < 0)
			return r;
		worker_count++;
		r = clients_add(&clients, &workers[i].server, &workers[i].slot->heartbeat);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ports.count; i++)
		worker_add(&workers[ports.entry[i].worker], ports.entry[i].queue);
	pages.stats->worker_count = worker_count;
	unmap_guard_set(workers_wait);
	return 0;
}

static void workers_stop(void)
{
	ports_withdraw(&ports);
	for (unsigned int i = 0; i < worker_running; i++)
		worker_set_phase(&workers[i], WORKER_DRAIN);
	turn_wait(DRAIN_NS);
	for (unsigned int i = 0; i < worker_running; i++)
		worker_set_phase(&workers[i], WORKER_STOP);
	for (unsigned int i = 0; i < worker_running; i++)
		if (eal_join(i) < 0)
			worker_hangs(i);
	unmap_guard_set(NULL);
	for (unsigned int i = 0; i < worker_count; i++)
		worker_fini(&workers[i]);
}

static int workers_start(void)
{
	int r = workers_init();

	while (r == 0 && worker_running < worker_count) {
		r = eal_launch(worker_running, worker_run, &workers[worker_running]);
		if (r == 0)
			worker_running++;
	}
	if (r < 0) {
		log_errno(r, "workers");
		for (unsigned int i = worker_running; i < worker_count; i++)
			worker_give_up(&workers[i]);
		workers_stop();
	}
	return r;
}

/* Why only a restart can follow; NULL: nothing of the kind. */
static const char *outdated(void)
{
	const char *reason;

	if (pages_lost(&pages))
		return "the statistics page was deleted";
	reason = ports_follow_policy(&ports, pages.blob);
	if (reason == NULL)
		reason = ports_outdated(&ports, pages.blob);
	return reason ? reason : eal_outdated(pages.blob);
}

/* Clocks of NICs are reckoned in ticks of the model's counter. */
static void ports_follow(void)
{
	struct meridian_timemodel_data model = {.counter_hz = 0};

	if (pages.view->model == NULL || meridian_timemodel_read(pages.view->model, &model) < 0 ||
		!meridian_timemodel_sane(&model))
		model.counter_hz = 0;
	ports_turn(&ports, pages.blob, model.counter_id, model.counter_hz, pages.stats->port,
		pages.stats->port_count, pages.stats->clock);
	wire_stamps_turn(&wire, model.counter_id, model.counter_hz);
	ports_report_takeover(&ports, pages.stats->port, pages.stats->port_count,
		pages.stats->takeover, pages.stats->punt);
}

/* Serves until told to stop, or until only a restart can follow what changed. */
static void serve(void)
{
	const char *reason = NULL;
	unsigned int hung;

	log_info("serving: queues %zu, workers %u", ports.count, worker_running);
	for (unsigned int turn = 0; !program_stop && reason == NULL; turn++, turn_wait(TURN_NS)) {
		if (pages_poll(&pages)) {
			if (worker_show(workers, worker_running, pages.view, &hung) < 0)
				worker_hangs(hung);
			pages_taken(&pages);
		}
		ports_follow();
		clients_turn(&clients, !pages.blob->no_client_log);
		if (turn % TURNS_PER_S == 0)
			ports_count_missed(&ports, pages.stats->port, pages.stats->port_count);
		reason = outdated();
	}
	if (program_stop)
		log_info("stopping");
	else
		log_notice(AGAIN, reason);
}

static const struct program_stage stages[] = {
	{pages_start, pages_stop},
	{clients_start, clients_stop},
	{policy_start, NULL},
	{eal_start, eal_fini},
	{ports_start, ports_stop},
	{wire_start, wire_stop},
	{workers_start, workers_stop},
};

int main(int argc, char **argv)
{
	options_parse(&options, "meridian-dataplane",
		"Answers NTP from the queues of NICs, as meridian-control has configured.", argc,
		argv);
	return program_run(stages, sizeof(stages) / sizeof(stages[0]), serve);
}
