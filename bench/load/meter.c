/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter.h"
#include "reply_plain.h"
#include "token.h"
#include <bytes.h>
#include <errno.h>
#include <meridian/ntp.h>
#include <prefetch.h>
#include <stdlib.h>
#include <units.h>

__extension__ typedef unsigned __int128 u128;

#define WINDOW_WORDS ((TOKEN_NUMBER_MASK + 1) / 64)

/* Frames that are on their way into the cache while others are looked at. */
#define PREFETCH_AHEAD 8
#define CACHE_LINE     64

static int only_kind(const struct traffic *traffic)
{
	int kind = traffic->template[0].kind;

	for (uint32_t i = 1; i < traffic->template_count; i++) {
		if (traffic->template[i].kind != kind)
			return -1;
	}
	return kind;
}

int meter_init(struct meter *meter, const struct traffic *traffic, uint64_t hz, uint32_t timeout_ms,
	unsigned int sample_log2)
{
	memset(meter, 0, sizeof(*meter));
	meter->traffic = traffic;
	meter->hz = hz;
	meter->timeout_units = hz / 1000 * timeout_ms >> TOKEN_TICKS_LOG2;
	meter->sample_mask = (1u << sample_log2) - 1;
	meter->only_kind = only_kind(traffic);
	meter->ns_per_tick = (uint64_t)(((u128)NS_PER_SECOND << 32) / hz);
	meter->ns_per_unit = (uint64_t)(((u128)NS_PER_SECOND << (24 + TOKEN_TICKS_LOG2)) / hz);
	meter->window = calloc(WINDOW_WORDS, sizeof(uint64_t));
	meter->sample = calloc(METER_SAMPLES, sizeof(struct meter_sample));
	if (meter->window == NULL || meter->sample == NULL) {
		meter_fini(meter);
		return -ENOMEM;
	}
	return 0;
}

void meter_fini(struct meter *meter)
{
	free(meter->window);
	free(meter->sample);
	meter->window = NULL;
	meter->sample = NULL;
}

void meter_restart(struct meter *meter)
{
	meter->first_request = meter->next_request;
#define X(name) meter->name = 0;
	METER_COUNTERS(X)
#undef X
	memset(meter->invalid, 0, sizeof(meter->invalid));
	memset(meter->kind_sent, 0, sizeof(meter->kind_sent));
	memset(meter->kind_answered, 0, sizeof(meter->kind_answered));
	memset(meter->kiss, 0, sizeof(meter->kiss));
	memset(meter->target, 0xff, sizeof(meter->target)); /* METER_UNKNOWN */
	memset(&meter->round_trip, 0, sizeof(meter->round_trip));
	memset(&meter->send_to_reply, 0, sizeof(meter->send_to_reply));
	memset(&meter->residence, 0, sizeof(meter->residence));
	memset(&meter->send_lag, 0, sizeof(meter->send_lag));
	memset(&meter->offset, 0, sizeof(meter->offset));
	meter->greatest_transmit = 0;
	meter->settled = meter->recent = (struct meter_mark){.units = UINT64_MAX};
}

static void count_kinds(struct meter *meter, uint64_t request, unsigned int count, int sign)
{
	if (meter->only_kind >= 0) {
		meter->kind_sent[meter->only_kind] += (uint64_t)(sign * (int64_t)count);
		return;
	}
	for (uint64_t end = request + count; request < end; request++)
		meter->kind_sent[traffic_template(meter->traffic, request)->kind] +=
			(uint64_t)(int64_t)sign;
}

/* The first multiple of a power of two from `number` on. */
static uint64_t multiple_from(uint64_t number, uint64_t power)
{
	return (number + power - 1) & ~(power - 1);
}

uint64_t meter_requests(struct meter *meter, unsigned int count)
{
	uint64_t first = meter->next_request, end = first + count;

	for (uint64_t n = multiple_from(first, 64); n < end; n += 64)
		meter->window[n / 64 % WINDOW_WORDS] = 0;
	meter->next_request = end;
	meter->sent += count;
	count_kinds(meter, first, count, 1);
	meter->malformed = meter->kind_sent[REQUEST_malformed];
	return first;
}

void meter_sent(struct meter *meter, uint64_t first, unsigned int count, uint64_t lag_ticks,
	uint64_t now_ticks)
{
	uint64_t end = first + count, step = meter->sample_mask + 1;

	for (uint64_t n = multiple_from(first, step); n < end; n += step)
		meter->sample[n / step % METER_SAMPLES] =
			(struct meter_sample){.request = n, .ticks = now_ticks};
	if (first >= meter->first_request)
		histogram_add(&meter->send_lag,
			(uint64_t)((u128)lag_ticks * meter->ns_per_tick >> 32), count);
}

