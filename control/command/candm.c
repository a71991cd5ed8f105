/* SPDX-License-Identifier: BSD-3-Clause */
#include "candm_wire.h"
#include <meridian/policy.h>
#include <string.h>

#define FAMILY_NONE 0
#define FAMILY_IPV4 1
#define FAMILY_IPV6 2
#define FAMILY_ID   3

#define NTP_FLAG_INTERLEAVED   0x4000u
#define NTP_FLAG_AUTHENTICATED 0x8000u

/* Ours, in what chrony reserves: a control that does not know of them fills it with ones. */
#define STAMPS_TRANSMIT 1u
#define STAMPS_RECEIVE  2u
#define STAMPS_UNKNOWN  0xffu

#define AUTH_NONE      0
#define AUTH_SYMMETRIC 1

#define INTERVAL_UNKNOWN 127

#define MODE_CLIENT    0
#define MODE_REFERENCE 2

void candm_request(struct candm_wire *wire, struct candm_request *request)
{
	wire_u8(wire, &request->version);
	wire_u8(wire, &request->type);
	wire_u16(wire, &request->reserved);
	wire_u16(wire, &request->command);
	wire_u16(wire, &request->attempt);
	wire_u32(wire, &request->sequence);
	wire_skip(wire, 8);
}

void candm_reply(struct candm_wire *wire, struct candm_reply *reply)
{
	wire_u8(wire, &reply->version);
	wire_u8(wire, &reply->type);
	wire_u16(wire, &reply->reserved);
	wire_u16(wire, &reply->command);
	wire_u16(wire, &reply->reply);
	wire_u16(wire, &reply->status);
	wire_skip(wire, 6);
	wire_u32(wire, &reply->sequence);
	wire_skip(wire, 8);
}

void candm_index(struct candm_wire *wire, uint32_t *index)
{
	wire_u32(wire, index);
}

static uint16_t family_encode(const struct report_address *address, uint32_t id)
{
	switch (address->family) {
	case MERIDIAN_FAMILY_IPV4:
		return FAMILY_IPV4;
	case MERIDIAN_FAMILY_IPV6:
		return FAMILY_IPV6;
	default:
		return id != 0 ? FAMILY_ID : FAMILY_NONE;
	}
}

static void address_decode(
	struct report_address *address, uint32_t *id, const uint8_t octets[16], uint16_t family)
{
	static const uint8_t lengths[] = {[FAMILY_IPV4] = 4, [FAMILY_IPV6] = 16};
	static const uint8_t families[] = {
		[FAMILY_IPV4] = MERIDIAN_FAMILY_IPV4, [FAMILY_IPV6] = MERIDIAN_FAMILY_IPV6};

	memset(address, 0, sizeof(*address));
	*id = 0;
	if (family == FAMILY_ID) {
		*id = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
			(uint32_t)octets[2] << 8 | octets[3];
	} else if (family <= FAMILY_IPV6) {
		address->family = families[family];
		memcpy(address->octets, octets, lengths[family]);
	}
}

void candm_address(struct candm_wire *wire, struct report_address *address, uint32_t *id)
{
	uint16_t family = wire->decode ? 0 : family_encode(address, *id);
	uint8_t octets[16] = {0};

	if (family == FAMILY_ID) {
		for (int i = 0; i < 4; i++)
			octets[i] = (uint8_t)(*id >> (24 - 8 * i));
	} else if (family != FAMILY_NONE) {
		memcpy(octets, address->octets, family == FAMILY_IPV4 ? 4 : 16);
	}
	wire_octets(wire, octets, sizeof(octets));
	wire_u16(wire, &family);
	wire_skip(wire, 2);
	if (wire->decode)
		address_decode(address, id, octets, family);
}

/* A reference clock has no address: its reference ID travels as one. */
static void source_address(
	struct candm_wire *wire, struct report_source *source, uint32_t *id, bool clock)
{
	struct report_address address = source->address;

	if (clock) {
		address.family = MERIDIAN_FAMILY_IPV4;
		for (int i = 0; i < 4; i++)
			address.octets[i] = (uint8_t)(source->refid >> (24 - 8 * i));
	}
	candm_address(wire, &address, id);
	if (wire->decode)
		source->address = address;
}

