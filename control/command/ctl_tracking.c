/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <meridian/ntp.h>
#include <meridian/policy.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct tracking_row {
	const char *refid, *name, *leap;
	uint64_t stratum;
	struct meridian_utc reference;
	double current_correction_s, last_offset_s, rms_offset_s;
	double frequency_ppm, residual_frequency_ppm, skew_ppm;
	double root_delay_s, root_dispersion_s, last_update_interval_s;
};

static const struct output_field tracking_fields[] = {
	OUTPUT_FIELD("reference_id", "Reference ID", STRING, tracking_row, refid, 0),
	OUTPUT_FIELD("reference_name", "Reference", STRING, tracking_row, name, 0),
	OUTPUT_FIELD("stratum", "Stratum", COUNT, tracking_row, stratum, 0),
	OUTPUT_FIELD("reference_time", "Last update", UTC, tracking_row, reference, 0),
	OUTPUT_FIELD("current_correction_s", "Correction under way", SECONDS, tracking_row,
		current_correction_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("last_offset_s", "Last offset", SECONDS, tracking_row, last_offset_s,
		OUTPUT_SIGNED),
	OUTPUT_FIELD("rms_offset_s", "RMS offset", SECONDS, tracking_row, rms_offset_s, 0),
	OUTPUT_FIELD("frequency_ppm", "Counter frequency", PPM, tracking_row, frequency_ppm,
		OUTPUT_SIGNED),
	OUTPUT_FIELD("residual_frequency_ppm", "Residual frequency", PPM, tracking_row,
		residual_frequency_ppm, OUTPUT_SIGNED),
	OUTPUT_FIELD("skew_ppm", "Skew", PPM, tracking_row, skew_ppm, 0),
	OUTPUT_FIELD("root_delay_s", "Root delay", SECONDS, tracking_row, root_delay_s, 0),
	OUTPUT_FIELD("root_dispersion_s", "Root dispersion", SECONDS, tracking_row,
		root_dispersion_s, 0),
	OUTPUT_FIELD("last_update_interval_s", "Update interval", SECONDS, tracking_row,
		last_update_interval_s, 0),
	OUTPUT_FIELD("leap", "Leap", STRING, tracking_row, leap, 0),
};

static const struct output_report tracking_report =
	OUTPUT_REPORT("tracking", NULL, tracking_fields, tracking_row);

bool ctl_address_parse(const char *text, struct report_address *ret_address)
{
	*ret_address = (struct report_address){.family = 0};
	if (inet_pton(AF_INET, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, ret_address->octets) == 1)
		ret_address->family = MERIDIAN_FAMILY_IPV6;
	return ret_address->family != 0;
}

void ctl_address_format(
	const struct report_address *address, uint32_t refid, char ret_text[static CTL_NAME_SIZE])
{
	int family = address->family == MERIDIAN_FAMILY_IPV4 ? AF_INET : AF_INET6;
	size_t length = 0;

	if (address->family != 0) {
		inet_ntop(family, address->octets, ret_text, CTL_NAME_SIZE);
		return;
	}
	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned char c = (unsigned char)(refid >> shift);

		if (isprint(c))
			ret_text[length++] = (char)c;
	}
	ret_text[length] = '\0';
}

void ctl_reference_name(struct ctl *ctl, const struct report_tracking *tracking,
	char ret_name[static CTL_NAME_SIZE])
{
	ret_name[0] = '\0';
	if (tracking->address.family != 0)
		client_source_name(&ctl->client, &tracking->address, ret_name);
	else if (tracking->refid == MERIDIAN_NTP_REFID_LOCAL)
		strcpy(ret_name, "local clock");
	if (ret_name[0] == '\0')
		ctl_address_format(&tracking->address, tracking->refid, ret_name);
}

