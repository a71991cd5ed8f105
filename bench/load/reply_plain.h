/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_REPLY_PLAIN_H
#define LOAD_REPLY_PLAIN_H

/*
 * The check of the reply that nearly all are: to a plain request (traffic.h), 48 octets of NTP,
 * with both checksums. Every check of reply_check() is made, by words and in one go; what does not
 * pass is for reply_check() to name. Pure.
 */

#include "reply.h"

/* As reply_check(): true for some of what it finds REPLY_VALID, with the same in `ret_reply`. */
bool reply_check_plain(const struct traffic *traffic, const uint8_t *frame, uint32_t length,
	uint64_t next_request, uint64_t now_units, struct reply *ret_reply);

#endif
