/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_client.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES      3
#define TIMEOUT_MS 1000

/* All our requests are as long as the longest reply needs. */
#define REQUEST_LENGTH CANDM_REPLY_MAX

/* What an interrupted run leaves behind unless it is told not to. */
static char leftover[sizeof(((struct sockaddr_un *)0)->sun_path)];

static void interrupted(int number)
{
	unlink(leftover);
	signal(number, SIG_DFL);
	raise(number);
}

static int client_bind(struct client *client, const char *path)
{
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 0 : (int)(slash + 1 - path);
	int printed;

	client->own.sun_family = AF_UNIX;
	printed = snprintf(client->own.sun_path, sizeof(client->own.sun_path),
		"%.*smeridianctl.%d.sock", length, path, (int)getpid());
	if (printed >= (int)sizeof(client->own.sun_path)) {
		client->own.sun_path[0] = '\0';
		return -ENAMETOOLONG;
	}
	unlink(client->own.sun_path); /* of a process with our number that died */
	if (bind(client->fd, (struct sockaddr *)&client->own, sizeof(client->own)) < 0) {
		int r = -errno;

		client->own.sun_path[0] = '\0';
		return r;
	}
	strcpy(leftover, client->own.sun_path);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	/* The daemon may run as another user and has to write to it. */
	return chmod(client->own.sun_path, 0666) < 0 ? -errno : 0;
}

int client_open(struct client *client, const char *path)
{
	struct sockaddr_un server = {.sun_family = AF_UNIX};
	int r;

	memset(client, 0, sizeof(*client));
	client->fd = -1;
	if (strlen(path) >= sizeof(server.sun_path))
		return -ENAMETOOLONG;
	strcpy(server.sun_path, path);
	if (getrandom(&client->sequence, sizeof(client->sequence), 0) < 0)
		return -errno;
	client->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	r = connect(client->fd, (struct sockaddr *)&server, sizeof(server)) < 0 ? -errno : 0;
	if (r == 0)
		r = client_bind(client, path);
	if (r < 0)
		client_close(client);
	return r;
}