static void source_clock_decode(struct report_source *source)
{
	const uint8_t *octets = source->address.octets;

	source->refid = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
		(uint32_t)octets[2] << 8 | octets[3];
	memset(&source->address, 0, sizeof(source->address));
}

/* On the wire 4 is combined with the selected one and 5 selectable but left out. */
static const enum report_source_state states[] = {
	REPORT_SOURCE_SELECTED,
	REPORT_SOURCE_NONSELECTABLE,
	REPORT_SOURCE_FALSETICKER,
	REPORT_SOURCE_JITTERY,
	REPORT_SOURCE_COMBINED,
	REPORT_SOURCE_UNSELECTED,
};
#define STATES (sizeof(states) / sizeof(states[0]))

static void source_state(struct candm_wire *wire, enum report_source_state *state)
{
	uint16_t number = 0;

	while (!wire->decode && number < STATES - 1 && states[number] != *state)
		number++;
	wire_u16(wire, &number);
	if (wire->decode)
		*state = number < STATES ? states[number] : REPORT_SOURCE_NONSELECTABLE;
}

void candm_source_data(struct candm_wire *wire, struct report_source *source, uint32_t *id)
{
	bool clock = !wire->decode && source->address.family == 0 && source->refid != 0;
	uint16_t mode = clock ? MODE_REFERENCE : MODE_CLIENT;
	uint16_t poll_log2 = (uint16_t)source->poll_log2;
	uint16_t flags = 0, reachability = source->reachability;

	source_address(wire, source, id, clock);
	wire_u16(wire, &poll_log2);
	wire_u16(wire, &source->stratum);
	source_state(wire, &source->state);
	wire_u16(wire, &mode);
	wire_u16(wire, &flags);
	wire_u16(wire, &reachability);
	wire_u32(wire, &source->sample_age_s);
	wire_float(wire, &source->original_offset_s);
	wire_float(wire, &source->offset_s);
	wire_float(wire, &source->error_s);
	source->poll_log2 = (int16_t)poll_log2;
	source->reachability = (uint8_t)reachability;
	if (wire->decode && mode == MODE_REFERENCE)
		source_clock_decode(source);
}

void candm_sourcestats(struct candm_wire *wire, struct report_source *source, uint32_t *id)
{
	wire_u32(wire, &source->refid);
	candm_address(wire, &source->address, id);
	wire_u32(wire, &source->samples);
	wire_u32(wire, &source->runs);
	wire_u32(wire, &source->span_s);
	wire_float(wire, &source->stddev_s);
	wire_float(wire, &source->residual_frequency_ppm);
	wire_float(wire, &source->skew_ppm);
	wire_float(wire, &source->estimated_offset_s);
	wire_float(wire, &source->estimated_offset_error_s);
}

void candm_select_data(struct candm_wire *wire, struct report_select *select, uint32_t *id)
{
	uint8_t authenticated = select->authenticated;

	wire_u32(wire, &select->refid);
	candm_address(wire, &select->address, id);
	wire_octets(wire, &select->state, 1);
	wire_u8(wire, &authenticated);
	wire_u8(wire, &select->leap);
	wire_skip(wire, 1);
	wire_u16(wire, &select->written);
	wire_u16(wire, &select->options);
	wire_u32(wire, &select->sample_age_s);
	wire_float(wire, &select->score);
	wire_float(wire, &select->low_s);
	wire_float(wire, &select->high_s);
	select->authenticated = authenticated != 0;
}

static void ntp_data_header(struct candm_wire *wire, struct report_ntp *ntp)
{
	uint32_t id = 0;

	candm_address(wire, &ntp->remote, &id);
	candm_address(wire, &ntp->local, &id);
	wire_u16(wire, &ntp->port);
	wire_u8(wire, &ntp->leap);
	wire_u8(wire, &ntp->version);
	wire_u8(wire, &ntp->mode);
	wire_u8(wire, &ntp->stratum);
	wire_octets(wire, &ntp->poll_log2, 1);
	wire_octets(wire, &ntp->precision_log2, 1);
	wire_float(wire, &ntp->root_delay_s);
	wire_float(wire, &ntp->root_dispersion_s);
	wire_u32(wire, &ntp->refid);
	wire_utc(wire, &ntp->reference);
}

