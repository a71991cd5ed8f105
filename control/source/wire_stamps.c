/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_stamps.h"
#include <errno.h>
#include <log.h>

static const struct config *config;
static struct meridian_page page;
static int logged; /* the last error */

void wire_stamps_init(const struct config *of)
{
	config = of;
}

void wire_stamps_fini(void)
{
	meridian_page_close(&page);
}

static bool is_wanted(void)
{
	for (size_t i = 0; i < config->nic_count; i++) {
		if (config_nic_is_taken_over(&config->nic[i]))
			return true;
	}
	return false;
}

static void trouble_log(int error)
{
	if (error == logged)
		return;
	logged = error;
	if (error < 0 && error != -ENOENT)
		log_warning("%s/%s: %s: packets have the kernel's stamps", config->rundir,
			MERIDIAN_WIRE_STAMPS_NAME, meridian_page_strerror(error));
}

const struct meridian_wire_stamps *wire_stamps_page(void)
{
	const struct meridian_page_kind *kind = &meridian_wire_stamps_kind;

	if (!is_wanted())
		return NULL;
	if (page.addr == NULL || meridian_page_replaced(&page, config->rundir, kind)) {
		meridian_page_close(&page);
		trouble_log(meridian_page_open(&page, config->rundir, kind));
	}
	return page.addr;
}
