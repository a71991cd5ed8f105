/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer.h"
#include "access_rules.h"
#include "addresses.h"
#include "event.h"
#include "keys.h"
#include "log.h"
#include "network.h"
#include "nic.h"
#include "plan.h"
#include "policy.h"
#include "serverstats.h"
#include "watch.h"
#include <arpa/inet.h>
#include <errno.h>
#include <meridian/counter.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>

/* Changes come in bursts: an address alone makes three notifications. */
#define SETTLE_NS (20 * NS_PER_MS)
#define RETRY_NS  (1000 * NS_PER_MS)
#define CHECK_NS  (1000 * NS_PER_MS)
/* More than a turn of the dataplane's main thread, and than the silence that tells it is dead. */
#define STOP_WAIT_NS (600 * NS_PER_MS)
#define STOP_LOOK_MS 20
/* A longer table of access rules is published next to other work, so many octets at a time. */
#define RULES_AT_ONCE  10000
#define PUBLISH_OCTETS (UINT64_C(2) << 20)
/* Without a `nic` nothing tells us about new addresses. */
#define REFRESH_NS (5000 * NS_PER_MS)

static const struct config *steer_config;
static uint8_t steer_counter_id;
static struct plan plan;
static struct nic nics[MERIDIAN_POLICY_NICS_MAX];
static struct addresses served;
static size_t smeared_count = SIZE_MAX; /* of the `leapsmear` addresses; SIZE_MAX: not known */
static struct meridian_policy_access *access_table;
static size_t access_count;
static uint64_t access_id;
static struct meridian_policy_queue queues[MERIDIAN_POLICY_NICS_MAX * MERIDIAN_POLICY_QUEUES_MAX];
static size_t queue_count;
static bool published; /* what is in these variables is what the policy page says */
static int sync_timer, watch_timer, check_timer, publish_timer;
static uint64_t sync_due_ns; /* of sync_timer */
static bool sync_waits;      /* for the end of publish_timer */

static void sync_handler(void *arg);

/* A sync that is due earlier stays: notifications that never pause must not put it off. */
static void sync_after(uint64_t delay_ns)
{
	uint64_t due_ns = meridian_clock_ns(CLOCK_MONOTONIC) + delay_ns;

	if (sync_timer > 0 && sync_due_ns <= due_ns)
		return;
	event_remove_timer(sync_timer);
	sync_timer = event_add_timer(delay_ns, sync_handler, NULL);
	sync_due_ns = due_ns;
}

static int addresses_find(struct addresses *addresses)
{
	uint32_t ifindex[2 * MERIDIAN_POLICY_NICS_MAX];
	size_t count = 0;
	int r = 0;

	if (plan.nic_count == 0)
		return network_host_addresses(addresses);
	for (size_t i = 0; i < plan.nic_count && r == 0; i++) {
		r = addresses_add_given(addresses, &plan.nic[i]);
		if (nics[i].policy.ifindex != 0)
			ifindex[count++] = nics[i].policy.ifindex;
		if (nics[i].master_ifindex != 0)
			ifindex[count++] = nics[i].master_ifindex;
	}
	if (r < 0 || plan.interface_count == 0)
		return r;
	return network_nic_addresses(ifindex, count, addresses);
}

/* Marks where to smear, and says, when it changes, that a `leapsmear` does nothing. */
static void smear_update(struct addresses *found)
{
	const struct config_address *missing;
	size_t count =
		addresses_smear(found, steer_config->smear, steer_config->smear_count, &missing);
	char text[INET6_ADDRSTRLEN] = "?";

	if (count == smeared_count)
		return;
	smeared_count = count;
	if (missing == NULL)
		return;
	inet_ntop(missing->family == MERIDIAN_FAMILY_IPV4 ? AF_INET : AF_INET6, missing->octets,
		text, sizeof(text));
	log_warning("leapsmear: %s is not among the addresses that are served: nothing is smeared "
		    "there (%zu of %zu addresses found)",
		text, count, steer_config->smear_count);
}

