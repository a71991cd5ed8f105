/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"
#include "random_seed.h"
#include <errno.h>
#include <meridian/counter.h>
#include <string.h>

int server_init(
	struct server *server, struct meridian_stats_worker *slot, unsigned int limit_sets_log2)
{
	static uint64_t secret;
	struct limit *limit;
	int r;

	memset(server, 0, sizeof(*server));
	server->slot = slot;
	while (secret == 0)
		secret = seed_random((uintptr_t)server);
	server->sampler.random = seed_random((uintptr_t)slot);
	r = limit_new(&limit, limit_sets_log2, secret);
	/* Not the secret: this one can be guessed from the replies. */
	if (r == 0)
		responder_init(&server->responder, seed_random(0), limit);
	return r;
}

void server_fini(struct server *server)
{
	limit_free(server->responder.limit);
	server->responder.limit = NULL;
}

/* Whether the page still has the model that was taken last. With another view comes another page,
 * perhaps at the same place. */
static bool model_known(const struct server *server, const struct server_view *view)
{
	return view == server->view &&
		__atomic_load_n(&view->model->seq, __ATOMIC_RELAXED) == server->model_seq;
}

/* Whether the page has a snapshot worth taking, which is in server->fresh then; else the last one
 * is kept. */
static bool model_snapshot(struct server *server, const struct server_view *view)
{
	const struct meridian_timemodel *page = view->model;
	uint64_t seq;
	int r;

	if (page == NULL || model_known(server, view))
		return false;
	seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);
	r = meridian_timemodel_read(page, &server->fresh);
	if (r == 0 && meridian_timemodel_sane(&server->fresh)) {
		server->view = view;
		server->model_seq = seq; /* older than what was read, if it moved meanwhile */
		return true;
	}
	if (r != -ENODATA)
		meridian_stats_add(&server->slot->model_retries, 1);
	return false;
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

static void clock_read(struct server *server, clockid_t clock, struct stamp_clock *ret_now)
{
	stamp_clock_read(ret_now, &server->pace[clock], clock, server->counter_id, &server->rate);
}

void server_look(struct server *server, const struct server_view *view, clockid_t clock)
{
	server->has_fresh = model_snapshot(server, view);
	if (server->has_fresh) {
		server->counter_id = server->fresh.counter_id;
		stamp_rate_set(&server->rate, server->fresh.counter_hz);
	} else if (!server->responder.has_model) {
		server->counter_id = view->counter_id;
	}
	if (clock == SERVER_NO_CLOCK)
		server->now.counter = meridian_counter_read(server->counter_id);
	else
		clock_read(server, clock, &server->now);
}

void server_begin(struct server *server, struct server_burst *burst, const struct server_view *view,
	uint64_t empty_counter)
{
	struct responder *responder = &server->responder;
	uint64_t unstamped_ns = unstamped_place(server, empty_counter);

	responder->collector = __atomic_load_n(&server->collector, __ATOMIC_SEQ_CST);
	burst->count = burst->rx_packets = 0;
	burst->rx_octets = 0;
	memset(burst->stamp, 0, sizeof(burst->stamp));
	responder->keyring = view->keyring;
	responder->page = view->model;
	/* All packets came earlier than their stamps say. */
	server->now.clock_ns += (uint64_t)(int64_t)server->rxcomp_ns;
	if (unstamped_ns < server->stamp_error_ns)
		unstamped_ns = server->stamp_error_ns;
	responder_begin(responder, server->has_fresh ? &server->fresh : NULL, view->policy,
		server->now.counter, unstamped_ns + server->transmit_error_ns);
}

/* Verdicts on what is no NTP for us. */
#define PUNTED                                                                                     \
	(UINT64_C(1) << MERIDIAN_VERDICT_punt | UINT64_C(1) << MERIDIAN_VERDICT_short_frame |      \
		UINT64_C(1) << MERIDIAN_VERDICT_foreign_mac |                                      \
		UINT64_C(1) << MERIDIAN_VERDICT_not_ip |                                           \
		UINT64_C(1) << MERIDIAN_VERDICT_foreign_address |                                  \
		UINT64_C(1) << MERIDIAN_VERDICT_not_ntp)

static void unanswered_count(struct server *server, struct server_burst *burst, unsigned int i)
{
	if (burst->punts && PUNTED >> burst->verdict[i] & 1)
		burst->verdict[i] = MERIDIAN_VERDICT_punt;
	else
		meridian_stats_add(&server->slot->verdict[burst->verdict[i]], 1);
}

void server_classify(struct server *server, struct server_burst *burst)
{
	uint64_t answered;

	meridian_stats_add(&server->slot->rx_packets, burst->rx_packets);
	meridian_stats_add(&server->slot->rx_octets, burst->rx_octets);
	for (unsigned int source = 0; source < MERIDIAN_STAMP_COUNT; source++)
		meridian_stats_add(&server->slot->stamp[source], burst->stamp[source]);
	answered = burst_classify(&server->responder, burst->frame, burst->receive_counter,
		burst->verdict, burst->count);
	if (server->responder.collector != NULL)
		collector_add(server->responder.collector, &server->sampler, burst->frame,
			burst->verdict, burst->count);
	burst->all_answered = (unsigned int)__builtin_popcountll(answered) == burst->count;
	if (burst->all_answered)
		return;
	for (unsigned int i = 0; i < burst->count; i++) {
		if (!server_answers(burst, i))
			unanswered_count(server, burst, i);
	}
}

void server_punted(struct server *server, unsigned int taken, unsigned int refused)
{
	meridian_stats_add(&server->slot->verdict[MERIDIAN_VERDICT_punt], taken);
	meridian_stats_add(&server->slot->verdict[MERIDIAN_VERDICT_punt_limited], refused);
}

