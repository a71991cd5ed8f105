/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_generator.h"
#include "demote.h"
#include "measure.h"
#include <bytes.h>
#include <checksum.h>
#include <clock.h>
#include <fixture.h>
#include <layout.h>
#include <math.h>
#include <meridian/counter.h>
#include <prefetch.h>
#include <string.h>

#define BATCH          32
#define PREFETCH_AHEAD 48

/*
 * Slots that stay empty between the generator and the worker. What a core writes in order, its
 * prefetcher asks for in advance: without a gap these are the lines that the worker is answering
 * in, and its stores wait until it has them again. No NIC does that.
 */
#define GAP    128
#define USABLE (RING_SLOTS - GAP)

/* A stamp is placed by its age between clocks that are read one after the other, and the machine
 * may take the core away in between. */
#define RECEIVE_ERROR_MAX_NS 20000

#define STAMP_BRACKET_TICKS 1000
#define CHECK_EVERY         61 /* a prime, so that every slot has its turn */

#define IP_OFFSET ETHERNET_HEADER

#define NTP_SECOND (UINT64_C(1) << 32)

#define SIGNED_TRANSMIT UINT64_C(0xe8fe6f8012345678)
#define SIGNED_MAC      20 /* octets, by AES-CMAC */

/* In the NTP header. */
#define ORIGIN   24
#define RECEIVE  32
#define TRANSMIT 40

/* Where a client's number stands: an IPv4 address, or the subnet of an IPv6 address. */
#define IPV4_CLIENT (IP_OFFSET + 12)
#define IPV6_CLIENT (IP_OFFSET + 8 + 4)

/* A prime, far from small fractions of any number of clients: neighbours in time are not
 * neighbours in address. */
#define CLIENT_STEP 7368787u

/* A request of client 0. A signed one is always the same, as its MAC is. */
static size_t request_make(struct ring_generator *generator)
{
	uint8_t payload[PKT_NTP_SIZE + MAC_MAX];
	size_t length = PKT_NTP_SIZE;

	pkt_ntp(payload, 0x23, generator->kind == RING_SIGNED ? SIGNED_TRANSMIT : 0);
	if (generator->kind == RING_SIGNED)
		length = fixture_sign(generator->keyring, payload, length, MERIDIAN_KEY_AES128);
	pkt_build(&generator->request, (struct pkt_spec){.ipv6 = generator->kind == RING_IPV6},
		payload, length);
	return length;
}

int ring_generator_init(struct ring_generator *generator, struct ring_port *ring,
	const struct meridian_timemodel_data *model, const struct keyring *keyring,
	uint32_t clients, enum ring_kind kind)
{
	struct pkt *request = &generator->request;
	bool ipv6 = kind == RING_IPV6;
	uint32_t addresses = IP_OFFSET + (ipv6 ? 8 : 12);
	uint8_t pseudo[4] = {0, PROTOCOL_UDP, 0, UDP_HEADER}, *data = request->data;

	memset(generator, 0, sizeof(*generator));
	generator->ring = ring;
	generator->clients = clients;
	generator->model = model;
	generator->keyring = keyring;
	generator->kind = kind;
	pseudo[3] += (uint8_t)request_make(generator);
	store_u32(data + (ipv6 ? IPV6_CLIENT : IPV4_CLIENT), 0);
	store_u16(data + request->udp + UDP_CHECKSUM, 0);
	if (!ipv6)
		store_u16(data + IP_OFFSET + 10, 0);
	generator->ip_sum = checksum_add_octets(0, data + IP_OFFSET, IPV4_HEADER);
	generator->udp_sum = checksum_add_octets(0, pseudo, sizeof(pseudo));
	generator->udp_sum = checksum_add_octets(
		generator->udp_sum, data + addresses, request->length - addresses);
	return 0;
}

void ring_generator_fini(struct ring_generator *generator)
{
	generator->ring = NULL;
}

static void wrong_if(struct ring_checks *checks, bool condition, const char *reason)
{
	if (!condition)
		return;
	checks->wrong++;
	checks->reason = reason;
}

/* How far `timestamp` is ahead of the model's time at `counter`. */
static double ahead_ns(const struct ring_generator *generator, uint64_t timestamp, uint64_t counter)
{
	uint64_t expected = clock_ntp(meridian_timemodel_utc(generator->model, counter));

	return (double)(int64_t)(timestamp - expected) * 1e9 / 4294967296.0;
}

