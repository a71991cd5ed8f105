/* SPDX-License-Identifier: BSD-3-Clause */
#include "device_clock.h"
#include <errno.h>
#include <math.h>
#include <units.h>

#define WANDER             1e-17 /* of two crystals against each other, 1/s */
#define NARROW_RATIO       1.5   /* a bracket wider than that times the narrowest was disturbed */
#define WIDTH_MAX_S        200e-6
#define WIDTH_GROWTH       1.01 /* of what is usual, in a call */
#define SD_MIN_S           1e-9
#define SIGMA              4.0
#define SURELY             4.0 /* less variance by that: not by chance */
#define MEAN_MIN           8   /* readings, for their scatter to be known */
#define SETTLE_S           1.0 /* that a frequency has to explain a surprise */
#define CONTRADICTIONS_MAX 3   /* then a new line begins */
#define MEASURE_S          1.0

__extension__ typedef __int128 i128;

int device_clock_init(
	struct device_clock *clock, const struct device_clock_kind *kind, uint64_t counter_hz)
{
	*clock = (struct device_clock){.kind = *kind, .counter_hz = counter_hz};
	if (kind->bits == 0 || kind->bits > 64 || counter_hz == 0)
		return -EINVAL;
	if (kind->hz == 0)
		return kind->bits == 64 ? 0 : -EINVAL;
	if (kind->hz < DEVICE_CLOCK_HZ_MIN || kind->hz > DEVICE_CLOCK_HZ_MAX ||
		(kind->bits < 64 && ldexp(1, kind->bits) < (double)kind->hz * 2e-3))
		return -EINVAL;
	return 0;
}

static double seconds(const struct device_clock *clock, uint64_t from, uint64_t to)
{
	return (double)(int64_t)(to - from) / (double)clock->counter_hz;
}

/* Device minus counter, in nominal seconds. Exact but for the last step, however long it has been.
 */
static double offset_s(const struct device_clock *clock, uint64_t counter, uint64_t device)
{
	i128 difference = (i128)(int64_t)(device - clock->first_device) * (i128)clock->counter_hz -
		(i128)(int64_t)(counter - clock->first_counter) * (i128)clock->kind.hz;

	return (double)difference / ((double)clock->kind.hz * (double)clock->counter_hz);
}

/* A reading that may have wrapped, as near as possible to what is expected. */
static uint64_t unwrap(const struct device_clock *clock, uint64_t counter, uint64_t device)
{
	uint64_t shift = 64u - clock->kind.bits;
	uint64_t expected = clock->device +
		(uint64_t)(int64_t)(seconds(clock, clock->counter, counter) *
			(1 + clock->filter.frequency) * (double)clock->kind.hz);

	return expected + (uint64_t)((int64_t)((device - expected) << shift) >> shift);
}

/* What the readings of a call say together, as offsets from what was expected. */
struct verdict {
	double likely_s, var;
	double low_s, high_s; /* the truth lies between these */
	uint64_t counter, device;
};

static uint64_t width(const struct device_clock_reading *reading)
{
	return reading->after - reading->before;
}

static const struct device_clock_reading *narrowest(
	const struct device_clock_reading *reading, size_t count)
{
	const struct device_clock_reading *best = &reading[0];

	for (size_t i = 1; i < count; i++) {
		if (width(&reading[i]) < width(best))
			best = &reading[i];
	}
	return best;
}

/* Anywhere in what the brackets have in common; cut off to a tick, as stamps are. */
static void middle(struct verdict *verdict, double tick_s)
{
	double common_s = verdict->high_s - verdict->low_s;

	verdict->likely_s = (verdict->low_s + verdict->high_s - tick_s) / 2;
	verdict->var = common_s * common_s / 12;
}

/* Readings that scatter less than their brackets are wide are known better by their mean. */
static void mean(struct verdict *verdict, double mean_s, double var)
{
	if (var * SURELY > verdict->var)
		return;
	verdict->likely_s = mean_s;
	verdict->var = var;
}