void client_close(struct client *client)
{
	if (client->fd < 0)
		return;
	if (client->own.sun_path[0] != '\0')
		unlink(client->own.sun_path);
	close(client->fd);
	client->fd = -1;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One received datagram: 1 when it is the reply to `request`, its header taken. */
static int reply_take(struct client *client, const struct candm_request *request,
	struct candm_wire *wire, struct candm_reply *reply)
{
	ssize_t length = recv(client->fd, client->octets, sizeof(client->octets), 0);

	if (length < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	*wire = (struct candm_wire){
		.octets = client->octets, .size = (size_t)length, .decode = true};
	candm_reply(wire, reply);
	return !wire->overrun && reply->type == CANDM_TYPE_REPLY &&
		reply->command == request->command && reply->sequence == request->sequence;
}

/* Waits for the reply to `request`. Returns 0 or -ETIMEDOUT. */
static int reply_wait(struct client *client, const struct candm_request *request,
	struct candm_wire *wire, struct candm_reply *reply)
{
	int64_t until_ms = monotonic_ms() + TIMEOUT_MS;
	struct pollfd pollfd = {.fd = client->fd, .events = POLLIN};

	for (;;) {
		int64_t left_ms = until_ms - monotonic_ms();
		int r;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		r = poll(&pollfd, 1, (int)left_ms);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = reply_take(client, request, wire, reply);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

/* `body`: what stands behind the request's header. On 0, `ret_wire` stands behind the reply's. */
static int client_ask(struct client *client, uint16_t command, const struct candm_wire *body,
	uint16_t reply_type, struct candm_wire *ret_wire)
{
	struct candm_request request = {
		.version = CANDM_VERSION, .type = CANDM_TYPE_REQUEST, .command = command};
	struct candm_reply reply = {.status = CANDM_STATUS_FAILED};
	int r = -ETIMEDOUT;

	for (; request.attempt < TRIES && r == -ETIMEDOUT; request.attempt++) {
		uint8_t octets[REQUEST_LENGTH] = {0};
		struct candm_wire wire = {.octets = octets, .size = sizeof(octets)};

		request.sequence = ++client->sequence;
		candm_request(&wire, &request);
		if (body != NULL)
			memcpy(octets + wire.at, body->octets, body->at);
		if (send(client->fd, octets, sizeof(octets), 0) < 0)
			return -errno;
		r = reply_wait(client, &request, ret_wire, &reply);
	}
	if (r < 0)
		return r;
	if (reply.status != CANDM_STATUS_SUCCESS)
		return reply.status;
	return reply.reply == reply_type ? 0 : -EPROTO;
}

static int client_result(const struct candm_wire *wire)
{
	return wire->overrun ? -EPROTO : 0;
}

int client_tracking(struct client *client, struct report_tracking *ret_tracking)
{
	struct candm_wire wire;
	int r = client_ask(client, CANDM_COMMAND_TRACKING, NULL, CANDM_REPLY_TRACKING, &wire);

	if (r != 0)
		return r;
	candm_tracking(&wire, ret_tracking);
	return client_result(&wire);
}

int client_activity(struct client *client, struct report_activity *ret_activity)
{
	struct candm_wire wire;
	int r = client_ask(client, CANDM_COMMAND_ACTIVITY, NULL, CANDM_REPLY_ACTIVITY, &wire);

	if (r != 0)
		return r;
	candm_activity(&wire, ret_activity);
	return client_result(&wire);
}

int client_server_stats(struct client *client, struct report_server *ret_server)
{
	struct candm_wire wire;
	int r = client_ask(
		client, CANDM_COMMAND_SERVER_STATS, NULL, CANDM_REPLY_SERVER_STATS4, &wire);

	if (r != 0)
		return r;
	candm_server_stats4(&wire, ret_server);
	return client_result(&wire);
}

int client_source_count(struct client *client, uint32_t *ret_count)
{
	struct candm_wire wire;
	int r = client_ask(client, CANDM_COMMAND_N_SOURCES, NULL, CANDM_REPLY_N_SOURCES, &wire);

	if (r != 0)
		return r;
	candm_index(&wire, ret_count);
	return client_result(&wire);
}

static int ask_name(
	struct client *client, struct report_address *address, uint32_t id, char *ret_name)
{
	uint8_t octets[CANDM_ADDRESS_SIZE] = {0};
	struct candm_wire body = {.octets = octets, .size = sizeof(octets)}, wire;
	int r;

	ret_name[0] = '\0';
	candm_address(&body, address, &id);
	r = client_ask(client, CANDM_COMMAND_SOURCE_NAME, &body, CANDM_REPLY_SOURCE_NAME, &wire);
	if (r != 0)
		return r;
	candm_name(&wire, ret_name);
	return client_result(&wire);
}

/* Two servers may have one address, so they are asked for by number. A reference clock is shown by
 * its reference ID. */
static int ask_server_name(struct client *client, uint32_t index, bool is_server, char *ret_name)
{
	struct report_address none = {.family = 0};
	int r;

	ret_name[0] = '\0';
	if (!is_server)
		return 0;
	r = ask_name(client, &none, index + 1, ret_name);
	return r == CANDM_STATUS_NO_SOURCE ? 0 : r;
}

int client_source_name(struct client *client, const struct report_address *address, char *ret_name)
{
	struct report_address copy = *address;

	return ask_name(client, &copy, 0, ret_name);
}

int client_access_check(
	struct client *client, const struct report_address *address, bool *ret_allowed)
{
	uint8_t octets[CANDM_ADDRESS_SIZE] = {0};
	struct candm_wire body = {.octets = octets, .size = sizeof(octets)}, wire;
	struct report_address copy = *address;
	uint32_t id = 0;
	int r;

	candm_address(&body, &copy, &id);
	r = client_ask(client, CANDM_COMMAND_ACCHECK, &body, CANDM_REPLY_NULL, &wire);
	*ret_allowed = r == CANDM_STATUS_ALLOWED;
	if (r == CANDM_STATUS_ALLOWED || r == CANDM_STATUS_DENIED)
		return 0;
	return r == 0 ? -EPROTO : r;
}

static int ask_source(struct client *client, uint32_t index, uint16_t command, uint16_t reply_type,
	struct candm_wire *ret_wire)
{
	uint8_t octets[CANDM_INDEX_SIZE];
	struct candm_wire body = {.octets = octets, .size = sizeof(octets)};

	candm_index(&body, &index);
	return client_ask(client, command, &body, reply_type, ret_wire);
}

int client_source(
	struct client *client, uint32_t index, struct report_source *ret_source, char *ret_name)
{
	struct report_source statistics = {.refid = 0};
	struct candm_wire wire;
	uint32_t id = 0;
	int r;

	memset(ret_source, 0, sizeof(*ret_source));
	r = ask_source(client, index, CANDM_COMMAND_SOURCESTATS, CANDM_REPLY_SOURCESTATS, &wire);
	if (r != 0)
		return r;
	candm_sourcestats(&wire, &statistics, &id);
	r = client_result(&wire);
	if (r == 0)
		r = ask_source(
			client, index, CANDM_COMMAND_SOURCE_DATA, CANDM_REPLY_SOURCE_DATA, &wire);
	if (r != 0)
		return r;
	*ret_source = statistics;
	candm_source_data(&wire, ret_source, &id);
	r = client_result(&wire);
	if (r != 0)
		return r;
	return ask_server_name(client, index, ret_source->address.family != 0 || id != 0, ret_name);
}

int client_select(
	struct client *client, uint32_t index, struct report_select *ret_select, char *ret_name)
{
	struct candm_wire wire;
	uint32_t id = 0;
	int r = ask_source(
		client, index, CANDM_COMMAND_SELECT_DATA, CANDM_REPLY_SELECT_DATA, &wire);

	if (r != 0)
		return r;
	memset(ret_select, 0, sizeof(*ret_select));
	candm_select_data(&wire, ret_select, &id);
	r = client_result(&wire);
	if (r != 0)
		return r;
	return ask_server_name(client, index, ret_select->address.family != 0 || id != 0, ret_name);
}

int client_ntp(struct client *client, uint32_t index, struct report_ntp *ret_ntp)
{
	uint8_t octets[CANDM_ADDRESS_SIZE] = {0};
	struct candm_wire body = {.octets = octets, .size = sizeof(octets)}, wire;
	struct report_address none = {.family = 0};
	uint32_t id = index + 1;
	int r;

	candm_address(&body, &none, &id);
	r = client_ask(client, CANDM_COMMAND_NTP_DATA, &body, CANDM_REPLY_NTP_DATA2, &wire);
	if (r != 0)
		return r;
	memset(ret_ntp, 0, sizeof(*ret_ntp));
	candm_ntp_data2(&wire, ret_ntp);
	return client_result(&wire);
}

int client_order(struct client *client, uint16_t command, const struct order_target *target,
	const struct order *burst)
{
	uint8_t octets[CANDM_BURST_SIZE] = {0};
	struct candm_wire body = {.octets = octets, .size = sizeof(octets)}, wire;
	struct order_target copy;
	struct order order;

	if (target) {
		copy = *target;
		candm_target(&body, &copy);
	}
	if (burst) {
		order = *burst;
		candm_burst(&body, &order);
	}
	return client_ask(client, command, &body, CANDM_REPLY_NULL, &wire);
}

const char *client_strerror(int result)
{
	switch (result) {
	case CANDM_STATUS_UNAUTH:
		return "the daemon does not allow that";
	case CANDM_STATUS_INVALID:
		return "the daemon does not know this command";
	case CANDM_STATUS_NO_SOURCE:
		return "the daemon has no such source";
	case CANDM_STATUS_BAD_VERSION:
		return "the daemon speaks another version of the protocol";
	case -ETIMEDOUT:
		return "the daemon does not answer";
	case -EPROTO:
		return "the reply is not one of this protocol";
	case -ENOENT:
		return "there is no such socket: is meridian-control running with this run "
		       "directory?";
	case -EACCES:
		return "this user may not ask: be root, or of the daemon's group";
	case -ECONNREFUSED:
		return "nobody listens there: meridian-control has ended";
	default:
		return result < 0 ? strerror(-result) : "the daemon could not do that";
	}
}