unsigned int meter_unsent(struct meter *meter, uint64_t first, unsigned int count)
{
	uint64_t end = first + count;

	if (first < meter->first_request)
		first = end < meter->first_request ? end : meter->first_request;
	count = (unsigned int)(end - first);
	meter->sent -= count;
	count_kinds(meter, first, count, -1);
	meter->malformed = meter->kind_sent[REQUEST_malformed];
	return count;
}

/* Marks a request as answered. Returns whether it was so already. */
static inline bool window_mark(struct meter *meter, uint64_t request)
{
	uint64_t *word = &meter->window[request / 64 % WINDOW_WORDS];
	uint64_t bit = UINT64_C(1) << request % 64;
	bool marked = *word & bit;

	*word |= bit;
	return marked;
}

static void count_kiss(struct meter *meter, uint32_t code)
{
	unsigned int i = 0;

	while (i < METER_KISSES - 1 && meter->kiss[i].count && meter->kiss[i].code != code)
		i++;
	meter->kiss[i].code = i < METER_KISSES - 1 ? code : 0;
	meter->kiss[i].count++;
	meter->kissed++;
}

const char *meter_kiss_text(uint32_t code, char text[METER_KISS_TEXT_SIZE])
{
	char letters[5] = {
		(char)(code >> 24), (char)(code >> 16), (char)(code >> 8), (char)code, '\0'};

	for (int i = 0; i < 4; i++) {
		if (letters[i] != '\0' && (letters[i] < ' ' || letters[i] > '~'))
			letters[i] = '?';
	}
	strcpy(text, code ? letters : "other");
	return text;
}

static bool is_kiss(const struct reply *reply, uint32_t refid)
{
	uint8_t first = (uint8_t)(refid >> 24);

	return reply->ntp[1] == MERIDIAN_NTP_STRATUM_KOD && first >= 'A' && first <= 'Z';
}

static void count_changes(struct meter *meter, uint64_t before, uint64_t now)
{
	if (before == METER_UNKNOWN)
		return;
	meter->leap_changes += before >> 40 != now >> 40;
	meter->stratum_changes += (before >> 32 & 0xff) != (now >> 32 & 0xff);
	meter->refid_changes += (uint32_t)before != (uint32_t)now;
}

static inline void follow_target(
	struct meter *meter, const struct reply *reply, uint8_t leap, uint32_t refid)
{
	uint64_t *target = &meter->target[reply->template->target];
	uint64_t now = (uint64_t)leap << 40 | (uint64_t)reply->ntp[1] << 32 | refid;

	if (*target == now)
		return;
	count_changes(meter, *target, now);
	*target = now;
}

/*
 * Replies may overtake one another. But the T3 of one whose request was due after another reply
 * had arrived must be later than that other's. Two marks follow each other about a round trip
 * apart: `settled` is compared with, `recent` takes its place once a request due after it is
 * answered. An interleaved T3 is an old one.
 */
static inline void follow_transmit(
	struct meter *meter, const struct reply *reply, uint64_t now_units)
{
	uint64_t due = now_units - reply->age_units;

	if (reply->interleaved || !meter_follows_transmit(meter))
		return;
	if (meter->greatest_transmit == 0 ||
		(int64_t)(reply->transmit - meter->greatest_transmit) > 0)
		meter->greatest_transmit = reply->transmit;
	if (due > meter->recent.units || meter->recent.units == UINT64_MAX) {
		meter->settled = meter->recent;
		meter->recent = (struct meter_mark){now_units, meter->greatest_transmit};
	}
	if (meter->settled.units != UINT64_MAX && due > meter->settled.units &&
		(int64_t)(reply->transmit - meter->settled.transmit) < 0)
		meter->transmit_backwards++;
}

static int64_t ntp_to_ns(int64_t difference)
{
	__extension__ typedef __int128 i128;

	return (int64_t)((i128)difference * NS_PER_SECOND >> 32);
}

static uint64_t clock_at(const struct meter *meter, uint64_t ticks)
{
	int64_t since = (int64_t)(ticks - meter->clock.ticks);
	double fraction = (double)since / (double)meter->hz * 4294967296.0;

	return meter->clock.ntp + (uint64_t)(int64_t)fraction;
}

