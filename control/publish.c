/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <log.h>
#include <meridian/counter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct meridian_page page;
static FILE *model_log;
static char model_log_path[CONFIG_PATH_SIZE];

/* The published model's line is logged when its slew has ended; until then it waits here. */
static struct meridian_timemodel_data logged;
static bool line_pending;

static void print_counter(uint64_t counter, uint64_t hz)
{
	uint64_t frac = (uint64_t)((meridian_u128)(counter % hz) * UINT64_C(1000000000000) / hz);

	fprintf(model_log, "%" PRIu64 ".%012" PRIu64 " ", counter / hz, frac);
}

/* The model from `counter` on: one of its lines, with the bound as of `counter`. */
static void log_line(const struct meridian_timemodel_data *data, const struct meridian_line *line,
	uint64_t counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(data, counter);
	int64_t utc_s = utc.s + meridian_timemodel_leap_offset_s(data, utc);
	uint64_t frac = (uint64_t)((meridian_u128)utc.frac64 * UINT64_C(1000000000000) >> 64);
	double rate = (double)line->period_frac64 /
		((double)(UINT64_C(1) << data->period_shift) * 0x1p64) * (double)data->counter_hz;

	/* Published, and the reference: a line is told from where it begins. */
	print_counter(counter, data->counter_hz);
	print_counter(counter, data->counter_hz);
	fprintf(model_log, "%" PRId64 ".%012" PRIu64 " %.17g %.12g %.9g\n", utc_s, frac, rate,
		meridian_timemodel_bound_s(data, counter), data->dispersion_rate_ppb * 1e-9);
}

/* Lines are logged in the order in which readers follow them. */
static void log_pending_line(uint64_t now)
{
	if (line_pending && (int64_t)(now - logged.line.counter) >= 0)
		log_line(&logged, &logged.line, logged.line.counter);
	line_pending = false;
}

static void log_model(const struct meridian_timemodel_data *data)
{
	uint64_t counter = data->published_counter;
	bool slewing = (int64_t)(data->line.counter - counter) > 0;

	log_pending_line(counter);
	log_line(data, slewing ? &data->slew : &data->line, counter);
	logged = *data;
	line_pending = slewing;
	if (fflush(model_log) != 0 || ferror(model_log)) {
		log_errno(-errno, "%s: no more lines are written", model_log_path);
		fclose(model_log);
		model_log = NULL;
	}
}

static int model_log_open(void)
{
	FILE *file = NULL;
	int fd;

	if (model_log_path[0] == '\0')
		return 0;
	/* We may be root: a link must not lead us to other files, nor a pipe hold us. */
	fd = open(model_log_path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		0644);
	if (fd >= 0)
		file = fdopen(fd, "a");
	if (file == NULL) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return log_errno(r, "modellog %s", model_log_path);
	}
	if (model_log)
		fclose(model_log);
	model_log = file;
	return 0;
}

void publish_reopen(void)
{
	(void)model_log_open();
}

int publish_init(const struct config *config, struct meridian_timemodel_data *ret_adopted)
{
	int adopted = 0;
	int r = meridian_page_create(&page, config->rundir, &meridian_timemodel_kind,
		sizeof(struct meridian_timemodel), 0644, &adopted);

	memset(ret_adopted, 0, sizeof(*ret_adopted));
	if (r < 0) {
		log_error("%s/%s: %s", config->rundir, MERIDIAN_TIMEMODEL_NAME,
			meridian_page_strerror(r));
		return r;
	}
	if (adopted && meridian_timemodel_read(page.addr, ret_adopted) < 0)
		memset(ret_adopted, 0, sizeof(*ret_adopted));
	snprintf(model_log_path, sizeof(model_log_path), "%s", config->modellog);
	r = model_log_open();
	if (r < 0)
		meridian_page_close(&page);
	return r;
}

void publish_model(const struct meridian_timemodel_data *data, const struct reference_ids *ids)
{
	if (ids)
		meridian_reference_ids_write(page.addr, ids->filter);
	meridian_timemodel_write(page.addr, data);
	if (model_log && data->status == MERIDIAN_TIMEMODEL_SYNCHRONISED)
		log_model(data);
}

void publish_fini(void)
{
	if (model_log) {
		log_pending_line(meridian_counter_read(logged.counter_id));
		fclose(model_log);
		model_log = NULL;
	}
	meridian_page_close(&page);
}
