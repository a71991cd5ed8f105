/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_WIRE_STAMPS_H
#define MERIDIAN_WIRE_STAMPS_H

/*
 * When control's questions to its servers left, and their answers came, on a NIC that the dataplane
 * has taken over: stamps of the dataplane, taken at the NIC, before what the way between NIC and
 * kernel adds to the kernel's own. Written by the workers of meridian-dataplane, read by
 * meridian-control. Mode 0640, the group is that of the run directory.
 *
 * The page is a table of questions, each at the place that its key says: who is asked, and the
 * random number by which the answer shows that it is one. Whoever comes last has the place. An
 * answer is noted beside its question only, so nobody who does not know that number can note one
 * from outside; and it is found by its own timestamps, too, so that a forgery which comes before
 * the answer is not taken for it. Questions that the host forwards take places as well, and may
 * push ours out.
 *
 * A record is three words, the first of which is a hash of the others, the key and the direction.
 * So it proves itself: who has another key does not find it, nor do halves of different records,
 * or what somebody else wrote into the page, but for one in 2^64. That is why writers need no lock,
 * of which there may be several, and readers need none either.
 */

#include <meridian/page.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_WIRE_STAMPS_NAME    "wirestamps.dataplane"
#define MERIDIAN_WIRE_STAMPS_MAGIC   UINT32_C(0x5357524d) /* bytes "MRWS" in memory */
#define MERIDIAN_WIRE_STAMPS_VERSION 2

#define MERIDIAN_WIRE_STAMPS_ENTRIES 1024 /* a power of 2 */

struct meridian_wire_record {
	uint64_t proof;
	uint64_t counter; /* ticks */
	uint64_t about; /* error_ns, counter_id << 32, source << 40 of struct meridian_wire_stamp */
};

struct meridian_wire_entry {
	struct meridian_wire_record sent, received;
	uint64_t reserved[2];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_wire_entry) == MERIDIAN_CACHE_LINE, "ABI");

struct meridian_wire_stamps {
	struct meridian_page_head head; /* writer_pid 0 after a clean stop */
	struct meridian_wire_entry entry[MERIDIAN_WIRE_STAMPS_ENTRIES];
};
MERIDIAN_STATIC_ASSERT(
	sizeof(struct meridian_wire_stamps) == 64 + 64 * MERIDIAN_WIRE_STAMPS_ENTRIES, "ABI");

/* A question and its answer. */
struct meridian_wire_key {
	uint8_t address[16]; /* of the server, an IPv4 address in the first four, the others 0 */
	uint8_t family;      /* MERIDIAN_FAMILY_* */
	uint16_t port;       /* of the server, host order */
	uint8_t number[8];   /* the question's transmit timestamp, or its receive timestamp, which
				an answer in interleaved mode returns instead */
	uint8_t answer[16];  /* the answer's receive and transmit timestamps; not looked at for
				a question */
};

struct meridian_wire_stamp {
	uint64_t counter;
	uint32_t error_ns;  /* the packet may have left so much earlier, or come so much later */
	uint8_t counter_id; /* MERIDIAN_COUNTER_* that it is in ticks of */
	uint8_t source;     /* enum meridian_stamp */
};

extern const struct meridian_page_kind meridian_wire_stamps_kind;

/* A question leaves: whatever was at its place is gone. Any thread of the writer. */
void meridian_wire_note_sent(struct meridian_wire_stamps *page, const struct meridian_wire_key *key,
	const struct meridian_wire_stamp *stamp);

/* An answer has come; of several the last one counts. Returns 0, or -ENOENT, and nothing is
 * written, when there is no such question. Any thread of the writer. */
int meridian_wire_note_received(struct meridian_wire_stamps *page,
	const struct meridian_wire_key *key, const struct meridian_wire_stamp *stamp);

/* What was noted of a question, and of its answer. Returns 0 or -ENOENT. Any process. */
int meridian_wire_sent(const struct meridian_wire_stamps *page, const struct meridian_wire_key *key,
	struct meridian_wire_stamp *ret_stamp);
int meridian_wire_received(const struct meridian_wire_stamps *page,
	const struct meridian_wire_key *key, struct meridian_wire_stamp *ret_stamp);

#ifdef __cplusplus
}
#endif

#endif
