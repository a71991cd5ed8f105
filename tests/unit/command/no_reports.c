/* SPDX-License-Identifier: BSD-3-Clause */

/* Reports in which there is nothing, for tests of what does not look at them. */

#include "report.h"
#include "steer/steer.h"
#include <errno.h>

unsigned int report_source_count(void)
{
	return 0;
}

int report_source(unsigned int index, struct report_source *ret_source)
{
	(void)index, (void)ret_source;
	return -ENOENT;
}

int report_select(unsigned int index, struct report_select *ret_select)
{
	(void)index, (void)ret_select;
	return -ENOENT;
}

int report_ntp(unsigned int index, struct report_ntp *ret_ntp)
{
	(void)index, (void)ret_ntp;
	return -ENOENT;
}

void report_tracking(struct report_tracking *ret_tracking)
{
	*ret_tracking = (struct report_tracking){0};
}

void report_activity(struct report_activity *ret_activity)
{
	*ret_activity = (struct report_activity){0};
}

void steer_report_server(struct report_server *ret_server)
{
	*ret_server = (struct report_server){0};
}