/* Finds what is served now. When the kernel cannot be asked the last answer stays. */
static int served_update(void)
{
	struct addresses found = {0};
	int r = addresses_find(&found);

	if (r == 0)
		addresses_narrow(&found, steer_config->bind, steer_config->bind_count);
	if (r == 0 && plan.nic_count == 0)
		r = addresses_add_bound(&found, steer_config->bind, steer_config->bind_count);
	if (r < 0) {
		addresses_fini(&found);
		return r;
	}
	addresses_sort(&found);
	smear_update(&found);
	if (found.count > MERIDIAN_POLICY_ADDRESSES_MAX) {
		log_warning("%zu addresses, of which only the first %d are served", found.count,
			MERIDIAN_POLICY_ADDRESSES_MAX);
		found.count = MERIDIAN_POLICY_ADDRESSES_MAX;
	}
	if (addresses_same(&served, &found)) {
		addresses_fini(&found);
		return 0;
	}
	addresses_fini(&served);
	served = found;
	for (size_t i = 0; i < plan.nic_count; i++)
		nics[i].served = NIC_SERVED_STALE;
	return 0;
}

/* Says once that the addresses are out of date. */
static int served_refresh(void)
{
	static bool failed;
	int r = served_update();

	if (r < 0 && !failed)
		log_errno(r, "cannot find the addresses of this host");
	failed = r < 0;
	return r;
}

/* Takes over a table that access_rules made. */
static void access_take(struct meridian_policy_access *table, size_t count)
{
	if (count == access_count &&
		(count == 0 || memcmp(table, access_table, count * sizeof(*table)) == 0)) {
		free(table);
		return;
	}
	free(access_table);
	access_table = table;
	access_count = count;
	access_id++;
}

static int access_init(void)
{
	struct meridian_policy_access *table;
	size_t count;
	int r = access_rules_resolve(steer_config->rule, steer_config->rule_count, &table, &count);

	if (r == 0)
		access_take(table, count);
	return r < 0 ? log_errno(r, "cannot build the access table") : 0;
}

/* As policy_publish_begin(). */
static int publish_begin(void)
{
	struct meridian_policy_nic policy_nics[MERIDIAN_POLICY_NICS_MAX];
	struct meridian_policy_device devices[MERIDIAN_POLICY_NICS_MAX];
	struct policy_content content = {
		.memory_mb = plan.memory_mb,
		.counter_id = steer_counter_id,
		.hugepages = plan.hugepages,
		.ratelimit_interval_log2 = steer_config->ratelimit_interval_log2,
		.ratelimit_burst = steer_config->ratelimit_burst,
		.ratelimit_leak_log2 = steer_config->ratelimit_leak_log2,
		.ratelimit_rollup_log2 = steer_config->ratelimit_rollup_log2,
		.ratelimit_kod_log2 = steer_config->ratelimit_kod_log2,
		.ratelimit_kod_after_s = steer_config->ratelimit_kod_after_s,
		.idle_sleep_us = steer_config->idle_sleep_us,
		.smear_shape = steer_config->smear_shape,
		.smear_duration_s = steer_config->smear_duration_s,
		.no_client_log = steer_config->no_client_log,
		.ntpv5 = steer_config->ntpv5,
		.interleave_entries = steer_config->interleave_entries,
		.nics = policy_nics,
		.nic_count = plan.nic_count,
		.queues = queues,
		.workers = plan.worker,
		.worker_count = plan.worker_count,
		.addresses = served.entry,
		.address_count = served.count,
		.access = access_table,
		.access_count = access_count,
		.access_id = access_id,
		.devices = devices,
		.kod_exempt = steer_config->kod_exempt,
		.kod_exempt_count = steer_config->kod_exempt_count,
	};

	for (size_t i = 0; i < plan.nic_count; i++) {
		policy_nics[i] = nics[i].policy;
		if (!config_nic_is_virtual(&plan.nic[i]))
			continue;
		policy_nics[i].device = (uint16_t)content.device_count;
		devices[content.device_count++] = plan.nic[i].device;
	}
	queue_count = plan_queues(&plan, policy_nics, plan.nic_count, queues);
	content.queue_count = queue_count;
	return policy_publish_begin(&content);
}

