/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_FALLBACK_SOCKET_H
#define DATAPLANE_FALLBACK_SOCKET_H

/* The fallback's kernel sockets: UDP port 123 of all addresses, IPv4 and IPv6. */

#include "fallback_frame.h"
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#define FALLBACK_BURST        32
#define FALLBACK_PAYLOAD_SIZE 2048 /* a longer packet is cut: no NTP request is that long */

/* A received packet. */
struct fallback_packet {
	struct fallback_endpoints endpoints;
	union {
		struct sockaddr generic;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} client;
	socklen_t client_length;
	unsigned int ifindex; /* it came in by */
	bool has_stamp;
	uint64_t stamp_ns; /* CLOCK_REALTIME, if has_stamp */
	uint16_t length;
	uint8_t headroom[FALLBACK_FRAME_HEADROOM]; /* for fallback_frame_build() */
	uint8_t payload[FALLBACK_PAYLOAD_SIZE];
	uint8_t control[256]; /* of the kernel: destination, stamp */
};

/* Opens the socket of `family` (AF_INET, AF_INET6). Returns the descriptor; -EADDRINUSE when
 * another program has the port; -EAFNOSUPPORT; or what the system calls return. */
int fallback_socket_open(int family);

/* Receives up to FALLBACK_BURST packets into `packet`. Does not block. Returns how many. */
unsigned int fallback_socket_receive(int fd, struct fallback_packet packet[FALLBACK_BURST]);

/* Sends `length` octets to the client of `packet`, from the address it asked. `stamped`: the kernel
 * is to say when they leave. */
bool fallback_socket_send(int fd, const struct fallback_packet *packet, const uint8_t *payload,
	uint16_t length, bool stamped);

/* When the driver took the packet with this payload, sent `stamped`: CLOCK_REALTIME, in ns. Does
 * not block. Returns false when the kernel has not said so by now, or the driver does not stamp.
 * Stamps of other packets that come late are thrown away. */
bool fallback_socket_left(int fd, const uint8_t *payload, uint16_t length, uint64_t *ret_stamp_ns);

/* Throws away what came late: until then, poll(2) finds the socket ready. */
void fallback_socket_clear(int fd);

#endif
