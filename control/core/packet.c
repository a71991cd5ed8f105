/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"
#include "era.h"
#include "estimator.h"
#include <arpa/inet.h>
#include <math.h>
#include <string.h>

/* Nobody's clock is read so badly that stamps which are further apart could be out of order. */
#define PRECISION_WORST_LOG2 (-6)

/* Nor are a network card's times converted that badly. */
#define CONVERSION_S 1e-5

static const char *const verdict_texts[] = {
#define X(name, text) text,
	PACKET_VERDICTS(X)
#undef X
};

const char *packet_verdict_text(enum packet_verdict verdict)
{
	return verdict_texts[verdict];
}

void packet_request_write(
	const struct packet_request *request, uint8_t buffer[MERIDIAN_NTP_HEADER_SIZE])
{
	struct meridian_ntp_header header = {
		.li_vn_mode = MERIDIAN_NTP_LI_VN_MODE(
			MERIDIAN_NTP_LI_NONE, request->version, MERIDIAN_NTP_MODE_CLIENT)};

	memcpy(&header.transmit, request->transmit, sizeof(header.transmit));
	if (request->interleaved) {
		header.origin = request->earlier.t2;
		memcpy(&header.receive, request->receive, sizeof(header.receive));
	}
	memcpy(buffer, &header, sizeof(header));
}

static bool timestamp_zero(struct meridian_ntp_timestamp timestamp)
{
	return timestamp.seconds == 0 && timestamp.fraction == 0;
}

static struct meridian_utc timestamp_utc(
	const struct packet_request *request, struct meridian_ntp_timestamp timestamp)
{
	int64_t clock_s = timescale_utc(request->timescale, request->t4).s;

	return (struct meridian_utc){.s = era_utc_s(ntohl(timestamp.seconds), clock_s),
		.frac64 = (uint64_t)ntohl(timestamp.fraction) << 32};
}

/* A secondary server may have rounded down what it adds up; zero is exact. */
static double short_seconds(uint32_t field, uint8_t stratum)
{
	bool rounded = field != 0 && stratum > MERIDIAN_NTP_STRATUM_PRIMARY;

	return ((double)ntohl(field) + (rounded ? 1 : 0)) / 65536;
}

static enum packet_verdict check_kiss(uint32_t refid)
{
	switch (refid) {
	case MERIDIAN_NTP_KISS_RATE:
		return PACKET_KISS_RATE;
	case MERIDIAN_NTP_KISS_DENY:
		return PACKET_KISS_DENY;
	case MERIDIAN_NTP_KISS_RSTR:
		return PACKET_KISS_RSTR;
	default:
		return PACKET_KISS_OTHER;
	}
}

static bool is_interleaved(
	const struct packet_request *request, const struct meridian_ntp_header *header)
{
	return request->interleaved &&
		memcmp(&header->origin, request->receive, sizeof(request->receive)) == 0;
}

static bool timestamp_same(struct meridian_ntp_timestamp a, struct meridian_ntp_timestamp b)
{
	return a.seconds == b.seconds && a.fraction == b.fraction;
}

/* Is it a server's answer to what we sent? Nothing else may have any effect. */
static enum packet_verdict check_origin(const struct packet_request *request, size_t length,
	const struct meridian_ntp_header *header)
{
	if (length % 4 != 0)
		return PACKET_LENGTH;
	if (MERIDIAN_NTP_VERSION(header->li_vn_mode) != request->version)
		return PACKET_VERSION;
	if (MERIDIAN_NTP_MODE(header->li_vn_mode) != MERIDIAN_NTP_MODE_SERVER)
		return PACKET_MODE;
	if (!is_interleaved(request, header) &&
		memcmp(&header->origin, request->transmit, sizeof(request->transmit)) != 0)
		return PACKET_ORIGIN;
	return PACKET_OK;
}

/* Extension fields may stand between header and MAC. The ID must be that of our key: another one of
 * ours, of another server, would do otherwise. */
static enum packet_verdict check_mac(
	const struct packet_request *request, const uint8_t *buffer, size_t length)
{
	size_t octets = request->key ? mac_length(request->key, request->version) : 0;

	if (request->key == NULL)
		return PACKET_OK;
	if (length < MERIDIAN_NTP_HEADER_SIZE + octets ||
		mac_id(buffer + length - octets) != request->key->id ||
		!mac_good(request->key, buffer, length - octets, octets))
		return PACKET_AUTH;
	return PACKET_OK;
}

/* When the server wrote the answer: the transmit time of an interleaved one is of the earlier. */
static struct meridian_utc answer_utc(const struct packet_request *request,
	const struct meridian_ntp_header *header, const struct packet_response *response)
{
	return timestamp_utc(request, response->interleaved ? header->receive : header->transmit);
}