/* With what the last step of publishing returned. */
static int publish_end(int r)
{
	published = r >= 0;
	if (r > 0)
		log_info("policy published: interfaces %zu, addresses %zu, access rules %zu",
			plan.nic_count, served.count, access_count);
	if (r < 0 || sync_waits)
		sync_after(sync_waits ? 0 : RETRY_NS);
	sync_waits = false;
	return r < 0 ? log_errno(r, "cannot publish the policy") : 0;
}

static void publish_handler(void *arg)
{
	int r = policy_publish_step(PUBLISH_OCTETS);

	(void)arg;
	publish_timer = 0;
	if (r == 0)
		publish_timer = event_add_timer(0, publish_handler, NULL);
	else
		publish_end(r);
}

/* Publishes what changed, many access rules later unless told to `wait`. */
static int publish(bool wait)
{
	int r = publish_begin();

	if (r == 1 && access_count > RULES_AT_ONCE && !wait) {
		published = false;
		publish_timer = event_add_timer(0, publish_handler, NULL);
		return 0;
	}
	for (bool pending = r == 1; pending; pending = r == 0)
		r = policy_publish_step(UINT64_MAX);
	return publish_end(r);
}

/* Brings everything in line with the kernel and the config; safe at any time. */
static int steer_sync(bool wait)
{
	int retry = 0, r;

	event_remove_timer(publish_timer);
	publish_timer = 0;
	for (size_t i = 0; i < plan.nic_count; i++)
		retry |= nic_sync(&nics[i]) < 0;
	retry |= served_refresh() < 0;
	for (size_t i = 0; i < plan.nic_count; i++)
		nic_withdraw(&nics[i], served.entry, served.count);
	r = publish(wait);
	if (plan.nic_count == 0)
		sync_after(REFRESH_NS);
	else if (retry)
		sync_after(RETRY_NS);
	return r;
}

static void sync_handler(void *arg)
{
	(void)arg;
	sync_timer = 0;
	/* What never pauses must not begin it again and again. */
	sync_waits = publish_timer > 0;
	if (!sync_waits)
		(void)steer_sync(false);
}

static void network_changed(void)
{
	sync_after(SETTLE_NS);
}

static void watch_handler(void *arg)
{
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	(void)arg;
	watch_tick(now_ns);
	for (size_t i = 0; i < queue_count; i++) {
		enum watch_state state = watch_worker(queues[i].worker);

		if (state != WATCH_UNKNOWN)
			nic_steer(&nics[queues[i].nic], queues[i].queue, state == WATCH_POLLING,
				now_ns);
	}
	for (size_t i = 0; i < plan.nic_count; i++) {
		if (published && watch_policy_generation() == policy_generation())
			nic_serve(&nics[i], served.entry, served.count);
		nic_log_steered(&nics[i]);
	}
	watch_timer = event_add_timer(WATCH_INTERVAL_NS, watch_handler, NULL);
}

/* What the kernel does not announce. */
static void check_handler(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < plan.nic_count; i++) {
		if (nic_is_outdated(&nics[i]))
			sync_after(0);
	}
	check_timer = event_add_timer(CHECK_NS, check_handler, NULL);
}

static int follow_init(void)
{
	int r = network_follow(network_changed);

	if (r < 0)
		return log_errno(r, "cannot follow the interfaces by rtnetlink");
	watch_handler(NULL);
	check_handler(NULL);
	return 0;
}

/* Interfaces that an earlier config had. */
static void forget_others(void)
{
	const char *keep[MERIDIAN_POLICY_NICS_MAX];
	size_t removed;

	for (size_t i = 0; i < plan.nic_count; i++)
		keep[i] = nics[i].xdp.directory;
	removed = bpffs_remove_others(plan.rundir, keep, plan.nic_count, nic_forget_other);
	if (removed > 0)
		log_notice("XDP program detached where no `nic` names the interface any more: %zu",
			removed);
}

