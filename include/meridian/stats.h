/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_STATS_H
#define MERIDIAN_STATS_H

/*
 * Statistics: one page per answering process ("stats.dataplane", "stats.fallback"), one slot per
 * worker. A slot has one writer, its worker, which stores each 64-bit field relaxed; readers load
 * them relaxed and subtract. A slot's counters only grow, also across a restart of its process.
 */

#include <meridian/page.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_STATS_DATAPLANE_NAME "stats.dataplane"
#define MERIDIAN_STATS_FALLBACK_NAME  "stats.fallback"
#define MERIDIAN_STATS_MAGIC          UINT32_C(0x5453524d) /* bytes "MRST" in memory */
#define MERIDIAN_STATS_VERSION        1

/*
 * Verdicts: what became of a received packet. Exactly one per packet. This list is the only
 * place they are written down: names, counters, metrics and the manual come from it. New ones
 * are appended, none is removed.
 *
 *   X(identifier, outcome, description)    outcome: ANSWER, DROP or PUNT
 */
#define MERIDIAN_VERDICTS(X)                                                                       \
	X(answered, ANSWER, "answered with our time")                                              \
	X(answered_unsynchronised, ANSWER, "answered with leap 3, stratum 0: no valid time model") \
	X(punt, PUNT,                                                                              \
		"fragment, IP option or extension header, or not for us on a NIC of ours: "        \
		"left to the kernel")                                                              \
	X(short_frame, DROP, "frame ends inside an Ethernet, VLAN, IP or UDP header")              \
	X(foreign_mac, DROP, "destination MAC address is not ours")                                \
	X(not_ip, DROP, "neither IPv4 nor IPv6, or more than two VLAN tags")                       \
	X(bad_ip_header, DROP, "wrong IP version, header length or total length")                  \
	X(bad_ip_checksum, DROP, "IPv4 header checksum is wrong")                                  \
	X(foreign_address, DROP, "destination address is not served here")                         \
	X(martian_source, DROP, "source address cannot be a client's")                             \
	X(not_ntp, DROP, "not UDP, or not to port 123")                                            \
	X(bad_udp_length, DROP, "UDP length disagrees with the IP length")                         \
	X(bad_udp_checksum, DROP, "UDP checksum is wrong, or missing over IPv6")                   \
	X(bad_source_port, DROP, "source port is 0")                                               \
	X(bad_length, DROP, "NTP packet is too short, too long or of no valid length")             \
	X(bad_version, DROP, "NTP version is not 1 to 4, nor 5 where `ntpv5` is set")              \
	X(bad_mode, DROP, "NTP mode is not a request's")                                           \
	X(bad_extension, DROP, "extension field of wrong length")                                  \
	X(unknown_key, DROP, "authenticated with a key we do not have")                            \
	X(denied, DROP, "source address is not allowed")                                           \
	X(no_model, DROP, "control has not published a time model yet")                            \
	X(tx_failed, DROP, "reply was ready but could not be sent")                                \
	X(stale, DROP, "waited too long to be answered, or its receive stamp is not believable")   \
	X(rate_limited, DROP, "source address asks more often than `ratelimit` allows")            \
	X(bad_mac, DROP, "authentication code is not that of its key")                             \
	X(kod, ANSWER, "told by a kiss-o'-death RATE that it has asked too often for minutes")     \
	X(answered_ntpv5, ANSWER, "answered with our time, in NTPv5")                              \
	X(foreign_draft, DROP, "NTPv5 of another draft than ours, or of none")                     \
	X(punt_limited, DROP, "for the kernel, which gets no more at a time (`nic`: punt)")

enum meridian_verdict {
#define MERIDIAN_VERDICT_ENUM_(name, outcome, text) MERIDIAN_VERDICT_##name,
	MERIDIAN_VERDICTS(MERIDIAN_VERDICT_ENUM_)
#undef MERIDIAN_VERDICT_ENUM_
	MERIDIAN_VERDICT_COUNT
};

#define MERIDIAN_VERDICT_CAPACITY 64 /* counters reserved in a slot */
MERIDIAN_STATIC_ASSERT(MERIDIAN_VERDICT_COUNT <= MERIDIAN_VERDICT_CAPACITY, "too many verdicts");

