/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"
#include "accesses.h"
#include "steer/steer.h"
#include <errno.h>
#include <string.h>

/* One exchange while its command is carried out. */
struct exchange {
	struct candm_wire request; /* behind its header */
	struct candm_wire reply;   /* behind its header */
	uint16_t reply_type;
	const struct answer_context *context;
};

#define LENGTH_MAX(a, b) ((a) > (b) ? (a) : (b))
/* A request is padded to the length of its reply. */
#define REQUEST_LENGTH(request_body, reply_body)                                                   \
	LENGTH_MAX(CANDM_REQUEST_SIZE + (request_body), CANDM_REPLY_SIZE + (reply_body))

static uint16_t answer_n_sources(struct exchange *exchange)
{
	uint32_t count = report_source_count();

	candm_index(&exchange->reply, &count);
	return CANDM_STATUS_SUCCESS;
}

/* The source that the request's index names. A source without an address goes by an ID, which
 * is its index + 1. */
static int source_by_index(
	struct exchange *exchange, struct report_source *ret_source, uint32_t *ret_id)
{
	uint32_t index = 0;

	candm_index(&exchange->request, &index);
	*ret_id = index + 1;
	return report_source(index, ret_source);
}

static uint16_t answer_source_data(struct exchange *exchange)
{
	struct report_source source;
	uint32_t id;

	if (source_by_index(exchange, &source, &id) < 0)
		return CANDM_STATUS_NO_SOURCE;
	candm_source_data(&exchange->reply, &source, &id);
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_sourcestats(struct exchange *exchange)
{
	struct report_source source;
	uint32_t id;

	if (source_by_index(exchange, &source, &id) < 0)
		return CANDM_STATUS_NO_SOURCE;
	if (source.refid != 0)
		id = 0; /* a reference clock is known by its reference ID */
	candm_sourcestats(&exchange->reply, &source, &id);
	return CANDM_STATUS_SUCCESS;
}

static bool source_is(const struct report_source *source, uint32_t source_id,
	const struct report_address *address, uint32_t id)
{
	if (id != 0)
		return source_id == id;
	return address->family != 0 && source->address.family == address->family &&
		memcmp(source->address.octets, address->octets, sizeof(address->octets)) == 0;
}

/* Reads which source is asked for: by its address, as chronyc does once it has one, or by its
 * number, from 1 on. Returns the index, or -ENOENT. */
static int source_asked(struct exchange *exchange, struct report_source *ret_source)
{
	struct report_address address = {.family = 0};
	uint32_t id = 0;

	candm_address(&exchange->request, &address, &id);
	for (uint32_t i = 0; report_source(i, ret_source) == 0; i++) {
		if (source_is(ret_source, i + 1, &address, id))
			return (int)i;
	}
	return -ENOENT;
}

static uint16_t answer_source_name(struct exchange *exchange)
{
	struct report_source source;
	char name[CANDM_NAME_SIZE + 1] = {0};

	if (source_asked(exchange, &source) < 0 || source.name == NULL)
		return CANDM_STATUS_NO_SOURCE;
	strncpy(name, source.name, CANDM_NAME_SIZE);
	candm_name(&exchange->reply, name);
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_select_data(struct exchange *exchange)
{
	struct report_select select;
	uint32_t index = 0, id;

	candm_index(&exchange->request, &index);
	if (report_select(index, &select) < 0)
		return CANDM_STATUS_NO_SOURCE;
	id = select.refid != 0 ? 0 : index + 1;
	candm_select_data(&exchange->reply, &select, &id);
	return CANDM_STATUS_SUCCESS;
}

static int ntp_asked(struct exchange *exchange, struct report_ntp *ret_ntp)
{
	struct report_source source;
	int index = source_asked(exchange, &source);

	return index < 0 ? index : report_ntp((unsigned int)index, ret_ntp);
}

/* The length of the request tells which layout its sender knows. */
static uint16_t answer_ntp_data(struct exchange *exchange)
{
	struct report_ntp ntp;

	if (ntp_asked(exchange, &ntp) < 0)
		return CANDM_STATUS_NO_SOURCE;
	if (exchange->request.size < CANDM_REPLY_SIZE + CANDM_NTP_DATA2_SIZE) {
		exchange->reply_type = CANDM_REPLY_NTP_DATA;
		candm_ntp_data(&exchange->reply, &ntp);
	} else {
		candm_ntp_data2(&exchange->reply, &ntp);
	}
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_auth_data(struct exchange *exchange)
{
	struct report_ntp ntp;

	if (ntp_asked(exchange, &ntp) < 0)
		return CANDM_STATUS_NO_SOURCE;
	candm_auth_data(&exchange->reply, &ntp);
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_tracking(struct exchange *exchange)
{
	struct report_tracking tracking;

	report_tracking(&tracking);
	candm_tracking(&exchange->reply, &tracking);
	return CANDM_STATUS_SUCCESS;
}

/* Whether a client at the address may ask. */
static uint16_t answer_access_check(struct exchange *exchange)
{
	struct report_address address = {.family = 0};
	uint32_t id = 0;

	candm_address(&exchange->request, &address, &id);
	if (address.family == 0)
		return CANDM_STATUS_BAD_SUBNET;
	return steer_allows(&address) ? CANDM_STATUS_ALLOWED : CANDM_STATUS_DENIED;
}

/* Counts cannot be reset: who asks for that is told them all the same, as from any later look. */
static uint16_t answer_clients(struct exchange *exchange)
{
	struct candm_clients_ask ask;
	struct candm_clients_head head = {.count = 0};
	struct candm_wire start = exchange->reply;
	const struct access_count *list;
	int count;

	candm_clients_ask(&exchange->request, &ask);
	count = accesses_list(steer_rundir(), ask.first, &list);
	if (count < 0)
		return CANDM_STATUS_INACTIVE;
	if (ask.count > CANDM_CLIENTS_MAX)
		ask.count = CANDM_CLIENTS_MAX;
	head.all = (uint32_t)count;
	candm_clients_head(&exchange->reply, &head);
	for (head.next = ask.first; head.next < head.all && head.count < ask.count; head.next++) {
		struct access_count client = list[head.next];

		if (client.requests < ask.hits_min)
			continue;
		candm_client(&exchange->reply, &client.address, &client.requests, &client.drops);
		head.count++;
	}
	candm_clients_head(&start, &head);
	exchange->reply.at = CANDM_REPLY_SIZE + CANDM_CLIENTS_SIZE;
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_activity(struct exchange *exchange)
{
	struct report_activity activity;

	report_activity(&activity);
	candm_activity(&exchange->reply, &activity);
	return CANDM_STATUS_SUCCESS;
}

/* The length of the request tells which layout its sender knows. */
static uint16_t answer_server_stats(struct exchange *exchange)
{
	struct report_server server;

	steer_report_server(&server);
	server.command_hits = exchange->context->hits;
	server.command_drops = exchange->context->drops;
	if (exchange->request.size < CANDM_REPLY_SIZE + CANDM_SERVER_STATS4_SIZE) {
		exchange->reply_type = CANDM_REPLY_SERVER_STATS3;
		candm_server_stats3(&exchange->reply, &server);
	} else {
		candm_server_stats4(&exchange->reply, &server);
	}
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_order(struct exchange *exchange, struct order *order)
{
	struct order_target target;

	candm_target(&exchange->request, &target);
	if (order->kind == ORDER_BURST)
		candm_burst(&exchange->request, order);
	if (order->kind == ORDER_BURST && order->burst_requests == 0)
		return CANDM_STATUS_INVALID;
	return exchange->context->orders->sources(&target, order) ? CANDM_STATUS_SUCCESS
								  : CANDM_STATUS_NO_SOURCE;
}

static uint16_t answer_online(struct exchange *exchange)
{
	return answer_order(exchange, &(struct order){.kind = ORDER_ONLINE});
}

static uint16_t answer_offline(struct exchange *exchange)
{
	return answer_order(exchange, &(struct order){.kind = ORDER_OFFLINE});
}

static uint16_t answer_burst(struct exchange *exchange)
{
	return answer_order(exchange, &(struct order){.kind = ORDER_BURST});
}

static uint16_t answer_refresh(struct exchange *exchange)
{
	static const struct order_target all;

	exchange->context->orders->sources(&all, &(struct order){.kind = ORDER_REFRESH});
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_reselect(struct exchange *exchange)
{
	exchange->context->orders->reselect();
	return CANDM_STATUS_SUCCESS;
}

static uint16_t answer_make_step(struct exchange *exchange)
{
	return exchange->context->orders->step() ? CANDM_STATUS_SUCCESS : CANDM_STATUS_FAILED;
}

static const struct handler {
	uint16_t command, reply_type;
	uint16_t length_min;                        /* of the request, header included */
	uint16_t (*run)(struct exchange *exchange); /* returns CANDM_STATUS_* */
	/* Who may not order may ask it all the same. The others change something, or would tell him
	 * who our clients are, who may be one and how well our sources can be imitated. */
	bool open;
} handlers[] = {
	{CANDM_COMMAND_N_SOURCES, CANDM_REPLY_N_SOURCES, REQUEST_LENGTH(0, CANDM_INDEX_SIZE),
		answer_n_sources, true},
	{CANDM_COMMAND_SOURCE_DATA, CANDM_REPLY_SOURCE_DATA,
		REQUEST_LENGTH(CANDM_INDEX_SIZE, CANDM_SOURCE_DATA_SIZE), answer_source_data, true},
	{CANDM_COMMAND_TRACKING, CANDM_REPLY_TRACKING, REQUEST_LENGTH(0, CANDM_TRACKING_SIZE),
		answer_tracking, true},
	{CANDM_COMMAND_SOURCESTATS, CANDM_REPLY_SOURCESTATS,
		REQUEST_LENGTH(CANDM_INDEX_SIZE, CANDM_SOURCESTATS_SIZE), answer_sourcestats, true},
	{CANDM_COMMAND_ACTIVITY, CANDM_REPLY_ACTIVITY, REQUEST_LENGTH(0, CANDM_ACTIVITY_SIZE),
		answer_activity, true},
	{CANDM_COMMAND_SERVER_STATS, CANDM_REPLY_SERVER_STATS4,
		REQUEST_LENGTH(0, CANDM_SERVER_STATS3_SIZE), answer_server_stats, false},
	{CANDM_COMMAND_SOURCE_NAME, CANDM_REPLY_SOURCE_NAME,
		REQUEST_LENGTH(CANDM_ADDRESS_SIZE, CANDM_NAME_SIZE), answer_source_name, true},
	{CANDM_COMMAND_NTP_DATA, CANDM_REPLY_NTP_DATA2,
		REQUEST_LENGTH(CANDM_ADDRESS_SIZE, CANDM_NTP_DATA_SIZE), answer_ntp_data, false},
	{CANDM_COMMAND_AUTH_DATA, CANDM_REPLY_AUTH_DATA,
		REQUEST_LENGTH(CANDM_ADDRESS_SIZE, CANDM_AUTH_DATA_SIZE), answer_auth_data, false},
	{CANDM_COMMAND_ACCHECK, CANDM_REPLY_NULL, REQUEST_LENGTH(CANDM_ADDRESS_SIZE, 0),
		answer_access_check, false},
	{CANDM_COMMAND_CLIENTS, CANDM_REPLY_CLIENTS,
		REQUEST_LENGTH(CANDM_CLIENTS_ASK_SIZE, CANDM_CLIENTS_SIZE), answer_clients, false},
	{CANDM_COMMAND_SELECT_DATA, CANDM_REPLY_SELECT_DATA,
		REQUEST_LENGTH(CANDM_INDEX_SIZE, CANDM_SELECT_DATA_SIZE), answer_select_data,
		false},
	{CANDM_COMMAND_ONLINE, CANDM_REPLY_NULL, REQUEST_LENGTH(CANDM_TARGET_SIZE, 0),
		answer_online, false},
	{CANDM_COMMAND_OFFLINE, CANDM_REPLY_NULL, REQUEST_LENGTH(CANDM_TARGET_SIZE, 0),
		answer_offline, false},
	{CANDM_COMMAND_BURST, CANDM_REPLY_NULL, REQUEST_LENGTH(CANDM_BURST_SIZE, 0), answer_burst,
		false},
	{CANDM_COMMAND_REFRESH, CANDM_REPLY_NULL, REQUEST_LENGTH(0, 0), answer_refresh, false},
	{CANDM_COMMAND_RESELECT, CANDM_REPLY_NULL, REQUEST_LENGTH(0, 0), answer_reselect, false},
	{CANDM_COMMAND_MAKESTEP, CANDM_REPLY_NULL, REQUEST_LENGTH(0, 0), answer_make_step, false},
};

static const struct handler *handler_find(uint16_t command)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].command == command)
			return &handlers[i];
	}
	return NULL;
}

/* Commands, of any release of chrony that speaks version 6, that change chronyd's state. */
static bool command_writes(uint16_t command)
{
	static const struct {
		uint8_t first, last;
	} ranges[] = {{1, 13}, {16, 24}, {27, 32}, {36, 37}, {42, 43}, {45, 50}, {52, 53}, {56, 56},
		{58, 64}, {66, 66}, {70, 74}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (command >= ranges[i].first && command <= ranges[i].last)
			return true;
	}
	return false;
}

static bool is_allowed(
	const struct exchange *exchange, uint16_t command, const struct handler *handler)
{
	if (exchange->context->orders != NULL)
		return true;
	return handler != NULL ? handler->open : !command_writes(command);
}

static uint16_t command_run(struct exchange *exchange, const struct candm_request *request)
{
	const struct handler *handler = handler_find(request->command);
	uint16_t status;

	if (request->version != CANDM_VERSION)
		return CANDM_STATUS_BAD_VERSION;
	if (!is_allowed(exchange, request->command, handler))
		return CANDM_STATUS_UNAUTH;
	if (handler == NULL)
		return CANDM_STATUS_INVALID;
	if (exchange->request.size < handler->length_min)
		return CANDM_STATUS_BAD_LENGTH;
	exchange->reply_type = handler->reply_type;
	status = handler->run(exchange);
	if (status != CANDM_STATUS_SUCCESS)
		exchange->reply_type = CANDM_REPLY_NULL;
	return status;
}

size_t answer(uint8_t *request, size_t length, const struct answer_context *context,
	uint8_t reply[static CANDM_REPLY_MAX])
{
	struct candm_wire head = {.octets = reply, .size = CANDM_REPLY_SIZE};
	struct exchange exchange = {
		.request = {.octets = request, .size = length, .decode = true},
		.reply = {.octets = reply, .size = CANDM_REPLY_MAX, .at = CANDM_REPLY_SIZE},
		.reply_type = CANDM_REPLY_NULL,
		.context = context,
	};
	struct candm_request asked;
	struct candm_reply answered;

	if (length < CANDM_REPLY_SIZE || length > CANDM_REQUEST_MAX)
		return 0;
	memset(reply, 0, CANDM_REPLY_MAX);
	candm_request(&exchange.request, &asked);
	if (asked.type != CANDM_TYPE_REQUEST || asked.reserved != 0 ||
		asked.version < CANDM_VERSION_NEAR)
		return 0;
	answered = (struct candm_reply){
		.version = CANDM_VERSION,
		.type = CANDM_TYPE_REPLY,
		.command = asked.command,
		.status = command_run(&exchange, &asked),
		.sequence = asked.sequence,
	};
	answered.reply = exchange.reply_type;
	candm_reply(&head, &answered);
	return exchange.reply.at <= length && !exchange.reply.overrun ? exchange.reply.at : 0;
}
