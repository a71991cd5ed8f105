/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include "ctl_look.h"
#include <math.h>
#include <meridian/policy.h>
#include <string.h>

/* A port of the dataplane, its stamps and the clock that takes them. */
struct nic_row {
	const char *name, *driver, *mode, *stamp, *clock, *transmit;
	char name_text[sizeof(((struct meridian_stats_port *)0)->name) + 1];
	char driver_text[sizeof(((struct meridian_stats_port *)0)->driver) + 1];
	double error_s, frequency_ppm, transmit_s;
	uint64_t hz, readings, refused, jumps, believed, rejected;
};

static const struct output_field nic_fields[] = {
	OUTPUT_FIELD("name", "Interface", STRING, nic_row, name, 0),
	OUTPUT_FIELD("driver", "Driver", STRING, nic_row, driver, 0),
	OUTPUT_FIELD("mode", "Mode", STRING, nic_row, mode, 0),
	OUTPUT_FIELD("stamp", "Stamps", STRING, nic_row, stamp, 0),
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
	OUTPUT_FIELD("believed", "Believed", COUNT, nic_row, believed, 0),
	OUTPUT_FIELD("rejected", "Rejected", COUNT, nic_row, rejected, 0),
};
static const struct output_report nic_report = OUTPUT_REPORT("nics", NULL, nic_fields, nic_row);

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

static const char *mode_name(const struct meridian_stats_port *port)
{
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

static void clock_fill(struct nic_row *row, const struct meridian_stats_clock *clock)
{
	uint64_t state = meridian_stats_get(&clock->state);
	bool good = state == MERIDIAN_CLOCK_GOOD, has = state != MERIDIAN_CLOCK_NONE;
	bool transmits = meridian_stats_get(&clock->transmit) == MERIDIAN_TRANSMIT_CONFIGURED;
	int64_t frequency_ppt, delay_ns;

	__atomic_load(&clock->frequency_ppt, &frequency_ppt, __ATOMIC_RELAXED);
	__atomic_load(&clock->transmit_delay_ns, &delay_ns, __ATOMIC_RELAXED);
	row->clock = clock_name(state);
	row->error_s = good ? (double)meridian_stats_get(&clock->error_ns) * 1e-9 : NAN;
	row->frequency_ppm = good ? (double)frequency_ppt * 1e-6 : NAN;
	row->hz = has ? meridian_stats_get(&clock->hz) : UINT64_MAX;
	row->readings = has ? meridian_stats_get(&clock->readings) : UINT64_MAX;
	row->refused = has ? meridian_stats_get(&clock->refused) : UINT64_MAX;
	row->jumps = has ? meridian_stats_get(&clock->jumps) : UINT64_MAX;
	row->transmit = transmits ? "configured" : "unknown";
	row->transmit_s = transmits ? (double)delay_ns * 1e-9 : NAN;
	row->believed = has ? meridian_stats_get(&clock->believed) : UINT64_MAX;
	row->rejected = has ? 0 : UINT64_MAX;
	for (unsigned int i = 0; has && i < MERIDIAN_FAULT_COUNT; i++)
		row->rejected += meridian_stats_get(&clock->fault[i]);
}

static void row_fill(struct nic_row *row, const struct meridian_stats_port *port,
	const struct meridian_stats_clock *clock)
{
	*row = (struct nic_row){.mode = mode_name(port), .stamp = meridian_stamp_name(port->stamp)};
	memcpy(row->name_text, port->name, sizeof(port->name));
	memcpy(row->driver_text, port->driver, sizeof(port->driver));
	row->name = row->name_text;
	row->driver = row->driver_text;
	clock_fill(row, clock);
}

static void clock_problem(const struct nic_row *row, const struct meridian_stats_clock *clock)
{
	if (meridian_stats_get(&clock->state) == MERIDIAN_CLOCK_DOUBTED)
		output_problem("The clock of %s was set, or cannot be read well enough: its "
			       "packets are stamped by software until it is known again.",
			row->name);
}

static void nics_put(const struct look *look)
{
	struct nic_row rows[MERIDIAN_STATS_PORTS_MAX];
	struct fault_row faults[MERIDIAN_STATS_PORTS_MAX * MERIDIAN_FAULT_COUNT];
	size_t fault_count = 0;

	for (uint32_t i = 0; i < look->port_count; i++) {
		const struct meridian_stats_clock *clock = &look->stats->clock[i];

		row_fill(&rows[i], &look->stats->port[i], clock);
		for (unsigned int fault = 0; fault < MERIDIAN_FAULT_COUNT; fault++) {
			uint64_t stamps = meridian_stats_get(&clock->fault[fault]);

			if (stamps > 0)
				faults[fault_count++] =
					(struct fault_row){rows[i].name, meridian_fault_name(fault),
						meridian_fault_text(fault), stamps};
		}
	}
	output_table(&nic_report, rows, look->port_count);
	output_table(&fault_report, faults, fault_count);
	for (uint32_t i = 0; i < look->port_count; i++)
		clock_problem(&rows[i], &look->stats->clock[i]);
}

int ctl_nics(struct ctl *ctl)
{
	static const struct meridian_page_kind *const kind = &meridian_stats_dataplane_kind;
	int code = CTL_EXIT_OK;
	struct look look;

	look_all(&look, &kind, 1, ctl->rundir);
	if (look.stats != NULL && look.alive) {
		nics_put(&look);
	} else {
		code = CTL_EXIT_REFUSED;
		output_error(
			code, "%s: the dataplane does not run: it is what opens NICs", ctl->rundir);
	}
	look_close(&look);
	return code;
}
