/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What comes back from an upstream server, or from someone who pretends to be one.
 *
 * Input: what we asked (ASKED_*), two timestamps of an earlier exchange, then the packet.
 *
 * Of a server with a key, what is not signed with that key is no kiss and no sample.
 */

#include "fuzz.h"
#include <core/packet.h>
#include <math.h>

#define ASKED_INTERLEAVED 1
#define ASKED_ORIGIN      2  /* the packet gets the origin timestamp that only the server knows */
#define ASKED_RECEIVE     4  /* or that of an interleaved answer */
#define ASKED_DISTANT     8  /* anything may be far away */
#define ASKED_KEY         16 /* the server has a key of ours */
#define ASKED_SIGNED      32 /* and the packet has its MAC */
#define ASKED_CIPHER      64 /* by a block cipher, not a hash */

#define HZ            UINT64_C(1000000000)
#define START_S       INT64_C(1800000000)
#define ORIGIN_OFFSET offsetof(struct meridian_ntp_header, origin)

static const struct timescale timescale = {.hz = HZ, .utc = {START_S, 0}};

static const struct mac_key *key_of(uint8_t asked)
{
	static struct mac_key key;
	const uint8_t type = asked & ASKED_CIPHER ? MERIDIAN_KEY_AES128 : MERIDIAN_KEY_SHA256;

	if (!(asked & ASKED_KEY))
		return NULL;
	FUZZ_CHECK(mac_key_init(&key, 7, type, (const uint8_t *)"a key of the two", 16) == 0);
	return &key;
}

static struct packet_request request_take(struct fuzz_input *input, uint8_t asked)
{
	struct packet_request request = {.version = 4,
		.key = key_of(asked),
		.transmit = {1, 2, 3, 4, 5, 6, 7, 8},
		.receive = {8, 7, 6, 5, 4, 3, 2, 1},
		.interleaved = asked & ASKED_INTERLEAVED,
		.earlier = {.t1 = 5 * HZ, .t4 = 5 * HZ + 200000, .error_s = 1e-6},
		.our_refid = 0x0a000001,
		.max_distance_s = asked & ASKED_DISTANT ? INFINITY : 3,
		.max_delay_s = asked & ASKED_DISTANT ? INFINITY : 3,
		.max_delay_ratio_s = INFINITY,
		.max_delay_dev_s = INFINITY,
		.precision_s = 1e-9,
		.timescale = &timescale,
		.t1 = 10 * HZ,
		.t4 = 10 * HZ + 210000};

	fuzz_take(input, &request.earlier.t2, sizeof(request.earlier.t2));
	return request;
}

static bool knows_us(const struct packet_request *request, const uint8_t *packet)
{
	return memcmp(packet + ORIGIN_OFFSET, request->transmit, 8) == 0 ||
		(request->interleaved && memcmp(packet + ORIGIN_OFFSET, request->receive, 8) == 0);
}

/* Puts the MAC at the end of the packet, if there is room. */
static bool sign(const struct mac_key *key, uint8_t *packet, size_t length)
{
	size_t octets = mac_length(key, 4);

	if (length < MERIDIAN_NTP_HEADER_SIZE + octets)
		return false;
	mac_write(key, packet, length - octets, octets);
	return true;
}

/* A sample the estimator can take. */
static void check_sample(
	const struct packet_request *request, const struct packet_response *response)
{
	const struct sample *sample = &response->sample;

	FUZZ_CHECK(response->leap != MERIDIAN_NTP_LI_UNKNOWN);
	FUZZ_CHECK(response->stratum >= 1 && response->stratum <= MERIDIAN_NTP_STRATUM_MAX);
	FUZZ_CHECK(sample->delay_s > 0 && isfinite(sample->delay_s));
	FUZZ_CHECK(sample->dispersion_s >= 0 && isfinite(sample->dispersion_s));
	FUZZ_CHECK(isfinite(sample->offset_s) && isfinite(response->response_s));
	FUZZ_CHECK(sample->root_delay_s >= 0 && sample->root_dispersion_s >= 0);
	FUZZ_CHECK(sample->root_delay_s / 2 + sample->root_dispersion_s <= request->max_distance_s);
	FUZZ_CHECK(sample->delay_s <= request->max_delay_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t asked = fuzz_u8(&input);
	struct packet_request request = request_take(&input, asked);
	struct packet_response response;
	size_t length = input.size;
	uint8_t *packet = fuzz_copy(input.data, length);
	enum packet_verdict verdict;
	bool known, authentic = request.key == NULL;

	if (length >= ORIGIN_OFFSET + 8 && asked & (ASKED_ORIGIN | ASKED_RECEIVE))
		memcpy(packet + ORIGIN_OFFSET,
			asked & ASKED_ORIGIN ? request.transmit : request.receive, 8);
	if (request.key != NULL && asked & ASKED_SIGNED)
		authentic = sign(request.key, packet, length);
	known = length >= MERIDIAN_NTP_HEADER_SIZE && knows_us(&request, packet);
	verdict = packet_response_check(&request, packet, length, &response);
	FUZZ_CHECK(verdict < PACKET_VERDICT_COUNT);
	FUZZ_CHECK(packet_verdict_text(verdict) != NULL);
	if (!known)
		FUZZ_CHECK(verdict >= PACKET_LENGTH && verdict <= PACKET_ORIGIN);
	if (!authentic)
		FUZZ_CHECK(!packet_is_answer(verdict));
	FUZZ_CHECK(!authentic || verdict != PACKET_AUTH);
	if (verdict == PACKET_OK)
		check_sample(&request, &response);
	free(packet);
	return 0;
}
