/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

/* Frames to try the reply path with, generated from a seed. */

#include "fixture.h"
#include <seed.h>

/* A request of any kind: families, tags, versions, modes, source ports, padding, extension fields
 * and MACs, with good checksums or none. About half are answered. */
void corpus_request(struct seed *seed, struct pkt *ret_pkt);

/* What nearly all requests look like, of all versions, so that the fast shapes are met often. */
void corpus_common(struct seed *seed, struct pkt *ret_pkt);

/* The same of version 4 from one of three clients, so that many of each are in a row. */
void corpus_flood(struct seed *seed, struct pkt *ret_pkt);

/* A request of NTPv5 with fields of all its types, most of them of our draft. With a keyring, some
 * have a MAC, of which one in 8 is wrong. */
void corpus_ntpv5(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt);

/* A request with a MAC of one of fixture_keyring(), of which one in 8 is wrong. Some refer to an
 * earlier reply, as in interleaved mode. */
void corpus_signed(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt);

/* One of corpus_request(), corpus_ntpv5() and corpus_signed(). */
void corpus_any(struct seed *seed, const struct keyring *keyring, struct pkt *ret_pkt);

/* Bits flipped, octets replaced, ends cut or added; the checksums often made good again. */
void corpus_damage(struct seed *seed, struct pkt *pkt);

#endif
