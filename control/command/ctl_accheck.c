/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"

struct access_row {
	const char *address;
	bool allowed;
};

static const struct output_field access_fields[] = {
	OUTPUT_FIELD("address", "Address", STRING, access_row, address, 0),
	OUTPUT_FIELD("allowed", "Allowed", BOOL, access_row, allowed, 0),
};
static const struct output_report access_report =
	OUTPUT_REPORT("access", NULL, access_fields, access_row);

int ctl_accheck(struct ctl *ctl)
{
	struct access_row row = {.address = ctl->argument};
	struct report_address address;
	int r;

	if (!ctl_address_parse(ctl->argument, &address)) {
		output_error(EXIT_USAGE, "accheck %s: not an IPv4 or IPv6 address", ctl->argument);
		return EXIT_USAGE;
	}
	r = client_access_check(&ctl->client, &address, &row.allowed);
	if (r == 0)
		output_record(&access_report, &row);
	return ctl_result(ctl, r);
}
