/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include "ctl_look.h"
#include <math.h>
#include <meridian/policy.h>
#include <string.h>

/* A port of the dataplane, its stamps and the clock that takes them. */
struct nic_row {
	const char *name, *driver, *mode, *stamp, *nic_stamps, *clock, *transmit;
	char name_text[sizeof(((struct meridian_stats_port *)0)->name) + 1];
	char driver_text[sizeof(((struct meridian_stats_port *)0)->driver) + 1];
	double error_s, frequency_ppm, transmit_s, transmit_error_s;
	uint64_t hz, readings, refused, jumps, believed, rejected;
	uint64_t samples, samples_refused, samples_lost, late;
	double delivery_s, delivery_most_s, delivery_limit_s;
};

static const struct output_field nic_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, nic_row, name, 0),
	OUTPUT_FIELD("driver", "Driver", STRING, nic_row, driver, 0),
	OUTPUT_FIELD("mode", "Mode", STRING, nic_row, mode, 0),
	OUTPUT_FIELD("stamp", "Stamps", STRING, nic_row, stamp, 0),
	OUTPUT_FIELD("nic_stamps", "Of the NIC", STRING, nic_row, nic_stamps, 0),
	OUTPUT_FIELD("clock", "Clock", STRING, nic_row, clock, 0),
	OUTPUT_FIELD("clock_error_s", "Error", SECONDS, nic_row, error_s, 0),
	OUTPUT_FIELD("clock_frequency_ppm", "Frequency", PPM, nic_row, frequency_ppm,
		OUTPUT_SIGNED | OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("clock_hz", "Ticks in 1 s", COUNT, nic_row, hz, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("readings", "Readings", COUNT, nic_row, readings, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("refused", "Refused", COUNT, nic_row, refused, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("jumps", "Was set", COUNT, nic_row, jumps, 0),
	OUTPUT_FIELD("transmit", "Transmit", STRING, nic_row, transmit, 0),
	OUTPUT_FIELD("transmit_delay_s", "Delay", SECONDS, nic_row, transmit_s, 0),
	OUTPUT_FIELD("transmit_error_s", "Spread", SECONDS, nic_row, transmit_error_s, 0),
	OUTPUT_FIELD("transmit_samples", "Samples", COUNT, nic_row, samples, 0),
	OUTPUT_FIELD(
		"transmit_refused", "Refused", COUNT, nic_row, samples_refused, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("transmit_lost", "Lost", COUNT, nic_row, samples_lost, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("transmit_late", "Late", COUNT, nic_row, late, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("believed", "Believed", COUNT, nic_row, believed, 0),
	OUTPUT_FIELD("rejected", "Rejected", COUNT, nic_row, rejected, 0),
	OUTPUT_FIELD("delivery_s", "Delivery", SECONDS, nic_row, delivery_s, 0),
	OUTPUT_FIELD("delivery_most_s", "99 %", SECONDS, nic_row, delivery_most_s, 0),
	OUTPUT_FIELD("delivery_limit_s", "Limit", SECONDS, nic_row, delivery_limit_s, 0),
};
static const struct output_report nic_report = OUTPUT_REPORT("nics", NULL, nic_fields, nic_row);

/* Why an interface's packets have no stamps of the NIC. */
struct missing_row {
	const char *name, *text;
};

static const struct output_field missing_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, missing_row, name, 0),
	OUTPUT_FIELD("text", "Why", STRING, missing_row, text, 0),
};
static const struct output_report missing_report =
	OUTPUT_REPORT("missing", "\nNo stamps of the NIC", missing_fields, missing_row);

/* Stamps of a port that were not believed, for one reason. */
struct fault_row {
	const char *name, *fault, *text;
	uint64_t stamps;
};

static const struct output_field fault_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, fault_row, name, 0),
	OUTPUT_FIELD("fault", "Rejected", STRING, fault_row, fault, 0),
	OUTPUT_FIELD("stamps", "Stamps", COUNT, fault_row, stamps, 0),
	OUTPUT_FIELD("text", "Why", STRING, fault_row, text, 0),
};
static const struct output_report fault_report =
	OUTPUT_REPORT("faults", "\nStamps that were not believed", fault_fields, fault_row);

/* A NIC that was taken over, and its way to the kernel. */
struct takeover_row {
	const char *name, *tap, *link;
	char tap_text[sizeof(((struct meridian_stats_takeover *)0)->tap) + 1];
	uint64_t link_mbps, mtu, to_kernel, limited, refused, from_kernel, unsent;
};

static const struct output_field takeover_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, takeover_row, name, 0),
	OUTPUT_FIELD("tap", "TAP device", STRING, takeover_row, tap, 0),
	OUTPUT_FIELD("link", "Link", STRING, takeover_row, link, 0),
	OUTPUT_FIELD("link_mbps", "Mbit/s", COUNT, takeover_row, link_mbps, 0),
	OUTPUT_FIELD("mtu", "MTU", COUNT, takeover_row, mtu, 0),
	OUTPUT_FIELD("to_kernel", "To the kernel", COUNT, takeover_row, to_kernel, 0),
	OUTPUT_FIELD("limited", "Limited", COUNT, takeover_row, limited, 0),
	OUTPUT_FIELD("refused", "Refused", COUNT, takeover_row, refused, 0),
	OUTPUT_FIELD("from_kernel", "From it", COUNT, takeover_row, from_kernel, 0),
	OUTPUT_FIELD("unsent", "Not sent", COUNT, takeover_row, unsent, 0),
};
static const struct output_report takeover_report =
	OUTPUT_REPORT("takeovers", "\nNICs taken over", takeover_fields, takeover_row);

