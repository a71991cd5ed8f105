/* SPDX-License-Identifier: BSD-3-Clause */

/* The control socket in a directory of its own: what it replaces, what it answers. */

#include "candm.h"
#include "command.h"
#include "event.h"
#include "steer/steer.h"
#include <errno.h>
#include <fcntl.h>
#include <log.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define WATCHED_MAX 4

/* An event loop that runs by hand. */
static struct {
	int fd;
	event_fd_handler handler;
} watched[WATCHED_MAX];
static size_t watched_count;

int event_add_fd(int fd, unsigned int events, event_fd_handler handler, void *arg)
{
	assert_int_equal(events, EVENT_READ);
	assert_null(arg);
	assert_true(watched_count < WATCHED_MAX);
	watched[watched_count].fd = fd;
	watched[watched_count++].handler = handler;
	return 0;
}

void event_remove_fd(int fd)
{
	for (size_t i = 0; i < watched_count; i++) {
		if (watched[i].fd == fd)
			watched[i] = watched[--watched_count];
	}
}

bool steer_allows(const struct report_address *address)
{
	return address->octets[0] == 192;
}

const char *steer_rundir(void)
{
	return "/nonexistent";
}

static struct config config;
static char directory[] = "/tmp/meridian-test-XXXXXX";
static char socket_path[64], client_path[64];

static int directory_make(void **state)
{
	(void)state;
	log_open("test", false, -1);
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", directory);
	snprintf(client_path, sizeof(client_path), "%s/client.sock", directory);
	return 0;
}

