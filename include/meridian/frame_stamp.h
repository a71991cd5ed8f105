/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#ifndef MERIDIAN_FRAME_STAMP_H
#define MERIDIAN_FRAME_STAMP_H

/*
 * What the XDP program writes in the 16 octets in front of a frame it redirects. Written by the
 * program in bpf/, read by the worker that takes the frame. No includes and no
 * libc types, so that BPF can share it; `unsigned long long` is 64 and `unsigned int` 32 bits.
 */

#define MERIDIAN_FRAME_STAMP_MAGIC 0x4d524653u /* bytes "SFRM" in memory */

struct meridian_frame_stamp {
	unsigned long long monotonic_ns; /* CLOCK_MONOTONIC when the program ran */
	unsigned int magic;    /* MERIDIAN_FRAME_STAMP_MAGIC, or the octets are no stamp */
	unsigned int reserved; /* 0 */
};

#endif
