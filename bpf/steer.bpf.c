/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */

/*
 * Sends NTP requests to the AF_XDP socket of the queue they arrived on, with a receive stamp in
 * front; leaves everything else to the kernel. Control loads one instance per interface, each
 * with its own maps (steer_map.h). It never drops: what nobody takes is the kernel's.
 *
 * The names xsk_def_prog, xsks_map and xsk_prog_version are libxdp's: with them it adopts this
 * program when the dataplane opens its sockets, instead of loading its own default.
 *
 * Built twice: with STEER_NIC_STAMPS it asks the driver for the NIC's own stamp. The kernel lets
 * only a program do so that is bound to one interface, even where it would not come to the call.
 */

#include "parse.bpf.h"
#include "steer_map.h"
#include <meridian/frame_stamp.h>

#define NTP_PORT 123

#ifdef STEER_NIC_STAMPS
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *context, __u64 *ret_ns) __ksym;
#endif

/* Set by control where the driver gives frames in pieces: all of a request lies in the first. */
const volatile bool steer_has_frags = false;

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STEER_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} steer_queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_ADDRESSES_MAX);
	__type(key, struct steer_ipv4);
	__type(value, __u8);
} steer_ipv4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_ADDRESSES_MAX);
	__type(key, struct steer_ipv6);
	__type(value, __u8);
} steer_ipv6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_REASON_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} steer_counters SEC(".maps");

static __always_inline void count(enum steer_reason reason)
{
	__u32 key = reason;
	__u64 *counter = bpf_map_lookup_elem(&steer_counters, &key);

	if (counter)
		(*counter)++;
}

/* The clock is read once, as soon as it is known that somebody asks for the time. */
static __always_inline bool parse_ntp_port(struct parse_cursor *cursor, __u64 *ret_arrival_ns)
{
	const struct udphdr *udp = parse_udp(cursor);

	if (!udp || udp->dest != bpf_htons(NTP_PORT))
		return false;
	*ret_arrival_ns = bpf_ktime_get_ns();
	return true;
}

static __always_inline enum steer_reason classify_ipv4(
	struct parse_cursor *cursor, __u64 *ret_arrival_ns)
{
	const struct iphdr *ip = parse_ipv4(cursor);

	if (!ip || ip->protocol != IPPROTO_UDP || !parse_ntp_port(cursor, ret_arrival_ns))
		return STEER_REASON_passed_other;
	if (!bpf_map_lookup_elem(&steer_ipv4, &ip->daddr))
		return STEER_REASON_passed_not_served;
	return STEER_REASON_redirected;
}

static __always_inline enum steer_reason classify_ipv6(
	struct parse_cursor *cursor, __u64 *ret_arrival_ns)
{
	const struct ipv6hdr *ip = parse_ipv6(cursor);

	if (!ip || ip->nexthdr != IPPROTO_UDP || !parse_ntp_port(cursor, ret_arrival_ns))
		return STEER_REASON_passed_other;
	if (!bpf_map_lookup_elem(&steer_ipv6, &ip->daddr))
		return STEER_REASON_passed_not_served;
	return STEER_REASON_redirected;
}

static __always_inline enum steer_reason classify_frame(
	const struct xdp_md *context, __u64 *ret_arrival_ns)
{
	struct parse_cursor cursor = parse_start(context);
	__be16 protocol;

	if (!parse_ethernet(&cursor, &protocol))
		return STEER_REASON_passed_other;
	if (protocol == bpf_htons(ETH_P_IP))
		return classify_ipv4(&cursor, ret_arrival_ns);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return classify_ipv6(&cursor, ret_arrival_ns);
	return STEER_REASON_passed_other;
}

/* Whether a frame that is meant for it can go to the queue's socket. */
static __always_inline enum steer_reason classify_queue(__u32 queue, __u64 arrival_ns)
{
	const __u64 *deadline_ns = bpf_map_lookup_elem(&steer_queue, &queue);

	if (!deadline_ns || arrival_ns >= *deadline_ns)
		return STEER_REASON_passed_not_steered;
	return bpf_map_lookup_elem(&xsks_map, &queue) ? STEER_REASON_redirected
						      : STEER_REASON_passed_no_socket;
}

/* When the NIC says that the frame came; 0: it does not. Drivers may keep that where our own stamp
 * goes. */
static __always_inline __u64 nic_stamp(struct xdp_md *context)
{
	__u64 nic_ns = 0;

#ifdef STEER_NIC_STAMPS
	if (bpf_xdp_metadata_rx_timestamp(context, &nic_ns) != 0)
		nic_ns = 0;
#else
	(void)context;
#endif
	return nic_ns;
}

static __always_inline bool stamp_nic(struct xdp_md *context, __u64 arrival_ns, __u64 nic_ns)
{
	struct meridian_frame_stamp_nic *stamp;

	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*stamp)) != 0)
		return false;
	stamp = (void *)(long)context->data_meta;
	if ((void *)(stamp + 1) > (void *)(long)context->data)
		return false;
	stamp->nic_ns = nic_ns;
	stamp->stamp.monotonic_ns = arrival_ns;
	stamp->stamp.magic = MERIDIAN_FRAME_STAMP_MAGIC;
	stamp->stamp.flags = MERIDIAN_FRAME_STAMP_NIC;
	return true;
}

/* Writes the stamp in front of the frame, where the driver leaves room for it. */
static __always_inline bool stamp(struct xdp_md *context, __u64 arrival_ns)
{
	__u64 nic_ns = nic_stamp(context);
	struct meridian_frame_stamp *stamp;

	if (nic_ns != 0)
		return stamp_nic(context, arrival_ns, nic_ns);
	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*stamp)) != 0)
		return false;
	stamp = (void *)(long)context->data_meta;
	if ((void *)(stamp + 1) > (void *)(long)context->data)
		return false;
	stamp->monotonic_ns = arrival_ns;
	stamp->magic = MERIDIAN_FRAME_STAMP_MAGIC;
	stamp->flags = 0;
	return true;
}

static __always_inline bool is_in_pieces(struct xdp_md *context)
{
	return steer_has_frags &&
		bpf_xdp_get_buff_len(context) > (__u64)(context->data_end - context->data);
}

SEC("xdp")
int xsk_def_prog(struct xdp_md *context)
{
	__u32 queue = context->rx_queue_index;
	__u64 arrival_ns = 0;
	enum steer_reason reason = STEER_REASON_passed_other;

	if (!is_in_pieces(context))
		reason = classify_frame(context, &arrival_ns);
	if (reason == STEER_REASON_redirected)
		reason = classify_queue(queue, arrival_ns);
	/* Only now: frames for the kernel stay as they are. */
	if (reason == STEER_REASON_redirected && !stamp(context, arrival_ns))
		reason = STEER_REASON_redirected_unstamped;
	count(reason);
	if (reason != STEER_REASON_redirected && reason != STEER_REASON_redirected_unstamped)
		return XDP_PASS;
	/* The socket may have gone meanwhile: then the helper returns its last argument. */
	return bpf_redirect_map(&xsks_map, queue, XDP_PASS);
}

char program_license[] SEC("license") = "Dual BSD/GPL";

__uint(xsk_prog_version, 1) SEC("xdp_metadata");