enum meridian_outcome {
	MERIDIAN_OUTCOME_ANSWER,
	MERIDIAN_OUTCOME_DROP,
	MERIDIAN_OUTCOME_PUNT
};

/* Identifier and description of a verdict; "unknown" past the list. Static storage. */
const char *meridian_verdict_name(unsigned int verdict);
const char *meridian_verdict_text(unsigned int verdict);
/* enum meridian_outcome of a verdict; MERIDIAN_OUTCOME_DROP past the list. */
int meridian_verdict_outcome(unsigned int verdict);

/* Where a receive time came from, best last. One counter per worker each. */
#define MERIDIAN_STAMPS(X)                                                                         \
	X(counter, "counter read when the packet was taken from its queue")                        \
	X(kernel, "kernel receive stamp of the socket")                                            \
	X(xdp, "stamp of the XDP program in front of the frame")                                   \
	X(nic, "hardware stamp of the NIC")

enum meridian_stamp {
#define MERIDIAN_STAMP_ENUM_(name, text) MERIDIAN_STAMP_##name,
	MERIDIAN_STAMPS(MERIDIAN_STAMP_ENUM_)
#undef MERIDIAN_STAMP_ENUM_
	MERIDIAN_STAMP_COUNT
};
#define MERIDIAN_STAMP_CAPACITY 8

const char *meridian_stamp_name(unsigned int stamp);

/* Why a stamp of a NIC was not believed. */
#define MERIDIAN_FAULTS(X)                                                                         \
	X(clock, "the NIC's clock is not known well enough, or was set")                           \
	X(future, "lies in the future")                                                            \
	X(early, "lies longer ago than the NIC may take to deliver a packet (`nic`: delivery)")    \
	X(ambiguous, "may have wrapped around, as its queue was not looked at for so long")        \
	X(absent, "the driver gave none with the packet")

enum meridian_fault {
#define MERIDIAN_FAULT_ENUM_(name, text) MERIDIAN_FAULT_##name,
	MERIDIAN_FAULTS(MERIDIAN_FAULT_ENUM_)
#undef MERIDIAN_FAULT_ENUM_
	MERIDIAN_FAULT_COUNT
};

/* Identifier and description of a fault; "unknown" past the list. Static storage. */
const char *meridian_fault_name(unsigned int fault);
const char *meridian_fault_text(unsigned int fault);

/* Whether an interface's packets have stamps of the NIC, and why not. */
#define MERIDIAN_NIC_STAMPS(X)                                                                     \
	X(unknown, "up to the driver of DPDK")                                                     \
	X(used, "the NIC stamps what it receives")                                                 \
	X(unwanted, "the configuration wants stamps by the XDP program")                           \
	X(generic, "XDP runs in generic mode, in which there is no driver to ask")                 \
	X(no_clock, "the interface has no clock of its own")                                       \
	X(untold, "the kernel does not tell what its driver gives XDP, as Linux does from 6.7 on") \
	X(driver, "its driver does not give XDP the NIC's stamps")                                 \
	X(filter, "the NIC cannot be told to stamp all that it receives")                          \
	X(refused, "the kernel refuses the XDP program that asks for them")                        \
	X(unreadable, "its clock cannot be read")

enum meridian_nic_stamps {
#define MERIDIAN_NIC_STAMPS_ENUM_(name, text) MERIDIAN_NIC_STAMPS_##name,
	MERIDIAN_NIC_STAMPS(MERIDIAN_NIC_STAMPS_ENUM_)
#undef MERIDIAN_NIC_STAMPS_ENUM_
	MERIDIAN_NIC_STAMPS_COUNT
};

/* Identifier and description; "unknown" past the list. Static storage. */
const char *meridian_nic_stamps_name(unsigned int stamps);
const char *meridian_nic_stamps_text(unsigned int stamps);

/*
 * Residence time (receive stamp to transmit), log-linear: 8 buckets per factor of two. Bucket 0
 * takes everything below 64 ns, the last one everything from 2^26 ns (67 ms) on.
 */
