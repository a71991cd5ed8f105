/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_TIMEMODEL_H
#define MERIDIAN_TIMEMODEL_H

/*
 * The time model: control's line from the raw counter to UTC, with an error bound.
 *
 * Written by meridian-control alone; read by workers, the fallback, libmeridian and anyone who
 * may open the file. The live part is guarded by a 64-bit sequence lock. A reader that loses the
 * race a few times keeps its last snapshot: it stays valid until `valid_until_counter`.
 *
 * UTC here is never smeared. Between two disruptions the clock is continuous and never runs
 * backwards, which is why it has two segments: `slew` leads from where the previous model stood
 * to `line`, and ends by itself at line.counter, so that readers do not overshoot when control
 * is gone.
 *
 * |served time - true UTC| <= root_delay / 2 + root_dispersion(now), where the dispersion grows
 * from published_counter on: this is the promise (RFC 5905 section 11.1, root distance). It rests
 * on the promises of the sources; one that breaks its own is found out by its next sample, from
 * which on the bound covers what it says. Under refid LOCAL there is no source: where no source
 * ever led the clock, the promise is about this host's clock as read at published_counter.
 */

#include <meridian/ntp.h>
#include <meridian/page.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_TIMEMODEL_NAME    "timemodel"
#define MERIDIAN_TIMEMODEL_MAGIC   UINT32_C(0x4d54524d) /* bytes "MRTM" in memory */
#define MERIDIAN_TIMEMODEL_VERSION 2

/* flags: a script makes this time, to test those who are served it. It is not UTC, whatever the
 * bound says, and nothing but replies may be made of it. */
#define MERIDIAN_TIMEMODEL_SCRIPTED 1

__extension__ typedef unsigned __int128 meridian_u128;

/* UTC as seconds since 1970 (no leap seconds counted, as POSIX) and 2^-64 s. */
struct meridian_utc {
	int64_t s;
	uint64_t frac64;
};

/* utc(c) = utc_s + utc_frac64 * 2^-64 + (c - counter) * period_frac64 * 2^-(64 + period_shift) */
struct meridian_line {
	uint64_t counter; /* anchor, ticks */
	int64_t utc_s;
	uint64_t utc_frac64;
	uint64_t period_frac64; /* one tick, 2^-(64 + period_shift) s */
};

#define MERIDIAN_TIMEMODEL_UNSYNCHRONISED 0 /* status: serve LI 3, stratum 0; utc is a guess */
#define MERIDIAN_TIMEMODEL_SYNCHRONISED   1 /* status: tracks a source, or `local` */

struct meridian_timemodel_data {
	struct meridian_line slew;    /* holds while counter < line.counter */
	struct meridian_line line;    /* holds from line.counter on */
	uint64_t valid_until_counter; /* past this: unsynchronised */
	uint64_t published_counter;   /* root_dispersion_ns is of this instant */
	uint64_t root_delay_ns;
	uint64_t root_dispersion_ns;
	uint64_t disruption_count;    /* moves whenever the published clock stepped */
	int64_t reference_s;          /* last update of the clock, UTC since 1970; 0: never */
	int64_t leap_s;               /* first UTC second after the pending leap; 0: none pending */
	uint64_t counter_hz;          /* nominal ticks per second, rounded; 1 MHz to 100 GHz */
	uint32_t reference_frac32;    /* 2^-32 s of the reference time */
	uint32_t dispersion_rate_ppb; /* growth of root_dispersion since published_counter */
	uint32_t refid;               /* host order */
	int32_t tai_offset_s;         /* TAI - UTC before the pending leap; 0: not known */
	uint8_t period_shift;         /* of both lines, 0..63 */
	uint8_t status;               /* MERIDIAN_TIMEMODEL_* */
	uint8_t leap;                 /* MERIDIAN_NTP_LI_NONE, _INSERT or _DELETE at leap_s */
	uint8_t stratum;              /* 1..15; 16 while unsynchronised */
	int8_t precision_log2;        /* of reading the counter, log2 s */
	uint8_t counter_id;           /* MERIDIAN_COUNTER_* */
	uint8_t flags;                /* MERIDIAN_TIMEMODEL_SCRIPTED */
	uint8_t reserved0;
	int64_t leap_known_until_s; /* UTC since 1970: the list of leap seconds is complete until
				       then, which may be past; 0: there is no list */
	int64_t suspended_ns;       /* how long the host had been suspended by published_counter: a
				       writer that starts anew goes on only where that is still so */
	uint64_t reserved[2];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_timemodel_data) == 184, "ABI");

#define MERIDIAN_TIMEMODEL_WORDS (sizeof(struct meridian_timemodel_data) / sizeof(uint64_t))

/* A set of NTPv5's reference IDs, which have 120 bits: a Bloom filter of 4096, bit N being 1 << N %
 * 8 of octet N / 8. */
