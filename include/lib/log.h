/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_LOG_H
#define MERIDIAN_LOG_H

/*
 * The one place that logs. For the programs of this repository; libmeridian itself never logs,
 * and nothing that a client's packet can trigger does.
 *
 * To standard error as "program: message", or to syslog (facility daemon) once log_open() was
 * told so. Thread-safe.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

/* Opens the log. `program` must stay valid. `level` is the least severe LOG_* that is written. */
void log_open(const char *program, bool to_syslog, int level);

/* Writes one line; `priority` is LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG. */
void log_write(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

/* Logs the message with ": strerror" behind it and returns `error` (a negative errno). */
int log_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
