/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"
#include <errno.h>
#include <meridian/counter.h>
#include <string.h>
#include <sys/random.h>

void server_init(struct server *server, struct meridian_stats_worker *slot)
{
	uint64_t seed = meridian_clock_ns(CLOCK_MONOTONIC);

	memset(server, 0, sizeof(*server));
	server->slot = slot;
	/* Without entropy yet, the clock is random enough for bits below the precision. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed ^= (uintptr_t)server;
	responder_init(&server->responder, seed, NULL);
}

/* Returns `ret_model` when the page has a snapshot worth taking, else NULL: keep the last. */
static const struct meridian_timemodel_data *model_snapshot(struct server *server,
	const struct meridian_timemodel *page, struct meridian_timemodel_data *ret_model)
{
	int r = page ? meridian_timemodel_read(page, ret_model) : -ENODATA;

	if (r == 0 && meridian_timemodel_sane(ret_model))
		return ret_model;
	if (r != -ENODATA)
		meridian_stats_add(&server->slot->model_retries, 1);
	return NULL;
}

/* Places frames without a stamp. Returns how far off that may be, in ns. */
static uint64_t unstamped_place(struct server *server, uint64_t empty_counter)
{
	uint64_t half = (server->now.counter - empty_counter) / 2;
	uint64_t error_ns;

	server->unstamped_counter = server->now.counter;
	if (empty_counter == 0)
		return 0;
	error_ns = stamp_rate_ns(&server->rate, half + 1) + 1;
	server->unstamped_counter =
		error_ns <= STAMP_AGE_MAX_NS / 2 ? server->now.counter - half : 0;
	return error_ns;
}

void server_begin(struct server *server, const struct server_view *view, clockid_t clock,
	uint64_t empty_counter)
{
	struct responder *responder = &server->responder;
	struct meridian_timemodel_data data;
	const struct meridian_timemodel_data *model = model_snapshot(server, view->model, &data);

	if (model) {
		server->counter_id = model->counter_id;
		stamp_rate_set(&server->rate, model->counter_hz);
	} else if (!responder->has_model) {
		server->counter_id = view->counter_id;
	}
	stamp_clock_read(&server->now, clock, server->counter_id, &server->rate);
	responder_begin(responder, model, view->policy, server->now.counter,
		unstamped_place(server, empty_counter));
}

/* T2 in ticks: the frame's stamp, or what stands for it if it has none. Returns false for a stamp
 * that is not believable: any other T2 would be a wrong time. */
static bool receive_counter(
	struct server *server, enum meridian_stamp source, uint64_t stamp_ns, uint64_t *ret_counter)
{
	*ret_counter = server->unstamped_counter;
	if (source == MERIDIAN_STAMP_counter
			? server->unstamped_counter == 0
			: !stamp_counter(&server->now, &server->rate, stamp_ns, ret_counter))
		return false;
	meridian_stats_add(&server->slot->stamp[source], 1);
	return true;
}

bool server_classify(struct server *server, struct server_reply *reply, enum meridian_stamp source,
	uint64_t stamp_ns)
{
	struct meridian_stats_worker *slot = server->slot;

	meridian_stats_add(&slot->rx_packets, 1);
	meridian_stats_add(&slot->rx_octets, reply->frame.length);
	reply->verdict = MERIDIAN_VERDICT_stale;
	if (receive_counter(server, source, stamp_ns, &reply->receive_counter))
		reply->verdict = responder_classify(
			&server->responder, &reply->frame, reply->receive_counter);
	if (meridian_verdict_outcome(reply->verdict) == MERIDIAN_OUTCOME_ANSWER)
		return true;
	meridian_stats_add(&slot->verdict[reply->verdict], 1);
	return false;
}

void server_finish(struct server *server, struct server_reply *reply)
{
	uint64_t counter = meridian_counter_read(server->counter_id);
	uint64_t residence_ns = stamp_rate_ns(&server->rate, counter - reply->receive_counter);

	responder_finish(&server->responder, &reply->frame, counter);
	meridian_stats_add(&server->slot->residence[meridian_residence_bucket(residence_ns)], 1);
	meridian_stats_add(&server->slot->residence_sum_ns, residence_ns);
}

void server_sent(struct server *server, const struct server_reply *reply, bool sent)
{
	struct meridian_stats_worker *slot = server->slot;

	if (sent) {
		meridian_stats_add(&slot->tx_packets, 1);
		meridian_stats_add(&slot->tx_octets, reply->frame.length);
	}
	meridian_stats_add(&slot->verdict[sent ? reply->verdict : MERIDIAN_VERDICT_tx_failed], 1);
}
