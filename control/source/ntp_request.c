/* SPDX-License-Identifier: BSD-3-Clause */
#include "ntp_request.h"
#include "key_file.h"
#include <errno.h>
#include <math.h>
#include <sys/random.h>

/* From so many samples on, the least delay and the noise are known well enough to reject others. */
#define LIMIT_SAMPLES 8

static bool random_octets(void *octets, size_t count)
{
	return getrandom(octets, count, 0) == (ssize_t)count;
}

/* With the key as the file has it now. Returns the length, or -ENOKEY. */
static int request_sign(struct ntp_server *server, uint8_t *octets)
{
	const struct meridian_keys_blob *keys = server->source.context->config->keys;
	const struct meridian_key *key = key_file_find(keys, server->config.key);
	size_t mac;

	if (server->config.key == 0)
		return MERIDIAN_NTP_HEADER_SIZE;
	if (key == NULL ||
		mac_key_init(&server->key, key->id, key->type, meridian_key_octets(keys, key),
			key->length) < 0)
		return -ENOKEY;
	mac = mac_length(&server->key, server->request.version);
	mac_write(&server->key, octets, MERIDIAN_NTP_HEADER_SIZE, mac);
	server->request.key = &server->key;
	return (int)(MERIDIAN_NTP_HEADER_SIZE + mac);
}

int ntp_request_write(struct ntp_server *server, uint8_t octets[NTP_REQUEST_MAX])
{
	struct packet_request *request = &server->request;

	*request = (struct packet_request){.version = server->config.version};
	if (!random_octets(request->transmit, sizeof(request->transmit)) ||
		!random_octets(request->receive, sizeof(request->receive)))
		return -EIO;
	if (server->config.xleave && !server->warming)
		interleave_request(&server->interleave, request);
	packet_request_write(request, octets);
	return request_sign(server, octets);
}

/* What `maxdelayratio` and `maxdelaydevratio` allow: besides their own, what the clock may have
 * gone astray since the last sample that was used. When a path has got longer for good, a late
 * sample is soon worth more than none. */
static void limit_delay(struct ntp_server *server, uint64_t now)
{
	const struct estimator *estimator = &server->source.estimator;
	const struct config_server *config = &server->config;
	struct packet_request *request = &server->request;
	double least_s = estimator->delay_min_s, astray_s, late_s;

	request->max_delay_ratio_s = request->max_delay_dev_s = INFINITY;
	if (estimator->sample_count < LIMIT_SAMPLES)
		return;
	astray_s = estimator_astray_s(estimator, now);
	late_s = config->max_delay_dev_ratio * estimator_noise_sd(estimator) + astray_s;
	if (config->max_delay_ratio > 0)
		request->max_delay_ratio_s = config->max_delay_ratio * least_s + astray_s;
	if (config->max_delay_dev_ratio > 0)
		request->max_delay_dev_s = least_s + 2 * late_s;
}

void ntp_request_complete(struct ntp_server *server)
{
	const struct source_context *context = server->source.context;
	struct packet_request *request = &server->request;
	struct exchange_stamps stamps = exchange_stamps(&server->exchange);

	request->our_refid = server->exchange.our_refid;
	request->max_distance_s = context->config->max_distance_s;
	request->precision_s = context->counter->precision_s;
	request->timescale = context->timescale;
	request->t1 = stamps.t1;
	request->t4 = stamps.t4;
	request->error_s = stamps.error_s;
	request->max_delay_s = server->config.max_delay_s;
	limit_delay(server, stamps.t4);
}
