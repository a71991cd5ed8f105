/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"
#include "token.h"
#include <bytes.h>
#include <checksum.h>
#include <errno.h>
#include <layout.h>
#include <meridian/ntp.h>
#include <prefetch.h>
#include <stdlib.h>

#define TTL 64

/* In the NTP header. */
#define ORIGIN   24
#define RECEIVE  32
#define TRANSMIT 40

#define SHORT_PAYLOAD 40

/* Frames that are on their way into the cache while others are made. */
#define PREFETCH_AHEAD 8
#define CACHE_LINE     64

const char *request_kind_name(enum request_kind kind)
{
	static const char *const names[] = {
#define X(name) #name,
		REQUEST_KINDS(X)
#undef X
	};

	return names[kind];
}

/* --- templates ------------------------------------------------------------------------------- */

static void build_ethernet(struct traffic_template *template, const struct traffic_spec *spec)
{
	uint8_t *frame = template->frame;
	unsigned int at = 2 * MAC_SIZE;

	memcpy(frame, spec->target_mac[template->target], MAC_SIZE);
	memcpy(frame + MAC_SIZE, spec->source_mac, MAC_SIZE);
	if (spec->vlan >= 0) {
		put_u16(frame + at, ETHERTYPE_VLAN);
		put_u16(frame + at + 2, (uint16_t)spec->vlan);
		at += VLAN_TAG;
	}
	put_u16(frame + at, template->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	template->ip = (uint8_t)(at + 2);
	template->udp = (uint8_t)(template->ip + (template->ipv6 ? IPV6_HEADER : IPV4_HEADER));
	template->payload = (uint8_t)(template->udp + UDP_HEADER);
}

static void build_ip(
	struct traffic_template *template, const struct address *target, uint16_t udp_length)
{
	uint8_t *ip = template->frame + template->ip;

	if (template->ipv6) {
		ip[0] = 6 << 4;
		put_u16(ip + 4, udp_length);
		ip[6] = PROTOCOL_UDP;
		ip[7] = TTL;
		memcpy(ip + 24, target->octet, 16);
		return;
	}
	ip[0] = 4 << 4 | IPV4_HEADER / 4;
	put_u16(ip + 2, (uint16_t)(IPV4_HEADER + udp_length));
	put_u16(ip + 6, IPV4_DONT_FRAGMENT); /* hence no identification (RFC 6864) */
	ip[8] = TTL;
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 16, target->octet, 4);
}

/* The sums over what stands in the template, pseudo header included. */
static void sums_take(struct traffic_template *template, uint16_t udp_length)
{
	const uint8_t *ip = template->frame + template->ip;
	uint8_t pseudo[4] = {0, PROTOCOL_UDP};

	put_u16(pseudo + 2, udp_length);
	template->ip_sum = checksum_add_octets(0, ip, IPV4_HEADER);
	template->udp_sum = checksum_add_octets(0, pseudo, sizeof(pseudo));
	template->udp_sum = template->ipv6 ? checksum_add_octets(template->udp_sum, ip + 24, 16)
					   : checksum_add_octets(template->udp_sum, ip + 16, 4);
	template->udp_sum =
		checksum_add_octets(template->udp_sum, template->frame + template->udp, udp_length);
}

static uint16_t payload_length(const struct traffic_template *template, unsigned int variant)
{
	if (template->kind == REQUEST_malformed && variant == 0)
		return SHORT_PAYLOAD;
	if (template->key)
		return (uint16_t)(MERIDIAN_NTP_HEADER_SIZE +
			mac_length(template->key, template->version));
	return MERIDIAN_NTP_HEADER_SIZE;
}

static void build_ntp(struct traffic_template *template, unsigned int variant)
{
	uint8_t *payload = template->frame + template->payload;
	unsigned int mode = MERIDIAN_NTP_MODE_CLIENT;

	template->version = template->kind == REQUEST_v3 ? 3 : 4;
	if (template->kind == REQUEST_malformed) {
		template->version = variant == 1 ? 0 : 4;
		mode = variant == 2 ? MERIDIAN_NTP_MODE_SERVER : mode;
		template->spoil = variant == 3;
	}
	payload[0] = MERIDIAN_NTP_LI_VN_MODE(0, template->version, mode);
	payload[2] = 6;    /* poll: 64 s */
	payload[3] = 0x20; /* precision: none, as careful clients say */
}

static void template_add(
	struct traffic *traffic, enum request_kind kind, uint32_t target, unsigned int variant)
{
	const struct traffic_spec *spec = &traffic->spec;
	struct traffic_template *template = &traffic->template[traffic->template_count++];
	uint16_t udp_length;