/* Also after a failure all are fit for nic_fini(). */
static int nics_init(void)
{
	int result = 0;

	for (size_t i = 0; i < plan.nic_count; i++) {
		int r = nic_init(&nics[i], &plan.nic[i], plan.rundir);

		if (r < 0)
			result = r;
	}
	return result;
}

/* Control attaches again, and detaches, after it has become another user; who answers as that user
 * reads the keys. */
static int user_prepare(const struct config *config)
{
	const struct passwd *entry = config->user[0] != '\0' ? getpwnam(config->user) : NULL;
	int r = 0;

	if (config->user[0] != '\0' && !entry) {
		log_error("there is no user '%s' any more", config->user);
		return -ENOENT;
	}
	if (entry && plan.xdp_count > 0)
		r = bpffs_give(config->rundir, entry->pw_uid, entry->pw_gid);
	if (r < 0)
		return log_errno(r, "cannot use " BPFFS_ROOT);
	return keys_init(config->rundir, entry ? entry->pw_gid : (gid_t)-1);
}

int steer_init(const struct config *config, uint8_t counter_id)
{
	int r = policy_init(config->rundir);

	if (r < 0) {
		log_error("%s/" MERIDIAN_POLICY_NAME ": %s", config->rundir,
			meridian_page_strerror(r));
		return r;
	}
	plan_init(&plan, config);
	r = user_prepare(config);
	if (r < 0) {
		policy_fini();
		return r;
	}
	steer_config = config;
	steer_counter_id = counter_id;
	watch_init(plan.rundir);
	r = nics_init();
	if (r == 0)
		r = keys_publish(config->keys);
	if (r == 0)
		forget_others();
	if (r == 0)
		r = access_init();
	if (r == 0 && plan.interface_count > 0)
		r = follow_init();
	if (r == 0)
		r = steer_sync(true);
	if (r < 0)
		steer_fini();
	return r;
}

void steer_reload(const struct config *config, struct meridian_policy_access *table, size_t count)
{
	struct plan fresh;
	const char *difference;

	plan_init(&fresh, config);
	difference = plan_difference(&plan, &fresh);
	if (difference)
		log_warning("`%s` has changed: this takes effect when control and dataplane are "
			    "started anew",
			difference);
	steer_config = config;
	smeared_count = SIZE_MAX;
	policy_publish_cancel();
	access_take(table, count);
	(void)keys_publish(config->keys);
	(void)steer_sync(false);
}

bool steer_is_publishing(void)
{
	return publish_timer > 0;
}

/* Whether a dataplane will need the program when we are gone. One that is being stopped together
 * with us takes a moment to show that. */
static bool dataplane_stays(void)
{
	uint64_t end_ns = meridian_clock_ns(CLOCK_MONOTONIC) + STOP_WAIT_NS;
	uint64_t now_ns = meridian_clock_ns(CLOCK_MONOTONIC);

	while (watch_dataplane_lives(now_ns) && !watch_dataplane_stops()) {
		if (now_ns >= end_ns)
			return true;
		poll(NULL, 0, STOP_LOOK_MS);
		now_ns = meridian_clock_ns(CLOCK_MONOTONIC);
	}
	return false;
}

void steer_fini(void)
{
	bool lives = plan.xdp_count > 0 && dataplane_stays();

	event_remove_timer(sync_timer);
	event_remove_timer(watch_timer);
	event_remove_timer(check_timer);
	event_remove_timer(publish_timer);
	sync_timer = watch_timer = check_timer = publish_timer = 0;
	network_unfollow();
	for (size_t i = 0; i < plan.nic_count; i++)
		nic_fini(&nics[i], !lives);
	if (lives)
		log_info("the dataplane lives: the XDP program stays attached");
	watch_fini();
	policy_fini();
	keys_fini();
	addresses_fini(&served);
	free(access_table);
	access_table = NULL;
	access_count = 0;
	memset(&plan, 0, sizeof(plan));
}

bool steer_allows(const struct report_address *address)
{
	return access_rules_allow(access_table, access_count, address->family, address->octets);
}

const char *steer_rundir(void)
{
	return plan.rundir;
}

void steer_report_server(struct report_server *ret_server)
{
	serverstats_sum(plan.rundir, ret_server);
}
