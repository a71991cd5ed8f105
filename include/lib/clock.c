/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/meridian.h>
#include <meridian/ntp.h>
#include <stdlib.h>
#include <string.h>
#include <units.h>

struct meridian {
	char *rundir;
	struct meridian_page page;
	struct meridian_timemodel_data data; /* last snapshot */
	int has_data;
};

__extension__ typedef __int128 meridian_i128;

static meridian_u128 utc_pack(struct meridian_utc utc)
{
	return (meridian_u128)(uint64_t)utc.s << 64 | utc.frac64;
}

static struct meridian_utc utc_unpack(meridian_u128 packed)
{
	return (struct meridian_utc){.s = (int64_t)(packed >> 64), .frac64 = (uint64_t)packed};
}

struct meridian_utc meridian_utc_add_ns(struct meridian_utc a, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	meridian_u128 span = (meridian_u128)(size / NS_PER_SECOND) << 64;

	span += ((meridian_u128)(size % NS_PER_SECOND) << 64) / NS_PER_SECOND;
	return utc_unpack(ns < 0 ? utc_pack(a) - span : utc_pack(a) + span);
}

int64_t meridian_utc_diff_ns(struct meridian_utc a, struct meridian_utc b)
{
	meridian_i128 difference = (meridian_i128)(utc_pack(a) - utc_pack(b));
	int64_t s = (int64_t)(difference >> 64);
	int64_t ns = (int64_t)((meridian_u128)(uint64_t)difference * NS_PER_SECOND >> 64);

	if (s >= INT64_MAX / NS_PER_SECOND)
		return INT64_MAX;
	if (s <= INT64_MIN / NS_PER_SECOND)
		return INT64_MIN;
	return s * NS_PER_SECOND + ns;
}

int meridian_open(struct meridian **ret_handle, const char *rundir)
{
	struct meridian *handle = calloc(1, sizeof(*handle));
	int r;

	if (handle == NULL)
		return -ENOMEM;
	handle->rundir = strdup(rundir ? rundir : MERIDIAN_RUNDIR_DEFAULT);
	if (handle->rundir == NULL) {
		free(handle);
		return -ENOMEM;
	}
	r = meridian_page_open(&handle->page, handle->rundir, &meridian_timemodel_kind);
	if (r < 0) {
		meridian_close(handle);
		return r;
	}
	*ret_handle = handle;
	return 0;
}

void meridian_close(struct meridian *handle)
{
	if (handle == NULL)
		return;
	meridian_page_close(&handle->page);
	free(handle->rundir);
	free(handle);
}

static int snapshot_valid(struct meridian *handle)
{
	struct meridian_timemodel_data data;

	if (meridian_timemodel_read(handle->page.addr, &data) == 0 &&
		meridian_timemodel_sane(&data)) {
		handle->data = data;
		handle->has_data = 1;
	}
	return handle->has_data && !(handle->data.flags & MERIDIAN_TIMEMODEL_SCRIPTED) &&
		meridian_timemodel_valid(
			&handle->data, meridian_counter_read(handle->data.counter_id));
}

/* The page we map may belong to a control that is gone: look whether there is a new one. */
static int page_reopen(struct meridian *handle)
{
	struct meridian_page page;
	int r;

	if (!meridian_page_replaced(&handle->page, handle->rundir, &meridian_timemodel_kind))
		return -EAGAIN;
	r = meridian_page_open(&page, handle->rundir, &meridian_timemodel_kind);
	if (r < 0)
		return r;
	meridian_page_close(&handle->page);
	handle->page = page;
	handle->has_data = 0;
	return 0;
}

static int utc_before(struct meridian_utc a, struct meridian_utc b)
{
	return a.s != b.s ? a.s < b.s : a.frac64 < b.frac64;
}

/* Applies the leap second to an interval of the published clock. One that begins before an
 * inserted second and ends in it covers all of the second that is given twice. */
static void leap_apply(const struct meridian_timemodel_data *data, struct meridian_utc *earliest,
	struct meridian_utc *latest)
{
	struct meridian_utc repeated_from = {data->leap_s - 1, 0};
	struct meridian_utc repeated_to = {data->leap_s, 0};
	int before = meridian_timemodel_leap_offset_s(data, *earliest);
	int after = meridian_timemodel_leap_offset_s(data, *latest);

	earliest->s += before;
	latest->s += after;
	if (before == after || data->leap != MERIDIAN_NTP_LI_INSERT)
		return;
	if (utc_before(repeated_from, *earliest))
		*earliest = repeated_from;
	if (utc_before(*latest, repeated_to))
		*latest = repeated_to;
}

int meridian_now(
	struct meridian *handle, struct meridian_utc *ret_earliest, struct meridian_utc *ret_latest)
{
	const struct meridian_timemodel_data *data = &handle->data;
	struct meridian_utc now;
	uint64_t counter, bound_ns;

	if (!snapshot_valid(handle)) {
		int r = page_reopen(handle);

		if (r < 0)
			return r;
		if (!snapshot_valid(handle))
			return -EAGAIN;
	}
	counter = meridian_counter_read(data->counter_id);
	now = meridian_timemodel_utc(data, counter);
	bound_ns = data->root_delay_ns / 2 + 1 + meridian_timemodel_dispersion_ns(data, counter);
	if (bound_ns > INT64_MAX)
		bound_ns = INT64_MAX;
	*ret_earliest = meridian_utc_add_ns(now, -(int64_t)bound_ns);
	*ret_latest = meridian_utc_add_ns(now, (int64_t)bound_ns);
	leap_apply(data, ret_earliest, ret_latest);
	return 0;
}

const char *meridian_strerror(int error)
{
	if (error == -EAGAIN)
		return "there is no synchronised time at the moment";
	return meridian_page_strerror(error);
}