/* T2 is the instant of the stamp, T3 after it, or that of the reply before, and not in the future.
 */
static void times_check(
	struct ring_generator *generator, const struct ring_slot *slot, bool interleaved)
{
	struct ring_checks *checks = &generator->checks;
	const uint8_t *ntp = slot->data + generator->request.payload;
	uint64_t receive = get_u64(ntp + RECEIVE), transmit = get_u64(ntp + TRANSMIT);
	double error_ns = fabs(ahead_ns(generator, receive, slot->stamp_counter));

	if (error_ns > checks->receive_error_ns_max)
		checks->receive_error_ns_max = error_ns;
	wrong_if(checks, error_ns > RECEIVE_ERROR_MAX_NS, "T2 is not the time of the stamp");
	wrong_if(checks, (int64_t)(transmit - receive) <= 0 && !interleaved, "T3 is not after T2");
	wrong_if(checks, receive - transmit + NTP_SECOND > 2 * NTP_SECOND && interleaved,
		"T3 is not of the reply just before");
	wrong_if(checks, ahead_ns(generator, transmit, measure_ticks()) > RECEIVE_ERROR_MAX_NS,
		"T3 is in the future");
}

static bool is_signed(const struct ring_generator *generator, const uint8_t *ntp)
{
	const struct mac_key *key = keyring_key(
		generator->keyring, keyring_find(generator->keyring, MERIDIAN_KEY_AES128));

	return mac_good(key, ntp, PKT_NTP_SIZE, mac_length(key, 4));
}

/* The receive timestamp of a request in interleaved mode; no transmit timestamp. */
static uint64_t interleaved_receive(uint64_t index)
{
	return ~index;
}

/* Every field of a reply that is not a copy of the model. */
static void reply_check(
	struct ring_generator *generator, const struct ring_slot *slot, uint64_t index)
{
	struct ring_checks *checks = &generator->checks;
	const struct pkt *request = &generator->request;
	const uint8_t *data = slot->data, *ip = data + IP_OFFSET;
	const uint8_t *udp = data + request->udp, *ntp = data + request->payload;
	bool interleaved = get_u64(ntp + ORIGIN) == interleaved_receive(index) &&
		generator->kind == RING_INTERLEAVED;
	uint64_t origin = generator->kind == RING_SIGNED ? SIGNED_TRANSMIT : index;

	checks->seen++;
	wrong_if(checks, slot->length != request->length, "length");
	wrong_if(checks, memcmp(data, pkt_client_mac, MAC_SIZE) != 0, "MAC address");
	wrong_if(checks, !request->ipv6 && !pkt_checksum_ipv4_good(ip), "IP checksum");
	wrong_if(checks, !pkt_checksum_udp_good(ip, udp, request->ipv6), "UDP checksum");
	wrong_if(checks, ntp[0] != 0x24 || ntp[1] == 0, "not a synchronised reply");
	wrong_if(checks, get_u64(ntp + ORIGIN) != origin && !interleaved, "origin timestamp");
	if (generator->kind == RING_SIGNED)
		wrong_if(checks, !is_signed(generator, ntp), "MAC");
	times_check(generator, slot, interleaved);
}

/* Makes a request refer to the reply with T2 `told`. Returns what it adds to the UDP sum. */
static uint64_t request_interleave(uint8_t *ntp, uint64_t told, uint64_t index)
{
	uint64_t receive = __builtin_bswap64(interleaved_receive(index));

	store_u64(ntp + ORIGIN, told);
	store_u64(ntp + RECEIVE, receive);
	return checksum_add(told, receive);
}

/* `kind` is a constant: the frame is copied at its length. */
static inline __attribute__((always_inline)) void request_write(struct ring_generator *generator,
	struct ring_slot *slot, uint64_t index, enum ring_kind kind)
{
	bool ipv6 = kind == RING_IPV6;
	uint32_t ip_header = ipv6 ? IPV6_HEADER : IPV4_HEADER;
	uint32_t ntp = IP_OFFSET + ip_header + UDP_HEADER;
	uint32_t length = ntp + PKT_NTP_SIZE + (kind == RING_SIGNED ? SIGNED_MAC : 0);
	uint32_t client =
		__builtin_bswap32((uint32_t)RING_CLIENT_NET << 24 | (generator->client + 1));
	uint64_t transmit = kind == RING_SIGNED ? 0 : __builtin_bswap64(index);
	uint64_t told = load_u64(slot->data + ntp + RECEIVE);
	uint64_t sum = checksum_add(checksum_add(generator->udp_sum, client), transmit);

