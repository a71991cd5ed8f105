/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_values.h"
#include "plot.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX  UINT64_C(1000000000) /* requests/s */
#define QUEUE_MAX 4095

int option_refuse(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, OPTIONS_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void *field(const struct option_row *row, struct load_options *options)
{
	return (char *)options + row->offset;
}

int option_flag(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	(void)value;
	(void)error;
	*(bool *)field(row, options) = true;
	return 0;
}

int option_text(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	if (*value == '\0')
		return option_refuse(error, "--%s needs a %s", row->name, row->argument);
	*(const char **)field(row, options) = value;
	return 0;
}

int option_plot(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	if (plot_terminal(value) == NULL)
		return option_refuse(
			error, "--%s '%s': must end in .svg or .png", row->name, value);
	return option_text(row, options, value, error);
}

/* A decimal number; `ret_end` is what follows it. */
static bool number_read(const char *text, double *ret_number, const char **ret_end)
{
	size_t length = strspn(text, "0123456789.");
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret_number = strtod(text, &end);
	*ret_end = end;
	return end == text + length; /* neither hexadecimal nor with an exponent */
}

/* The same with an optional k or M. */
static bool count_read(const char *text, double *ret_number, const char **ret_end)
{
	if (!number_read(text, ret_number, ret_end))
		return false;
	if (**ret_end == 'k' || **ret_end == 'M')
		*ret_number *= *(*ret_end)++ == 'k' ? 1e3 : 1e6;
	return true;
}

typedef bool read_function(const char *text, double *ret_number, const char **ret_end);

static int number_take(const struct option_row *row, struct load_options *options,
	const char *value, char *error, read_function *read)
{
	double number;
	const char *end;

	if (!read(value, &number, &end) || *end != '\0' || number < row->min || number > row->max ||
		(row->scale <= 1 && number != floor(number)))
		return option_refuse(error, "--%s '%s': must be a%s number from %.10g to %.10g",
			row->name, value, row->scale > 1 ? "" : " whole", row->min, row->max);
	*(uint64_t *)field(row, options) = (uint64_t)llround(number * row->scale);
	return 0;
}

int option_number(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	return number_take(row, options, value, error, number_read);
}

int option_count(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	return number_take(row, options, value, error, count_read);
}

int option_rate(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	double number;
	const char *end;

	if (!count_read(value, &number, &end) || *end != '\0' || number < 0.001 ||
		number > (double)RATE_MAX)
		return option_refuse(error,
			"--%s '%s': must be requests per second from 0.001 to 1000M (k and M are "
			"understood)",
			row->name, value);
	*(uint64_t *)field(row, options) = (uint64_t)llround(number * MILLI);
	return 0;
}

/* A name as the kernel allows it, and, where there are queues, what stands behind a colon. */
static bool interface_take(struct load_options *options, const char *text, bool has_queue)
{
	size_t length = strcspn(text, ":");
	const char *queue = text + length + 1, *end;
	double number;

	if (length == 0 || length >= sizeof(options->interface) || text[0] == '.' ||
		strcspn(text, "/,=[]() \t\n") < length)
		return false;
	memcpy(options->interface, text, length);
	options->interface[length] = '\0';
	options->queue = 0;
	if (text[length] == '\0')
		return true;
	if (!has_queue || !number_read(queue, &number, &end) || *end != '\0' ||
		number != floor(number) || number > QUEUE_MAX)
		return false;
	options->queue = (uint32_t)number;
	return true;
}

static bool port_take(struct load_options *options)
{
	options->interface[0] = '\0';
	if (options->port_kind == PORT_AF_XDP || options->port_kind == PORT_AF_PACKET)
		return interface_take(
			options, options->port_name, options->port_kind == PORT_AF_XDP);
	return options->port_name[0] != '\0' && options->port_name[0] != ',';
}

int option_port(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	static const char *const kinds[] = {
		[PORT_AF_XDP] = "af_xdp:",
		[PORT_AF_PACKET] = "af_packet:",
		[PORT_VDEV] = "vdev:",
		[PORT_PCI] = "pci:",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i]);

		if (strncmp(value, kinds[i], length) != 0)
			continue;
		options->port = value;
		options->port_kind = (enum port_kind)i;
		options->port_name = value + length;
		if (port_take(options))
			return 0;
	}
	return option_refuse(error,
		"--%s '%s': must be af_xdp:IFACE[:QUEUE], af_packet:IFACE, vdev:NAME[,ARGUMENTS] "
		"or pci:ADDRESS, with an IFACE of 1 to 15 characters and a QUEUE from 0 to %d",
		row->name, value, QUEUE_MAX);
}

/* Calls `take` for each part between commas; it returns what is wrong with it, or NULL. */
static int each_part(const struct option_row *row, struct load_options *options, const char *value,
	char *error, const char *(*take)(struct load_options *, const char *))
{
	char part[96];
	const char *wrong;

	for (const char *at = value;; at++) {
		size_t length = strcspn(at, ",");

		if (length >= sizeof(part))
			return option_refuse(error, "--%s '%s': too long", row->name, at);
		memcpy(part, at, length);
		part[length] = '\0';
		wrong = take(options, part);
		if (wrong)
			return option_refuse(error, "--%s '%s': %s", row->name, part, wrong);
		at += length;
		if (*at == '\0')
			return 0;
	}
}