/* What went to the kernel there, by class. */
struct punt_row {
	const char *name, *class, *text;
	uint64_t share, to_kernel, limited;
};

static const struct output_field punt_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, punt_row, name, 0),
	OUTPUT_FIELD("class", "Class", STRING, punt_row, class, 0),
	OUTPUT_FIELD("share", "Share/16", COUNT, punt_row, share, 0),
	OUTPUT_FIELD("to_kernel", "To the kernel", COUNT, punt_row, to_kernel, 0),
	OUTPUT_FIELD("limited", "Limited", COUNT, punt_row, limited, 0),
	OUTPUT_FIELD("text", "What it is", STRING, punt_row, text, 0),
};
static const struct output_report punt_report =
	OUTPUT_REPORT("punts", "\nFrames for the kernel", punt_fields, punt_row);

/* A device that is shared with the kernel, and its flow rules. */
struct flow_row {
	const char *name;
	uint64_t rules, missing, left;
};

static const struct output_field flow_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, flow_row, name, 0),
	OUTPUT_FIELD("rules", "Flow rules", COUNT, flow_row, rules, 0),
	OUTPUT_FIELD("missing", "Missing", COUNT, flow_row, missing, 0),
	OUTPUT_FIELD("left_to_kernel", "Left to the kernel", COUNT, flow_row, left, 0),
};
static const struct output_report flow_report =
	OUTPUT_REPORT("flows", "\nNICs shared with the kernel", flow_fields, flow_row);

static const char *mode_name(
	const struct meridian_stats_port *port, const struct meridian_stats_takeover *takeover)
{
	if (takeover->tap[0] != '\0')
		return "DPDK, takeover";
	if (port->bifurcated)
		return "DPDK, bifurcated";
	switch (port->xdp_mode) {
	case MERIDIAN_XDP_GENERIC:
		return "XDP generic";
	case MERIDIAN_XDP_NATIVE:
		return port->zero_copy ? "XDP, zero-copy" : "XDP, copy";
	case MERIDIAN_XDP_OFFLOAD:
		return "XDP offload";
	default:
		return "DPDK";
	}
}

static const char *clock_name(uint64_t state)
{
	static const char *const names[] = {
		[MERIDIAN_CLOCK_NONE] = NULL,
		[MERIDIAN_CLOCK_LEARNING] = "learning",
		[MERIDIAN_CLOCK_GOOD] = "good",
		[MERIDIAN_CLOCK_DOUBTED] = "doubted",
	};

	return state <= MERIDIAN_CLOCK_DOUBTED ? names[state] : "unknown";
}

static void transmit_fill(struct nic_row *row, const struct meridian_stats_clock *clock)
{
	static const char *const names[] = {
		[MERIDIAN_TRANSMIT_UNKNOWN] = "unknown",
		[MERIDIAN_TRANSMIT_CONFIGURED] = "configured",
		[MERIDIAN_TRANSMIT_SAMPLED] = "sampled",
		[MERIDIAN_TRANSMIT_TIMED] = "timed",
	};
	uint64_t transmit = meridian_stats_get(&clock->transmit);
	bool measured =
		transmit == MERIDIAN_TRANSMIT_SAMPLED || transmit == MERIDIAN_TRANSMIT_TIMED;
	int64_t delay_ns;

	__atomic_load(&clock->transmit_delay_ns, &delay_ns, __ATOMIC_RELAXED);
	row->transmit = transmit <= MERIDIAN_TRANSMIT_TIMED ? names[transmit] : "unknown";
	row->transmit_s = transmit != MERIDIAN_TRANSMIT_UNKNOWN ? (double)delay_ns * 1e-9 : NAN;
	row->transmit_error_s =
		measured ? (double)meridian_stats_get(&clock->transmit_error_ns) * 1e-9 : NAN;
	row->samples = meridian_stats_get(&clock->transmit_samples);
	row->samples_refused = meridian_stats_get(&clock->transmit_refused);
	row->late = meridian_stats_get(&clock->transmit_late);
	row->samples_lost = meridian_stats_get(&clock->transmit_lost);
}

