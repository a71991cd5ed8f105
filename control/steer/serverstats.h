/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_SERVERSTATS_H
#define CONTROL_STEER_SERVERSTATS_H

#include "report.h"

/*
 * Adds up the statistics pages of dataplane and fallback in `rundir`, as far as they exist. What
 * was punted is no hit: the kernel hands it to the fallback, which counts it then.
 */
void serverstats_sum(const char *rundir, struct report_server *ret_server);

#endif