static const char *take_target(struct load_options *options, const char *part)
{
	if (options->target_count == TRAFFIC_TARGETS_MAX)
		return "at most 16 targets";
	if (address_parse(&options->target[options->target_count], part) < 0)
		return "must be an IPv4 or IPv6 address";
	options->target_count++;
	return NULL;
}

int option_target(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	return each_part(row, options, value, error, take_target);
}

static const char *take_source(struct load_options *options, const char *part)
{
	if (options->source_count == CLIENTS_RANGES)
		return "at most 8 prefixes";
	if (prefix_parse(&options->source[options->source_count], part) < 0)
		return "must be an IPv4 or IPv6 prefix, such as 198.18.0.0/16";
	options->source_count++;
	return NULL;
}

int option_source(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	return each_part(row, options, value, error, take_source);
}

static const char *take_weight(struct load_options *options, const char *part)
{
	const char *equals = strchr(part, '=');
	char *end;
	unsigned long weight;

	if (strncmp(part, "nts", 3) == 0)
		return "NTS requests are not there yet";
	for (int kind = 0; equals && kind < REQUEST_KIND_COUNT; kind++) {
		const char *name = request_kind_name((enum request_kind)kind);

		if (strlen(name) != (size_t)(equals - part) ||
			strncmp(part, name, strlen(name)) != 0)
			continue;
		weight = strtoul(equals + 1, &end, 10);
		if (equals[1] < '0' || equals[1] > '9' || *end != '\0' || weight > 1000)
			return "the weight must be a whole number from 0 to 1000";
		options->weight[kind] = (uint32_t)weight;
		return NULL;
	}
	return "must be KIND=WEIGHT with basic, interleaved, v3, symmetric or malformed";
}

int option_mix(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	uint32_t sum = 0;
	int r;

	memset(options->weight, 0, sizeof(options->weight));
	r = each_part(row, options, value, error, take_weight);
	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++)
		sum += options->weight[kind];
	if (r == 0 && sum == 0)
		return option_refuse(
			error, "--%s '%s': a weight must be above 0", row->name, value);
	return r;
}

int option_mac(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	bool target = row->offset == offsetof(struct load_options, target_mac);

	if (mac_parse(field(row, options), value) < 0)
		return option_refuse(error,
			"--%s '%s': must be six octets such as 02:00:00:00:00:01", row->name,
			value);
	options->has_target_mac |= target;
	options->has_source_mac |= !target;
	return 0;
}

int option_ports(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	unsigned int low, high;
	char more;

	if (value[strspn(value, "0123456789-")] != '\0' ||
		sscanf(value, "%5u-%5u%c", &low, &high, &more) != 2 || low < 1 || low > high ||
		high > UINT16_MAX)
		return option_refuse(
			error, "--%s '%s': must be LOW-HIGH, from 1 to 65535", row->name, value);
	options->port_low = (uint16_t)low;
	options->port_high = (uint16_t)high;
	return 0;
}

int option_vlan(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	options->has_vlan = true;
	return option_number(row, options, value, error);
}

int option_search(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	options->search = true;
	return option_number(row, options, value, error);
}

static bool ramp_read(struct schedule_spec *spec, const char *text)
{
	double from, to;
	const char *end;

	if (!count_read(text, &from, &end) || *end != ':' || !count_read(end + 1, &to, &end) ||
		*end != '\0' || from < 1 || to < 1 || from > (double)RATE_MAX ||
		to > (double)RATE_MAX)
		return false;
	spec->pattern = SCHEDULE_ramp;
	spec->ramp_from_milli = (uint64_t)llround(from * MILLI);
	spec->ramp_to_milli = (uint64_t)llround(to * MILLI);
	return true;
}

static bool burst_read(struct schedule_spec *spec, const char *text)
{
	double number;
	const char *end;

	if (!count_read(text, &number, &end) || *end != '\0' || number < 1 || number > 1e6 ||
		number != floor(number))
		return false;
	spec->pattern = SCHEDULE_burst;
	spec->burst = (uint32_t)number;
	return true;
}

int option_pattern(
	const struct option_row *row, struct load_options *options, const char *value, char *error)
{
	struct schedule_spec *spec = &options->pattern;

	*spec = (struct schedule_spec){.pattern = SCHEDULE_constant};
	if (strcmp(value, "constant") == 0)
		return 0;
	if (strcmp(value, "poisson") == 0) {
		spec->pattern = SCHEDULE_poisson;
		return 0;
	}
	if (strncmp(value, "burst:", 6) == 0 && burst_read(spec, value + 6))
		return 0;
	if (strncmp(value, "ramp:", 5) == 0 && ramp_read(spec, value + 5))
		return 0;
	return option_refuse(error,
		"--%s '%s': must be constant, poisson, burst:N (1 to 1M) or ramp:FROM:TO "
		"(requests per second, 1 to 1000M)",
		row->name, value);
}