static void clock_fill(struct nic_row *row, const struct meridian_stats_clock *clock)
{
	uint64_t state = meridian_stats_get(&clock->state);
	bool good = state == MERIDIAN_CLOCK_GOOD, has = state != MERIDIAN_CLOCK_NONE;
	int64_t frequency_ppt;

	__atomic_load(&clock->frequency_ppt, &frequency_ppt, __ATOMIC_RELAXED);
	row->clock = clock_name(state);
	row->error_s = good ? (double)meridian_stats_get(&clock->error_ns) * 1e-9 : NAN;
	row->frequency_ppm = good ? (double)frequency_ppt * 1e-6 : NAN;
	row->hz = has ? meridian_stats_get(&clock->hz) : UINT64_MAX;
	row->readings = has ? meridian_stats_get(&clock->readings) : UINT64_MAX;
	row->refused = has ? meridian_stats_get(&clock->refused) : UINT64_MAX;
	row->jumps = has ? meridian_stats_get(&clock->jumps) : UINT64_MAX;
	row->believed = has ? meridian_stats_get(&clock->believed) : UINT64_MAX;
	row->rejected = has ? 0 : UINT64_MAX;
	for (unsigned int i = 0; has && i < MERIDIAN_FAULT_COUNT; i++)
		row->rejected += meridian_stats_get(&clock->fault[i]);
}

static double delivery(const uint64_t *ns)
{
	uint64_t value_ns = meridian_stats_get(ns);

	return value_ns != 0 ? (double)value_ns * 1e-9 : NAN;
}

static void delivery_fill(struct nic_row *row, const struct meridian_stats_clock *clock)
{
	bool has = meridian_stats_get(&clock->state) != MERIDIAN_CLOCK_NONE;

	row->delivery_s = delivery(&clock->delivery_median_ns);
	row->delivery_most_s = delivery(&clock->delivery_most_ns);
	row->delivery_limit_s = has ? delivery(&clock->delivery_limit_ns) : NAN;
}

static void row_fill(struct nic_row *row, const struct meridian_stats *stats, uint32_t i)
{
	const struct meridian_stats_port *port = &stats->port[i];

	*row = (struct nic_row){.mode = mode_name(port, &stats->takeover[i]),
		.stamp = meridian_stamp_name(port->stamp)};
	if (port->nic_stamps != MERIDIAN_NIC_STAMPS_unknown)
		row->nic_stamps = meridian_nic_stamps_name(port->nic_stamps);
	memcpy(row->name_text, port->name, sizeof(port->name));
	memcpy(row->driver_text, port->driver, sizeof(port->driver));
	row->name = row->name_text;
	row->driver = row->driver_text;
	clock_fill(row, &stats->clock[i]);
	transmit_fill(row, &stats->clock[i]);
	delivery_fill(row, &stats->clock[i]);
}

/* Returns false if the port is none of these. */
static bool takeover_fill(
	struct takeover_row *row, const char *name, const struct meridian_stats_takeover *takeover)
{
	uint32_t mbps = __atomic_load_n(&takeover->link_mbps, __ATOMIC_RELAXED);

	if (takeover->tap[0] == '\0')
		return false;
	*row = (struct takeover_row){.name = name,
		.link = mbps != 0 ? "up" : "down",
		.link_mbps = mbps != UINT32_MAX ? mbps : UINT64_MAX,
		.mtu = __atomic_load_n(&takeover->mtu, __ATOMIC_RELAXED),
		.to_kernel = meridian_stats_get(&takeover->to_kernel),
		.limited = meridian_stats_get(&takeover->limited),
		.refused = meridian_stats_get(&takeover->refused),
		.from_kernel = meridian_stats_get(&takeover->from_kernel),
		.unsent = meridian_stats_get(&takeover->unsent)};
	memcpy(row->tap_text, takeover->tap, sizeof(takeover->tap));
	row->tap = row->tap_text;
	return true;
}

static void punt_fill(struct punt_row row[MERIDIAN_PUNT_COUNT], const char *name,
	const struct meridian_stats_punt *punt)
{
	for (unsigned int i = 0; i < MERIDIAN_PUNT_COUNT; i++)
		row[i] = (struct punt_row){.name = name,
			.class = meridian_punt_name(i),
			.text = meridian_punt_text(i),
			.share = meridian_punt_share(i),
			.to_kernel = meridian_stats_get(&punt->to_kernel[i]),
			.limited = meridian_stats_get(&punt->limited[i])};
}

