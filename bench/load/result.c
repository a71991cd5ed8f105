/* SPDX-License-Identifier: BSD-3-Clause */
#include "result.h"
#include <inttypes.h>

/* Shares of the requests, beyond which the generator was the limit: requests that were due and
 * not sent, and received packets that its own port dropped. */
#define UNSENT_MAX 0.001
#define DROPS_MAX  0.0001

bool result_limited(const struct result *result, char ret_reason[RESULT_REASON_SIZE])
{
	const struct meter *meter = result->meter;
	uint64_t lag_ns = histogram_quantile(&meter->send_lag, 0.99);
	double sent = (double)meter->sent;

	if (sent + 1 < result->scheduled * (1 - UNSENT_MAX) && result->refused)
		snprintf(ret_reason, RESULT_REASON_SIZE,
			"only %.0f of %.0f scheduled requests were sent, and the port was full "
			"%" PRIu64 " times",
			sent, result->scheduled, result->refused);
	else if (sent + 1 < result->scheduled * (1 - UNSENT_MAX))
		snprintf(ret_reason, RESULT_REASON_SIZE,
			"only %.0f of %.0f scheduled requests were sent", sent, result->scheduled);
	else if (lag_ns > result->lag_limit_ns)
		snprintf(ret_reason, RESULT_REASON_SIZE,
			"1 %% of the requests were sent more than %.0f us late (limit %.0f us)",
			(double)lag_ns / 1e3, (double)result->lag_limit_ns / 1e3);
	else if ((double)result->receive_drops > DROPS_MAX * sent)
		snprintf(ret_reason, RESULT_REASON_SIZE,
			"the generator's own port dropped %" PRIu64 " received packets",
			result->receive_drops);
	else
		return false;
	return true;
}

static void print_percentiles(const char *name, const struct histogram *histogram, FILE *stream)
{
	static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999};

	if (histogram->count == 0)
		return;
	fprintf(stream, "%-18s", name);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		fprintf(stream, " %9.2f",
			(double)histogram_quantile(histogram, quantiles[i]) / 1e3);
	fprintf(stream, " %9.2f\n", (double)histogram->max / 1e3);
}

static void print_offset(const struct histogram_signed *offset, FILE *stream)
{
	if (offset->below.count + offset->above.count == 0)
		return;
	fprintf(stream, "server offset (us): median %+.3f, 1 %% below %+.3f, 1 %% above %+.3f\n",
		(double)histogram_signed_quantile(offset, 0.5) / 1e3,
		(double)histogram_signed_quantile(offset, 0.01) / 1e3,
		(double)histogram_signed_quantile(offset, 0.99) / 1e3);
}

static void print_invalid(const struct meter *meter, FILE *stream)
{
	for (int reason = REPLY_OTHER + 1; reason < REPLY_REASON_COUNT; reason++) {
		if (meter->invalid[reason])
			fprintf(stream, "  invalid: %" PRIu64 " %s (%s)\n", meter->invalid[reason],
				reply_reason_name((enum reply_reason)reason),
				reply_reason_text((enum reply_reason)reason));
	}
}

static void print_rates(const struct result *result, FILE *stream)
{
	const struct meter *meter = result->meter;

	fprintf(stream, "%.3f s, %.0f requests/s scheduled, %.0f/s sent, %.0f/s answered in time\n",
		result->seconds, result->scheduled / result->seconds,
		(double)meter->sent / result->seconds, (double)meter->answered / result->seconds);
}

static void print_ends(const struct meter *meter, FILE *stream)
{
	fprintf(stream,
		"sent %" PRIu64 ", answered %" PRIu64 ", lost %" PRIu64 ", late %" PRIu64
		", kiss-o'-death %" PRIu64,
		meter->sent, meter->answered, meter_lost(meter), meter->late, meter->kissed);
	if (meter->malformed)
		fprintf(stream, ", malformed (no answer due) %" PRIu64, meter->malformed);
	if (meter->skipped)
		fprintf(stream, ", skipped (too late to send) %" PRIu64, meter->skipped);
	fprintf(stream, ", loss %.5f %%\n", 100 * meter_loss(meter));
}

static void print_oddities(const struct result *result, FILE *stream)
{
	const struct meter *meter = result->meter;

	fprintf(stream,
		"duplicate %" PRIu64 ", invalid %" PRIu64 ", unsynchronised %" PRIu64
		", transmit backwards ",
		meter->duplicate, meter_invalid(meter), meter->unsynchronised);
	if (meter_follows_transmit(meter))
		fprintf(stream, "%" PRIu64 "\n", meter->transmit_backwards);
	else
		fprintf(stream, "not looked at (several targets)\n");
	fprintf(stream,
		"changes: leap %" PRIu64 ", stratum %" PRIu64 ", reference ID %" PRIu64
		"; other frames %" PRIu64 ", own receive drops %" PRIu64 "\n",
		meter->leap_changes, meter->stratum_changes, meter->refid_changes,
		meter->other_frames, result->receive_drops);
}

/* Of basic requests alone everything has been said. */
static void print_kinds(const struct meter *meter, FILE *stream)
{
	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++) {
		if (meter->kind_sent[kind] == 0 || meter->kind_sent[REQUEST_basic] == meter->sent)
			continue;
		fprintf(stream, "  %s: sent %" PRIu64 ", answered %" PRIu64,
			request_kind_name((enum request_kind)kind), meter->kind_sent[kind],
			meter->kind_answered[kind]);
		if (kind == REQUEST_interleaved)
			fprintf(stream, ", in interleaved mode %" PRIu64, meter->interleaved);
		fputc('\n', stream);
	}
}

static void print_kisses(const struct meter *meter, FILE *stream)
{
	char text[METER_KISS_TEXT_SIZE];

	for (int i = 0; i < METER_KISSES && meter->kiss[i].count; i++)
		fprintf(stream, "  kiss-o'-death: %" PRIu64 " %s\n", meter->kiss[i].count,
			meter_kiss_text(meter->kiss[i].code, text));
}

void result_print(const struct result *result, FILE *stream)
{
	const struct meter *meter = result->meter;
	char reason[RESULT_REASON_SIZE];

	print_rates(result, stream);
	print_ends(meter, stream);
	print_kinds(meter, stream);
	print_oddities(result, stream);
	print_kisses(meter, stream);
	print_invalid(meter, stream);
	fprintf(stream, "%-18s %9s %9s %9s %9s %9s %9s %9s\n", "us", "50 %", "90 %", "99 %",
		"99.9 %", "99.99 %", "99.999 %", "max");
	print_percentiles("due to reply", &meter->round_trip, stream);
	print_percentiles("sent to reply", &meter->send_to_reply, stream);
	print_percentiles("server T3-T2", &meter->residence, stream);
	print_percentiles("send lag", &meter->send_lag, stream);
	print_offset(&meter->offset, stream);
	if (result_limited(result, reason))
		fprintf(stream,
			"THE GENERATOR WAS THE LIMIT, this is not the server's figure: %s\n",
			reason);
}
