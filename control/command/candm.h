/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CANDM_H
#define CONTROL_CANDM_H

/*
 * chrony's monitoring protocol, version 6 ("candm"): its messages on the wire. Pure: no I/O.
 *
 * Each message has one function, which either puts a value into octets or takes it from them,
 * as its wire says; so client and server cannot disagree on a layout. All integers are big-endian.
 */

#include "order.h"
#include "report.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANDM_VERSION      6
#define CANDM_VERSION_NEAR 5 /* close enough to be told about the right version */

#define CANDM_TYPE_REQUEST 1
#define CANDM_TYPE_REPLY   2

#define CANDM_COMMAND_ONLINE       1
#define CANDM_COMMAND_OFFLINE      2
#define CANDM_COMMAND_BURST        3
#define CANDM_COMMAND_N_SOURCES    14
#define CANDM_COMMAND_SOURCE_DATA  15
#define CANDM_COMMAND_ACCHECK      25
#define CANDM_COMMAND_TRACKING     33
#define CANDM_COMMAND_SOURCESTATS  34
#define CANDM_COMMAND_MAKESTEP     43
#define CANDM_COMMAND_ACTIVITY     44
#define CANDM_COMMAND_RESELECT     48
#define CANDM_COMMAND_REFRESH      53
#define CANDM_COMMAND_SERVER_STATS 54
#define CANDM_COMMAND_NTP_DATA     57
#define CANDM_COMMAND_SOURCE_NAME  65
#define CANDM_COMMAND_AUTH_DATA    67
#define CANDM_COMMAND_CLIENTS      68
#define CANDM_COMMAND_SELECT_DATA  69

#define CANDM_REPLY_NULL          1
#define CANDM_REPLY_N_SOURCES     2
#define CANDM_REPLY_SOURCE_DATA   3
#define CANDM_REPLY_TRACKING      5
#define CANDM_REPLY_SOURCESTATS   6
#define CANDM_REPLY_ACTIVITY      12
#define CANDM_REPLY_NTP_DATA      16 /* without counts of stamps: chrony up to 4.5 */
#define CANDM_REPLY_SOURCE_NAME   19
#define CANDM_REPLY_AUTH_DATA     20
#define CANDM_REPLY_CLIENTS       21
#define CANDM_REPLY_SELECT_DATA   23
#define CANDM_REPLY_SERVER_STATS3 24 /* 32-bit counters: chrony up to 4.3 */
#define CANDM_REPLY_SERVER_STATS4 25 /* 64-bit counters, receive stamps by origin */
#define CANDM_REPLY_NTP_DATA2     26

#define CANDM_STATUS_SUCCESS     0
#define CANDM_STATUS_FAILED      1
#define CANDM_STATUS_UNAUTH      2
#define CANDM_STATUS_INVALID     3
#define CANDM_STATUS_NO_SOURCE   4
#define CANDM_STATUS_BAD_SUBNET  7
#define CANDM_STATUS_ALLOWED     8
#define CANDM_STATUS_DENIED      9
#define CANDM_STATUS_INACTIVE    15
#define CANDM_STATUS_BAD_VERSION 18
#define CANDM_STATUS_BAD_LENGTH  19

/* Octets of the two headers, and of what follows them. */
#define CANDM_REQUEST_SIZE       20
#define CANDM_REPLY_SIZE         28
#define CANDM_INDEX_SIZE         4
#define CANDM_ADDRESS_SIZE       20
#define CANDM_TARGET_SIZE        (2 * CANDM_ADDRESS_SIZE)
#define CANDM_BURST_SIZE         (CANDM_TARGET_SIZE + 8)
#define CANDM_SOURCE_DATA_SIZE   48
#define CANDM_TRACKING_SIZE      76
#define CANDM_SOURCESTATS_SIZE   56
#define CANDM_ACTIVITY_SIZE      20
#define CANDM_SERVER_STATS3_SIZE 44
#define CANDM_SERVER_STATS4_SIZE 168
#define CANDM_NTP_DATA_SIZE      124
#define CANDM_NTP_DATA2_SIZE     144
#define CANDM_AUTH_DATA_SIZE     24
#define CANDM_SELECT_DATA_SIZE   48
#define CANDM_NAME_SIZE          256 /* NUL-padded; a name that fills it has no NUL */
#define CANDM_CLIENTS_ASK_SIZE   16
#define CANDM_CLIENT_SIZE        60
#define CANDM_CLIENTS_MAX        8 /* of one reply */
#define CANDM_CLIENTS_SIZE       (12 + CANDM_CLIENTS_MAX * CANDM_CLIENT_SIZE)

