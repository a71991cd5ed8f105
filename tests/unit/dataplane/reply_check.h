/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_REPLY_CHECK_H
#define TEST_REPLY_CHECK_H

/*
 * What holds of every reply, whatever was asked: property tests and fuzz targets check the same.
 * Each function returns NULL, or what is wrong with the reply.
 */

#include "fixture.h"

/* A finished reply beside its request: not longer, only to a client's mode and version, the
 * client's transmit timestamp as origin, T2 before T3, or what RFC 9769 says of an interleaved one,
 * checksums right. Of NTPv5: as long as the request, with its cookie, and each field answered in
 * its place or padded. */
const char *reply_fault(const struct fixture_frame *f);

/* A finished kiss-o'-death beside its request: of the time it tells nothing, every timestamp is the
 * client's own, and it is as short as a header. */
const char *kiss_fault(const struct fixture_frame *f);

/* Nobody answers the reply: not a server at the client's place that is open to all, and not
 * `server` itself when the client sends it back. */
const char *reply_ends_the_talk(
	const struct responder *server, const struct frame *reply, uint64_t counter);

#endif
