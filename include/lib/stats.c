/* SPDX-License-Identifier: BSD-3-Clause */
#include <meridian/stats.h>

const struct meridian_page_kind meridian_stats_dataplane_kind = {
	.name = MERIDIAN_STATS_DATAPLANE_NAME,
	.magic = MERIDIAN_STATS_MAGIC,
	.version = MERIDIAN_STATS_VERSION,
	.min_size = sizeof(struct meridian_stats),
};

const struct meridian_page_kind meridian_stats_fallback_kind = {
	.name = MERIDIAN_STATS_FALLBACK_NAME,
	.magic = MERIDIAN_STATS_MAGIC,
	.version = MERIDIAN_STATS_VERSION,
	.min_size = sizeof(struct meridian_stats),
};

static const struct {
	const char *name, *text;
	int outcome;
} verdicts[] = {
#define VERDICT_ROW(name, outcome, text) {#name, text, MERIDIAN_OUTCOME_##outcome},
	MERIDIAN_VERDICTS(VERDICT_ROW)
#undef VERDICT_ROW
};

const char *meridian_verdict_name(unsigned int verdict)
{
	return verdict < MERIDIAN_VERDICT_COUNT ? verdicts[verdict].name : "unknown";
}

const char *meridian_verdict_text(unsigned int verdict)
{
	return verdict < MERIDIAN_VERDICT_COUNT ? verdicts[verdict].text : "unknown";
}

int meridian_verdict_outcome(unsigned int verdict)
{
	return verdict < MERIDIAN_VERDICT_COUNT ? verdicts[verdict].outcome : MERIDIAN_OUTCOME_DROP;
}

const char *meridian_stamp_name(unsigned int stamp)
{
	static const char *const names[] = {
#define STAMP_ROW(name, text) #name,
		MERIDIAN_STAMPS(STAMP_ROW)
#undef STAMP_ROW
	};

	return stamp < MERIDIAN_STAMP_COUNT ? names[stamp] : "unknown";
}

static const struct {
	const char *name, *text;
} faults[] = {
#define FAULT_ROW(name, text) {#name, text},
	MERIDIAN_FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

const char *meridian_fault_name(unsigned int fault)
{
	return fault < MERIDIAN_FAULT_COUNT ? faults[fault].name : "unknown";
}

const char *meridian_fault_text(unsigned int fault)
{
	return fault < MERIDIAN_FAULT_COUNT ? faults[fault].text : "unknown";
}

static const struct {
	const char *name, *text;
} nic_stamps[] = {
#define NIC_STAMPS_ROW(name_, text_) {#name_, text_},
	MERIDIAN_NIC_STAMPS(NIC_STAMPS_ROW)
#undef NIC_STAMPS_ROW
};

const char *meridian_nic_stamps_name(unsigned int stamps)
{
	return stamps < MERIDIAN_NIC_STAMPS_COUNT ? nic_stamps[stamps].name : "unknown";
}

const char *meridian_nic_stamps_text(unsigned int stamps)
{
	return stamps < MERIDIAN_NIC_STAMPS_COUNT ? nic_stamps[stamps].text : "unknown";
}

static const struct {
	const char *name, *text;
	unsigned int share;
} punts[] = {
#define PUNT_ROW(name_, share_, text_) {#name_, text_, share_},
	MERIDIAN_PUNTS(PUNT_ROW)
#undef PUNT_ROW
};

const char *meridian_punt_name(unsigned int punt)
{
	return punt < MERIDIAN_PUNT_COUNT ? punts[punt].name : "unknown";
}

const char *meridian_punt_text(unsigned int punt)
{
	return punt < MERIDIAN_PUNT_COUNT ? punts[punt].text : "unknown";
}

unsigned int meridian_punt_share(unsigned int punt)
{
	return punt < MERIDIAN_PUNT_COUNT ? punts[punt].share : 0;
}

uint64_t meridian_residence_floor_ns(unsigned int bucket)
{
	unsigned int octave, sub;

	if (bucket == 0)
		return 0;
	if (bucket >= MERIDIAN_RESIDENCE_BUCKETS - 1)
		return UINT64_C(1) << MERIDIAN_RESIDENCE_MAX_LOG2;
	octave = (bucket - 1) >> MERIDIAN_RESIDENCE_SUB_LOG2;
	sub = (bucket - 1) & ((1u << MERIDIAN_RESIDENCE_SUB_LOG2) - 1);
	return (UINT64_C(1) << (octave + MERIDIAN_RESIDENCE_MIN_LOG2)) +
		((uint64_t)sub << (octave + MERIDIAN_RESIDENCE_MIN_LOG2 -
			 MERIDIAN_RESIDENCE_SUB_LOG2));
}