#define CANDM_REPLY_MAX   (CANDM_REPLY_SIZE + CANDM_CLIENTS_SIZE)
#define CANDM_REQUEST_MAX 1024 /* longer ones are no requests of this version */

/* A message being written or read. Past its end nothing is written, and zeroes are read. */
struct candm_wire {
	uint8_t *octets; /* zeroed by who writes */
	size_t size;
	size_t at; /* octets done */
	bool decode;
	bool overrun; /* `size` was too small */
};

struct candm_request {
	uint8_t version;
	uint8_t type;
	uint16_t reserved; /* 0 */
	uint16_t command;
	uint16_t attempt; /* counted from 0 */
	uint32_t sequence;
};

struct candm_reply {
	uint8_t version;
	uint8_t type;
	uint16_t reserved; /* 0 */
	uint16_t command;  /* of the request */
	uint16_t reply;    /* CANDM_REPLY_*: what follows */
	uint16_t status;   /* CANDM_STATUS_* */
	uint32_t sequence; /* of the request */
};

void candm_request(struct candm_wire *wire, struct candm_request *request);
void candm_reply(struct candm_wire *wire, struct candm_reply *reply);

/* Index of a source, or a count of them. */
void candm_index(struct candm_wire *wire, uint32_t *index);

/* An address; `id` (not 0) stands for a source that has none yet, else it is 0. */
void candm_address(struct candm_wire *wire, struct report_address *address, uint32_t *id);

/* Which sources are meant. */
void candm_target(struct candm_wire *wire, struct order_target *target);

/* How long a burst is; both are at most UINT8_MAX. */
void candm_burst(struct candm_wire *wire, struct order *order);

/* A source as `sources` shows it: everything but its name and statistics. `id` as above. */
void candm_source_data(struct candm_wire *wire, struct report_source *source, uint32_t *id);

/* The statistics of a source, its address and reference ID. */
void candm_sourcestats(struct candm_wire *wire, struct report_source *source, uint32_t *id);

void candm_select_data(struct candm_wire *wire, struct report_select *select, uint32_t *id);

/* What a server said last, in the layout with 4 counts and in that with 8. */
void candm_ntp_data(struct candm_wire *wire, struct report_ntp *ntp);
void candm_ntp_data2(struct candm_wire *wire, struct report_ntp *ntp);

/* How a server is authenticated. chrony's count of NTS-NAKs is that of answers without a right MAC.
 */
void candm_auth_data(struct candm_wire *wire, struct report_ntp *ntp);

/* Which clients are asked for: from the number `first` on, `count` of them, those with at least
 * `hits_min` requests; `reset` (not 0): and then forget their counts. */
struct candm_clients_ask {
	uint32_t first, count, hits_min, reset;
};
void candm_clients_ask(struct candm_wire *wire, struct candm_clients_ask *ask);

/* Numbers of all clients there are, of the next to ask for, and of those that follow. */
struct candm_clients_head {
	uint32_t all, next, count;
};
void candm_clients_head(struct candm_wire *wire, struct candm_clients_head *head);

/* A client and its requests. When it asked last, and how often, is not known. */
void candm_client(struct candm_wire *wire, struct report_address *address, uint32_t *requests,
	uint32_t *drops);

void candm_tracking(struct candm_wire *wire, struct report_tracking *tracking);
void candm_activity(struct candm_wire *wire, struct report_activity *activity);
void candm_server_stats3(struct candm_wire *wire, struct report_server *server);
void candm_server_stats4(struct candm_wire *wire, struct report_server *server);

/* `name` holds CANDM_NAME_SIZE + 1 octets and is NUL-terminated; cut when it is too long. */
void candm_name(struct candm_wire *wire, char *name);

/*
 * The protocol's number format: 7-bit exponent e, 25-bit coefficient c, both two's complement,
 * value c * 2^(e - 25). NaN is sent as 0; what is too large becomes the largest number.
 */
uint32_t candm_float_encode(double value);
double candm_float_decode(uint32_t wire);

#endif
