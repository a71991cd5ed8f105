/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/counter.h>
#include <meridian/ntp.h>
#include <meridian/timemodel.h>
#include <string.h>
#include <units.h>

#define READ_TRIES     4
#define DAY_S          86400
#define DISPERSION_MAX (UINT64_MAX / 2)

/* Slowest and fastest counter a model may describe, and their ticks in 2^-64 s. Between them no
 * product below overflows. */
#define HZ_MIN     UINT64_C(1000000)
#define HZ_MAX     UINT64_C(100000000000)
#define PERIOD_MIN (UINT64_MAX / HZ_MAX)
#define PERIOD_MAX (UINT64_MAX / HZ_MIN)
#define UTC_MAX_S  (INT64_C(1) << 40)

const struct meridian_page_kind meridian_timemodel_kind = {
	.name = MERIDIAN_TIMEMODEL_NAME,
	.magic = MERIDIAN_TIMEMODEL_MAGIC,
	.version = MERIDIAN_TIMEMODEL_VERSION,
	.min_size = sizeof(struct meridian_timemodel),
};

int meridian_timemodel_read(
	const struct meridian_timemodel *page, struct meridian_timemodel_data *ret_data)
{
	union {
		struct meridian_timemodel_data data;
		uint64_t words[MERIDIAN_TIMEMODEL_WORDS];
	} copy;

	for (int try = 0; try < READ_TRIES; try++) {
		uint64_t before = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);
		uint64_t after;

		if (before == 0)
			return -ENODATA;
		if (before & 1)
			continue;
		for (size_t i = 0; i < MERIDIAN_TIMEMODEL_WORDS; i++)
			copy.words[i] = __atomic_load_n(&page->live.words[i], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&page->seq, __ATOMIC_RELAXED);
		if (before == after) {
			*ret_data = copy.data;
			return 0;
		}
	}
	return -EAGAIN;
}

void meridian_timemodel_write(
	struct meridian_timemodel *page, const struct meridian_timemodel_data *data)
{
	union {
		struct meridian_timemodel_data data;
		uint64_t words[MERIDIAN_TIMEMODEL_WORDS];
	} copy = {.data = *data};
	/* A writer that died in the middle left an odd number; step over it. */
	uint64_t odd = __atomic_load_n(&page->seq, __ATOMIC_RELAXED) | 1;

	__atomic_store_n(&page->seq, odd, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (size_t i = 0; i < MERIDIAN_TIMEMODEL_WORDS; i++)
		__atomic_store_n(&page->live.words[i], copy.words[i], __ATOMIC_RELAXED);
	__atomic_store_n(&page->seq, odd + 1, __ATOMIC_RELEASE);
}

void meridian_reference_ids_read(
	const struct meridian_timemodel *page, size_t offset, size_t length, uint8_t *ret_ids)
{
	const uint8_t *octets = (const uint8_t *)page->reference_ids + offset;

	for (size_t i = 0; i < length; i++)
		ret_ids[i] = __atomic_load_n(&octets[i], __ATOMIC_RELAXED);
}

void meridian_reference_ids_write(
	struct meridian_timemodel *page, const uint8_t ids[MERIDIAN_REFERENCE_IDS_SIZE])
{
	for (size_t i = 0; i < MERIDIAN_REFERENCE_IDS_SIZE; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, ids + i, sizeof(word));
		__atomic_store_n(
			&page->reference_ids[i / sizeof(uint64_t)], word, __ATOMIC_RELAXED);
	}
}

static int utc_sane(int64_t s)
{
	return s > -UTC_MAX_S && s < UTC_MAX_S;
}

static int line_sane(const struct meridian_line *line, uint8_t shift)
{
	uint64_t period = line->period_frac64 >> shift;

	return period >= PERIOD_MIN && period <= PERIOD_MAX && utc_sane(line->utc_s);
}

static int lines_sane(const struct meridian_timemodel_data *data)
{
	return data->period_shift < 64 && line_sane(&data->slew, data->period_shift) &&
		line_sane(&data->line, data->period_shift) && data->counter_hz >= HZ_MIN &&
		data->counter_hz <= HZ_MAX && data->counter_id != MERIDIAN_COUNTER_NONE &&
		data->counter_id <= MERIDIAN_COUNTER_CNTVCT;
}

/* A model that tracks a source has a stratum to go with it. */
static int status_sane(const struct meridian_timemodel_data *data)
{
	if (data->status == MERIDIAN_TIMEMODEL_UNSYNCHRONISED)
		return data->stratum <= MERIDIAN_NTP_STRATUM_UNSYNC;
	return data->status == MERIDIAN_TIMEMODEL_SYNCHRONISED &&
		data->stratum >= MERIDIAN_NTP_STRATUM_PRIMARY &&
		data->stratum <= MERIDIAN_NTP_STRATUM_MAX;
}

int meridian_timemodel_sane(const struct meridian_timemodel_data *data)
{
	return lines_sane(data) && status_sane(data) && data->leap <= MERIDIAN_NTP_LI_DELETE &&
		utc_sane(data->leap_s) && utc_sane(data->leap_known_until_s) &&
		utc_sane(data->reference_s) && data->root_dispersion_ns <= DISPERSION_MAX &&
		data->root_delay_ns <= DISPERSION_MAX;
}

uint8_t meridian_timemodel_leap_indicator(
	const struct meridian_timemodel_data *data, struct meridian_utc utc)
{
	int64_t start_s = data->leap_s - (data->leap == MERIDIAN_NTP_LI_DELETE);

	if (data->leap_s == 0 || data->leap == MERIDIAN_NTP_LI_NONE)
		return MERIDIAN_NTP_LI_NONE;
	if (data->leap == MERIDIAN_NTP_LI_INSERT && utc.s == data->leap_s)
		return MERIDIAN_NTP_LI_UNKNOWN;
	return utc.s >= data->leap_s - DAY_S && utc.s < start_s ? data->leap : MERIDIAN_NTP_LI_NONE;
}

uint64_t meridian_timemodel_ns(const struct meridian_timemodel_data *data, uint64_t ticks)
{
	meridian_u128 ns = (meridian_u128)ticks * NS_PER_SECOND / data->counter_hz;

	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

uint64_t meridian_timemodel_ticks(const struct meridian_timemodel_data *data, uint64_t ns)
{
	meridian_u128 ticks = (meridian_u128)ns * data->counter_hz / NS_PER_SECOND;

	return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

uint64_t meridian_timemodel_dispersion_ns(
	const struct meridian_timemodel_data *data, uint64_t counter)
{
	meridian_u128 grown = data->root_dispersion_ns;
	uint64_t age_ns;

	if (counter > data->published_counter) {
		age_ns = meridian_timemodel_ns(data, counter - data->published_counter);
		grown += (meridian_u128)age_ns * data->dispersion_rate_ppb / NS_PER_SECOND + 1;
	}
	return grown > DISPERSION_MAX ? DISPERSION_MAX : (uint64_t)grown;
}

double meridian_timemodel_bound_s(const struct meridian_timemodel_data *data, uint64_t counter)
{
	return ((double)data->root_delay_ns / 2 +
		       (double)meridian_timemodel_dispersion_ns(data, counter)) /
		NS_PER_SECOND;
}

int meridian_timemodel_valid(const struct meridian_timemodel_data *data, uint64_t counter)
{
	return data->status == MERIDIAN_TIMEMODEL_SYNCHRONISED &&
		counter < data->valid_until_counter;
}
