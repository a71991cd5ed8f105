/* SPDX-License-Identifier: BSD-3-Clause */
#include "leap_second.h"
#include "leap_file.h"
#include <log.h>
#include <meridian/ntp.h>
#include <time.h>

static struct model *model;
static struct timescale *timescale;
static double fold_after_s;
static bool smears;

static bool is_pending(void)
{
	return model->data.leap_s != 0;
}

static void log_outlook(const struct leap_outlook *outlook, bool by_list)
{
	time_t last = (time_t)outlook->from_s - 1;
	char date[16] = "?";
	struct tm broken;

	if (outlook->kind == MERIDIAN_NTP_LI_NONE) {
		log_notice("no leap second is announced any more");
		return;
	}
	if (gmtime_r(&last, &broken))
		strftime(date, sizeof(date), "%Y-%m-%d", &broken);
	log_notice("a leap second %s at the end of %s, says %s",
		outlook->kind == MERIDIAN_NTP_LI_INSERT ? "is inserted" : "is deleted", date,
		by_list ? "the list" : "the majority of the sources");
}

/* Returns whether the model changed. */
static bool announce(const struct leap_outlook *outlook, bool by_list)
{
	const struct meridian_timemodel_data *data = &model->data;
	bool other = data->leap_s != outlook->from_s || data->leap != outlook->kind;
	bool changed = other || data->tai_offset_s != outlook->tai_offset_s ||
		data->leap_known_until_s != outlook->known_until_s;

	if (other)
		log_outlook(outlook, by_list);
	leap_announce(model, outlook);
	return changed;
}

/* The clock is not one that was led by sources: it has no leap second to come. */
static bool forget(uint64_t now)
{
	if (!is_pending())
		return false;
	if (leap_offset_s(model, now) != 0)
		leap_fold(model, timescale, now);
	model->data.leap_s = 0;
	model->data.leap = MERIDIAN_NTP_LI_NONE;
	return true;
}

/* A start in the second half of a smear goes on with it. Returns whether the model changed. */
static bool resume_smear(const struct leap_list *list, int64_t utc_s, uint64_t now)
{
	struct leap_outlook outlook;

	if (!smears || is_pending() || !leap_list_covers(list, utc_s) ||
		!leap_last(list, utc_s, fold_after_s, &outlook))
		return false;
	leap_unfold(model, timescale, now, &outlook);
	log_notice("a leap second is still being smeared");
	return true;
}

bool leap_second_tick(const struct leap_votes *votes, uint64_t now, bool disciplined)
{
	int64_t utc_s = leap_utc(model, now).s;
	const struct leap_list *list = leap_file_list(utc_s);
	struct leap_outlook outlook;

	if (!disciplined)
		return forget(now);
	if (leap_is_over(model, now, fold_after_s)) {
		leap_fold(model, timescale, now);
		log_notice("the leap second is over");
		return true;
	}
	if (resume_smear(list, utc_s, now))
		return true;
	if (leap_is_due(model, now))
		return false;
	/* What an earlier run knew holds until somebody is heard. */
	if (!leap_list_covers(list, utc_s) && votes->voters == 0 && is_pending())
		return false;
	outlook = leap_next(list, votes, utc_s);
	return announce(&outlook, leap_list_covers(list, utc_s));
}

bool leap_second_admit(uint64_t from, uint64_t to, struct sample *sample)
{
	return leap_admit(model, timescale, from, to, sample);
}

void leap_second_init(
	struct model *new_model, struct timescale *new_timescale, const struct config *config)
{
	model = new_model;
	timescale = new_timescale;
	leap_second_reload(config);
}

void leap_second_reload(const struct config *config)
{
	smears = config->smear_count > 0;
	/* A smear goes on so long after it. */
	fold_after_s = LEAP_NEAR_S + config->smear_duration_s / 2.0;
	leap_file_open(config->leapseclist);
}
