/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * meridianctl, of which the daemon, or who sits on its socket, makes fun.
 *
 * Input: command and form of output, then the replies: REPLY_*, length of the body (16 bits), body.
 * The command, the sequence number and what else a reply needs to be taken are filled in.
 */

#include "fuzz.h"
#include <ctl.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define REPLY_FAILS   1 /* status from the body */
#define REPLY_FOREIGN 2 /* another type of reply */

#define TYPE_OFFSET   6
#define STATUS_OFFSET 8

ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

static struct fuzz_input replies;
static struct candm_request asked;

static uint16_t reply_type(uint16_t command)
{
	static const uint16_t types[][2] = {
		{CANDM_COMMAND_N_SOURCES, CANDM_REPLY_N_SOURCES},
		{CANDM_COMMAND_SOURCE_DATA, CANDM_REPLY_SOURCE_DATA},
		{CANDM_COMMAND_TRACKING, CANDM_REPLY_TRACKING},
		{CANDM_COMMAND_SOURCESTATS, CANDM_REPLY_SOURCESTATS},
		{CANDM_COMMAND_ACTIVITY, CANDM_REPLY_ACTIVITY},
		{CANDM_COMMAND_SERVER_STATS, CANDM_REPLY_SERVER_STATS4},
		{CANDM_COMMAND_SOURCE_NAME, CANDM_REPLY_SOURCE_NAME},
		{CANDM_COMMAND_NTP_DATA, CANDM_REPLY_NTP_DATA2},
		{CANDM_COMMAND_SELECT_DATA, CANDM_REPLY_SELECT_DATA},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i][0] == command)
			return types[i][1];
	}
	return CANDM_REPLY_NULL;
}

ssize_t __wrap_send(int fd, const void *buffer, size_t length, int flags)
{
	uint8_t copy[CANDM_REQUEST_MAX];
	struct candm_wire wire = {.octets = copy, .size = length, .decode = true};

	(void)fd;
	(void)flags;
	FUZZ_CHECK(length <= sizeof(copy));
	memcpy(copy, buffer, length);
	candm_request(&wire, &asked);
	return (ssize_t)length;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)count;
	(void)timeout_ms;
	return 1;
}

/* After the last reply the daemon is gone. */
ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags)
{
	struct candm_reply head = {.version = CANDM_VERSION,
		.type = CANDM_TYPE_REPLY,
		.command = asked.command,
		.reply = reply_type(asked.command),
		.sequence = asked.sequence};
	struct candm_wire wire = {.octets = buffer, .size = length};
	uint8_t kind;
	size_t body;

	(void)fd;
	(void)flags;
	if (replies.size == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	kind = fuzz_u8(&replies);
	body = fuzz_u16(&replies) % (length - CANDM_REPLY_SIZE + 1);
	if (kind & REPLY_FOREIGN)
		head.reply = fuzz_u8(&replies);
	if (kind & REPLY_FAILS)
		head.status = fuzz_u8(&replies);
	memset(buffer, 0, CANDM_REPLY_SIZE);
	candm_reply(&wire, &head);
	fuzz_take(&replies, wire.octets + CANDM_REPLY_SIZE, body);
	return (ssize_t)(CANDM_REPLY_SIZE + body);
}

int ctl_result(const struct ctl *ctl, int result)
{
	(void)ctl;
	FUZZ_CHECK(client_strerror(result) != NULL);
	return result == 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const commands[])(struct ctl * ctl) = {ctl_sources, ctl_sourcestats,
		ctl_selectdata, ctl_ntpdata, ctl_tracking, ctl_serverstats, ctl_activity};
	struct ctl ctl = {.rundir = "/nonexistent", .socket = ""};
	static bool silent;
	uint8_t which;

	replies = (struct fuzz_input){data, size};
	which = fuzz_u8(&replies);
	if (!silent)
		FUZZ_CHECK(freopen("/dev/null", "w", stdout) != NULL);
	silent = true;
	output_begin("fuzz", which % 3, which & 64);
	commands[which / 3 % 7](&ctl);
	FUZZ_CHECK(output_end() == 0);
	return 0;
}
