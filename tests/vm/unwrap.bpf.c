/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */

/*
 * For a NIC that stamps PTP only: takes the first 64 octets, of which the NIC thinks that they are
 * a PTP message (tests/tools/ntp-wrapped), off a frame that follows them. Its stamp stays.
 */

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>

#define WRAPPING 64

SEC("xdp")
int unwrap(struct xdp_md *context)
{
	const struct ethhdr *ethernet = (void *)(long)context->data;

	if ((void *)(long)context->data + WRAPPING > (void *)(long)context->data_end ||
		ethernet->h_proto != bpf_htons(ETH_P_1588))
		return XDP_PASS;
	return bpf_xdp_adjust_head(context, WRAPPING) == 0 ? XDP_PASS : XDP_DROP;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