static enum packet_verdict check_server(const struct packet_request *request,
	const struct meridian_ntp_header *header, const struct packet_response *response)
{
	const struct sample *sample = &response->sample;

	if (response->leap == MERIDIAN_NTP_LI_UNKNOWN && response->stratum == 0 &&
		response->refid == 0)
		return PACKET_UNSYNCHRONISED;
	if (response->stratum == MERIDIAN_NTP_STRATUM_KOD)
		return check_kiss(response->refid);
	if (timestamp_zero(header->receive) || timestamp_zero(header->transmit))
		return PACKET_ZERO;
	if (response->leap == MERIDIAN_NTP_LI_UNKNOWN)
		return PACKET_UNSYNCHRONISED;
	if (response->stratum > MERIDIAN_NTP_STRATUM_MAX)
		return PACKET_STRATUM;
	if (!timestamp_zero(header->reference) &&
		timescale_utc_diff(response->reference, answer_utc(request, header, response)) > 0)
		return PACKET_REFERENCE;
	if (sample->root_delay_s / 2 + sample->root_dispersion_s > request->max_distance_s)
		return PACKET_ROOT_DISTANCE;
	if (response->stratum > MERIDIAN_NTP_STRATUM_PRIMARY && request->our_refid != 0 &&
		response->refid == request->our_refid)
		return PACKET_LOOP;
	return PACKET_OK;
}

/* How much later the receive time may seem. A server may fill the bits below its precision with
 * noise, and in interleaved mode both times may be a network card's, converted each. */
static double order_tolerance_s(double server_s, bool interleaved)
{
	return interleaved ? fmax(server_s, CONVERSION_S) : server_s;
}

static double server_precision_s(int8_t precision_log2)
{
	return ldexp(
		1, precision_log2 < PRECISION_WORST_LOG2 ? precision_log2 : PRECISION_WORST_LOG2);
}

static enum packet_verdict check_delay(const struct packet_request *request, double delay_s)
{
	if (delay_s > request->max_delay_s)
		return PACKET_DELAY;
	if (delay_s > request->max_delay_ratio_s)
		return PACKET_DELAY_RATIO;
	if (delay_s > request->max_delay_dev_s)
		return PACKET_DELAY_DEV;
	return PACKET_OK;
}

/* Our side of the exchange must have taken at least as long as the server's. */
static enum packet_verdict check_times(const struct packet_request *request,
	const struct meridian_ntp_header *header, struct packet_response *response)
{
	const struct packet_exchange current = {
		request->t1, request->t4, request->error_s, header->receive};
	const struct packet_exchange *exchange =
		response->interleaved ? &request->earlier : &current;
	struct sample_stamps stamps = {.t1 = exchange->t1,
		.t4 = exchange->t4,
		.t2 = timestamp_utc(request, exchange->t2),
		.t3 = timestamp_utc(request, header->transmit)};
	struct sample *sample = &response->sample;
	double server_s = server_precision_s(header->precision);
	double ours_s = timescale_seconds(request->timescale, exchange->t1, exchange->t4);

	/* Each request is received at a time of its own. */
	if (response->interleaved && timestamp_same(header->receive, exchange->t2))
		return PACKET_ORDER;
	if (timescale_utc_diff(stamps.t3, stamps.t2) <
		-order_tolerance_s(server_s, response->interleaved))
		return PACKET_ORDER;
	response->response_s = timescale_utc_diff(stamps.t3, stamps.t2);
	sample_measure(sample, request->timescale, &stamps);
	response->from = exchange->t1;
	response->to = exchange->t4;
	sample->dispersion_s = request->precision_s + exchange->error_s + server_s +
		ESTIMATOR_FREQUENCY_ERROR * fabs(ours_s);
	if (sample->delay_s < -sample->dispersion_s)
		return PACKET_NEGATIVE;
	sample->delay_s = fmax(sample->delay_s, fmax(request->precision_s, 1e-9));
	if (sample_distance(sample) > request->max_distance_s)
		return PACKET_ROOT_DISTANCE;
	return check_delay(request, sample->delay_s);
}

enum packet_verdict packet_response_check(const struct packet_request *request,
	const uint8_t *buffer, size_t length, struct packet_response *ret_response)
{
	struct meridian_ntp_header header;
	enum packet_verdict verdict;

	if (length < sizeof(header))
		return PACKET_LENGTH;
	memcpy(&header, buffer, sizeof(header));
	verdict = check_origin(request, length, &header);
	if (verdict == PACKET_OK)
		verdict = check_mac(request, buffer, length);
	if (verdict != PACKET_OK)
		return verdict;
	*ret_response = (struct packet_response){
		.leap = MERIDIAN_NTP_LI(header.li_vn_mode),
		.stratum = header.stratum,
		.poll_log2 = header.poll,
		.precision_log2 = header.precision,
		.refid = ntohl(header.refid),
		.interleaved = is_interleaved(request, &header),
		.receive = header.receive,
		.sample = {.root_delay_s = short_seconds(header.root_delay, header.stratum),
			.root_dispersion_s = short_seconds(header.root_dispersion, header.stratum)},
	};
	if (!timestamp_zero(header.reference))
		ret_response->reference = timestamp_utc(request, header.reference);
	verdict = check_server(request, &header, ret_response);
	if (verdict == PACKET_OK)
		verdict = check_times(request, &header, ret_response);
	return verdict;
}
