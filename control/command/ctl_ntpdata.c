/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ntp_row {
	char remote_text[CTL_NAME_SIZE], local_text[CTL_NAME_SIZE], refid_text[CTL_NAME_SIZE];
	char tests_text[16], transmit_text[2], receive_text[2];
	const char *remote, *local, *refid, *leap, *tests, *transmit_stamp, *receive_stamp;
	uint64_t port, version, stratum;
	int64_t poll_log2, precision_log2;
	double root_delay_s, root_dispersion_s, offset_s, delay_s, dispersion_s, response_s,
		asymmetry;
	struct meridian_utc reference;
	bool interleaved, authenticated;
	uint64_t requests, received, valid, good;
	uint64_t kernel_transmits, kernel_receives, hardware_transmits, hardware_receives;
	uint64_t dataplane_transmits, dataplane_receives, dataplane_refused;
};

static const struct output_field ntp_fields[] = {
	OUTPUT_FIELD("remote", "Remote address", STRING, ntp_row, remote, 0),
	OUTPUT_FIELD("port", "Remote port", COUNT, ntp_row, port, 0),
	OUTPUT_FIELD("local", "Local address", STRING, ntp_row, local, 0),
	OUTPUT_FIELD("leap", "Leap status", STRING, ntp_row, leap, 0),
	OUTPUT_FIELD("version", "Version", COUNT, ntp_row, version, 0),
	OUTPUT_FIELD("stratum", "Stratum", COUNT, ntp_row, stratum, 0),
	OUTPUT_FIELD("poll_log2", "Poll interval, log2 s", INTEGER, ntp_row, poll_log2, 0),
	OUTPUT_FIELD("precision_log2", "Precision, log2 s", INTEGER, ntp_row, precision_log2, 0),
	OUTPUT_FIELD("root_delay_s", "Root delay", SECONDS, ntp_row, root_delay_s, 0),
	OUTPUT_FIELD(
		"root_dispersion_s", "Root dispersion", SECONDS, ntp_row, root_dispersion_s, 0),
	OUTPUT_FIELD("refid", "Reference ID", STRING, ntp_row, refid, 0),
	OUTPUT_FIELD("reference", "Reference time", UTC, ntp_row, reference, 0),
	OUTPUT_FIELD("offset_s", "Offset", SECONDS, ntp_row, offset_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("delay_s", "Delay", SECONDS, ntp_row, delay_s, 0),
	OUTPUT_FIELD("dispersion_s", "Dispersion", SECONDS, ntp_row, dispersion_s, 0),
	OUTPUT_FIELD("response_s", "Response time", SECONDS, ntp_row, response_s, 0),
	OUTPUT_FIELD("asymmetry", "", PPM, ntp_row, asymmetry, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("tests", "NTP tests", STRING, ntp_row, tests, 0),
	OUTPUT_FIELD("interleaved", "Interleaved", BOOL, ntp_row, interleaved, 0),
	OUTPUT_FIELD("authenticated", "Authenticated", BOOL, ntp_row, authenticated, 0),
	OUTPUT_FIELD("transmit_stamp", "Transmit stamp by", STRING, ntp_row, transmit_stamp, 0),
	OUTPUT_FIELD("receive_stamp", "Receive stamp by", STRING, ntp_row, receive_stamp, 0),
	OUTPUT_FIELD("requests", "Requests", COUNT, ntp_row, requests, 0),
	OUTPUT_FIELD("received", "Received", COUNT, ntp_row, received, 0),
	OUTPUT_FIELD("valid", "Answers to a request", COUNT, ntp_row, valid, 0),
	OUTPUT_FIELD("good", "Good answers", COUNT, ntp_row, good, 0),
	OUTPUT_FIELD("kernel_transmits", "Kernel's transmit stamps", COUNT, ntp_row,
		kernel_transmits, 0),
	OUTPUT_FIELD(
		"kernel_receives", "Kernel's receive stamps", COUNT, ntp_row, kernel_receives, 0),
	OUTPUT_FIELD("hardware_transmits", "NIC's transmit stamps", COUNT, ntp_row,
		hardware_transmits, 0),
	OUTPUT_FIELD(
		"hardware_receives", "NIC's receive stamps", COUNT, ntp_row, hardware_receives, 0),
	OUTPUT_FIELD("dataplane_transmits", "Dataplane's transmit stamps", COUNT, ntp_row,
		dataplane_transmits, 0),
	OUTPUT_FIELD("dataplane_receives", "Dataplane's receive stamps", COUNT, ntp_row,
		dataplane_receives, 0),
	OUTPUT_FIELD("dataplane_refused", "Dataplane's refused stamps", COUNT, ntp_row,
		dataplane_refused, 0),
};

static const struct output_report ntp_report = OUTPUT_REPORT("ntpdata", NULL, ntp_fields, ntp_row);

static const char *stamp_name(char letter, bool dataplane)
{
	if (letter == 'H')
		return "NIC";
	if (dataplane)
		return "dataplane";
	return letter == 'K' ? "kernel" : "program";
}

/* 1 2 3, 5 6 7, A B C D; 1: passed. */
static void tests_write(uint16_t tests, char text[static 16])
{
	size_t length = 0;

	for (int bit = 9; bit >= 0; bit--) {
		text[length++] = tests & 1u << bit ? '1' : '0';
		if (bit == 7 || bit == 4)
			text[length++] = ' ';
	}
	text[length] = '\0';
}

static void ntp_row_fill(struct ntp_row *row, const struct report_ntp *ntp)
{
	static const char *const leaps[] = {
		"Normal", "Insert second", "Delete second", "Not synchronised"};

	ctl_address_format(&ntp->remote, 0, row->remote_text);
	ctl_address_format(&ntp->local, 0, row->local_text);
	snprintf(row->refid_text, sizeof(row->refid_text), "%08X", ntp->refid);
	tests_write(ntp->tests, row->tests_text);
	row->remote = row->remote_text;
	row->local = row->local_text;
	row->refid = row->refid_text;
	row->tests = row->tests_text;
	row->leap = leaps[ntp->leap & 3];
	row->transmit_stamp = stamp_name(ntp->transmit_stamp, ntp->dataplane_transmit);
	row->receive_stamp = stamp_name(ntp->receive_stamp, ntp->dataplane_receive);
	row->port = ntp->port;
	row->version = ntp->version;
	row->stratum = ntp->stratum;
	row->poll_log2 = (int)ntp->poll_log2;
	row->precision_log2 = (int)ntp->precision_log2;
	row->root_delay_s = ntp->root_delay_s;
	row->root_dispersion_s = ntp->root_dispersion_s;
	row->reference = ntp->reference;
	row->offset_s = ntp->offset_s;
	row->delay_s = ntp->delay_s;
	row->dispersion_s = ntp->dispersion_s;
	row->response_s = ntp->response_s;
	row->asymmetry = ntp->asymmetry;
	row->interleaved = ntp->interleaved;
	row->authenticated = ntp->authenticated;
	row->requests = ntp->requests;
	row->received = ntp->received;
	row->valid = ntp->valid;
	row->good = ntp->good;
	row->kernel_transmits = ntp->kernel_transmits;
	row->kernel_receives = ntp->kernel_receives;
	row->hardware_transmits = ntp->hardware_transmits;
	row->hardware_receives = ntp->hardware_receives;
	row->dataplane_transmits = ntp->dataplane_transmits;
	row->dataplane_receives = ntp->dataplane_receives;
	row->dataplane_refused = ntp->dataplane_refused;
}

#define SERVERS_MAX 64

int ctl_ntpdata(struct ctl *ctl)
{
	static struct ntp_row rows[SERVERS_MAX];
	char name[CTL_NAME_SIZE];
	uint32_t count = 0, servers = 0;
	int r = client_source_count(&ctl->client, &count);

	for (uint32_t i = 0; i < count && servers < SERVERS_MAX && r == 0; i++) {
		struct report_source source;
		struct report_ntp ntp;

		r = client_source(&ctl->client, i, &source, name);
		if (r != 0 || source.address.family == 0)
			continue;
		r = client_ntp(&ctl->client, i, &ntp);
		if (r == 0)
			ntp_row_fill(&rows[servers++], &ntp);
	}
	if (r == 0)
		output_records(&ntp_report, rows, servers);
	return ctl_result(ctl, r);
}