int ctl_tracking(struct ctl *ctl)
{
	static const char *const leaps[] = {
		"Normal", "Insert second", "Delete second", "Not synchronised"};
	struct report_tracking tracking;
	char refid[sizeof("00000000")], name[CTL_NAME_SIZE];
	struct tracking_row row;
	int r = client_tracking(&ctl->client, &tracking);

	if (r != 0)
		return ctl_result(ctl, r);
	snprintf(refid, sizeof(refid), "%08X", tracking.refid);
	ctl_reference_name(ctl, &tracking, name);
	row = (struct tracking_row){
		.refid = refid,
		.name = name[0] != '\0' ? name : NULL,
		.leap = leaps[tracking.leap & 3],
		.stratum = tracking.stratum,
		.reference = tracking.reference,
		.current_correction_s = tracking.current_correction_s,
		.last_offset_s = tracking.last_offset_s,
		.rms_offset_s = tracking.rms_offset_s,
		.frequency_ppm = tracking.frequency_ppm,
		.residual_frequency_ppm = tracking.residual_frequency_ppm,
		.skew_ppm = tracking.skew_ppm,
		.root_delay_s = tracking.root_delay_s,
		.root_dispersion_s = tracking.root_dispersion_s,
		.last_update_interval_s = tracking.last_update_interval_s,
	};
	output_record(&tracking_report, &row);
	return EXIT_SUCCESS;
}

struct server_row {
	struct report_server server;
	uint64_t zero;
};

#define SERVER_FIELD(member, label)                                                                \
	OUTPUT_FIELD(#member, label, COUNT, server_row, server.member, 0)
#define SERVER_ABSENT OUTPUT_FIELD("", "", COUNT, server_row, zero, OUTPUT_CSV_ONLY)

/* chronyc's columns; absent: client log, key establishment. */
static const struct output_field server_fields[] = {
	SERVER_FIELD(ntp_hits, "NTP packets received"),
	SERVER_FIELD(ntp_drops, "NTP packets dropped"),
	SERVER_FIELD(command_hits, "Commands received"),
	SERVER_FIELD(command_drops, "Commands dropped"),
	SERVER_ABSENT,
	SERVER_ABSENT,
	SERVER_ABSENT,
	SERVER_FIELD(authenticated, "Authenticated replies"),
	SERVER_FIELD(interleaved, "Interleaved replies"),
	SERVER_FIELD(interleave_held, "Transmit times held"),
	SERVER_FIELD(interleave_span_s, "Span of these (s)"),
	SERVER_FIELD(daemon_rx, "Rx stamps by program"),
	SERVER_FIELD(daemon_tx, "Tx stamps by program"),
	SERVER_FIELD(kernel_rx, "Rx stamps by kernel"),
	SERVER_FIELD(kernel_tx, "Tx stamps by kernel"),
	SERVER_FIELD(hardware_rx, "Rx stamps by NIC"),
	SERVER_FIELD(hardware_tx, "Tx stamps by NIC"),
};

static const struct output_report server_report =
	OUTPUT_REPORT("serverstats", NULL, server_fields, server_row);

int ctl_serverstats(struct ctl *ctl)
{
	struct server_row row = {.zero = 0};
	int r = client_server_stats(&ctl->client, &row.server);

	if (r == 0)
		output_record(&server_report, &row);
	return ctl_result(ctl, r);
}

struct activity_row {
	uint64_t online, offline, burst_online, burst_offline, unresolved;
};

static const struct output_field activity_fields[] = {
	OUTPUT_FIELD("online", "Sources online", COUNT, activity_row, online, 0),
	OUTPUT_FIELD("offline", "Sources offline", COUNT, activity_row, offline, 0),
	OUTPUT_FIELD(
		"burst_online", "In a burst, then online", COUNT, activity_row, burst_online, 0),
	OUTPUT_FIELD(
		"burst_offline", "In a burst, then offline", COUNT, activity_row, burst_offline, 0),
	OUTPUT_FIELD("unresolved", "Without an address yet", COUNT, activity_row, unresolved, 0),
};

static const struct output_report activity_report =
	OUTPUT_REPORT("activity", NULL, activity_fields, activity_row);

int ctl_activity(struct ctl *ctl)
{
	struct report_activity activity;
	int r = client_activity(&ctl->client, &activity);

	if (r == 0) {
		struct activity_row row = {activity.online, activity.offline, activity.burst_online,
			activity.burst_offline, activity.unresolved};

		output_record(&activity_report, &row);
	}
	return ctl_result(ctl, r);
}