	template->kind = (uint8_t)kind;
	template->target = (uint8_t)target;
	template->ipv6 = spec->target[target].ipv6;
	template->key = kind == REQUEST_symmetric ? &spec->key : NULL;
	template->plain = kind == REQUEST_basic || kind == REQUEST_v3;
	build_ethernet(template, spec);
	build_ntp(template, variant);
	udp_length = (uint16_t)(UDP_HEADER + payload_length(template, variant));
	build_ip(template, &spec->target[target], udp_length);
	put_u16(template->frame + template->udp + 2, MERIDIAN_NTP_PORT);
	put_u16(template->frame + template->udp + 4, udp_length);
	template->length = (uint16_t)(template->udp + udp_length);
	sums_take(template, udp_length);
}

/* --- who gets which slot --------------------------------------------------------------------- */

/* The kind that is furthest behind its share gets the next slot, so that kinds alternate; but first
 * each gets one, however small its share. */
static enum request_kind kind_next(
	const struct traffic_spec *spec, int64_t *credit, const uint32_t *used)
{
	enum request_kind best = REQUEST_basic;
	int64_t total = 0, most = INT64_MIN;

	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++) {
		int64_t behind;

		if (spec->weight[kind] == 0)
			continue;
		total += spec->weight[kind];
		credit[kind] += spec->weight[kind];
		behind = used[kind] ? credit[kind] : INT64_MAX;
		if (behind > most) {
			most = behind;
			best = (enum request_kind)kind;
		}
	}
	credit[best] -= total;
	return best;
}

static void slots_fill(struct traffic *traffic, const uint8_t *first, const uint8_t *count)
{
	int64_t credit[REQUEST_KIND_COUNT] = {0};
	uint32_t used[REQUEST_KIND_COUNT] = {0};

	for (unsigned int i = 0; i < TRAFFIC_SLOTS; i++) {
		enum request_kind kind = kind_next(&traffic->spec, credit, used);

		traffic->slot[i] = (uint8_t)(first[kind] + used[kind]++ % count[kind]);
	}
}

static void templates_make(struct traffic *traffic)
{
	uint8_t first[REQUEST_KIND_COUNT] = {0}, count[REQUEST_KIND_COUNT] = {0};

	for (int kind = 0; kind < REQUEST_KIND_COUNT; kind++) {
		unsigned int variants = kind == REQUEST_malformed ? TRAFFIC_MALFORMED : 1;

		first[kind] = (uint8_t)traffic->template_count;
		for (unsigned int variant = 0; variant < variants; variant++)
			for (uint32_t target = 0; target < traffic->spec.target_count; target++)
				template_add(traffic, (enum request_kind)kind, target, variant);
		count[kind] = (uint8_t)(traffic->template_count - first[kind]);
	}
	slots_fill(traffic, first, count);
	traffic->ip = traffic->template[0].ip;
	if (traffic->spec.vlan >= 0) {
		traffic->tag_mask = __builtin_bswap32(0xffff0fff);
		traffic->tag = load_u32(traffic->template[0].frame + 12) & traffic->tag_mask;
	}
}

static int interleaved_init(struct traffic *traffic)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		uint32_t count = traffic->spec.clients[ipv6].count;

		if (count == 0)
			continue;
		if (count > TRAFFIC_INTERLEAVED_MAX)
			return -ERANGE;
		traffic->last_receive[ipv6] = calloc(count, sizeof(uint64_t));
		if (traffic->last_receive[ipv6] == NULL)
			return -ENOMEM;
	}
	return 0;
}

int traffic_init(struct traffic *traffic, const struct traffic_spec *spec)
{
	int r = 0;

	memset(traffic, 0, sizeof(*traffic));
	traffic->spec = *spec;
	templates_make(traffic);
	if (spec->weight[REQUEST_interleaved])
		r = interleaved_init(traffic);
	if (r < 0)
		traffic_fini(traffic);
	return r;
}

void traffic_fini(struct traffic *traffic)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		free(traffic->last_receive[ipv6]);
		traffic->last_receive[ipv6] = NULL;
	}
}

/* --- a request ------------------------------------------------------------------------------- */

static inline uint64_t write_timestamp(uint8_t *to, uint64_t value, uint64_t sum)
{
	value = __builtin_bswap64(value);
	store_u64(to, value);
	return checksum_add(sum, value);
}