#define MERIDIAN_REFERENCE_IDS_SIZE 512

struct meridian_timemodel {
	struct meridian_page_head head;
	uint64_t seq; /* odd while an update is in progress; 64 bits, so it never wraps */
	union {
		struct meridian_timemodel_data data;
		uint64_t words[MERIDIAN_TIMEMODEL_WORDS];
	} live;
	/* Where this time comes from: the ID of this server, and those of the sources that were
	 * selected last. Each word changes by itself: a reader may find old and new ones, which the
	 * draft allows. */
	uint64_t reference_ids[MERIDIAN_REFERENCE_IDS_SIZE / sizeof(uint64_t)];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_timemodel) == 768, "ABI");

extern const struct meridian_page_kind meridian_timemodel_kind;

/*
 * Takes a snapshot. Any thread, any process, no system call. Returns 0; -EAGAIN when the writer
 * was always in between (4 tries: keep the last snapshot); -ENODATA before the first update.
 */
int meridian_timemodel_read(
	const struct meridian_timemodel *page, struct meridian_timemodel_data *ret_data);

/* Publishes `data`. Only the page's one writer, from one thread. */
void meridian_timemodel_write(
	struct meridian_timemodel *page, const struct meridian_timemodel_data *data);

/* Copies `length` octets of the set of reference IDs from a page, from `offset` on, both together
 * not above MERIDIAN_REFERENCE_IDS_SIZE; any thread. Each octet is old or new while the set is
 * written. */
void meridian_reference_ids_read(
	const struct meridian_timemodel *page, size_t offset, size_t length, uint8_t *ret_ids);

/* Copies the whole set to a page. Its one writer. */
void meridian_reference_ids_write(
	struct meridian_timemodel *page, const uint8_t ids[MERIDIAN_REFERENCE_IDS_SIZE]);

/* 1 when the fields are within their ranges (periods, shift, stratum, nanosecond fields): what a
 * reader checks before it computes with a snapshot; else 0. */
int meridian_timemodel_sane(const struct meridian_timemodel_data *data);

/* The published clock at `counter`, before any leap second of this model is applied; exact but for
 * the last 2^-64 s. The packet path calls it for each stamp, hence inline. */
static inline struct meridian_utc meridian_timemodel_utc(
	const struct meridian_timemodel_data *data, uint64_t counter)
{
	const struct meridian_line *line = counter < data->line.counter ? &data->slew : &data->line;
	meridian_u128 utc = (meridian_u128)(uint64_t)line->utc_s << 64 | line->utc_frac64;
	meridian_u128 period = line->period_frac64;
	struct meridian_utc result;

	if (counter >= line->counter)
		utc += period * (counter - line->counter) >> data->period_shift;
	else
		utc -= period * (line->counter - counter) >> data->period_shift;
	result.s = (int64_t)(utc >> 64);
	result.frac64 = (uint64_t)utc;
	return result;
}

/* What the pending leap second adds to the published clock at `utc`: -1 from an inserted second
 * on (23:59:59 is given twice), 1 from a deleted one on (23:59:59 is left out), else 0. */
static inline int meridian_timemodel_leap_offset_s(
	const struct meridian_timemodel_data *data, struct meridian_utc utc)
{
	if (data->leap_s == 0)
		return 0;
	if (data->leap == MERIDIAN_NTP_LI_INSERT && utc.s >= data->leap_s)
		return -1;
	if (data->leap == MERIDIAN_NTP_LI_DELETE && utc.s >= data->leap_s - 1)
		return 1;
	return 0;
}

/* Leap indicator of a synchronised server at `utc`, a time of `data` before leap seconds are
 * applied: 1 or 2 in the last day before the leap, 3 during an inserted second, else 0. */
uint8_t meridian_timemodel_leap_indicator(
	const struct meridian_timemodel_data *data, struct meridian_utc utc);

/* Root dispersion at `counter` in ns, rounded up, saturating at UINT64_MAX / 2. */
uint64_t meridian_timemodel_dispersion_ns(
	const struct meridian_timemodel_data *data, uint64_t counter);

/* The error bound at `counter`, in s: half the root delay and the root dispersion. UTC is no
 * farther from the published clock while the model is valid. */
double meridian_timemodel_bound_s(const struct meridian_timemodel_data *data, uint64_t counter);

/* 1 when the model may be served as synchronised at `counter`; else 0. */
int meridian_timemodel_valid(const struct meridian_timemodel_data *data, uint64_t counter);

/* Ticks of `ns` nanoseconds at the model's nominal counter rate, and back. Saturating. */
uint64_t meridian_timemodel_ticks(const struct meridian_timemodel_data *data, uint64_t ns);
uint64_t meridian_timemodel_ns(const struct meridian_timemodel_data *data, uint64_t ticks);

#ifdef __cplusplus
}
#endif

#endif
