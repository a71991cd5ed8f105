/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"
#include <stdio.h>
#include <string.h>

static const char *log_program = "meridian";
static bool log_syslog;
static int log_level = LOG_INFO;

void log_open(const char *program, bool to_syslog, int level)
{
	log_program = program;
	log_syslog = to_syslog;
	log_level = level;
	if (to_syslog)
		openlog(program, LOG_PID, LOG_DAEMON);
}

__attribute__((format(printf, 3, 0))) static void log_vwrite(
	int priority, const char *suffix, const char *format, va_list arguments)
{
	char message[1024];

	if (priority > log_level)
		return;
	vsnprintf(message, sizeof(message), format, arguments);
	if (log_syslog)
		syslog(priority, "%s%s", message, suffix);
	else
		fprintf(stderr, "%s: %s%s\n", log_program, message, suffix);
}

void log_write(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vwrite(priority, "", format, arguments);
	va_end(arguments);
}

int log_errno(int error, const char *format, ...)
{
	char suffix[128];
	va_list arguments;

	snprintf(suffix, sizeof(suffix), ": %s", strerror(-error));
	va_start(arguments, format);
	log_vwrite(LOG_ERR, suffix, format, arguments);
	va_end(arguments);
	return error;
}