#define MERIDIAN_RESIDENCE_SUB_LOG2 3
#define MERIDIAN_RESIDENCE_MIN_LOG2 6
#define MERIDIAN_RESIDENCE_MAX_LOG2 26
#define MERIDIAN_RESIDENCE_BUCKETS                                                                 \
	(((MERIDIAN_RESIDENCE_MAX_LOG2 - MERIDIAN_RESIDENCE_MIN_LOG2)                              \
		 << MERIDIAN_RESIDENCE_SUB_LOG2) +                                                 \
		2)

/* Bucket of a residence time in ns, 0..BUCKETS-1. The packet path calls it, hence inline. */
static inline unsigned int meridian_residence_bucket(uint64_t ns)
{
	unsigned int octave, sub;

	if (ns < UINT64_C(1) << MERIDIAN_RESIDENCE_MIN_LOG2)
		return 0;
	if (ns >= UINT64_C(1) << MERIDIAN_RESIDENCE_MAX_LOG2)
		return MERIDIAN_RESIDENCE_BUCKETS - 1;
	octave = 63 - (unsigned int)__builtin_clzll(ns);
	sub = (unsigned int)(ns >> (octave - MERIDIAN_RESIDENCE_SUB_LOG2)) &
		((1u << MERIDIAN_RESIDENCE_SUB_LOG2) - 1);
	return 1 + ((octave - MERIDIAN_RESIDENCE_MIN_LOG2) << MERIDIAN_RESIDENCE_SUB_LOG2) + sub;
}

/* A bucket's lower limit in ns. */
uint64_t meridian_residence_floor_ns(unsigned int bucket);

#define MERIDIAN_WORKER_ABSENT   0 /* the slot is not in use by the running process */
#define MERIDIAN_WORKER_STARTING 1
#define MERIDIAN_WORKER_POLLING  2 /* control may steer packets to its queues */
#define MERIDIAN_WORKER_STOPPING 3 /* still answers what is queued; steer no more */

struct meridian_stats_worker {
	uint64_t heartbeat;         /* moves with every turn of the polling loop, also when idle */
	uint64_t state;             /* MERIDIAN_WORKER_* */
	uint64_t core;              /* CPU number; UINT64_MAX: not pinned */
	uint64_t policy_generation; /* in use by this worker */
	uint64_t rx_packets;
	uint64_t rx_octets;
	uint64_t tx_packets;
	uint64_t tx_octets;
	uint64_t bursts;        /* non-empty receive bursts */
	uint64_t busy_ns;       /* spent in turns that found packets */
	uint64_t interleaved;   /* replies in interleaved mode, of those sent */
	uint64_t model_retries; /* bursts that kept their last snapshot of the model */
	uint64_t authenticated; /* replies with a MAC, of those sent */
	uint64_t reserved0[3];
	uint64_t verdict[MERIDIAN_VERDICT_CAPACITY];
	uint64_t stamp[MERIDIAN_STAMP_CAPACITY];
	uint64_t residence[MERIDIAN_RESIDENCE_BUCKETS];
	uint64_t residence_sum_ns;
	uint64_t reserved1[5];
};
MERIDIAN_STATIC_ASSERT(
	sizeof(struct meridian_stats_worker) % MERIDIAN_CACHE_LINE == 0, "one writer per line");

/* A port as the dataplane found it. Written by its main thread: missed_packets about once a
 * second, the rest before a worker polls. */
struct meridian_stats_port {
	char name[16];           /* interface or device, NUL-terminated; empty: slot not in use */
	char driver[16];         /* "net_af_xdp", NUL-terminated */
	uint32_t queue_count;    /* queues open */
	uint8_t xdp_mode;        /* MERIDIAN_XDP_* of policy.h */
	uint8_t zero_copy;       /* 0: copy mode, 1: zero-copy */
	uint8_t stamp;           /* enum meridian_stamp: the best receive stamps it can have */
	uint8_t nic_stamps;      /* enum meridian_nic_stamps */
	uint64_t missed_packets; /* steered to us, but a ring was full; since the port was opened */
	/* Of a device that is shared with the kernel; else 0. */
	uint32_t flow_rules;   /* in place, which bring NTP to us */
	uint32_t flow_missing; /* that cannot be set: the kernel has what they are for */
	uint8_t bifurcated;    /* 1 */
	uint8_t reserved[3];
	uint32_t flow_left; /* that are not set since the driver knows none of their kind */
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_stats_port) == 64, "ABI");

