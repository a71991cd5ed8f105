/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */

/*
 * The least that answers an NTP request: turns it into its reply in the XDP program and sends it
 * back with XDP_TX. It checks next to nothing and knows no access rules. What it reaches is the
 * ceiling of the interface under a benchmark, against which servers are judged. IPv4 only.
 */

#include "echo_map.h"
#include "parse.bpf.h"

#define NTP_PORT          123
#define NTP_MODE_CLIENT   3
#define NTP_VERSION_MASK  0x38
#define NTP_FLAGS_SERVER  4 /* no leap second, mode 4 */
#define NTP_STRATUM       8
#define NTP_PRECISION     (-20)
#define NTP_EPOCH_1970_S  2208988800ull
#define NANOSECONDS_PER_S 1000000000ull

struct ntp_packet {
	__u8 flags;
	__u8 stratum;
	__u8 poll;
	__s8 precision;
	__be32 root_delay;
	__be32 root_dispersion;
	__be32 reference_id;
	__be64 reference_time;
	__be64 origin_time;
	__be64 receive_time;
	__be64 transmit_time;
} __attribute__((packed, aligned(2)));

/* Set by the loader before the program is loaded. */
const volatile __u64 echo_realtime_minus_monotonic_ns;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} echo_replies SEC(".maps");

static __always_inline __be64 ntp_now(void)
{
	__u64 now_ns = bpf_ktime_get_ns() + echo_realtime_minus_monotonic_ns;
	__u64 seconds = now_ns / NANOSECONDS_PER_S;
	__u64 fraction = ((now_ns % NANOSECONDS_PER_S) << 32) / NANOSECONDS_PER_S;

	return bpf_cpu_to_be64(((seconds + NTP_EPOCH_1970_S) << 32) | fraction);
}

static __always_inline void answer_ntp(struct ntp_packet *ntp)
{
	__be64 now = ntp_now();

	ntp->flags = (ntp->flags & NTP_VERSION_MASK) | NTP_FLAGS_SERVER;
	ntp->stratum = NTP_STRATUM;
	ntp->precision = NTP_PRECISION;
	ntp->root_delay = 0;
	ntp->root_dispersion = 0;
	ntp->reference_id = bpf_htonl(ECHO_REFERENCE_ID);
	ntp->reference_time = now;
	ntp->origin_time = ntp->transmit_time;
	ntp->receive_time = now;
	ntp->transmit_time = now;
}

/* IPv4 allows a datagram without checksum. The header's own does not change with a swap. */
static __always_inline void answer_ip(struct ethhdr *ethernet, struct iphdr *ip, struct udphdr *udp)
{
	__u8 mac[ETH_ALEN];
	__be32 address = ip->saddr;
	__be16 port = udp->source;

	__builtin_memcpy(mac, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, mac, ETH_ALEN);
	ip->saddr = ip->daddr;
	ip->daddr = address;
	udp->source = udp->dest;
	udp->dest = port;
	udp->check = 0;
}

static __always_inline void count_reply(void)
{
	__u32 key = 0;
	__u64 *replies = bpf_map_lookup_elem(&echo_replies, &key);

	if (replies)
		(*replies)++;
}

SEC("xdp")
int echo(struct xdp_md *context)
{
	struct parse_cursor cursor = parse_start(context);
	__be16 protocol;
	struct ethhdr *ethernet = parse_ethernet(&cursor, &protocol);
	struct iphdr *ip;
	struct udphdr *udp;
	struct ntp_packet *ntp;

	if (!ethernet || protocol != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = parse_ipv4(&cursor);
	if (!ip || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = parse_udp(&cursor);
	if (!udp || udp->dest != bpf_htons(NTP_PORT))
		return XDP_PASS;
	ntp = parse_take(&cursor, sizeof(*ntp));
	if (!ntp || (ntp->flags & 7) != NTP_MODE_CLIENT)
		return XDP_PASS;
	answer_ntp(ntp);
	answer_ip(ethernet, ip, udp);
	count_reply();
	return XDP_TX;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
