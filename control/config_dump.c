/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_hwtimestamp.h"
#include "config_keys.h"
#include "config_refclock.h"
#include "config_server.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <meridian/counter.h>

static void dump_address(FILE *out, const uint8_t *octets, uint8_t family)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == MERIDIAN_FAMILY_IPV4 ? AF_INET : AF_INET6, octets, text, sizeof(text));
	fputs(text, out);
}

static void dump_nic(const struct config_nic *nic, FILE *out)
{
	bool is_virtual = config_nic_is_virtual(nic);

	fprintf(out, is_virtual ? "nic vdev:%s" : "nic %s",
		is_virtual ? nic->device.text : nic->name);
	if (nic->queue_count)
		fprintf(out, " queues %u", nic->queue_count);
	if (config_nic_is_taken_over(nic))
		fprintf(out, " mode takeover tap %s punt %" PRIu32, nic->tap, nic->punt_pps);
	else if (nic->bifurcated)
		fprintf(out, " mode bifurcated");
	else if (!is_virtual)
		fprintf(out, " xdp %s", nic->generic ? "generic" : "auto");
	if (nic->stamps != CONFIG_NIC_STAMPS_AUTO)
		fprintf(out, " stamps %s", nic->stamps == CONFIG_NIC_STAMPS_NIC ? "nic" : "xdp");
	if (nic->phc)
		fprintf(out, " phc /dev/ptp%d", nic->phc - 1);
	if (nic->rxcomp_ns)
		fprintf(out, " rxcomp %" PRId32, nic->rxcomp_ns);
	if (nic->delivery_us)
		fprintf(out, " delivery %" PRIu32, nic->delivery_us);
	if (nic->txcomp_ns)
		fprintf(out, " txcomp %" PRId32, nic->txcomp_ns);
	if (nic->txtime_ns)
		fprintf(out, " txtime %" PRIu32, nic->txtime_ns);
	for (size_t i = 0; i < nic->address_count; i++) {
		fputs(" address ", out);
		dump_address(out, nic->address[i].octets, nic->address[i].family);
	}
	fputc('\n', out);
}

static void dump_rule(const struct config_rule *rule, FILE *out)
{
	fprintf(out, "%s %s", rule->access.allow ? "allow" : "deny", rule->all ? "all " : "");
	dump_address(out, rule->access.octets, rule->access.family);
	fprintf(out, "/%u\n", rule->access.prefix_len);
}

static void dump_directive_address(
	const char *name, const struct config_address *address, FILE *out)
{
	fprintf(out, "%s ", name);
	dump_address(out, address->octets, address->family);
	fputc('\n', out);
}

static void dump_text(const char *name, const char *value, FILE *out)
{
	if (*value)
		fprintf(out, "%s %s\n", name, value);
}

static void dump_ratelimit(const struct config *config, FILE *out)
{
	if (config->ratelimit_burst == 0) {
		fputs("ratelimit off\n", out);
	} else {
		fprintf(out, "ratelimit interval %d burst %u leak %u kod %u ",
			config->ratelimit_interval_log2, config->ratelimit_burst,
			config->ratelimit_leak_log2, config->ratelimit_kod_log2);
		if (config->ratelimit_kod_log2 > 0)
			fprintf(out, "kodafter %u ", config->ratelimit_kod_after_s);
		fprintf(out, "rollup %u\n", config->ratelimit_rollup_log2);
	}
	for (size_t i = 0; i < config->kod_exempt_count; i++) {
		fputs("kodexempt ", out);
		dump_address(out, config->kod_exempt[i].octets, config->kod_exempt[i].family);
		fprintf(out, "/%u\n", config->kod_exempt[i].prefix_len);
	}
}

static void dump_smear(const struct config *config, FILE *out)
{
	if (config->smear_count == 0)
		return;
	fprintf(out, "leapsmear %s duration %" PRIu32,
		config->smear_shape == MERIDIAN_SMEAR_LINEAR ? "linear" : "cosine",
		config->smear_duration_s);
	for (size_t i = 0; i < config->smear_count; i++) {
		fputs(" address ", out);
		dump_address(out, config->smear[i].octets, config->smear[i].family);
	}
	fputc('\n', out);
}

