/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap.h"
#include <math.h>
#include <meridian/ntp.h>
#include <time.h>

#define DAY_S    86400
#define JUNE     5 /* as struct tm counts */
#define DECEMBER 11
#define DUE_S    2   /* before a leap second nothing is changed any more */
#define AGREES_S 0.5 /* less than that is not a leap second */

bool leap_month_begins(int64_t utc_s)
{
	time_t time = (time_t)utc_s;
	struct tm date;

	return utc_s % DAY_S == 0 && gmtime_r(&time, &date) && date.tm_mday == 1;
}

bool leap_list_covers(const struct leap_list *list, int64_t utc_s)
{
	return list && utc_s < list->expires_s;
}

static struct leap_outlook next_of_list(const struct leap_list *list, int64_t utc_s)
{
	struct leap_outlook outlook = {.known_until_s = list->expires_s};

	for (size_t i = 0; i < list->count; i++) {
		const struct leap_entry *entry = &list->entry[i];

		if (entry->from_s <= utc_s) {
			outlook.tai_offset_s = entry->tai_offset_s;
		} else if (outlook.tai_offset_s != 0) {
			outlook.from_s = entry->from_s;
			outlook.kind = entry->tai_offset_s > outlook.tai_offset_s
				? MERIDIAN_NTP_LI_INSERT
				: MERIDIAN_NTP_LI_DELETE;
			break;
		}
	}
	return outlook;
}

bool leap_last(const struct leap_list *list, int64_t utc_s, double after_s,
	struct leap_outlook *ret_outlook)
{
	for (size_t i = 1; i < list->count; i++) {
		const struct leap_entry *entry = &list->entry[i];

		if (entry->from_s > utc_s || (double)(utc_s - entry->from_s) >= after_s)
			continue;
		/* What was next before it. */
		*ret_outlook = next_of_list(list, entry->from_s - 1);
		return true;
	}
	return false;
}

static bool is_preferred_month(int64_t utc_s)
{
	time_t time = (time_t)utc_s;
	struct tm date;

	return gmtime_r(&time, &date) && (date.tm_mon == JUNE || date.tm_mon == DECEMBER);
}

static bool is_elected(const struct leap_votes *votes, unsigned int count, int64_t utc_s)
{
	if (is_preferred_month(utc_s))
		return 2 * count > votes->voters;
	return count == votes->voters && count >= LEAP_UNANIMOUS_MIN;
}

static struct leap_outlook next_of_votes(const struct leap_votes *votes, int64_t utc_s)
{
	int64_t day_end_s = utc_s - (utc_s % DAY_S + DAY_S) % DAY_S + DAY_S;
	struct leap_outlook outlook = {.from_s = 0};

	if (!leap_month_begins(day_end_s))
		return outlook;
	if (is_elected(votes, votes->insert, utc_s))
		outlook.kind = MERIDIAN_NTP_LI_INSERT;
	else if (is_elected(votes, votes->delete, utc_s))
		outlook.kind = MERIDIAN_NTP_LI_DELETE;
	if (outlook.kind != MERIDIAN_NTP_LI_NONE)
		outlook.from_s = day_end_s;
	return outlook;
}

struct leap_outlook leap_next(
	const struct leap_list *list, const struct leap_votes *votes, int64_t utc_s)
{
	struct leap_outlook outlook;

	if (leap_list_covers(list, utc_s))
		return next_of_list(list, utc_s);
	outlook = next_of_votes(votes, utc_s);
	if (list)
		outlook.known_until_s = list->expires_s;
	return outlook;
}

void leap_announce(struct model *model, const struct leap_outlook *outlook)
{
	model->data.leap_s = outlook->from_s;
	model->data.leap = outlook->kind;
	model->data.tai_offset_s = outlook->tai_offset_s;
	model->data.leap_known_until_s = outlook->known_until_s;
}

int leap_offset_s(const struct model *model, uint64_t counter)
{
	return meridian_timemodel_leap_offset_s(
		&model->data, meridian_timemodel_utc(&model->data, counter));
}

struct meridian_utc leap_utc(const struct model *model, uint64_t counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(&model->data, counter);

	utc.s += meridian_timemodel_leap_offset_s(&model->data, utc);
	return utc;
}

/* The instant of the pending leap second, in the time without it. */
static struct meridian_utc instant(const struct meridian_timemodel_data *data)
{
	return (struct meridian_utc){
		.s = data->leap_s - (data->leap == MERIDIAN_NTP_LI_DELETE), .frac64 = 0};
}

static bool is_pending(const struct meridian_timemodel_data *data)
{
	return data->leap_s != 0 && data->leap != MERIDIAN_NTP_LI_NONE;
}

/* Seconds that have passed since the pending leap second, negative before it. */
static double seconds_past(const struct meridian_timemodel_data *data, uint64_t counter)
{
	return timescale_utc_diff(meridian_timemodel_utc(data, counter), instant(data));
}

bool leap_is_due(const struct model *model, uint64_t counter)
{
	return is_pending(&model->data) && seconds_past(&model->data, counter) > -DUE_S;
}

bool leap_admit(const struct model *model, const struct timescale *timescale, uint64_t from,
	uint64_t to, struct sample *sample)
{
	const struct meridian_timemodel_data *data = &model->data;
	double error_s, published_s, from_s, to_s;

	if (from < model->folded_counter)
		return false;
	if (!is_pending(data))
		return true;
	error_s = model_distance_s(model, to);
	from_s = seconds_past(data, from) - error_s;
	to_s = seconds_past(data, to) + error_s;
	if (from_s < 0 && to_s >= 0)
		return false;
	sample->offset_s -= leap_offset_s(model, to);
	if (to_s < -LEAP_NEAR_S || from_s > LEAP_NEAR_S)
		return true;
	published_s = timescale_utc_diff(meridian_timemodel_utc(data, sample->counter),
		timescale_utc(timescale, sample->counter));
	return fabs(sample->offset_s - published_s) < AGREES_S;
}

bool leap_is_over(const struct model *model, uint64_t counter, double after_s)
{
	const struct meridian_timemodel_data *data = &model->data;

	/* An inserted second ends a second after its instant. */
	return is_pending(data) &&
		seconds_past(data, counter) >
		1 + after_s + fmin(model_distance_s(model, counter), DAY_S);
}

/* Moves the time without the leap second, at `counter`; with it, it stays. */
static void shift(struct model *model, struct timescale *timescale, uint64_t counter, int offset_s)
{
	model->data.slew.utc_s += offset_s;
	model->data.line.utc_s += offset_s;
	timescale->utc.s += offset_s;
	model->folded_counter = counter;
}

void leap_unfold(struct model *model, struct timescale *timescale, uint64_t counter,
	const struct leap_outlook *outlook)
{
	shift(model, timescale, counter, outlook->kind == MERIDIAN_NTP_LI_INSERT ? 1 : -1);
	leap_announce(model, outlook);
}

void leap_fold(struct model *model, struct timescale *timescale, uint64_t counter)
{
	struct meridian_timemodel_data *data = &model->data;
	int offset_s = data->leap == MERIDIAN_NTP_LI_INSERT ? -1 : 1;

	shift(model, timescale, counter, offset_s);
	if (data->tai_offset_s != 0)
		data->tai_offset_s -= offset_s;
	data->leap_s = 0;
	data->leap = MERIDIAN_NTP_LI_NONE;
}