	generator->client += CLIENT_STEP;
	if (generator->client >= generator->clients)
		generator->client %= generator->clients;
	memcpy(slot->data, generator->request.data, length);
	store_u32(slot->data + (ipv6 ? IPV6_CLIENT : IPV4_CLIENT), client);
	if (!ipv6)
		store_u16(slot->data + IP_OFFSET + 10,
			(uint16_t)~checksum_fold(checksum_add(generator->ip_sum, client)));
	if (kind != RING_SIGNED)
		store_u64(slot->data + ntp + TRANSMIT, transmit);
	if (kind == RING_INTERLEAVED)
		sum = checksum_add(sum, request_interleave(slot->data + ntp, told, index));
	store_u16(slot->data + IP_OFFSET + ip_header + UDP_CHECKSUM, checksum_udp_field(sum));
	slot->length = (uint8_t)length;
}

static void request_put(struct ring_generator *generator, struct ring_slot *slot, uint64_t index)
{
	switch (generator->kind) {
	case RING_IPV4:
		request_write(generator, slot, index, RING_IPV4);
		break;
	case RING_IPV6:
		request_write(generator, slot, index, RING_IPV6);
		break;
	case RING_INTERLEAVED:
		request_write(generator, slot, index, RING_INTERLEAVED);
		break;
	case RING_SIGNED:
		request_write(generator, slot, index, RING_SIGNED);
		break;
	}
}

/* Both clocks at one instant: read again where something came in between. */
static void stamp_read(uint64_t *ret_ns, uint64_t *ret_counter)
{
	uint64_t before, after;

	do {
		before = measure_ticks();
		*ret_ns = meridian_clock_ns(CLOCK_MONOTONIC);
		after = measure_ticks();
	} while (after - before > STAMP_BRACKET_TICKS);
	*ret_counter = before + (after - before) / 2;
}

/* Takes the replies out of `count` slots and puts the next requests in. */
static void batch_turn(struct ring_generator *generator, uint64_t count, uint64_t returned)
{
	struct ring_port *ring = generator->ring;
	uint64_t stamp_ns, stamp_counter, limit = returned + USABLE;

	stamp_read(&stamp_ns, &stamp_counter);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t index = ring->filled + i;
		struct ring_slot *slot = ring_slot(ring, index);

		if (index + PREFETCH_AHEAD < limit) {
			const uint8_t *ahead = ring_slot(ring, index + PREFETCH_AHEAD)->data;

			prefetch_write(ahead);
			prefetch_write(ahead + 64);
		}
		if (generator->model != NULL && index >= RING_SLOTS && index % CHECK_EVERY == 0 &&
			slot->length != 0)
			reply_check(generator, slot, index - RING_SLOTS);
		request_put(generator, slot, index);
		slot->stamp_ns = stamp_ns;
		slot->stamp_counter = stamp_counter;
		demote_frame(slot->data);
	}
	generator->sent += count;
	__atomic_store_n(&ring->filled, ring->filled + count, __ATOMIC_RELEASE);
}

/* Room for up to BATCH requests. */
static uint64_t ring_room(struct ring_generator *generator, uint64_t *ret_returned)
{
	const struct ring_port *ring = generator->ring;
	uint64_t returned = __atomic_load_n(&ring->returned, __ATOMIC_ACQUIRE);
	uint64_t room = USABLE - (ring->filled - returned);

	*ret_returned = returned;
	generator->looks++;
	generator->room_looks += room >= BATCH;
	return room < BATCH ? room : BATCH;
}

void ring_generator_run(struct ring_generator *generator, double rate_per_tick, uint64_t end)
{
	uint64_t start = measure_ticks(), now, returned, gone = 0;

	while ((now = measure_ticks()) < end) {
		uint64_t room = ring_room(generator, &returned), due = BATCH;

		if (rate_per_tick > 0)
			due = (uint64_t)((double)(now - start) * rate_per_tick) - gone;
		if (due < BATCH || (rate_per_tick == 0 && room < BATCH))
			continue;
		if (due < room)
			room = due;
		batch_turn(generator, room, returned);
		gone += due;
		generator->missed += due - room;
	}
}

double ring_generator_room_share(struct ring_generator *generator)
{
	double share = (double)generator->room_looks / (double)generator->looks;

	generator->looks = generator->room_looks = 0;
	return share;
}