/* Writes the client's address and with it the IPv4 checksum; returns the sum with the address. */
static inline uint64_t write_client(const struct clients *clients, uint32_t client,
	const struct traffic_template *template, uint8_t *frame, uint64_t sum)
{
	uint8_t *ip = frame + template->ip;
	uint32_t address;
	uint64_t half[2];

	if (template->ipv6) {
		clients_ipv6(clients, client, half);
		store_u64(ip + 8, half[0]);
		store_u64(ip + 16, half[1]);
		return checksum_add(checksum_add(sum, half[0]), half[1]);
	}
	address = __builtin_bswap32(clients_ipv4(clients, client));
	store_u32(ip + 12, address);
	store_u16(ip + 10, (uint16_t)~checksum_fold(checksum_add(template->ip_sum, address)));
	return checksum_add(sum, address);
}

static inline uint64_t write_port(uint8_t *udp, uint16_t port, uint64_t sum)
{
	port = __builtin_bswap16(port);
	store_u16(udp, port);
	return checksum_add(sum, port);
}

/* What every request has; returns the sum that the UDP checksum is of. */
static inline __attribute__((always_inline)) uint64_t build_plain(const struct traffic *traffic,
	const struct traffic_template *template, uint64_t request, uint64_t due_units,
	uint8_t *frame)
{
	const struct clients *clients = &traffic->spec.clients[template->ipv6];
	uint64_t sum = template->udp_sum;

	memcpy(frame, template->frame, 96);
	if (template->length > 96)
		memcpy(frame + 96, template->frame + 96, TRAFFIC_FRAME_MAX - 96);
	sum = write_client(clients, clients_index(clients, request), template, frame, sum);
	sum = write_port(frame + template->udp, clients_port(clients, request), sum);
	if (template->length < template->payload + MERIDIAN_NTP_HEADER_SIZE)
		return sum;
	return write_timestamp(frame + template->payload + TRANSMIT,
		token_make(traffic->spec.token_key, request, due_units, false), sum);
}

/* What makes a request interleaved (RFC 9769): its origin is the server's last receive timestamp,
 * and its receive timestamp is what the reply will echo. */
static uint64_t write_interleaved(const struct traffic *traffic,
	const struct traffic_template *template, uint64_t request, uint64_t due_units,
	uint8_t *payload, uint64_t sum)
{
	const struct clients *clients = &traffic->spec.clients[template->ipv6];
	uint64_t last = traffic->last_receive[template->ipv6][clients_index(clients, request)];

	if (last == 0)
		return sum;
	sum = write_timestamp(payload + ORIGIN, last, sum);
	return write_timestamp(payload + RECEIVE,
		token_make(traffic->spec.token_key, request, due_units, true), sum);
}

static uint64_t write_mac(const struct traffic_template *template, uint8_t *payload, uint64_t sum)
{
	size_t octets = mac_length(template->key, template->version);

	mac_write(template->key, payload, MERIDIAN_NTP_HEADER_SIZE, octets);
	return checksum_add_octets(sum, payload + MERIDIAN_NTP_HEADER_SIZE, octets);
}

static uint64_t build_rest(const struct traffic *traffic, const struct traffic_template *template,
	uint64_t request, uint64_t due_units, uint8_t *payload, uint64_t sum)
{
	if (template->kind == REQUEST_interleaved)
		sum = write_interleaved(traffic, template, request, due_units, payload, sum);
	else if (template->key)
		sum = write_mac(template, payload, sum);
	return checksum_add(sum, template->spoil);
}

static inline __attribute__((always_inline)) uint16_t build(
	const struct traffic *traffic, uint64_t request, uint64_t due_units, uint8_t *frame)
{
	const struct traffic_template *template = traffic_template(traffic, request);
	uint64_t sum = build_plain(traffic, template, request, due_units, frame);

	if (!template->plain)
		sum = build_rest(
			traffic, template, request, due_units, frame + template->payload, sum);
	store_u16(frame + template->udp + UDP_CHECKSUM, checksum_udp_field(sum));
	return template->length;
}

uint16_t traffic_build(
	const struct traffic *traffic, uint64_t request, uint64_t due_units, uint8_t *frame)
{
	return build(traffic, request, due_units, frame);
}

void traffic_build_burst(const struct traffic *traffic, uint64_t request, const uint64_t *due_units,
	unsigned int count, uint8_t *const *frame, uint16_t *ret_length)
{
	for (unsigned int i = 0; i < count + PREFETCH_AHEAD; i++) {
		if (i < count) {
			prefetch_write(frame[i]);
			prefetch_write(frame[i] + CACHE_LINE);
		}
		if (i >= PREFETCH_AHEAD) {
			unsigned int at = i - PREFETCH_AHEAD;

			ret_length[at] = build(traffic, request + at, due_units[at], frame[at]);
		}
	}
}
