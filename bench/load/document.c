/* SPDX-License-Identifier: BSD-3-Clause */
#include "document.h"
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *arguments(int argc, char *const *argv)
{
	json_t *list = json_array();

	for (int i = 1; i < argc; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

static json_t *cpu_model(void)
{
	FILE *stream = fopen("/proc/cpuinfo", "re");
	json_t *model = NULL;
	char line[256];

	while (stream && model == NULL && fgets(line, sizeof(line), stream)) {
		const char *colon = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "model name", 10) == 0 && colon)
			model = json_string(colon + 2);
	}
	if (stream)
		fclose(stream);
	return model ? model : json_null();
}

static json_t *machine(uint64_t hz)
{
	json_t *object = json_object();
	struct utsname name;

	json_object_set_new(object, "cpu", cpu_model());
	set(object, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	set(object, "counter_hz", hz);
	if (uname(&name) == 0) {
		json_object_set_new(object, "kernel", json_string(name.release));
		json_object_set_new(object, "architecture", json_string(name.machine));
	}
	return object;
}

json_t *document_new(const char *mode, int argc, char *const *argv, uint64_t hz)
{
	json_t *document = json_object();

	set(document, "schema_version", DOCUMENT_SCHEMA_VERSION);
	json_object_set_new(document, "tool", json_string("meridian-load"));
	json_object_set_new(document, "version", json_string(MERIDIAN_VERSION));
	json_object_set_new(document, "mode", json_string(mode));
	set(document, "time", (uint64_t)time(NULL));
	json_object_set_new(document, "arguments", arguments(argc, argv));
	json_object_set_new(document, "machine", machine(hz));
	return document;
}

static const struct {
	const char *name;
	double quantile;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999},
	{"p99_999", 0.99999}};
#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static json_t *distribution(const struct histogram *histogram)
{
	json_t *object = json_object();

	set(object, "count", histogram->count);
	if (histogram->count == 0)
		return object;
	set(object, "min", histogram->min);
	for (size_t i = 0; i < QUANTILES; i++)
		set(object, quantiles[i].name,
			histogram_quantile(histogram, quantiles[i].quantile));
	set(object, "max", histogram->max);
	json_object_set_new(object, "mean", json_real(histogram_mean(histogram)));
	return object;
}

static json_t *distribution_signed(const struct histogram_signed *histogram)
{
	static const struct {
		const char *name;
		double quantile;
	} points[] = {{"min", 0}, {"p1", 0.01}, {"p10", 0.1}, {"p50", 0.5}, {"p90", 0.9},
		{"p99", 0.99}, {"max", 1}};
	json_t *object = json_object();
	uint64_t count = histogram->below.count + histogram->above.count;

	set(object, "count", count);
	for (size_t i = 0; count && i < sizeof(points) / sizeof(points[0]); i++)
		json_object_set_new(object, points[i].name,
			json_integer(histogram_signed_quantile(histogram, points[i].quantile)));
	if (count)
		json_object_set_new(object, "mean", json_real(histogram_signed_mean(histogram)));
	return object;
}

static json_t *invalid(const struct meter *meter)
{
	json_t *object = json_object();

	for (int reason = REPLY_OTHER + 1; reason < REPLY_REASON_COUNT; reason++) {
		if (meter->invalid[reason])
			set(object, reply_reason_name((enum reply_reason)reason),
				meter->invalid[reason]);
	}
	return object;
}

static json_t *kisses(const struct meter *meter)
{
	json_t *object = json_object();

	for (int i = 0; i < METER_KISSES && meter->kiss[i].count; i++) {
		char text[METER_KISS_TEXT_SIZE];

		set(object, meter_kiss_text(meter->kiss[i].code, text), meter->kiss[i].count);
	}
	return object;
}

static json_t *kinds(const struct meter *meter)
{
	json_t *object = json_object();

	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++) {
		json_t *counts;

		if (meter->kind_sent[kind] == 0)
			continue;
		counts = json_object();
		set(counts, "sent", meter->kind_sent[kind]);
		set(counts, "answered", meter->kind_answered[kind]);
		json_object_set_new(object, request_kind_name((enum request_kind)kind), counts);
	}
	return object;
}

static void add_limit(json_t *object, const struct result *result)
{
	char reason[RESULT_REASON_SIZE];
	bool limited = result_limited(result, reason);

	json_object_set_new(object, "generator_limited", json_boolean(limited));
	json_object_set_new(
		object, "generator_limit_reason", limited ? json_string(reason) : json_null());
	set(object, "own_receive_drops", result->receive_drops);
	set(object, "send_retries", result->refused);
}

static void add_rates(json_t *object, const struct result *result)
{
	const struct meter *meter = result->meter;
	double seconds = result->seconds;

	json_object_set_new(object, "seconds", json_real(seconds));
	json_object_set_new(object, "loss", json_real(meter_loss(meter)));
	json_object_set_new(object, "rate_per_s", json_real(result->scheduled / seconds));
	json_object_set_new(object, "sent_per_s", json_real((double)meter->sent / seconds));
	json_object_set_new(object, "answered_per_s", json_real((double)meter->answered / seconds));
}

void document_add_results(json_t *document, const struct result *result)
{
	const struct meter *meter = result->meter;
	json_t *object = json_object();

	add_rates(object, result);
#define X(name) set(object, #name, meter->name);
	METER_COUNTERS(X)
#undef X
	if (!meter_follows_transmit(meter))
		json_object_set_new(object, "transmit_backwards", json_null());
	set(object, "lost", meter_lost(meter));
	json_object_set_new(object, "invalid", invalid(meter));
	json_object_set_new(object, "kiss_o_death", kisses(meter));
	json_object_set_new(object, "kinds", kinds(meter));
	json_object_set_new(object, "round_trip_ns", distribution(&meter->round_trip));
	json_object_set_new(object, "send_to_reply_ns", distribution(&meter->send_to_reply));
	json_object_set_new(object, "server_residence_ns", distribution(&meter->residence));
	json_object_set_new(object, "server_offset_ns", distribution_signed(&meter->offset));
	json_object_set_new(object, "send_lag_ns", distribution(&meter->send_lag));
	add_limit(object, result);
	json_object_set_new(document, "results", object);
}

static json_t *step_object(const struct search_step *step)
{
	json_t *object = json_object();

	json_object_set_new(object, "rate_per_s", json_real((double)step->rate_milli / 1e3));
	json_object_set_new(object, "loss", json_real(step->loss));
	json_object_set_new(object, "answered_per_s", json_real(step->answered_per_s));
	json_object_set_new(object, "generator_limited", json_boolean(step->limited));
	json_object_set_new(object, "passed", json_boolean(step->passed));
	return object;
}

void document_add_search(json_t *document, const struct search *search)
{
	json_t *object = json_object(), *steps = json_array();

	for (unsigned int i = 0; i < search->step_count; i++)
		json_array_append_new(steps, step_object(&search->step[i]));
	json_object_set_new(object, "loss_limit", json_real((double)search->loss_ppm / 1e6));
	json_object_set_new(object, "rate_per_s", json_real((double)search->passed_milli / 1e3));
	json_object_set_new(
		object, "generator_limited", json_boolean(search_generator_limited(search)));
	json_object_set_new(object, "steps", steps);
	json_object_set_new(document, "search", object);
}

int document_print(json_t *document, FILE *stream)
{
	int r = json_dumpf(document, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	json_decref(document);
	fputc('\n', stream);
	return r < 0 || fflush(stream) != 0 ? -EIO : 0;
}