static int directory_remove(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int config_reset(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	snprintf(config.rundir, sizeof(config.rundir), "%s", directory);
	watched_count = 0;
	return 0;
}

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int unix_bound(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_return_code(fd, errno);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	return fd;
}

static void unix_send(int fd, size_t length)
{
	uint8_t octets[2048] = {0};
	struct candm_wire wire = {.octets = octets, .size = sizeof(octets)};
	struct candm_request request = {.version = CANDM_VERSION,
		.type = CANDM_TYPE_REQUEST,
		.command = CANDM_COMMAND_TRACKING};
	struct sockaddr_un address = unix_address(socket_path);

	candm_request(&wire, &request);
	assert_int_equal(
		sendto(fd, octets, length, 0, (struct sockaddr *)&address, sizeof(address)),
		length);
	watched[0].handler(watched[0].fd, EVENT_READ, NULL);
}

/* Octets that have come in at `fd`, or -1. */
static ssize_t received(int fd)
{
	uint8_t octets[2048];

	return recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
}

static void nothing_opened(void **state)
{
	(void)state;
	strcpy(config.bindcmdaddress, "/");
	assert_int_equal(command_init(&config, NULL), 0);
	assert_int_equal(watched_count, 0);
	command_fini();
}

static void answers_and_cleans_up(void **state)
{
	int fd = unix_bound(client_path), nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct stat st;

	(void)state;
	assert_int_equal(command_init(&config, NULL), 0);
	assert_int_equal(watched_count, 1);
	assert_return_code(stat(socket_path, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0660);
	unix_send(fd, 104);
	assert_int_equal(received(fd), 104);
	unix_send(fd, 27);
	assert_int_equal(received(fd), -1);
	unix_send(fd, CANDM_REQUEST_MAX + 1);
	assert_int_equal(received(fd), -1);
	unix_send(nameless, 104);
	unix_send(fd, 104);
	assert_int_equal(received(fd), 104);
	assert_int_equal(received(fd), -1);
	command_fini();
	assert_int_equal(watched_count, 0);
	assert_int_equal(access(socket_path, F_OK), -1);
	close(nameless);
	close(fd);
	unlink(client_path);
}

static void stale_socket_is_replaced(void **state)
{
	(void)state;
	close(unix_bound(socket_path));
	assert_int_equal(access(socket_path, F_OK), 0);
	assert_int_equal(command_init(&config, NULL), 0);
	command_fini();
}

static void live_socket_is_kept(void **state)
{
	int fd = unix_bound(socket_path);

	(void)state;
	assert_int_equal(command_init(&config, NULL), -EADDRINUSE);
	assert_int_equal(watched_count, 0);
	assert_int_equal(access(socket_path, F_OK), 0);
	close(fd);
	unlink(socket_path);
}

static void foreign_file_is_kept(void **state)
{
	int fd = open(socket_path, O_CREAT | O_EXCL | O_WRONLY, 0600);

	(void)state;
	assert_return_code(fd, errno);
	close(fd);
	assert_int_equal(command_init(&config, NULL), -EEXIST);
	assert_int_equal(access(socket_path, F_OK), 0);
	unlink(socket_path);
}

static void long_path_is_refused(void **state)
{
	(void)state;
	memset(config.bindcmdaddress, 'a', sizeof(config.bindcmdaddress) - 1);
	config.bindcmdaddress[0] = '/';
	assert_int_equal(command_init(&config, NULL), -ENAMETOOLONG);
}

/* A UDP port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&address, length), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &length), errno);
	close(fd);
	return ntohs(address.sin_port);
}

static void udp_on_loopback(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);

	(void)state;
	strcpy(config.bindcmdaddress, "/");
	config.cmdport = free_port();
	assert_int_equal(command_init(&config, NULL), 0);
	assert_in_range(watched_count, 1, 2);
	assert_return_code(getsockname(watched[0].fd, (struct sockaddr *)&address, &length), errno);
	assert_int_equal(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(address.sin_port), config.cmdport);
	command_fini();
}

/* Sends a request of `command` to the socket that is watched as number `number`, and returns the
 * status of the reply. */
static uint16_t status_of(int fd, size_t number, uint16_t command)
{
	uint8_t octets[CANDM_REPLY_MAX] = {0};
	struct candm_wire wire = {.octets = octets, .size = sizeof(octets)};
	struct candm_request request = {
		.version = CANDM_VERSION, .type = CANDM_TYPE_REQUEST, .command = command};
	struct candm_reply reply;

	candm_request(&wire, &request);
	assert_int_equal(send(fd, octets, sizeof(octets), 0), sizeof(octets));
	watched[number].handler(watched[number].fd, EVENT_READ, NULL);
	assert_true(recv(fd, octets, sizeof(octets), MSG_DONTWAIT) >= CANDM_REPLY_SIZE);
	wire = (struct candm_wire){.octets = octets, .size = sizeof(octets), .decode = true};
	candm_reply(&wire, &reply);
	return reply.status;
}

/* Anybody on the host can send to the UDP port, but only owner and group to the unix socket. */
static void udp_tells_less(void **state)
{
	static const struct {
		uint16_t command, over_unix, over_udp;
	} table[] = {
		{CANDM_COMMAND_TRACKING, CANDM_STATUS_SUCCESS, CANDM_STATUS_SUCCESS},
		{CANDM_COMMAND_ACTIVITY, CANDM_STATUS_SUCCESS, CANDM_STATUS_SUCCESS},
		{CANDM_COMMAND_CLIENTS, CANDM_STATUS_INACTIVE, CANDM_STATUS_UNAUTH},
		{CANDM_COMMAND_ACCHECK, CANDM_STATUS_BAD_SUBNET, CANDM_STATUS_UNAUTH},
		{CANDM_COMMAND_SERVER_STATS, CANDM_STATUS_SUCCESS, CANDM_STATUS_UNAUTH},
		{CANDM_COMMAND_NTP_DATA, CANDM_STATUS_NO_SOURCE, CANDM_STATUS_UNAUTH},
		{CANDM_COMMAND_SELECT_DATA, CANDM_STATUS_NO_SOURCE, CANDM_STATUS_UNAUTH},
	};
	static const struct answer_orders orders;
	struct sockaddr_un unix_peer = unix_address(socket_path);
	struct sockaddr_in udp_peer;
	socklen_t length = sizeof(udp_peer);
	int local = unix_bound(client_path), udp = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	config.cmdport = free_port();
	assert_int_equal(command_init(&config, &orders), 0);
	assert_return_code(
		getsockname(watched[1].fd, (struct sockaddr *)&udp_peer, &length), errno);
	assert_return_code(connect(udp, (struct sockaddr *)&udp_peer, length), errno);
	assert_return_code(connect(local, (struct sockaddr *)&unix_peer, sizeof(unix_peer)), errno);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(status_of(local, 0, table[i].command), table[i].over_unix);
		assert_int_equal(status_of(udp, 1, table[i].command), table[i].over_udp);
	}
	command_fini();
	close(udp);
	close(local);
	unlink(client_path);
}

#define TEST(name) cmocka_unit_test_setup(name, config_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_opened),
		TEST(answers_and_cleans_up),
		TEST(stale_socket_is_replaced),
		TEST(live_socket_is_kept),
		TEST(foreign_file_is_kept),
		TEST(long_path_is_refused),
		TEST(udp_on_loopback),
		TEST(udp_tells_less),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
