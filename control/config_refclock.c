/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_refclock.h"
#include "config_script.h"
#include "core/refid.h"
#include <ctype.h>
#include <meridian/ntp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIT_MAX      255
#define SOCK_PATH_MAX 107 /* of sockaddr_un */
#define PARAMETER_MAX (CONFIG_PARAMETER_SIZE - 1)
#define POLL_MIN_LOG2 (-6)
#define POLL_MAX_LOG2 24

#define LATER     "not supported by this version"
#define OTHER_FIT "Meridian's estimator has other parameters"

#define FIELD(name) offsetof(struct config_refclock, name)

const struct config_option config_refclock_options[] = {
	{"refid", CONFIG_OPTION_REFID, FIELD(refid), 0, 0, "ID",
		"One to four letters, which clients see (default: the driver's first three letters "
		"and the clock's number, from 0)."},
	{"poll", CONFIG_OPTION_INT8, FIELD(poll_log2), POLL_MIN_LOG2, POLL_MAX_LOG2, "POLL",
		"Every 2^POLL seconds the readings become one sample: those about the median are "
		"averaged (default 4)."},
	{"dpoll", CONFIG_OPTION_INT8, FIELD(dpoll_log2), POLL_MIN_LOG2, POLL_MAX_LOG2, "POLL",
		"Every 2^POLL seconds the driver looks for a reading (default 0)."},
	{"filter", CONFIG_OPTION_UINT8, FIELD(filter), 1, 64, "COUNT",
		"So many readings are kept for a sample, the youngest (default 64)."},
	{"offset", CONFIG_OPTION_DOUBLE, FIELD(source.offset_s), -1e6, 1e6, "SECONDS",
		"Added to what the clock says (default 0)."},
	{"delay", CONFIG_OPTION_DOUBLE, FIELD(delay_s), 0, 1000, "SECONDS",
		"Half of it is part of the error bound. How much the readings jitter is measured "
		"and in the bound as well; what cannot be seen, as how late a serial line is, has "
		"to be told here (default 1e-9)."},
	{"precision", CONFIG_OPTION_DOUBLE, FIELD(precision_s), 0, 1000, "SECONDS",
		"Part of the error bound, too (default 0: the counter's precision)."},
	{"maxdispersion", CONFIG_OPTION_DOUBLE, FIELD(max_dispersion_s), 0, 1000, "SECONDS",
		"Samples whose readings jitter more than this are not used (default 0: all are)."},
	{"stratum", CONFIG_OPTION_UINT8, FIELD(stratum), 0, MERIDIAN_NTP_STRATUM_MAX - 1, "STRATUM",
		"Of the clock (default 0)."},
	{"tai", CONFIG_OPTION_FLAG, FIELD(tai), 0, 0, NULL,
		"The clock runs in TAI. The list of leap seconds tells the difference, as long as "
		"it has not expired; see leapseclist."},
	{"pps", CONFIG_OPTION_FLAG, FIELD(pps), 0, 0, NULL,
		"The clock tells only where in a second the time is, as PPS always does. The "
		"second "
		"comes from another one, see lock, or else from the time that is served, while "
		"that is synchronised."},
	{"lock", CONFIG_OPTION_REFID, FIELD(lock_refid), 0, 0, "ID",
		"The reference clock whose readings give pulses their second; it may be noselect."},
	{"maxlockage", CONFIG_OPTION_UINT16, FIELD(max_lock_age), 1, 65535, "PULSES",
		"How old such a reading may be, in intervals between pulses (default 2)."},
	{"rate", CONFIG_OPTION_UINT16, FIELD(rate_hz), 1, 1000, "HZ",
		"Pulses a second (default 1); dpoll has to be short enough to see each."},
	{"width", CONFIG_OPTION_DOUBLE, FIELD(width_s), 0, 1, "SECONDS",
		"Length of the pulses, less than 1/rate, to tell one edge from the other where the "
		"driver shows both (default 0: it does not)."},
	CONFIG_OPTIONS_OF_SOURCE(struct config_refclock),
	{"maxsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"minsamples", CONFIG_OPTION_IGNORED, 0, 0, 0, NULL, OTHER_FIT},
	{"local", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{"maxunreach", CONFIG_OPTION_REFUSED, 0, 0, 0, NULL, LATER},
	{.name = NULL},
};

static const struct config_option shm_options[] = {
	{"perm", CONFIG_OPTION_MODE, FIELD(mode), 0, 0, "MODE",
		"Who may use the segment, where it has to be made (default 0600)."},
	{.name = NULL},
};

static const struct config_option sock_options[] = {{.name = NULL}};

static const struct config_option phc_options[] = {
	{"nocrossts", CONFIG_OPTION_FLAG, FIELD(nocrossts), 0, 0, NULL,
		"No cross timestamps, which are more exact where the hardware is right."},
	{"extpps", CONFIG_OPTION_FLAG, FIELD(extpps), 0, 0, NULL,
		"The clock stamps pulses that come in at a pin of the card; what time it shows "
		"does not matter. As with PPS, another source tells the second. The pin stays "
		"set at the end. Before Linux 6.7 no other program may take the clock's stamps, "
		"as each has only a part of them then."},
	{"pin", CONFIG_OPTION_UINT8, FIELD(pin), 0, UINT8_MAX, "INDEX",
		"Of the pin, with extpps (default 0)."},
	{"channel", CONFIG_OPTION_UINT8, FIELD(channel), 0, UINT8_MAX, "INDEX",
		"Of what stamps it, with extpps (default 0)."},
	{"clear", CONFIG_OPTION_FLAG, FIELD(clear), 0, 0, NULL,
		"With extpps the falling edge counts, not the rising one. Where the driver can "
		"only stamp both, width tells one from the other."},
	{.name = NULL},
};

static const struct config_option pps_options[] = {
	{"clear", CONFIG_OPTION_FLAG, FIELD(clear), 0, 0, NULL,
		"The falling edge counts, not the rising one."},
	{.name = NULL},
};

static const struct driver {
	const char *name;
	const struct config_option *options;
	size_t path_max; /* 0: the parameter is a unit */
} drivers[] = {
	[CONFIG_REFCLOCK_SHM] = {"SHM", shm_options, 0},
	[CONFIG_REFCLOCK_SOCK] = {"SOCK", sock_options, SOCK_PATH_MAX},
	[CONFIG_REFCLOCK_PHC] = {"PHC", phc_options, PARAMETER_MAX},
	[CONFIG_REFCLOCK_PPS] = {"PPS", pps_options, PARAMETER_MAX},
};
#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

static const struct config_refclock defaults = {
	.poll_log2 = 4,
	.filter = 64,
	.mode = 0600,
	.rate_hz = 1,
	.max_lock_age = 2,
	.delay_s = 1e-9,
};

const char *config_refclock_driver_name(uint8_t driver)
{
	return driver < DRIVERS ? drivers[driver].name : NULL;
}

const struct config_option *config_refclock_driver_options(uint8_t driver)
{
	return drivers[driver].options;
}

static bool path_check(struct config_parser *parser, const char *text, size_t length_max)
{
	if (*text != '/')
		config_error(parser, "'%s' is not an absolute path", text);
	else if (strlen(text) > length_max)
		config_error(parser, "the path is longer than %zu characters", length_max);
	else
		return true;
	return false;
}

static bool unit_check(struct config_parser *parser, const char *text)
{
	char *end;
	unsigned long unit = strtoul(text, &end, 10);

	if (isdigit((unsigned char)*text) && *end == '\0' && unit <= UNIT_MAX)
		return true;
	config_error(parser, "'%s' is not a unit (allowed: 0 to %d)", text, UNIT_MAX);
	return false;
}

/* PARAMETER[:OPTION[=VALUE]]... */
static bool parameter_parse(struct config_parser *parser, struct config_refclock *clock)
{
	const struct driver *driver = &drivers[clock->driver];
	char *rest = config_word_required(parser, driver->path_max > 0 ? "the path" : "the unit");
	const char *text = strsep(&rest, ":");
	char *word;

	if (text == NULL)
		return false;
	if (!(driver->path_max > 0 ? path_check(parser, text, driver->path_max)
				   : unit_check(parser, text)))
		return false;
	strcpy(clock->parameter, text);
	while ((word = strsep(&rest, ":"))) {
		if (!config_option_parse_word(parser, driver->options, word, clock))
			return false;
	}
	return true;
}

static bool driver_parse(struct config_parser *parser, struct config_refclock *clock)
{
	const char *word = config_word_required(parser, "the driver");

	if (word == NULL)
		return false;
	for (size_t i = 0; i < DRIVERS; i++) {
		if (strcasecmp(word, drivers[i].name) == 0) {
			clock->driver = (uint8_t)i;
			return true;
		}
	}
	if (strcasecmp(word, "RTC") == 0)
		config_error(parser, "driver RTC is " LATER);
	else
		config_error(
			parser, "unknown driver '%s' (allowed: SHM, SOCK, PHC, PPS, SCRIPT)", word);
	return false;
}

/* The first letters of the driver and the number of the clock, as chrony has it. */
static uint32_t refid_default(const struct config_refclock *clock, size_t number)
{
	const char *name = drivers[clock->driver].name;

	return (uint32_t)name[0] << 24 | (uint32_t)name[1] << 16 | (uint32_t)name[2] << 8 |
		(uint32_t)('0' + number % 10);
}

static const struct config_refclock *clock_find(const struct config *config, uint32_t refid)
{
	for (size_t i = 0; i < config->refclock_count; i++) {
		if (config->refclock[i].refid == refid)
			return &config->refclock[i];
	}
	return NULL;
}

/* Only the number counts: 0 and 00 are one unit. */
static bool is_same_device(const struct config_refclock *a, const struct config_refclock *b)
{
	if (a->driver != b->driver || a->extpps != b->extpps)
		return false;
	if (drivers[a->driver].path_max > 0)
		return strcmp(a->parameter, b->parameter) == 0;
	return strtoul(a->parameter, NULL, 10) == strtoul(b->parameter, NULL, 10);
}

/* Two readers would take each other's messages, or one clock vote twice. */
static bool device_check(struct config_parser *parser, const struct config_refclock *clock)
{
	const struct config *config = parser->config;

	for (size_t i = 0; i < config->refclock_count; i++) {
		if (!is_same_device(&config->refclock[i], clock))
			continue;
		config_error(parser, "%s %s is in use by %s already", drivers[clock->driver].name,
			clock->parameter, config_place_text(parser, config->refclock[i].place));
		return false;
	}
	return true;
}

/* Between two pulses there has to be a gap. */
static bool width_check(struct config_parser *parser, const struct config_refclock *clock)
{
	if (clock->width_s * clock->rate_hz < 1)
		return true;
	config_error(parser,
		"width %g is out of range (allowed: less than %g, the time between pulses at "
		"rate %u)",
		clock->width_s, 1.0 / clock->rate_hz, clock->rate_hz);
	return false;
}

static bool complete(struct config_parser *parser, struct config_refclock *clock)
{
	char name[REFID_TEXT_SIZE];

	if (clock->driver == CONFIG_REFCLOCK_PPS || clock->extpps)
		clock->pps = true;
	if (clock->dpoll_log2 > clock->poll_log2)
		clock->dpoll_log2 = clock->poll_log2;
	if (clock->driver == CONFIG_REFCLOCK_PHC && !clock->extpps &&
		(clock->pin > 0 || clock->channel > 0 || clock->clear)) {
		config_error(parser, "pin, channel and clear have no meaning without extpps");
		return false;
	}
	if (clock->pps && clock->tai) {
		config_error(parser, "tai has no meaning with pulses");
		return false;
	}
	if (clock_find(parser->config, clock->refid)) {
		refid_text(clock->refid, name);
		config_error(parser, "reference ID %s is there already", name);
		return false;
	}
	return width_check(parser, clock) && device_check(parser, clock);
}

void config_parse_refclock(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct config_refclock clock = defaults;
	const char *word;

	(void)row;
	if (config->refclock_count == CONFIG_REFCLOCKS_MAX) {
		config_error(parser, "more than %d reference clocks", CONFIG_REFCLOCKS_MAX);
		return;
	}
	clock.place = config_place(parser);
	if (config_script_parse(parser))
		return;
	if (!driver_parse(parser, &clock) || !parameter_parse(parser, &clock))
		return;
	clock.refid = refid_default(&clock, config->refclock_count);
	while ((word = config_word(parser))) {
		if (!config_option_parse(parser, config_refclock_options, word, &clock))
			return;
	}
	if (complete(parser, &clock))
		config->refclock[config->refclock_count++] = clock;
}

/* What a clock is locked to may stand further down. */
void config_refclocks_check(struct config_parser *parser)
{
	struct config *config = parser->config;

	parser->directive = "refclock";
	for (size_t i = 0; i < config->refclock_count; i++) {
		const struct config_refclock *clock = &config->refclock[i];
		const struct config_refclock *lock = clock_find(config, clock->lock_refid);
		char name[REFID_TEXT_SIZE];

		if (clock->lock_refid == 0)
			continue;
		config_place_set(parser, clock->place);
		refid_text(clock->lock_refid, name);
		if (lock == NULL)
			config_error(parser, "there is no reference clock %s to lock to", name);
		else if (lock->pps || lock == clock)
			config_error(parser, "%s gives no seconds to lock to", name);
	}
	parser->directive = NULL;
}

void config_refclock_dump(const struct config_refclock *clock, FILE *out)
{
	const struct driver *driver = &drivers[clock->driver];

	fprintf(out, "refclock %s %s", driver->name, clock->parameter);
	config_options_dump(driver->options, clock, &defaults, ":", "=", out);
	config_options_dump(config_refclock_options, clock, &defaults, " ", " ", out);
	fputc('\n', out);
}