static void ntp_data_sample(struct candm_wire *wire, struct report_ntp *ntp)
{
	uint16_t flags = 0;

	if (!wire->decode)
		flags = (uint16_t)(ntp->tests | (ntp->interleaved ? NTP_FLAG_INTERLEAVED : 0) |
			(ntp->authenticated ? NTP_FLAG_AUTHENTICATED : 0));
	wire_float(wire, &ntp->offset_s);
	wire_float(wire, &ntp->delay_s);
	wire_float(wire, &ntp->dispersion_s);
	wire_float(wire, &ntp->response_s);
	wire_float(wire, &ntp->asymmetry);
	wire_u16(wire, &flags);
	ntp->tests = flags & REPORT_TESTS_ALL;
	ntp->interleaved = flags & NTP_FLAG_INTERLEAVED;
	ntp->authenticated = flags & NTP_FLAG_AUTHENTICATED;
	wire_octets(wire, &ntp->transmit_stamp, 1);
	wire_octets(wire, &ntp->receive_stamp, 1);
	wire_u32(wire, &ntp->requests);
	wire_u32(wire, &ntp->received);
	wire_u32(wire, &ntp->valid);
	wire_u32(wire, &ntp->good);
}

static void wire_reserved(struct candm_wire *wire, size_t count)
{
	uint8_t reserved[32];

	memset(reserved, 0xff, sizeof(reserved));
	wire_octets(wire, reserved, count);
}

void candm_ntp_data(struct candm_wire *wire, struct report_ntp *ntp)
{
	ntp_data_header(wire, ntp);
	ntp_data_sample(wire, ntp);
	wire_reserved(wire, 12);
}

static void ntp_data_dataplane(struct candm_wire *wire, struct report_ntp *ntp)
{
	uint8_t stamps = (uint8_t)((ntp->dataplane_transmit ? STAMPS_TRANSMIT : 0) |
		(ntp->dataplane_receive ? STAMPS_RECEIVE : 0));

	wire_u32(wire, &ntp->dataplane_transmits);
	wire_u32(wire, &ntp->dataplane_receives);
	wire_u32(wire, &ntp->dataplane_refused);
	wire_u8(wire, &stamps);
	if (wire->decode && stamps == STAMPS_UNKNOWN) {
		ntp->dataplane_transmits = ntp->dataplane_receives = ntp->dataplane_refused = 0;
		stamps = 0;
	}
	ntp->dataplane_transmit = stamps & STAMPS_TRANSMIT;
	ntp->dataplane_receive = stamps & STAMPS_RECEIVE;
}

void candm_ntp_data2(struct candm_wire *wire, struct report_ntp *ntp)
{
	ntp_data_header(wire, ntp);
	ntp_data_sample(wire, ntp);
	wire_u32(wire, &ntp->kernel_transmits);
	wire_u32(wire, &ntp->kernel_receives);
	wire_u32(wire, &ntp->hardware_transmits);
	wire_u32(wire, &ntp->hardware_receives);
	ntp_data_dataplane(wire, ntp);
	wire_reserved(wire, 3);
}

void candm_auth_data(struct candm_wire *wire, struct report_ntp *ntp)
{
	uint16_t mode = ntp->key_id != 0 ? AUTH_SYMMETRIC : AUTH_NONE;

	wire_u16(wire, &mode);
	wire_u16(wire, &ntp->key_type);
	wire_u32(wire, &ntp->key_id);
	wire_u16(wire, &ntp->key_bits);
	wire_skip(wire, 10); /* key establishment and cookies of NTS */
	wire_u16(wire, &ntp->unauthenticated);
	wire_skip(wire, 2);
}