/* `filter` is the state at the narrowest reading, `best`. */
static void combine(const struct device_clock *clock, const struct filter *filter,
	const struct device_clock_reading *reading, size_t count,
	const struct device_clock_reading *best, struct verdict *ret)
{
	double hz = (double)clock->counter_hz, tick_s = 1 / (double)clock->kind.hz;
	double sum = 0, sum2 = 0, n = 0;

	*ret = (struct verdict){
		.low_s = -INFINITY, .high_s = INFINITY, .counter = best->before + width(best) / 2};
	ret->device = unwrap(clock, ret->counter, best->device);
	for (size_t i = 0; i < count; i++) {
		uint64_t at = reading[i].before + width(&reading[i]) / 2;
		double half_s = (double)width(&reading[i]) / 2 / hz + 1 / hz;
		double apart_s = offset_s(clock, at, unwrap(clock, at, reading[i].device)) -
			filter->offset_s - filter->frequency * seconds(clock, ret->counter, at);

		if ((double)width(&reading[i]) > (double)width(best) * NARROW_RATIO)
			continue;
		sum += apart_s;
		sum2 += apart_s * apart_s;
		n++;
		ret->low_s = fmax(ret->low_s, apart_s - half_s);
		ret->high_s = fmin(ret->high_s, apart_s + half_s + tick_s);
	}
	middle(ret, tick_s);
	if (n >= MEAN_MIN && (double)width(best) <= clock->usual_width * NARROW_RATIO)
		mean(ret, sum / n, (sum2 / n - sum / n * (sum / n)) / (n - 1));
	ret->var = fmax(ret->var, SD_MIN_S * SD_MIN_S);
}

/* Takes a measurement. The truth stays between the limits that are known by now, which move with
 * the line. */
static void take(struct device_clock *clock, const struct filter *predicted,
	const struct verdict *verdict, double low_s, double high_s)
{
	double before_s = predicted->offset_s, moved_s;

	clock->filter = *predicted;
	filter_update(&clock->filter, before_s + verdict->likely_s, verdict->var);
	moved_s = clock->filter.offset_s - before_s;
	clock->low_s = low_s - moved_s;
	clock->high_s = high_s - moved_s;
	clock->counter = verdict->counter;
	clock->device = verdict->device;
	clock->contradictions = 0;
}

static void start(struct device_clock *clock, const struct device_clock_reading *reading,
	size_t count, const struct device_clock_reading *best)
{
	struct filter filter = {.var_offset = WIDTH_MAX_S * WIDTH_MAX_S,
		.var_frequency = DEVICE_CLOCK_FREQUENCY_MAX * DEVICE_CLOCK_FREQUENCY_MAX,
		.wander = WANDER};
	struct verdict verdict;

	clock->filter = filter;
	clock->counter = clock->first_counter = best->before + width(best) / 2;
	clock->device = clock->first_device = best->device;
	combine(clock, &filter, reading, count, best, &verdict);
	if (verdict.low_s <= verdict.high_s) /* else it was set meanwhile: the next time */
		take(clock, &filter, &verdict, verdict.low_s, verdict.high_s);
}

/* The frequency of a device whose driver does not tell it. Returns true once it is known. */
static bool measure(struct device_clock *clock, const struct device_clock_reading *best)
{
	double since_s;

	if (clock->first_counter == 0) {
		clock->first_counter = best->before + width(best) / 2;
		clock->first_device = best->device;
	}
	since_s = seconds(clock, clock->first_counter, best->before + width(best) / 2);
	if (since_s >= MEASURE_S) {
		double hz = round((double)(best->device - clock->first_device) / since_s);

		clock->first_counter = 0;
		if (hz >= (double)DEVICE_CLOCK_HZ_MIN && hz <= (double)DEVICE_CLOCK_HZ_MAX)
			clock->kind.hz = (uint64_t)hz;
	}
	return clock->kind.hz != 0;
}

/* How fast a line may go wrong. */
static double rate(const struct device_clock *clock)
{
	return DEVICE_CLOCK_DRIFT_MAX + clock->unsettled +
		SIGMA * sqrt(clock->filter.var_frequency);
}

/* Readings that put the truth elsewhere say that the frequency has changed, or where in their
 * brackets they are. */
static void doubt(
	struct device_clock *clock, struct filter *predicted, const struct verdict *verdict)
{
	double outside_s = fmax(fmax(verdict->low_s, -verdict->high_s), 0);
	double surprise = verdict->likely_s * verdict->likely_s;

	clock->unsettled /= 2;
	if (outside_s <= SIGMA * sqrt(predicted->var_offset))
		return;
	clock->unsettled = fmax(clock->unsettled, fabs(verdict->likely_s) / SETTLE_S);
	predicted->var_offset += surprise;
	predicted->var_frequency += surprise / (SETTLE_S * SETTLE_S);
}

static void refuse(struct device_clock *clock, const struct device_clock_reading *reading,
	size_t count, const struct device_clock_reading *best)
{
	clock->refused++;
	if (++clock->contradictions < CONTRADICTIONS_MAX)
		return;
	clock->jumps += clock->filter.count >= DEVICE_CLOCK_NOTES_MIN;
	start(clock, reading, count, best);
}

