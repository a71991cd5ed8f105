/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_NTP_REQUEST_H
#define CONTROL_NTP_REQUEST_H

/*
 * What a server is asked, and what its answer is checked against.
 */

#include "ntp_server.h"
#include <mac.h>

#define NTP_REQUEST_MAX (MERIDIAN_NTP_HEADER_SIZE + MAC_MAX)

/* Begins a new server->request and writes it, signed where there is a key. Returns its length, or
 * -ENOKEY when the key is not there, or -EIO without random octets. */
int ntp_request_write(struct ntp_server *server, uint8_t octets[NTP_REQUEST_MAX]);

/* An answer came: completes server->request with what its checks have to know. */
void ntp_request_complete(struct ntp_server *server);

#endif
