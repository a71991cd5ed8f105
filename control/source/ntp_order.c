/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"
#include "ntp_server.h"
#include <log.h>

static void go_offline(struct ntp_server *server)
{
	if (server->offline)
		return;
	log_notice("%s: offline, as ordered", server->source.label);
	server->offline = true;
	server->burst_requests = 0;
	event_remove_timer(server->expiry_timer);
	server->expiry_timer = 0;
	if (!server->denied && !ntp_server_wants_fewer(server)) {
		event_remove_timer(server->poll_timer);
		server->poll_timer = 0;
	}
	exchange_close(&server->exchange);
	source_give_up(&server->source);
}

/* What was learnt of it still holds, also that it does not want to be asked. */
static void go_online(struct ntp_server *server)
{
	if (!server->offline)
		return;
	log_notice("%s: online, as ordered", server->source.label);
	server->offline = false;
	server->unanswered = 0;
	if (server->denied)
		return;
	server->source.stopped = false;
	if (server->source.address.family == 0)
		return;
	if (!ntp_server_wants_fewer(server))
		ntp_server_begin_burst(server);
	else if (server->poll_timer > 0)
		return;
	ntp_server_ask_in(server, 0);
}

/* Not of who has no address, is offline, denied us service or asked for fewer requests. */
static bool burst(struct ntp_server *server, const struct order *order)
{
	if (server->source.address.family == 0 || server->source.stopped ||
		ntp_server_wants_fewer(server))
		return false;
	server->burst_requests = order->burst_requests;
	server->burst_samples = order->burst_samples;
	ntp_server_ask_in(server, 0);
	return true;
}

bool ntp_server_order(struct source *source, const struct order *order)
{
	struct ntp_server *server = (struct ntp_server *)source;

	switch (order->kind) {
	case ORDER_ONLINE:
		go_online(server);
		return true;
	case ORDER_OFFLINE:
		go_offline(server);
		return true;
	case ORDER_BURST:
		return burst(server, order);
	case ORDER_REFRESH:
		ntp_name_look_up_now(server->name);
		return true;
	default:
		return false;
	}
}