#define MERIDIAN_CLOCK_NONE     0 /* the port takes no stamps with a clock of its own */
#define MERIDIAN_CLOCK_LEARNING 1 /* not known well enough yet: packets are stamped by software */
#define MERIDIAN_CLOCK_GOOD     2
#define MERIDIAN_CLOCK_DOUBTED  3 /* was set, or cannot be read: as LEARNING */

#define MERIDIAN_TRANSMIT_UNKNOWN    0 /* T3 is when a reply is handed over */
#define MERIDIAN_TRANSMIT_CONFIGURED 1 /* by `txcomp` */
#define MERIDIAN_TRANSMIT_SAMPLED    2 /* by stamps of a few replies */
#define MERIDIAN_TRANSMIT_TIMED      3 /* the NIC sends replies at T3 */

#define MERIDIAN_FAULT_CAPACITY 8

/* The clock of port[] of the same index, and what becomes of stamps. Written by the main thread
 * about ten times a second. Counts are since the port was opened. */
struct meridian_stats_clock {
	uint64_t state;             /* MERIDIAN_CLOCK_* */
	uint64_t hz;                /* its ticks in a second, nominally; 0: not known yet */
	int64_t frequency_ppt;      /* faster than that by the counter, 1e-12; 0 unless GOOD */
	uint64_t error_ns;          /* a stamp may be off by now; 0 unless GOOD */
	uint64_t readings, refused; /* times that it was read, and that this was of no use */
	uint64_t jumps;             /* times that it was set */
	uint64_t transmit;          /* MERIDIAN_TRANSMIT_* */
	int64_t transmit_delay_ns;  /* from a reply's handing over to the interface */
	uint64_t believed;          /* stamps */
	uint64_t fault[MERIDIAN_FAULT_CAPACITY]; /* those not believed, by enum meridian_fault */
	uint64_t transmit_error_ns; /* of that delay, as told in the bound; 0 unless SAMPLED or
				       TIMED */
	uint64_t transmit_samples;  /* replies whose transmit stamp was taken */
	uint64_t transmit_refused;  /* that cannot be of the reply, or are very late */
	uint64_t transmit_lost;     /* that never came */
	uint64_t transmit_late;     /* replies that the NIC was to send at a time, too late */
	/* How long the NIC keeps packets that it has stamped, up to the kernel's stamp: half of
	 * them at most the one, 99 % at most the other; to an eighth. 0: not known. */
	uint64_t delivery_median_ns, delivery_most_ns;
	uint64_t delivery_limit_ns; /* older stamps are not believed */
	uint64_t reserved[6];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_stats_clock) == 256, "ABI");
MERIDIAN_STATIC_ASSERT(MERIDIAN_FAULT_COUNT <= MERIDIAN_FAULT_CAPACITY, "too many faults");

/* The way between port[] of the same index and the kernel, if the port is a NIC that was taken
 * over. Written by the main thread about ten times a second. Counts are of frames since the port
 * was opened. */
struct meridian_stats_takeover {
	uint64_t to_kernel;   /* handed over */
	uint64_t limited;     /* not handed over: too many at a time (verdict `punt_limited`) */
	uint64_t refused;     /* of those handed over: the TAP device is down, or has no memory */
	uint64_t from_kernel; /* sent for it */
	uint64_t unsent;      /* the NIC had no room for them */
	uint32_t link_mbps;   /* 0: no link; UINT32_MAX: a link of unknown speed */
	uint32_t mtu;
	char tap[16]; /* its device in the kernel, NUL-terminated; "": not a NIC taken over */
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_stats_takeover) == 64, "ABI");

