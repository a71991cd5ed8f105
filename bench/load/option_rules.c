/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_rules.h"
#include "option_values.h"
#include <string.h>

/* Options that do nothing without another one. */
static const struct {
	const char *name, *needed;
} needs[] = {
	{"clients", "source"},
	{"key-file", "key-id"},
	{"key-id", "key-file"},
	{"search-from", "search"},
	{"search-to", "search"},
	{"search-resolution", "search"},
	{"search-tries", "search"},
};

/* Options of which one makes the other useless. */
static const struct {
	const char *name, *other;
} excludes[] = {
	{"search", "rate"},
	{"progress", "no-progress"},
};

/* All that a reflector makes use of. */
static const char *const of_reflector[] = {"port", "reflect", "source-mac", "source", "clients",
	"core", "burst", "memory", "no-huge", "json"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int pairs_check(const struct load_options *options, char *error)
{
	for (size_t i = 0; i < COUNT(needs); i++) {
		if (options_given(options, needs[i].name) &&
			!options_given(options, needs[i].needed))
			return option_refuse(
				error, "--%s needs --%s", needs[i].name, needs[i].needed);
	}
	for (size_t i = 0; i < COUNT(excludes); i++) {
		if (options_given(options, excludes[i].name) &&
			options_given(options, excludes[i].other))
			return option_refuse(error, "--%s and --%s exclude each other",
				excludes[i].name, excludes[i].other);
	}
	return 0;
}

static int pattern_check(const struct load_options *options, char *error)
{
	if (options->pattern.pattern != SCHEDULE_ramp)
		return 0;
	if (options->search)
		return option_refuse(error, "--search and --pattern ramp exclude each other");
	if (options_given(options, "rate"))
		return option_refuse(error, "--rate and --pattern ramp exclude each other");
	return 0;
}

static int search_check(const struct load_options *options, char *error)
{
	bool answered = false;

	if (!options->search)
		return 0;
	if (options->search_from_milli > options->search_to_milli)
		return option_refuse(error, "--search-from %.10g is above --search-to %.10g",
			(double)options->search_from_milli / MILLI,
			(double)options->search_to_milli / MILLI);
	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++)
		answered |= kind != REQUEST_malformed && options->weight[kind];
	if (answered)
		return 0;
	return option_refuse(error, "--search needs a --mix of which something is answered");
}

static int mix_check(const struct load_options *options, char *error)
{
	bool key = options->key_file && options->key_id;

	if (options->weight[REQUEST_symmetric] && !key)
		return option_refuse(error, "--mix symmetric needs --key-file and --key-id");
	if (key && !options->weight[REQUEST_symmetric])
		return option_refuse(error, "--key-file needs --mix symmetric=WEIGHT");
	return 0;
}

static int port_check(const struct load_options *options, char *error)
{
	if (options->interface[0])
		return 0;
	if (!options->has_target_mac)
		return option_refuse(error,
			"--target-mac is needed: the kernel has no neighbours on %s",
			options->port);
	if (options->source_count == 0)
		return option_refuse(
			error, "--source is needed: %s has no addresses", options->port);
	return 0;
}

/* The clients of one address family. Without --source they are the interface's address. */
static int family_check(const struct load_options *options, bool ipv6, char *error)
{
	const char *family = ipv6 ? "IPv6" : "IPv4";
	struct clients clients;
	int r = clients_init(
		&clients, options->source, options->source_count, ipv6, (uint32_t)options->clients);

	if (r < 0)
		return option_refuse(error, "--clients %llu: --source has only %u %s addresses",
			(unsigned long long)options->clients, clients.count, family);
	if (options->weight[REQUEST_interleaved] && clients.count > TRAFFIC_INTERLEAVED_MAX)
		return option_refuse(error,
			"--mix interleaved: %u %s clients are too many: --clients must be from 1 "
			"to %u",
			clients.count, family, TRAFFIC_INTERLEAVED_MAX);
	for (uint32_t i = 0; options->source_count && i < options->target_count; i++) {
		if (options->target[i].ipv6 == ipv6 && clients.count == 0)
			return option_refuse(error, "--source has no %s prefix, but --target is %s",
				family, family);
	}
	return 0;
}

static int targets_check(const struct load_options *options, char *error)
{
	char text[ADDRESS_TEXT_SIZE];

	for (uint32_t i = 0; i < options->target_count; i++) {
		if (!options->own_target && !address_is_own(&options->target[i]))
			return option_refuse(error,
				"--target %s is a public address: load only servers that are "
				"yours, "
				"and say so with --i-own-this-target",
				address_format(&options->target[i], text));
	}
	return 0;
}

static int families_check(const struct load_options *options, char *error)
{
	int r = family_check(options, false, error);

	return r == 0 ? family_check(options, true, error) : r;
}

static int reflector_check(const struct load_options *options, char *error)
{
	struct load_options rest = *options;
	int r;

	for (size_t i = 0; i < COUNT(of_reflector); i++)
		options_forget(&rest, of_reflector[i]);
	if (rest.given != 0)
		return option_refuse(
			error, "--%s does nothing with --reflect", options_first_given(&rest));
	r = pairs_check(options, error);
	return r == 0 ? families_check(options, error) : r;
}

/* The server answers to whom a request says it is from. */
static int sources_check(const struct load_options *options, char *error)
{
	char text[ADDRESS_TEXT_SIZE];

	for (uint32_t i = 0; i < options->source_count; i++) {
		if (!options->own_target && !prefix_is_own(&options->source[i]))
			return option_refuse(error,
				"--source %s/%u has public addresses, to which the server would "
				"answer: use private ones, or say that they are yours with "
				"--i-own-this-target",
				address_format(&options->source[i].address, text),
				options->source[i].length);
	}
	return 0;
}

typedef int check_function(const struct load_options *options, char *error);

int option_rules_check(const struct load_options *options, char *error)
{
	static check_function *const checks[] = {pairs_check, port_check, mix_check, pattern_check,
		search_check, targets_check, sources_check, families_check};
	int r = 0;

	if (options->port == NULL)
		return option_refuse(error, "--port is needed");
	if (options->reflect)
		return reflector_check(options, error);
	if (options->target_count == 0)
		return option_refuse(error, "--target is needed");
	for (size_t i = 0; i < COUNT(checks) && r == 0; i++)
		r = checks[i](options, error);
	return r;
}
