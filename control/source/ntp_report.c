/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_file.h"
#include "ntp_server.h"
#include <string.h>

/* The test that stopped a response, as chrony numbers them. */
static uint16_t failed_test(enum packet_verdict verdict)
{
	switch (verdict) {
	case PACKET_ZERO:
		return 1 << 7; /* 3 */
	case PACKET_KISS_RATE:
	case PACKET_KISS_DENY:
	case PACKET_KISS_RSTR:
	case PACKET_KISS_OTHER:
	case PACKET_UNSYNCHRONISED:
	case PACKET_STRATUM:
		return 1 << 5; /* 6 */
	case PACKET_REFERENCE:
	case PACKET_ROOT_DISTANCE:
		return 1 << 4; /* 7 */
	case PACKET_ORDER:
	case PACKET_NEGATIVE:
	case PACKET_DELAY:
		return 1 << 3; /* A */
	case PACKET_DELAY_RATIO:
		return 1 << 2; /* B */
	case PACKET_DELAY_DEV:
		return 1 << 1; /* C */
	case PACKET_LOOP:
		return 1 << 0; /* D */
	default:
		return 0;
	}
}

static char stamp_letter(enum exchange_stamp stamp)
{
	static const char letters[] = {[EXCHANGE_DAEMON] = 'D',
		[EXCHANGE_KERNEL] = 'K',
		[EXCHANGE_DATAPLANE] = 'D',
		[EXCHANGE_HARDWARE] = 'H'};

	return letters[stamp];
}

static struct report_address report_address_of(const struct config_address *address)
{
	struct report_address result = {.family = address->family};

	memcpy(result.octets, address->octets, sizeof(result.octets));
	return result;
}

static void report_counts(const struct ntp_server *server, struct report_ntp *report)
{
	const uint64_t *transmits = server->transmit_stamps, *receives = server->receive_stamps;

	report->requests = (uint32_t)server->requests;
	for (int i = 0; i < PACKET_VERDICT_COUNT; i++) {
		report->received += (uint32_t)server->verdicts[i];
		if (packet_is_answer((enum packet_verdict)i))
			report->valid += (uint32_t)server->verdicts[i];
	}
	report->good = (uint32_t)server->verdicts[PACKET_OK];
	if (report->valid > 0)
		report->tests = (uint16_t)(REPORT_TESTS_ALL & ~failed_test(server->last_verdict));
	report->kernel_transmits = (uint32_t)transmits[EXCHANGE_KERNEL];
	report->kernel_receives = (uint32_t)receives[EXCHANGE_KERNEL];
	report->hardware_transmits = (uint32_t)transmits[EXCHANGE_HARDWARE];
	report->hardware_receives = (uint32_t)receives[EXCHANGE_HARDWARE];
	report->dataplane_transmits = (uint32_t)transmits[EXCHANGE_DATAPLANE];
	report->dataplane_receives = (uint32_t)receives[EXCHANGE_DATAPLANE];
	report->dataplane_refused = server->exchange.refused;
}

static void report_key(const struct ntp_server *server, struct report_ntp *report)
{
	const struct meridian_key *key =
		key_file_find(server->source.context->config->keys, server->config.key);
	uint64_t failed = server->verdicts[PACKET_AUTH];

	report->unauthenticated = failed < UINT16_MAX ? (uint16_t)failed : UINT16_MAX;
	if (key != NULL) {
		report->key_type = key->type;
		report->key_bits = (uint16_t)(8 * key->length);
	}
}

void ntp_server_report(const struct source *source, struct report_ntp *ret_ntp)
{
	const struct ntp_server *server = (const struct ntp_server *)source;
	const struct packet_response *response = &server->response;
	const struct sample *sample = &response->sample;

	*ret_ntp = (struct report_ntp){
		.remote = report_address_of(&source->address),
		.local = report_address_of(&server->exchange.local),
		.port = server->config.port,
		.leap = response->leap,
		.version = server->config.version,
		.mode = MERIDIAN_NTP_MODE_SERVER,
		.stratum = response->stratum,
		.poll_log2 = response->poll_log2,
		.precision_log2 = response->precision_log2,
		.root_delay_s = sample->root_delay_s,
		.root_dispersion_s = sample->root_dispersion_s,
		.refid = response->refid,
		.reference = response->reference,
		.delay_s = sample->delay_s,
		.dispersion_s = sample->dispersion_s,
		.response_s = response->response_s,
		.asymmetry = server->config.asymmetry,
		.interleaved = response->interleaved,
		.authenticated = server->config.key != 0 && response->stratum != 0,
		.key_id = server->config.key,
		.transmit_stamp = stamp_letter(server->stamped.t1_by),
		.receive_stamp = stamp_letter(server->stamped.t4_by),
		.dataplane_transmit = server->stamped.t1_wire,
		.dataplane_receive = server->stamped.t4_wire,
	};
	report_counts(server, ret_ntp);
	report_key(server, ret_ntp);
}