/* Residence times of a burst: those of frames that arrived together are the same, and are counted
 * together. */
static void residence_count(
	struct server *server, const struct server_burst *burst, uint64_t transmit_counter)
{
	struct meridian_stats_worker *slot = server->slot;
	uint64_t sum_ns = 0;

	for (unsigned int i = 0, next; i < burst->count; i = next) {
		uint64_t counter = burst->receive_counter[i];
		uint64_t residence_ns = stamp_rate_ns(&server->rate, transmit_counter - counter);

		for (next = i + 1; next < burst->count; next++) {
			if (burst->receive_counter[next] != counter)
				break;
		}
		meridian_stats_add(
			&slot->residence[meridian_residence_bucket(residence_ns)], next - i);
		sum_ns += residence_ns * (next - i);
	}
	meridian_stats_add(&slot->residence_sum_ns, sum_ns);
}

/* Replies from addresses where a leap second is smeared, if this is the time. */
static void smear(const struct responder *responder, struct server_burst *burst, uint64_t counter)
{
	const struct meridian_timemodel_data *model = &responder->model;
	const struct smear *smear = &responder->policy->smear;

	if (!smear_is_active(smear, model, meridian_timemodel_utc(model, counter)))
		return;
	for (unsigned int i = 0; i < burst->count; i++) {
		if (burst->verdict[i] == MERIDIAN_VERDICT_kod)
			continue; /* tells no time */
		smear_reply(smear, model, meridian_timemodel_utc(model, burst->receive_counter[i]),
			&burst->frame[i]);
	}
}

/* Of the first `count` replies. */
static unsigned int signed_count(
	const struct server *server, const struct server_burst *burst, unsigned int count)
{
	unsigned int with_mac = 0;

	if (!server->responder.signing)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		with_mac += burst->frame[i].key != 0;
	return with_mac;
}

/* What a MAC usually takes follows the median from below, in small steps: an interrupt does not
 * move it far. */
static void sign(struct server *server, struct server_burst *burst, unsigned int macs)
{
	uint64_t usual = server->signing_ticks, begin = meridian_counter_read(server->counter_id);
	uint64_t ticks;

	burst_sign(&server->responder, burst->frame, burst->count);
	ticks = meridian_counter_read(server->counter_id) - begin;
	server->signing_ticks = ticks > macs * usual ? usual + usual / 16 + 1 : usual - usual / 16;
}

/* From the handing over of a frame to the wire, modulo 2^64. */
static uint64_t delay_ticks(const struct server *server)
{
	return (uint64_t)(server->transmit_delay_ns *
		(int64_t)(server->rate.ticks_per_ns_frac32 >> 8) / (1 << 24));
}

/* MACs cover T3 and are the only long thing after it: T3 is the time when they will be done. */
void server_finish(struct server *server, struct server_burst *burst)
{
	unsigned int macs = signed_count(server, burst, burst->count);
	uint64_t handed = meridian_counter_read(server->counter_id) + macs * server->signing_ticks;
	uint64_t counter = handed + delay_ticks(server);

	burst_finish(&server->responder, burst->frame, burst->count, counter);
	if (burst->count > 0 && server->responder.policy->smear.shape != MERIDIAN_SMEAR_NONE)
		smear(&server->responder, burst, counter);
	if (macs > 0)
		sign(server, burst, macs);
	burst->transmit_counter = counter;
	burst->handed_counter = handed;
	burst->note_count = server->responder.interleave_count == 0
		? 0
		: interleaved_notes_take(
			  &server->responder, burst->frame, burst->count, burst->note);
	residence_count(server, burst, counter);
}

/* Counts the verdicts other than `answered` of the first `sent` replies, and returns how many. */
static unsigned int others_count(
	struct server *server, const struct server_burst *burst, unsigned int sent)
{
	unsigned int others = 0;

	if (burst->all_answered)
		return 0;
	for (unsigned int i = 0; i < sent; i++) {
		if (burst->verdict[i] == MERIDIAN_VERDICT_answered)
			continue;
		meridian_stats_add(&server->slot->verdict[burst->verdict[i]], 1);
		others++;
	}
	return others;
}

void server_sent(struct server *server, const struct server_burst *burst, unsigned int sent)
{
	struct meridian_stats_worker *slot = server->slot;
	unsigned int others = others_count(server, burst, sent);
	uint64_t octets = 0, interleaved = 0;

	for (unsigned int i = 0; i < sent; i++)
		octets += burst->frame[i].length;
	for (unsigned int i = 0; i < burst->note_count && burst->note[i].frame < sent; i++)
		interleaved += burst->note[i].earned;
	meridian_stats_add(&slot->interleaved, interleaved);
	meridian_stats_add(&slot->authenticated, signed_count(server, burst, sent));
	meridian_stats_add(&slot->tx_packets, sent);
	meridian_stats_add(&slot->tx_octets, octets);
	meridian_stats_add(&slot->verdict[MERIDIAN_VERDICT_answered], sent - others);
	meridian_stats_add(&slot->verdict[MERIDIAN_VERDICT_tx_failed], burst->count - sent);
}

void server_save(struct server *server, const struct server_burst *burst, unsigned int sent,
	struct server_left left)
{
	unsigned int count = burst->note_count;

	while (count > 0 && burst->note[count - 1].frame >= sent)
		count--;
	interleaved_save(&server->responder, burst->note, count, left.counter, left.step);
}

bool server_past_counter(
	struct server *server, clockid_t clock, uint64_t stamp_ns, uint64_t *ret_counter)
{
	struct stamp_clock now;

	clock_read(server, clock, &now);
	return stamp_counter(&now, stamp_ns, ret_counter);
}