static void dump_served(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config->rule_count; i++)
		dump_rule(&config->rule[i], out);
	dump_text("keyfile", config->keyfile, out);
	if (config->insecure_keys)
		fputs("insecurekeys\n", out);
	dump_ratelimit(config, out);
	if (config->no_client_log)
		fputs("noclientlog\n", out);
	if (config->ntpv5)
		fputs("ntpv5\n", out);
	fprintf(out, "interleaved %" PRIu32 "\n", config->interleave_entries);
	for (size_t i = 0; i < config->bind_count; i++)
		dump_directive_address("bindaddress", &config->bind[i], out);
	dump_smear(config, out);
	for (size_t i = 0; i < config->nic_count; i++)
		dump_nic(&config->nic[i], out);
	if (config->worker_count) {
		fputs("workers", out);
		for (size_t i = 0; i < config->worker_count; i++)
			fprintf(out, " %" PRIu32, config->worker_core[i]);
		fputc('\n', out);
	}
	fprintf(out, "hugepages %s\n",
		config->hugepages == MERIDIAN_HUGEPAGES_NEVER ? "never" : "auto");
	fprintf(out, "memory %" PRIu32 "\nidlesleep %u\n", config->memory_mb,
		config->idle_sleep_us);
}

static void dump_kernel_clock(const struct config *config, FILE *out)
{
	static const char *const modes[] = {"system", "step", "slew", "ignore"};
	const struct discipline_config *clock = &config->kernel_clock;

	if (!config->steer_clock)
		return;
	fprintf(out, "steerclock\nmaxslewrate %.9g\nleapsecmode %s\n", clock->max_slew_ppm,
		modes[clock->leap]);
	if (clock->step_updates != 0)
		fprintf(out, "makestep %.9g %" PRId32 "\n", clock->step_s, clock->step_updates);
	if (clock->change_max_s > 0)
		fprintf(out, "maxchange %.9g %" PRIu32 " %" PRId32 "\n", clock->change_max_s,
			clock->change_start, clock->change_ignore);
	if (clock->rtcsync)
		fputs("rtcsync\n", out);
}

static void dump_clock(const struct config *config, FILE *out)
{
	static const char *const counters[] = {"auto", "tsc", "monotonic-raw"};

	for (size_t i = 0; i < config->server_count; i++)
		config_server_dump(&config->server[i], out);
	for (size_t i = 0; i < config->refclock_count; i++)
		config_refclock_dump(&config->refclock[i], out);
	dump_text("refclock SCRIPT", config->script, out);
	for (size_t i = 0; i < config->hwtimestamp_count; i++)
		config_hwtimestamp_dump(&config->hwtimestamp[i], out);
	fprintf(out, "authselectmode %s\n", config_auth_select_name(config->auth_select));
	if (config->local_stratum)
		fprintf(out, "local stratum %u distance %.9g\n", config->local_stratum,
			config->local_distance_s);
	fprintf(out, "maxdistance %.9g\nmaxerror %.9g\nmaxjitter %.9g\nminsources %" PRIu32 "\n",
		config->max_distance_s, config->max_error_s, config->max_jitter_s,
		config->min_sources);
	fprintf(out, "maxclockerror %.9g\n", config->max_clock_error_ppm);
	if (config->clock_precision_s > 0)
		fprintf(out, "clockprecision %.9g\n", config->clock_precision_s);
	fprintf(out, "counter %s\nholdover %" PRIu32 "\n", counters[config->counter_id],
		config->holdover_s);
	dump_text("driftfile", config->driftfile, out);
	fprintf(out, "leapseclist %s\n", config->leapseclist[0] ? config->leapseclist : "off");
	dump_text("modellog", config->modellog, out);
}

void config_dump_own(const struct config *config, FILE *out)
{
	dump_clock(config, out);
	dump_kernel_clock(config, out);
	fprintf(out, "rundir %s\n", config->rundir);
	dump_text("pidfile", config->pidfile, out);
	dump_text("user", config->user, out);
	fprintf(out, "cmdport %u\n", config->cmdport);
	dump_text("bindcmdaddress", config->bindcmdaddress, out);
	for (size_t i = 0; i < 2; i++) {
		if (config->bindcmd[i].family)
			dump_directive_address("bindcmdaddress", &config->bindcmd[i], out);
	}
}

void config_dump(const struct config *config, FILE *out)
{
	config_dump_own(config, out);
	dump_served(config, out);
}