/* Readings after others, `since_s` later. */
static void follow(struct device_clock *clock, const struct device_clock_reading *reading,
	size_t count, const struct device_clock_reading *best, double since_s)
{
	struct filter predicted = clock->filter;
	struct verdict verdict;
	double low_s, high_s;

	filter_predict(&predicted, since_s);
	combine(clock, &predicted, reading, count, best, &verdict);
	low_s = fmax(verdict.low_s, clock->low_s - rate(clock) * since_s);
	high_s = fmin(verdict.high_s, clock->high_s + rate(clock) * since_s);
	if (low_s > high_s) {
		refuse(clock, reading, count, best);
		return;
	}
	doubt(clock, &predicted, &verdict);
	take(clock, &predicted, &verdict, low_s, high_s);
}

/* The narrowest brackets there are, as long as there are some. */
static void usual_width(struct device_clock *clock, const struct device_clock_reading *best)
{
	double ticks = (double)width(best);

	clock->usual_width = fmin(clock->usual_width * WIDTH_GROWTH, ticks);
	if (clock->usual_width <= 0)
		clock->usual_width = ticks;
}

void device_clock_note(
	struct device_clock *clock, const struct device_clock_reading *reading, size_t count)
{
	const struct device_clock_reading *best;
	double since_s;

	if (count == 0)
		return;
	best = narrowest(reading, count);
	clock->readings++;
	if ((double)width(best) > WIDTH_MAX_S * (double)clock->counter_hz) {
		clock->refused++;
		return;
	}
	if (clock->kind.hz == 0 && !measure(clock, best))
		return;
	usual_width(clock, best);
	since_s = seconds(clock, clock->counter, best->before + width(best) / 2);
	if (clock->filter.count == 0)
		start(clock, reading, count, best);
	else if (since_s > 0)
		follow(clock, reading, count, best, since_s);
}

/* What a stamp may be off, `since_s` after the last readings: one tick more, as it is cut off
 * there, and one of the counter. */
static double error_s(const struct device_clock *clock, double since_s)
{
	return fmax(clock->high_s, -clock->low_s) + rate(clock) * since_s +
		1 / (double)clock->kind.hz + 2 / (double)clock->counter_hz;
}

enum device_clock_state device_clock_state(const struct device_clock *clock)
{
	if (clock->filter.count < DEVICE_CLOCK_NOTES_MIN)
		return DEVICE_CLOCK_LEARNING;
	if (clock->contradictions > 0 ||
		error_s(clock, DEVICE_CLOCK_FRESH_S) * NS_PER_SECOND > DEVICE_CLOCK_ERROR_MAX_NS)
		return DEVICE_CLOCK_DOUBTED;
	return DEVICE_CLOCK_GOOD;
}

struct device_line device_clock_line(const struct device_clock *clock)
{
	double hz = (double)clock->kind.hz, counter_hz = (double)clock->counter_hz;
	double per_tick = counter_hz / hz / (1 + clock->filter.frequency); /* of the counter */
	struct device_line line = {.bits = 0};
	i128 nominal; /* ticks of the device since the first, times counter_hz */
	double ahead; /* ticks of the device, from `device` to what it shows at `counter` */

	if (device_clock_state(clock) != DEVICE_CLOCK_GOOD)
		return line;
	nominal = (i128)(int64_t)(clock->counter - clock->first_counter) * (i128)clock->kind.hz -
		(i128)(int64_t)(clock->device - clock->first_device) * (i128)clock->counter_hz;
	ahead = (double)nominal / counter_hz + clock->filter.offset_s * hz;
	line = (struct device_line){.bits = clock->kind.bits,
		.device = clock->device,
		.counter = clock->counter - (uint64_t)(int64_t)llround(ahead * per_tick),
		.counter_ticks_frac32 = (uint64_t)llround(ldexp(per_tick, 32)),
		.device_ticks_frac32 = (uint64_t)llround(ldexp(1 / per_tick, 32)),
		.fresh_until_counter =
			clock->counter + (uint64_t)(DEVICE_CLOCK_FRESH_S * counter_hz),
		.until_counter = clock->counter + (uint64_t)(DEVICE_CLOCK_VOID_S * counter_hz),
		.error_ns = (uint64_t)ceil(error_s(clock, DEVICE_CLOCK_FRESH_S) * NS_PER_SECOND),
		.late_error_ns =
			(uint64_t)ceil(error_s(clock, DEVICE_CLOCK_VOID_S) * NS_PER_SECOND),
		.counter_hz = clock->counter_hz,
		.ns_per_tick_frac32 = (uint64_t)llround(ldexp(NS_PER_SECOND / counter_hz, 32))};
	line.ahead_max_ticks =
		(uint64_t)ceil((double)line.late_error_ns * counter_hz / NS_PER_SECOND);
	return line;
}
