/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_HOST_H
#define SIM_HOST_H

/*
 * The host that the real tracker runs on: event loop, sockets, clocks and time page are played,
 * in the simulated world. The pure core and the tracker above it are the product's own.
 */

#include "world.h"
#include <meridian/timemodel.h>

/* Runs what is due until true time `true_s`. */
void host_run(double true_s);

/* Something is to be read from `fd`, if anybody waits for that. */
void host_ready(int fd);

/* Requests sent ever, to all servers. */
uint64_t host_requests(void);

/* What is on the time page; status 0 before the first publication. */
const struct meridian_timemodel_data *host_page(void);

/* Begins: `handler` is called before its argument replaces what is on the page. */
typedef void (*host_publish_handler)(const struct meridian_timemodel_data *data);
void host_start(const struct world *world, struct seed seed, host_publish_handler handler);

/* Addresses are numbers: server `index` has 192.0.2.(index + 1). */
size_t host_server_of(const uint8_t octets[16]);

#endif