void candm_clients_ask(struct candm_wire *wire, struct candm_clients_ask *ask)
{
	wire_u32(wire, &ask->first);
	wire_u32(wire, &ask->count);
	wire_u32(wire, &ask->hits_min);
	wire_u32(wire, &ask->reset);
}

void candm_clients_head(struct candm_wire *wire, struct candm_clients_head *head)
{
	wire_u32(wire, &head->all);
	wire_u32(wire, &head->next);
	wire_u32(wire, &head->count);
}

/* Requests, then drops, each by NTP, key establishment and commands; intervals; ages. */
void candm_client(struct candm_wire *wire, struct report_address *address, uint32_t *requests,
	uint32_t *drops)
{
	uint8_t interval = INTERVAL_UNKNOWN;
	uint32_t id = 0, age_s = UINT32_MAX;

	candm_address(wire, address, &id);
	wire_u32(wire, requests);
	wire_skip(wire, 8);
	wire_u32(wire, drops);
	wire_skip(wire, 8);
	for (int i = 0; i < 4; i++)
		wire_u8(wire, &interval);
	for (int i = 0; i < 3; i++)
		wire_u32(wire, &age_s);
}

void candm_tracking(struct candm_wire *wire, struct report_tracking *tracking)
{
	uint32_t id = 0;

	wire_u32(wire, &tracking->refid);
	candm_address(wire, &tracking->address, &id);
	wire_u16(wire, &tracking->stratum);
	wire_u16(wire, &tracking->leap);
	wire_utc(wire, &tracking->reference);
	wire_float(wire, &tracking->current_correction_s);
	wire_float(wire, &tracking->last_offset_s);
	wire_float(wire, &tracking->rms_offset_s);
	wire_float(wire, &tracking->frequency_ppm);
	wire_float(wire, &tracking->residual_frequency_ppm);
	wire_float(wire, &tracking->skew_ppm);
	wire_float(wire, &tracking->root_delay_s);
	wire_float(wire, &tracking->root_dispersion_s);
	wire_float(wire, &tracking->last_update_interval_s);
}

void candm_activity(struct candm_wire *wire, struct report_activity *activity)
{
	wire_u32(wire, &activity->online);
	wire_u32(wire, &activity->offline);
	wire_u32(wire, &activity->burst_online);
	wire_u32(wire, &activity->burst_offline);
	wire_u32(wire, &activity->unresolved);
}

/* The counters that both layouts begin with, `size` octets each. Those of client log and key
 * establishment are of things we do not have: 0. */
static void server_stats(struct candm_wire *wire, struct report_server *server, size_t size)
{
	wire_uint(wire, &server->ntp_hits, size);
	wire_skip(wire, size);
	wire_uint(wire, &server->command_hits, size);
	wire_uint(wire, &server->ntp_drops, size);
	wire_skip(wire, size);
	wire_uint(wire, &server->command_drops, size);
	wire_skip(wire, size);
	wire_uint(wire, &server->authenticated, size);
	wire_uint(wire, &server->interleaved, size);
	wire_uint(wire, &server->interleave_held, size);
	wire_uint(wire, &server->interleave_span_s, size);
}

void candm_server_stats3(struct candm_wire *wire, struct report_server *server)
{
	server_stats(wire, server, 4);
}

void candm_server_stats4(struct candm_wire *wire, struct report_server *server)
{
	server_stats(wire, server, 8);
	wire_uint(wire, &server->daemon_rx, 8);
	wire_uint(wire, &server->daemon_tx, 8);
	wire_uint(wire, &server->kernel_rx, 8);
	wire_uint(wire, &server->kernel_tx, 8);
	wire_uint(wire, &server->hardware_rx, 8);
	wire_uint(wire, &server->hardware_tx, 8);
	wire_reserved(wire, 32);
}

void candm_name(struct candm_wire *wire, char *name)
{
	char octets[CANDM_NAME_SIZE] = {0};

	if (!wire->decode)
		memcpy(octets, name, strnlen(name, sizeof(octets)));
	wire_octets(wire, octets, sizeof(octets));
	if (!wire->decode)
		return;
	memcpy(name, octets, sizeof(octets));
	name[sizeof(octets)] = '\0';
}
