/* SPDX-License-Identifier: BSD-3-Clause */
#include "book.h"
#include "fold.h"
#include "talkers.h"
#include <math.h>
#include <meridian/policy.h>
#include <stddef.h>
#include <string.h>
#include <units.h>

#define DECAY_STEPS 256 /* of a window */

static void page_clear(struct meridian_clients *page, uint64_t now_ns)
{
	const size_t from = offsetof(struct meridian_clients, started_ns);

	meridian_clients_write_begin(page);
	memset((uint8_t *)page + from, 0, sizeof(*page) - from);
	page->started_ns = page->updated_ns = now_ns;
	page->ever.number = now_ns > 0;
	meridian_clients_write_end(page);
}

void book_open(
	struct book *book, struct meridian_clients *page, const uint64_t seed[2], uint64_t now_ns)
{
	*book = (struct book){.page = page, .key = {seed[0], seed[1] | 1}};
	page_clear(page, now_ns);
	for (unsigned int i = 0; i < MERIDIAN_CLIENTS_LEVELS; i++)
		book->decayed_ns[i] = now_ns;
}

void book_close(struct book *book)
{
	page_clear(book->page, 0);
}

static uint64_t slot_number(const struct meridian_clients *page, unsigned int level)
{
	return page->updated_ns / NS_PER_SECOND / MERIDIAN_CLIENTS_SLOT_S(level) + 1;
}

static struct meridian_clients_slot *slot_now(struct meridian_clients *page, unsigned int level)
{
	return &page->slot[level][slot_number(page, level) % MERIDIAN_CLIENTS_SLOTS];
}

static void slot_turn(struct meridian_clients *page, unsigned int level)
{
	struct meridian_clients_slot *slot = slot_now(page, level);

	if (slot->number == slot_number(page, level))
		return;
	memset(slot, 0, sizeof(*slot));
	slot->number = slot_number(page, level);
}

static void tables_decay(struct book *book, unsigned int level, uint64_t now_ns)
{
	const double window_ns = (double)(meridian_clients_window_s(level) * NS_PER_SECOND);
	double passed_ns = (double)(now_ns - book->decayed_ns[level]);

	if (passed_ns < window_ns / DECAY_STEPS)
		return;
	book->decayed_ns[level] = now_ns;
	for (unsigned int fate = 0; fate < MERIDIAN_CLIENTS_FATES; fate++) {
		for (unsigned int scope = 0; scope < MERIDIAN_CLIENTS_SCOPES; scope++)
			talkers_decay(&book->page->table[level][fate][scope],
				exp(-passed_ns / window_ns));
	}
}

void book_turn(struct book *book, uint64_t now_ns)
{
	book->page->updated_ns = now_ns;
	for (unsigned int level = 0; level < MERIDIAN_CLIENTS_LEVELS; level++) {
		slot_turn(book->page, level);
		tables_decay(book, level, now_ns);
	}
}

static void sketch_merge(
	struct meridian_clients_sketch *into, const struct meridian_clients_sketch *from)
{
	for (size_t i = 0; i < MERIDIAN_CLIENTS_SKETCH_SIZE; i++)
		into->rank[i] = from->rank[i] > into->rank[i] ? from->rank[i] : into->rank[i];
}

static void sketches_add(struct meridian_clients_slot *slot, const struct collector *collector)
{
	sketch_merge(&slot->ipv4, &collector->ipv4);
	sketch_merge(&slot->ipv6, &collector->ipv6);
}

static void prefix_of(const struct collector_sample *sample, uint8_t ret_prefix[16])
{
	size_t octets = (sample->family == MERIDIAN_FAMILY_IPV6 ? MERIDIAN_CLIENTS_PREFIX_IPV6
								: MERIDIAN_CLIENTS_PREFIX_IPV4) /
		8;

	memset(ret_prefix, 0, 16);
	memcpy(ret_prefix, sample->address, octets);
}

static uint64_t hash_of(const struct book *book, const uint8_t address[16], uint8_t family)
{
	uint64_t half = fold(load_u64(address) ^ book->key[0], book->key[1]);

	return fold(load_u64(address + 8) ^ half ^ family, book->key[1]);
}

static void address_add(struct book *book, const uint8_t address[16],
	const struct collector_sample *sample, unsigned int scope, uint64_t requests)
{
	uint64_t hash = hash_of(book, address, sample->family);

	for (unsigned int window = 0; window < MERIDIAN_CLIENTS_WINDOW_COUNT; window++)
		talkers_add(&book->page->table[window][sample->fate][scope], address,
			sample->family, hash, requests);
}

void book_add(struct book *book, struct collector *collector)
{
	uint64_t taken = (uint64_t)collector->count + collector->lost, requests = 0;
	uint8_t prefix[16];

	for (unsigned int level = 0; level < MERIDIAN_CLIENTS_LEVELS; level++)
		sketches_add(slot_now(book->page, level), collector);
	sketches_add(&book->page->ever, collector);
	if (collector->count > 0)
		requests = (taken * collector->stride << MERIDIAN_CLIENTS_UNIT_LOG2) /
			collector->count;
	for (uint32_t i = 0; i < collector->count; i++) {
		const struct collector_sample *sample = &collector->sample[i];

		prefix_of(sample, prefix);
		address_add(book, sample->address, sample, MERIDIAN_CLIENTS_ADDRESS, requests);
		address_add(book, prefix, sample, MERIDIAN_CLIENTS_PREFIX, requests);
	}
	memset(&collector->ipv4, 0, sizeof(collector->ipv4));
	memset(&collector->ipv6, 0, sizeof(collector->ipv6));
	collector->count = collector->lost = 0;
}
