/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <meridian/timemodel.h>
#include <meridian/wire_stamps.h>
#include <string.h>

/* Odd numbers at random. */
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)
#define SENT       UINT64_C(0xbf58476d1ce4e5b9)
#define RECEIVED   UINT64_C(0x94d049bb133111eb)

#define COUNTER_ID_SHIFT 32
#define SOURCE_SHIFT     40

const struct meridian_page_kind meridian_wire_stamps_kind = {
	.name = MERIDIAN_WIRE_STAMPS_NAME,
	.magic = MERIDIAN_WIRE_STAMPS_MAGIC,
	.version = MERIDIAN_WIRE_STAMPS_VERSION,
	.min_size = sizeof(struct meridian_wire_stamps),
};

/* Both halves of a product. */
static uint64_t fold(uint64_t hash, uint64_t word)
{
	meridian_u128 product = (meridian_u128)(hash ^ word) * MULTIPLIER;

	return ((uint64_t)(product >> 64) ^ (uint64_t)product) + MULTIPLIER;
}

static uint64_t key_hash(const struct meridian_wire_key *key)
{
	uint64_t address[2], number, hash;

	memcpy(address, key->address, sizeof(address));
	memcpy(&number, key->number, sizeof(number));
	hash = fold(number, (uint64_t)key->port << 8 | key->family);
	return fold(fold(fold(hash, address[0]), address[1]), number);
}

static uint64_t answer_hash(const struct meridian_wire_key *key, uint64_t hash)
{
	uint64_t times[2];

	memcpy(times, key->answer, sizeof(times));
	return fold(fold(hash, times[0]), times[1]);
}

static uint64_t proof_of(uint64_t hash, uint64_t direction, uint64_t counter, uint64_t about)
{
	return fold(fold(fold(hash, direction), counter), about);
}

static size_t place_of(uint64_t hash)
{
	return hash % MERIDIAN_WIRE_STAMPS_ENTRIES;
}

static void record_write(struct meridian_wire_record *record, uint64_t hash, uint64_t direction,
	const struct meridian_wire_stamp *stamp)
{
	uint64_t about = stamp->error_ns | (uint64_t)stamp->counter_id << COUNTER_ID_SHIFT |
		(uint64_t)stamp->source << SOURCE_SHIFT;
	uint64_t proof = proof_of(hash, direction, stamp->counter, about);

	__atomic_store_n(&record->counter, stamp->counter, __ATOMIC_RELAXED);
	__atomic_store_n(&record->about, about, __ATOMIC_RELAXED);
	__atomic_store_n(&record->proof, proof, __ATOMIC_RELEASE);
}

static int record_read(const struct meridian_wire_record *record, uint64_t hash, uint64_t direction,
	struct meridian_wire_stamp *ret_stamp)
{
	uint64_t proof = __atomic_load_n(&record->proof, __ATOMIC_ACQUIRE);
	uint64_t counter = __atomic_load_n(&record->counter, __ATOMIC_RELAXED);
	uint64_t about = __atomic_load_n(&record->about, __ATOMIC_RELAXED);

	if (proof != proof_of(hash, direction, counter, about))
		return -ENOENT;
	*ret_stamp = (struct meridian_wire_stamp){.counter = counter,
		.error_ns = (uint32_t)about,
		.counter_id = (uint8_t)(about >> COUNTER_ID_SHIFT),
		.source = (uint8_t)(about >> SOURCE_SHIFT)};
	return 0;
}

void meridian_wire_note_sent(struct meridian_wire_stamps *page, const struct meridian_wire_key *key,
	const struct meridian_wire_stamp *stamp)
{
	uint64_t hash = key_hash(key);

	record_write(&page->entry[place_of(hash)].sent, hash, SENT, stamp);
}

int meridian_wire_note_received(struct meridian_wire_stamps *page,
	const struct meridian_wire_key *key, const struct meridian_wire_stamp *stamp)
{
	uint64_t hash = key_hash(key);
	struct meridian_wire_entry *entry = &page->entry[place_of(hash)];
	struct meridian_wire_stamp sent;

	if (record_read(&entry->sent, hash, SENT, &sent) < 0)
		return -ENOENT;
	record_write(&entry->received, answer_hash(key, hash), RECEIVED, stamp);
	return 0;
}

int meridian_wire_sent(const struct meridian_wire_stamps *page, const struct meridian_wire_key *key,
	struct meridian_wire_stamp *ret_stamp)
{
	uint64_t hash = key_hash(key);

	return record_read(&page->entry[place_of(hash)].sent, hash, SENT, ret_stamp);
}

int meridian_wire_received(const struct meridian_wire_stamps *page,
	const struct meridian_wire_key *key, struct meridian_wire_stamp *ret_stamp)
{
	uint64_t hash = key_hash(key);
	const struct meridian_wire_entry *entry = &page->entry[place_of(hash)];

	return record_read(&entry->received, answer_hash(key, hash), RECEIVED, ret_stamp);
}
