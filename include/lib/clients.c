/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/clients.h>
#include <meridian/policy.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#define READ_TRIES   50
#define READ_WAIT_NS 1000000

#define KIND(name_)                                                                                \
	{                                                                                          \
		.name = (name_), .magic = MERIDIAN_CLIENTS_MAGIC,                                  \
		.version = MERIDIAN_CLIENTS_VERSION, .min_size = sizeof(struct meridian_clients),  \
	}

const struct meridian_page_kind meridian_clients_dataplane_kind =
	KIND(MERIDIAN_CLIENTS_DATAPLANE_NAME);
const struct meridian_page_kind meridian_clients_fallback_kind =
	KIND(MERIDIAN_CLIENTS_FALLBACK_NAME);

static const struct {
	const char *name;
	unsigned int seconds;
} windows[] = {
#define WINDOW_ROW(name, seconds) {#name, seconds},
	MERIDIAN_CLIENTS_WINDOWS(WINDOW_ROW)
#undef WINDOW_ROW
};

const char *meridian_clients_window_name(unsigned int window)
{
	return window < MERIDIAN_CLIENTS_WINDOW_COUNT ? windows[window].name : "unknown";
}

unsigned int meridian_clients_window_s(unsigned int window)
{
	return window < MERIDIAN_CLIENTS_WINDOW_COUNT ? windows[window].seconds : 0;
}

static int sketch_sane(const struct meridian_clients_sketch *sketch)
{
	for (size_t i = 0; i < MERIDIAN_CLIENTS_SKETCH_SIZE; i++) {
		if (sketch->rank[i] > MERIDIAN_CLIENTS_RANK_MAX)
			return 0;
	}
	return 1;
}

static int slot_sane(const struct meridian_clients_slot *slot)
{
	return slot->number == 0 || (sketch_sane(&slot->ipv4) && sketch_sane(&slot->ipv6));
}

static int table_sane(const struct meridian_clients_table *table)
{
	for (size_t i = 0; i < MERIDIAN_CLIENTS_TALKERS; i++) {
		const struct meridian_clients_talker *talker = &table->talker[i];

		if (talker->family == 0)
			continue;
		if ((talker->family != MERIDIAN_FAMILY_IPV4 &&
			    talker->family != MERIDIAN_FAMILY_IPV6) ||
			talker->others > talker->requests)
			return 0;
	}
	return 1;
}

static int clients_sane(const struct meridian_clients *clients)
{
	const struct meridian_clients_table *table = &clients->table[0][0][0];

	if (clients->updated_ns < clients->started_ns)
		return 0;
	for (size_t i = 0; i < MERIDIAN_CLIENTS_LEVELS; i++) {
		for (size_t j = 0; j < MERIDIAN_CLIENTS_SLOTS; j++) {
			if (!slot_sane(&clients->slot[i][j]))
				return 0;
		}
	}
	for (size_t i = 0; i < sizeof(clients->table) / sizeof(*table); i++) {
		if (!table_sane(&table[i]))
			return 0;
	}
	return slot_sane(&clients->ever);
}

/* True when nothing was written meanwhile. */
static int copy(const struct meridian_clients *page, struct meridian_clients *ret_clients)
{
	const size_t from = offsetof(struct meridian_clients, seq);
	uint64_t before = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);

	if (before & 1)
		return 0;
	memcpy((uint8_t *)ret_clients + from, (const uint8_t *)page + from,
		sizeof(*ret_clients) - from);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&page->seq, __ATOMIC_RELAXED) == before;
}

int meridian_clients_read(const struct meridian_clients *page, struct meridian_clients *ret_clients)
{
	static const struct timespec wait = {0, READ_WAIT_NS};

	for (int try = 0; try < READ_TRIES; try++) {
		if (copy(page, ret_clients))
			return clients_sane(ret_clients) ? 0 : -EBADMSG;
		nanosleep(&wait, NULL);
	}
	return -EAGAIN;
}

void meridian_clients_write_begin(struct meridian_clients *page)
{
	/* A writer that died in the middle left an odd number. */
	__atomic_store_n(&page->seq, page->seq | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void meridian_clients_write_end(struct meridian_clients *page)
{
	__atomic_store_n(&page->seq, page->seq + 1, __ATOMIC_RELEASE);
}
