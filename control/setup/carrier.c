/* SPDX-License-Identifier: BSD-3-Clause */
#include "carrier.h"

static struct carrier_link *link_find(struct carrier_link *links, size_t count, uint32_t index)
{
	for (size_t i = 0; index != 0 && i < count; i++) {
		if (links[i].index == index)
			return &links[i];
	}
	return NULL;
}

static bool mark(struct carrier_link *link)
{
	if (link == NULL || link->carries)
		return false;
	link->carries = true;
	return true;
}

/* Returns whether there is news. A port hands on what its master carries. */
static bool spread_once(struct carrier_link *links, size_t count, struct carrier_link *link)
{
	struct carrier_link *master = link_find(links, count, link->master);
	bool news = false;

	if (master && master->carries)
		news |= mark(link);
	if (link->carries) {
		news |= mark(link_find(links, count, link->lower));
		if (master && master->is_switch)
			news |= mark(master);
	}
	return news;
}

void carrier_spread(struct carrier_link *links, size_t count)
{
	bool news = true;

	for (size_t i = 0; i < count; i++)
		links[i].carries = links[i].is_default;
	while (news) {
		news = false;
		for (size_t i = 0; i < count; i++)
			news |= spread_once(links, count, &links[i]);
	}
}