/*
 * Classes of what goes to the kernel by a NIC that was taken over. None can starve another: while
 * each has more than the kernel may get, each gets `share` frames of MERIDIAN_PUNT_SHARES; what one
 * leaves, the others get. New ones are appended.
 *
 *   X(identifier, share, description)
 */
#define MERIDIAN_PUNTS(X)                                                                          \
	X(link, 4,                                                                                 \
		"of neighbours, and of nobody else: ARP, neighbour discovery, link protocols, "    \
		"link-local addresses, hop limit 255")                                             \
	X(answer, 4, "UDP that answers the kernel: from meridian-control's servers, DNS")          \
	X(session, 4, "TCP connections that the kernel has sent in, and tunnels")                  \
	X(icmp, 1, "ping and ICMP errors")                                                         \
	X(opening, 1, "TCP connections that are new, if they are any")                             \
	X(other, 2, "the rest, fragments too")

enum meridian_punt {
#define MERIDIAN_PUNT_ENUM_(name, share, text) MERIDIAN_PUNT_##name,
	MERIDIAN_PUNTS(MERIDIAN_PUNT_ENUM_)
#undef MERIDIAN_PUNT_ENUM_
	MERIDIAN_PUNT_COUNT
};
#define MERIDIAN_PUNT_SHARES   16
#define MERIDIAN_PUNT_CAPACITY 8

/* Identifier and description of a class; "unknown" past the list. Static storage. */
const char *meridian_punt_name(unsigned int punt);
const char *meridian_punt_text(unsigned int punt);
/* Its share, of MERIDIAN_PUNT_SHARES; 0 past the list. */
unsigned int meridian_punt_share(unsigned int punt);

/* What to_kernel and limited of takeover[] of the same index are made of, by enum meridian_punt. */
struct meridian_stats_punt {
	uint64_t to_kernel[MERIDIAN_PUNT_CAPACITY];
	uint64_t limited[MERIDIAN_PUNT_CAPACITY];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_stats_punt) == 128, "ABI");
MERIDIAN_STATIC_ASSERT(MERIDIAN_PUNT_COUNT <= MERIDIAN_PUNT_CAPACITY, "too many classes");

#define MERIDIAN_STATS_PORTS_MAX   16
#define MERIDIAN_STATS_WORKERS_MAX 64

#define MERIDIAN_MEMORY_NONE      0 /* no packet buffers of its own (fallback) */
#define MERIDIAN_MEMORY_HUGEPAGES 1
#define MERIDIAN_MEMORY_4K        2 /* ordinary pages: works, costs TLB misses */

struct meridian_stats {
	struct meridian_page_head head; /* writer_pid 0 after a clean stop */
	uint64_t started_s;             /* UTC since 1970 of this start */
	uint64_t policy_generation;     /* checked and taken over by the main thread */
	uint64_t main_heartbeat;        /* moves about ten times a second */
	uint32_t worker_count;          /* slots in use by the running process */
	uint32_t port_count;
	uint8_t memory; /* MERIDIAN_MEMORY_* */
	uint8_t reserved0[3];
	uint32_t interleave_span_s; /* age of the oldest of these, from the newest on */
	uint64_t interleave_held;   /* transmit times kept for clients in interleaved mode; looked
				       through anew all the time by the main thread */
	uint8_t reserved[16];
	struct meridian_stats_port port[MERIDIAN_STATS_PORTS_MAX];
	struct meridian_stats_worker worker[MERIDIAN_STATS_WORKERS_MAX];
	struct meridian_stats_clock clock[MERIDIAN_STATS_PORTS_MAX];
	struct meridian_stats_takeover takeover[MERIDIAN_STATS_PORTS_MAX];
	struct meridian_stats_punt punt[MERIDIAN_STATS_PORTS_MAX];
};
MERIDIAN_STATIC_ASSERT(offsetof(struct meridian_stats, worker) % MERIDIAN_CACHE_LINE == 0, "ABI");

extern const struct meridian_page_kind meridian_stats_dataplane_kind;
extern const struct meridian_page_kind meridian_stats_fallback_kind;

/* Adds to a counter of one's own slot; reads a counter of anybody's. */
static inline void meridian_stats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}
static inline uint64_t meridian_stats_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif

#endif
