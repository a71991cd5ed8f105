/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntp_name.h"
#include "config_table.h"
#include "event.h"
#include "ntp_server.h"
#include <log.h>
#include <string.h>
#include <units.h>

#define WAIT_MIN_LOG2 1
#define WAIT_MAX_LOG2 10

static void on_look_up(void *arg);

void ntp_name_init(
	struct ntp_name *name, const struct config_server *config, const struct ntp_servers *all)
{
	*name = (struct ntp_name){.config = config, .all = all, .wait_log2 = WAIT_MIN_LOG2};
}

void ntp_name_stop(struct ntp_name *name)
{
	event_remove_timer(name->timer);
	resolver_cancel(name->resolver);
	name->timer = 0;
	name->resolver = NULL;
}

bool ntp_name_is_looked_up(const struct ntp_name *name)
{
	struct config_address address;

	return !config_server_address_parse(name->config->name, &address);
}

void ntp_name_look_up_later(struct ntp_name *name)
{
	if (name->timer > 0 || name->resolver || !ntp_name_is_looked_up(name))
		return;
	name->timer = event_add_timer(NS_PER_SECOND << name->wait_log2, on_look_up, name);
	if (name->wait_log2 < WAIT_MAX_LOG2)
		name->wait_log2++;
}

void ntp_name_refuse(struct ntp_name *name, const struct config_address *address)
{
	name->refused[name->refused_next] = *address;
	name->refused_next = (uint8_t)((name->refused_next + 1) % NTP_NAME_REFUSED_MAX);
}

static bool address_same(const struct config_address *a, const struct config_address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool is_asked(const struct ntp_name *name, const struct config_address *address)
{
	for (size_t i = 0; i < name->all->count; i++) {
		const struct ntp_server *server = name->all->server[i];

		if (address_same(&server->source.address, address) &&
			server->config.port == name->config->port)
			return true;
	}
	return false;
}

static bool is_refused(const struct ntp_name *name, const struct config_address *address)
{
	for (size_t i = 0; i < NTP_NAME_REFUSED_MAX; i++) {
		if (address_same(&name->refused[i], address))
			return true;
	}
	return false;
}

static bool is_free(const struct ntp_name *name, const struct config_address *address)
{
	return (name->config->family == 0 || name->config->family == address->family) &&
		!is_asked(name, address) && !is_refused(name, address);
}

/* The free address after the one that was silent, else the first one; NULL: there is none. */
static const struct config_address *choose(const struct ntp_name *name,
	const struct config_address *address, size_t count, const struct config_address *silent)
{
	const struct config_address *first = NULL;
	bool behind = false;

	for (size_t i = 0; i < count; i++) {
		behind = behind || address_same(&address[i], silent);
		if (!is_free(name, &address[i]))
			continue;
		if (behind)
			return &address[i];
		if (first == NULL)
			first = &address[i];
	}
	return first;
}

/* Gives addresses to those that want one, as far as there are. */
static void hand_out(
	const struct ntp_name *name, const struct config_address *address, size_t count)
{
	for (size_t i = 0; i < name->all->count; i++) {
		struct ntp_server *server = name->all->server[i];
		const struct config_address *chosen;

		if (server->name != name || !ntp_server_wants_address(server))
			continue;
		chosen = choose(name, address, count, &server->source.address);
		if (chosen)
			ntp_server_move(server, chosen);
		else
			ntp_server_stay(server);
	}
}

/* How many of its servers have an address, or have none. */
static size_t servers_count(const struct ntp_name *name, bool with_address)
{
	size_t servers = 0;

	for (size_t i = 0; i < name->all->count; i++) {
		const struct ntp_server *server = name->all->server[i];

		servers += server->name == name &&
			(server->source.address.family != 0) == with_address;
	}
	return servers;
}

static void on_resolved(const struct config_address *address, size_t count, void *arg)
{
	struct ntp_name *name = arg;

	name->resolver = NULL;
	hand_out(name, address, count);
	if (name->wait_log2 == WAIT_MIN_LOG2 && servers_count(name, true) == 0)
		log_warning("%s: %s, trying again", name->config->name,
			count == 0 ? "the name cannot be resolved"
				   : "the name has no address for us");
	if (count == 0 || servers_count(name, false) > 0)
		ntp_name_look_up_later(name);
	else
		name->wait_log2 = WAIT_MIN_LOG2;
}

static bool any_wants_address(const struct ntp_name *name)
{
	for (size_t i = 0; i < name->all->count; i++) {
		if (name->all->server[i]->name == name &&
			ntp_server_wants_address(name->all->server[i]))
			return true;
	}
	return false;
}

static void on_look_up(void *arg)
{
	struct ntp_name *name = arg;
	int r;

	name->timer = 0;
	if (!any_wants_address(name))
		return;
	r = resolver_start(&name->resolver, name->config->name, on_resolved, name);
	if (r < 0) {
		log_errno(r, "%s: cannot look up the name", name->config->name);
		ntp_name_look_up_later(name);
	}
}

void ntp_name_look_up_now(struct ntp_name *name)
{
	if (name->resolver || !ntp_name_is_looked_up(name))
		return;
	event_remove_timer(name->timer);
	name->wait_log2 = WAIT_MIN_LOG2;
	on_look_up(name);
}

void ntp_name_start(struct ntp_name *name)
{
	struct config_address address;

	if (config_server_address_parse(name->config->name, &address))
		hand_out(name, &address, 1);
	else
		on_look_up(name);
}
