/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_stamps.h"
#include "log.h"
#include "wire_packet.h"
#include <meridian/counter.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_MODE 0640

/* In one word, ticks per second above the number of the counter. */
#define COUNTER_HZ_SHIFT 8

/* Those of the run directory's group may read it. Where that cannot be, only the owner may. */
static void page_share(const struct meridian_page *page, const char *rundir)
{
	struct stat st;

	if (stat(rundir, &st) < 0 || fchown(page->fd, (uid_t)-1, st.st_gid) < 0)
		log_debug("%s: the page of wire stamps keeps its group", rundir);
}

void wire_stamps_open(struct wire_stamps *wire, const char *rundir)
{
	const struct meridian_page_kind *kind = &meridian_wire_stamps_kind;
	int r;

	memset(wire, 0, sizeof(*wire));
	r = meridian_page_create(&wire->page, rundir, kind, kind->min_size, PAGE_MODE, NULL);
	if (r < 0)
		log_warning("%s/%s: %s; meridian-control has the kernel's stamps of its packets",
			rundir, kind->name, meridian_page_strerror(r));
	else
		page_share(&wire->page, rundir);
}

void wire_stamps_close(struct wire_stamps *wire)
{
	struct meridian_page_head *head = wire->page.addr;

	if (head == NULL)
		return;
	__atomic_store_n(&head->writer_pid, 0, __ATOMIC_RELAXED);
	meridian_page_close(&wire->page);
}

void wire_stamps_turn(struct wire_stamps *wire, uint8_t counter_id, uint64_t counter_hz)
{
	uint64_t word = counter_hz == 0 ? 0 : counter_hz << COUNTER_HZ_SHIFT | counter_id;

	__atomic_store_n(&wire->counter, word, __ATOMIC_RELAXED);
}

static uint64_t counter_of(const struct wire_stamps *wire)
{
	return wire->page.addr ? __atomic_load_n(&wire->counter, __ATOMIC_RELAXED) : 0;
}

uint8_t wire_stamps_counter(const struct wire_stamps *wire)
{
	return (uint8_t)counter_of(wire);
}

/* A server in interleaved mode answers with the receive timestamp instead. */
static void note_both(struct meridian_wire_stamps *page, struct meridian_wire_key *key,
	const struct meridian_ntp_header *header, const struct meridian_wire_stamp *stamp)
{
	static const struct meridian_ntp_timestamp none;

	memcpy(key->number, &header->transmit, sizeof(key->number));
	meridian_wire_note_sent(page, key, stamp);
	if (memcmp(&header->receive, &none, sizeof(none)) == 0)
		return;
	memcpy(key->number, &header->receive, sizeof(key->number));
	meridian_wire_note_sent(page, key, stamp);
}

void wire_stamps_note_sent(struct wire_stamps *wire, const uint8_t *data, uint32_t length,
	const struct wire_stamps_way *way)
{
	struct meridian_ntp_header header;
	struct meridian_wire_key key;
	struct meridian_wire_stamp stamp;
	uint64_t counter = counter_of(wire);
	int64_t hz = (int64_t)(counter >> COUNTER_HZ_SHIFT);

	if (counter == 0 ||
		!wire_packet_read(data, length, MERIDIAN_NTP_MODE_CLIENT, &header, &key))
		return;
	stamp = (struct meridian_wire_stamp){
		.counter = way->counter + (uint64_t)(way->delay_ns * (hz / 1000) / 1000000),
		.error_ns = (uint32_t)way->error_ns,
		.counter_id = (uint8_t)counter,
		.source = MERIDIAN_STAMP_counter};
	note_both(wire->page.addr, &key, &header, &stamp);
}

void wire_stamps_note_received(struct wire_stamps *wire, const uint8_t *data, uint32_t length,
	const struct wire_stamps_arrival *arrival)
{
	struct meridian_ntp_header header;
	struct meridian_wire_key key;
	struct meridian_wire_stamp stamp;
	uint64_t counter = counter_of(wire);

	if (counter == 0 || arrival->error_ns > UINT32_MAX ||
		!wire_packet_read(data, length, MERIDIAN_NTP_MODE_SERVER, &header, &key))
		return;
	stamp = (struct meridian_wire_stamp){.counter = arrival->counter,
		.error_ns = (uint32_t)arrival->error_ns,
		.counter_id = (uint8_t)counter,
		.source = (uint8_t)arrival->source};
	memcpy(key.number, &header.origin, sizeof(key.number));
	memcpy(key.answer, &header.receive, 8);
	memcpy(key.answer + 8, &header.transmit, 8);
	meridian_wire_note_received(wire->page.addr, &key, &stamp);
}
