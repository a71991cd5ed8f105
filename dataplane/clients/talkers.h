/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CLIENTS_TALKERS_H
#define DATAPLANE_CLIENTS_TALKERS_H

/*
 * Space-Saving: the addresses that ask the most, in a table of fixed size. One that is not in the
 * table takes the place of the one there that asked the least, and with it its count: so who asked
 * more often than the least is in the table, and is counted too high by at most that.
 *
 * To be found quickly the table is divided into sets of 8, of which the hash of an address chooses
 * one; the promise then holds in each set. A flood from many addresses goes round in the places of
 * those who ask little. Pure.
 */

#include <meridian/clients.h>

#define TALKERS_WAYS 8

/* `requests` more of an address (in the units of the table), with a hash that nobody can guess. */
void talkers_add(struct meridian_clients_table *table, const uint8_t address[16], uint8_t family,
	uint64_t hash, uint64_t requests);

/* All counts times `factor`, 0 to 1. */
void talkers_decay(struct meridian_clients_table *table, double factor);

#endif