/* What needs the real time of sending. An interleaved T3 is not of this exchange. */
static void follow_sample(struct meter *meter, const struct reply *reply, uint64_t now_ticks)
{
	const struct meter_sample *sample =
		&meter->sample[reply->request / (meter->sample_mask + 1) % METER_SAMPLES];
	int64_t there, back;

	if (sample->request != reply->request)
		return;
	histogram_add(&meter->send_to_reply,
		(uint64_t)((u128)(now_ticks - sample->ticks) * meter->ns_per_tick >> 32), 1);
	if (reply->interleaved || meter->clock.ticks == 0)
		return;
	there = ntp_to_ns((int64_t)(reply->receive - clock_at(meter, sample->ticks)));
	back = ntp_to_ns((int64_t)(reply->transmit - clock_at(meter, now_ticks)));
	histogram_signed_add(&meter->offset, there / 2 + back / 2);
}

/* An age is below 2^31 and a unit is less than 2^9 ns: the product has no more than 64 bits. */
static inline uint64_t age_ns(const struct meter *meter, uint64_t units)
{
	return units * meter->ns_per_unit >> 24;
}

static void count_answer(
	struct meter *meter, const struct reply *reply, uint64_t now_ticks, uint32_t refid)
{
	uint8_t leap = MERIDIAN_NTP_LI(reply->ntp[0]);

	if (reply->age_units <= meter->timeout_units)
		meter->answered++;
	else
		meter->late++;
	meter->kind_answered[reply->template->kind]++;
	if (reply->interleaved)
		meter->interleaved++;
	if (leap == MERIDIAN_NTP_LI_UNKNOWN || reply->ntp[1] == MERIDIAN_NTP_STRATUM_KOD)
		meter->unsynchronised++;
	follow_target(meter, reply, leap, refid);
	follow_transmit(meter, reply, now_ticks >> TOKEN_TICKS_LOG2);
	histogram_add(&meter->round_trip, age_ns(meter, reply->age_units), 1);
	if (reply->resided)
		histogram_add(&meter->residence, (uint64_t)ntp_to_ns((int64_t)reply->residence), 1);
	if ((reply->request & meter->sample_mask) == 0)
		follow_sample(meter, reply, now_ticks);
}

static inline enum reply_reason reply_take(
	struct meter *meter, const uint8_t *frame, uint32_t length, uint64_t now_ticks)
{
	uint64_t now_units = now_ticks >> TOKEN_TICKS_LOG2;
	__attribute__((uninitialized)) struct reply reply;
	enum reply_reason reason = REPLY_VALID;
	uint32_t refid;

	if (!reply_check_plain(
		    meter->traffic, frame, length, meter->next_request, now_units, &reply))
		reason = reply_check(
			meter->traffic, frame, length, meter->next_request, now_units, &reply);
	if (reason == REPLY_OTHER) {
		meter->other_frames++;
		return reason;
	}
	if (reason != REPLY_VALID) {
		meter->invalid[reason]++;
		return reason;
	}
	if (reply.template->kind == REQUEST_interleaved)
		meter->traffic->last_receive[reply.template->ipv6][reply.client] = reply.receive;
	if (reply.request < meter->first_request)
		return reason;
	refid = __builtin_bswap32(load_u32(reply.ntp + 12));
	if (window_mark(meter, reply.request))
		meter->duplicate++;
	else if (is_kiss(&reply, refid))
		count_kiss(meter, refid);
	else
		count_answer(meter, &reply, now_ticks, refid);
	return reason;
}

unsigned int meter_replies(
	struct meter *meter, struct meter_frame *frame, unsigned int count, uint64_t now_ticks)
{
	unsigned int others = 0;

	for (unsigned int i = 0; i < count + PREFETCH_AHEAD; i++) {
		if (i < count) { /* the buffer of a reply is that of a request soon */
			prefetch_write(frame[i].data);
			prefetch_write(frame[i].data + CACHE_LINE);
		}
		if (i >= PREFETCH_AHEAD) {
			struct meter_frame *own = &frame[i - PREFETCH_AHEAD];

			own->reason = reply_take(meter, own->data, own->length, now_ticks);
			others += own->reason == REPLY_OTHER;
		}
	}
	return others;
}

uint64_t meter_lost(const struct meter *meter)
{
	return meter->sent - meter->malformed - meter->answered - meter->late - meter->kissed;
}

uint64_t meter_invalid(const struct meter *meter)
{
	uint64_t sum = 0;

	for (int reason = REPLY_OTHER + 1; reason < REPLY_REASON_COUNT; reason++)
		sum += meter->invalid[reason];
	return sum;
}

double meter_loss(const struct meter *meter)
{
	uint64_t expected = meter->sent - meter->malformed;

	return expected ? (double)(expected - meter->answered) / (double)expected : 0;
}
