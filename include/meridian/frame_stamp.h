/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_FRAME_STAMP_H
#define MERIDIAN_FRAME_STAMP_H

/*
 * What the XDP program writes in front of a frame it redirects: 16 octets, and 8 more before these
 * when the NIC has stamped the frame. Written by the program in bpf/, read by the worker that takes
 * the frame. No includes and no libc types, so that BPF can share it; `unsigned long long` is 64
 * and `unsigned int` 32 bits.
 */

#define MERIDIAN_FRAME_STAMP_MAGIC 0x4d524653u /* bytes "SFRM" in memory */

#define MERIDIAN_FRAME_STAMP_NIC 1u /* there is a meridian_frame_stamp_nic */

struct meridian_frame_stamp {
	unsigned long long monotonic_ns; /* CLOCK_MONOTONIC when the program ran */
	unsigned int magic; /* MERIDIAN_FRAME_STAMP_MAGIC, or the octets are no stamp */
	unsigned int flags; /* MERIDIAN_FRAME_STAMP_NIC or 0 */
};

struct meridian_frame_stamp_nic {
	unsigned long long nic_ns; /* of the NIC's clock, when the frame began to come */
	struct meridian_frame_stamp stamp;
};

#endif
