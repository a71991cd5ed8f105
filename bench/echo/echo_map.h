/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#ifndef BENCH_ECHO_MAP_H
#define BENCH_ECHO_MAP_H

/*
 * What the echo's XDP program and its loader share:
 *
 *   echo_replies  one counter per CPU (64 bits), replies sent; written by the program
 */

/* "ECHO", in host order: who sees it in a reply knows that no server answered. */
#define ECHO_REFERENCE_ID 0x4543484fu

#endif