static void punts_put(const struct look *look, const struct nic_row *nics)
{
	struct punt_row rows[MERIDIAN_STATS_PORTS_MAX * MERIDIAN_PUNT_COUNT];
	size_t count = 0;

	for (uint32_t i = 0; i < look->port_count; i++) {
		if (look->stats->takeover[i].tap[0] == '\0')
			continue;
		punt_fill(rows + count, nics[i].name, &look->stats->punt[i]);
		count += MERIDIAN_PUNT_COUNT;
	}
	output_table(&punt_report, rows, count);
}

static void takeovers_put(const struct look *look, const struct nic_row *nics)
{
	struct takeover_row rows[MERIDIAN_STATS_PORTS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < look->port_count; i++)
		count += takeover_fill(&rows[count], nics[i].name, &look->stats->takeover[i]);
	output_table(&takeover_report, rows, count);
	punts_put(look, nics);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].link_mbps == 0)
			output_problem("%s has no link.", rows[i].name);
	}
}

static void flows_put(const struct look *look, const struct nic_row *nics)
{
	struct flow_row rows[MERIDIAN_STATS_PORTS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < look->port_count; i++) {
		const struct meridian_stats_port *port = &look->stats->port[i];

		if (port->bifurcated)
			rows[count++] = (struct flow_row){nics[i].name,
				__atomic_load_n(&port->flow_rules, __ATOMIC_RELAXED),
				__atomic_load_n(&port->flow_missing, __ATOMIC_RELAXED),
				__atomic_load_n(&port->flow_left, __ATOMIC_RELAXED)};
	}
	output_table(&flow_report, rows, count);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].missing > 0)
			output_problem("%s has %s flow rules that it should have: the kernel gets "
				       "the NTP that they are for.",
				rows[i].name, rows[i].rules == 0 ? "none of the" : "not all");
	}
}

/* Of a port that uses it. */
static void clock_problem(const struct nic_row *row, const struct meridian_stats_port *port,
	const struct meridian_stats_clock *clock)
{
	if (port->stamp == MERIDIAN_STAMP_nic &&
		meridian_stats_get(&clock->state) == MERIDIAN_CLOCK_DOUBTED)
		output_problem("The clock of %s was set, or cannot be read well enough: its "
			       "packets are stamped by software until it is known again.",
			row->name);
}

/* More than one in a hundred is late, though none need be wrong. */
static void delivery_problem(const struct nic_row *row)
{
	if (row->delivery_most_s > row->delivery_limit_s)
		output_problem("%s takes up to %.0f us to deliver packets that it has stamped, and "
			       "stamps older than %.0f us are not believed: let it wait less with "
			       "its interrupts (ethtool -C), or allow more (`nic %s delivery US`).",
			row->name, row->delivery_most_s * 1e6, row->delivery_limit_s * 1e6,
			row->name);
}

static void nics_put(const struct look *look)
{
	struct nic_row rows[MERIDIAN_STATS_PORTS_MAX];
	struct fault_row faults[MERIDIAN_STATS_PORTS_MAX * MERIDIAN_FAULT_COUNT];
	struct missing_row missing[MERIDIAN_STATS_PORTS_MAX];
	size_t fault_count = 0, missing_count = 0;

	for (uint32_t i = 0; i < look->port_count; i++) {
		const struct meridian_stats_clock *clock = &look->stats->clock[i];

		uint8_t nic_stamps = look->stats->port[i].nic_stamps;

		row_fill(&rows[i], look->stats, i);
		if (rows[i].nic_stamps != NULL && nic_stamps != MERIDIAN_NIC_STAMPS_used)
			missing[missing_count++] = (struct missing_row){
				rows[i].name, meridian_nic_stamps_text(nic_stamps)};
		for (unsigned int fault = 0; fault < MERIDIAN_FAULT_COUNT; fault++) {
			uint64_t stamps = meridian_stats_get(&clock->fault[fault]);

			if (stamps > 0)
				faults[fault_count++] =
					(struct fault_row){rows[i].name, meridian_fault_name(fault),
						meridian_fault_text(fault), stamps};
		}
	}
	output_table(&nic_report, rows, look->port_count);
	output_table(&missing_report, missing, missing_count);
	output_table(&fault_report, faults, fault_count);
	takeovers_put(look, rows);
	flows_put(look, rows);
	for (uint32_t i = 0; i < look->port_count; i++) {
		clock_problem(&rows[i], &look->stats->port[i], &look->stats->clock[i]);
		delivery_problem(&rows[i]);
	}
}

int ctl_nics(struct ctl *ctl)
{
	static const struct meridian_page_kind *const kind = &meridian_stats_dataplane_kind;
	int code = EXIT_SUCCESS;
	struct look look;

	look_all(&look, &kind, 1, ctl->rundir);
	if (look.stats != NULL && look.alive) {
		nics_put(&look);
	} else {
		code = EXIT_REFUSED;
		output_error(
			code, "%s: the dataplane does not run: it is what opens NICs", ctl->rundir);
	}
	look_close(&look);
	return code;
}
