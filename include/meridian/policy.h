/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MERIDIAN_POLICY_H
#define MERIDIAN_POLICY_H

/*
 * The policy: what control tells those who answer. It is the parsed config and what control
 * learnt from the kernel (interfaces, addresses), in typed fields; nothing here is text for
 * somebody to parse, but for the arguments of a DPDK virtual device, which only its driver knows.
 *
 * Written by meridian-control alone, read by those who answer and by meridianctl. The page is a
 * struct meridian_slots, whose blobs are struct meridian_policy_blob.
 */

#include <meridian/slots.h>
#include <meridian/stats.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MERIDIAN_POLICY_NAME    "policy"
#define MERIDIAN_POLICY_MAGIC   UINT32_C(0x4c50524d) /* bytes "MRPL" in memory */
#define MERIDIAN_POLICY_VERSION 2

#define MERIDIAN_POLICY_NICS_MAX      16
#define MERIDIAN_POLICY_QUEUES_MAX    64 /* queues of one NIC */
#define MERIDIAN_POLICY_WORKERS_MAX   64
#define MERIDIAN_POLICY_ADDRESSES_MAX 65536
#define MERIDIAN_POLICY_ACCESS_MAX    2097152
#define MERIDIAN_POLICY_NAME_SIZE     16 /* IFNAMSIZ */
#define MERIDIAN_POLICY_DEVICE_SIZE   256

/* A table inside a blob: `count` entries at `offset` bytes from the blob's start. */
struct meridian_policy_table {
	uint64_t offset;
	uint64_t count;
};

#define MERIDIAN_POLICY_SLEEP_MAX_US 10000

#define MERIDIAN_HUGEPAGES_AUTO  0 /* use them when the machine has enough */
#define MERIDIAN_HUGEPAGES_NEVER 1

#define MERIDIAN_RATELIMIT_INTERVAL_MIN    (-19) /* log2 s */
#define MERIDIAN_RATELIMIT_INTERVAL_MAX    12
#define MERIDIAN_RATELIMIT_LEAK_MAX        4 /* log2 */
#define MERIDIAN_RATELIMIT_KOD_MAX         4 /* log2 */
#define MERIDIAN_RATELIMIT_KOD_AFTER_MAX_S 3600
#define MERIDIAN_POLICY_KOD_EXEMPT_MAX     64
#define MERIDIAN_RATELIMIT_ROLLUP_MAX      4 /* log2 */

#define MERIDIAN_SMEAR_NONE   0
#define MERIDIAN_SMEAR_LINEAR 1
#define MERIDIAN_SMEAR_COSINE 2
#define MERIDIAN_SMEAR_MIN_S  600
#define MERIDIAN_SMEAR_MAX_S  172800

#define MERIDIAN_INTERLEAVE_MAX (1u << 24)

struct meridian_policy_blob {
	uint64_t generation; /* of this blob, counted from 1; 0 while it is being written */
	uint64_t size;       /* bytes of the blob with its tables */
	uint32_t memory_mb;  /* for packet buffers, per dataplane process; 0: by need */
	uint8_t counter_id;  /* MERIDIAN_COUNTER_* */
	uint8_t hugepages;   /* MERIDIAN_HUGEPAGES_* */
	int8_t ratelimit_interval_log2;      /* each source has a request in 2^this seconds ... */
	uint8_t ratelimit_burst;             /* ... and as many at once after a rest; 0: no limit */
	struct meridian_policy_table nics;   /* struct meridian_policy_nic */
	struct meridian_policy_table queues; /* struct meridian_policy_queue */
	struct meridian_policy_table workers;   /* struct meridian_policy_worker */
	struct meridian_policy_table addresses; /* struct meridian_policy_address */
	struct meridian_policy_table access;    /* struct meridian_policy_access */
	struct meridian_policy_table devices;   /* struct meridian_policy_device */
	uint16_t idle_sleep_us; /* longest nap of an idle worker, at most SLEEP_MAX_US; 0: none */
	uint8_t smear_shape;    /* MERIDIAN_SMEAR_*, at addresses with `smear` */
	uint8_t no_client_log;  /* 1: who asks is not written down; else 0 */
	uint32_t smear_duration_s;     /* SMEAR_MIN_S to SMEAR_MAX_S; 0 without shape */
	uint32_t interleave_entries;   /* replies whose transmit time is kept for their clients, per
					  answering process; at most INTERLEAVE_MAX; 0: none */
	uint8_t ratelimit_leak_log2;   /* above the limit one in 2^this is answered; 0: none */
	uint8_t ratelimit_rollup_log2; /* an IPv6 /56 has 2^this times a /64's rate and burst, and
					  a /48 2^this times a /56's */
	uint8_t ratelimit_kod_log2;    /* of those dropped one in 2^this is told so; 0: none ... */
	uint8_t ntpv5;                 /* 1: NTPv5 is spoken too; else 0 */
	uint16_t ratelimit_kod_after_s; /* ... once their source has been above the limit for so
					   long, at most KOD_AFTER_MAX_S */
	uint16_t reserved1[3];
	struct meridian_policy_table kod_exempt; /* struct meridian_policy_access, all `allow`: who
						    is never told so */
	uint64_t reserved[1];
};

#define MERIDIAN_NIC_AF_XDP 1 /* the kernel keeps the NIC; an XDP program steers UDP/123 to us */
#define MERIDIAN_NIC_VDEV   2 /* a virtual device of DPDK, which the dataplane makes and owns */
/* A PCI device, which the kernel has given up for DPDK's own driver; what is no NTP for us goes to
 * the kernel by way of a TAP device. */
#define MERIDIAN_NIC_TAKEOVER 3
/* A PCI device that the kernel keeps, or a virtual device of DPDK on an interface of the kernel:
 * flow rules bring NTP for served addresses to us, and the kernel has the rest. */
#define MERIDIAN_NIC_BIFURCATED 4

#define MERIDIAN_POLICY_DEVICE_NONE UINT16_MAX

#define MERIDIAN_PUNT_MIN_PPS 100
#define MERIDIAN_PUNT_MAX_PPS 10000000

#define MERIDIAN_XDP_NONE    0 /* no program attached: do not open the port */
#define MERIDIAN_XDP_GENERIC 1
#define MERIDIAN_XDP_NATIVE  2
#define MERIDIAN_XDP_OFFLOAD 3

#define MERIDIAN_POLICY_COMP_MAX_NS 1000000

#define MERIDIAN_TXTIME_MIN_NS 1000
#define MERIDIAN_TXTIME_MAX_NS 100000

#define MERIDIAN_DELIVERY_MIN_US     10
#define MERIDIAN_DELIVERY_DEFAULT_US 250
#define MERIDIAN_DELIVERY_MAX_US     50000

/* What is known of an interface's link. */
#define MERIDIAN_LINK_UNKNOWN    0
#define MERIDIAN_LINK_UP         1
#define MERIDIAN_LINK_NO_CARRIER 2 /* the cable, or the other end */
#define MERIDIAN_LINK_DOWN       3 /* switched off here */

struct meridian_policy_nic {
	char name[MERIDIAN_POLICY_NAME_SIZE]; /* NUL-terminated; of VDEV: the device's without
						 MERIDIAN_POLICY_DRIVER_PREFIX; of TAKEOVER:
						 its PCI address, "0000:3b:00.0"; of BIFURCATED:
						 the one or the other */
	/* Of VDEV, what describes an interface or its program is 0, the MAC address too. Of
	 * TAKEOVER, an interface is the TAP device, and there is no program. Of BIFURCATED, it is
	 * the kernel's of the PCI device, and there is no program; of a virtual device it is not
	 * known. */
	uint32_t ifindex;        /* 0: the interface is gone */
	uint32_t xdp_program_id; /* that must be attached; 0: none yet */
	uint32_t mtu;
	uint16_t queue_count; /* receive queues, 1..QUEUES_MAX */
	uint8_t kind;         /* MERIDIAN_NIC_* */
	uint8_t xdp_mode;     /* MERIDIAN_XDP_* */
	uint8_t mac[6];
	uint16_t device;      /* VDEV, BIFURCATED: index into devices, of a PCI device
				 POLICY_DEVICE_NONE; else 0 */
	uint32_t xsks_map_id; /* AF_XDP: map of sockets the program redirects to; 0: none yet.
				 An adopted map keeps its id */
	int32_t rxcomp_ns;    /* packets came so much earlier than their stamps say, at most
				 COMP_MAX_NS to either side */
	int32_t txcomp_ns;    /* replies are at the interface so much after T3, as far; 0: not
				 configured */
	/* Of TAKEOVER; else 0. */
	uint32_t punt_pps; /* frames per second for the kernel, PUNT_MIN_PPS to PUNT_MAX_PPS */
	char tap[MERIDIAN_POLICY_NAME_SIZE]; /* the TAP device, NUL-terminated */
	/* Of AF_XDP; else 0. */
	uint32_t speed_mbps; /* of the link; 0: not known. Changes while ports are open */
	uint16_t phc;        /* the NIC's clock is /dev/ptpN, N one less than this; 0: none */
	uint8_t stamps;      /* enum meridian_nic_stamps: whether the program gives the NIC's stamps
				along, in ns of that clock */
	uint8_t reserved0;
	/* Of other kinds than AF_XDP; else 0. */
	uint32_t txtime_ns; /* the NIC sends replies so much after they are handed over,
			       TXTIME_MIN_NS to TXTIME_MAX_NS; 0: at once */
	uint8_t link;       /* MERIDIAN_LINK_*, of AF_XDP; else UNKNOWN */
	uint8_t reserved1[3];
	uint32_t delivery_us; /* the NIC keeps packets that it has stamped for at most so long:
				 DELIVERY_MIN_US to DELIVERY_MAX_US; 0: DELIVERY_DEFAULT_US. Older
				 stamps are not believed */
	uint8_t reserved[4];
};
MERIDIAN_STATIC_ASSERT(sizeof(struct meridian_policy_nic) == 96, "ABI");

#define MERIDIAN_POLICY_DRIVER_PREFIX "net_"

/* A virtual device as DPDK takes it: name, then its driver's arguments, "net_null0,size=64". The
 * name starts with the driver's, which starts with MERIDIAN_POLICY_DRIVER_PREFIX. Printable ASCII
 * without blanks, NUL-terminated. */
struct meridian_policy_device {
	char text[MERIDIAN_POLICY_DEVICE_SIZE];
};

/* Which worker polls a queue. Each (nic, queue) stands once. */
struct meridian_policy_queue {
	uint16_t nic; /* index into nics */
	uint16_t queue;
	uint16_t worker; /* index into workers */
	uint16_t reserved;
};

#define MERIDIAN_CORE_ANY UINT32_MAX /* not configured: the dataplane chooses one it may use */

struct meridian_policy_worker {
	uint32_t core; /* CPU number the worker is pinned to, or MERIDIAN_CORE_ANY */
	uint32_t reserved;
};

#define MERIDIAN_FAMILY_IPV4 4
#define MERIDIAN_FAMILY_IPV6 6

/* A served address. IPv4 takes the first 4 octets, the rest is 0; network byte order. */
struct meridian_policy_address {
	uint8_t octets[16];
	uint8_t family; /* MERIDIAN_FAMILY_* */
	uint8_t smear;  /* 1: leap seconds are smeared here; else 0 */
	uint8_t reserved[6];
};

/* One rule of `allow` and `deny`: the longest matching prefix decides; no match means denied.
 * A prefix stands at most once. Bits past the prefix are 0. */
struct meridian_policy_access {
	uint8_t octets[16];
	uint8_t family;     /* MERIDIAN_FAMILY_* */
	uint8_t prefix_len; /* 0..32 or 0..128 */
	uint8_t allow;      /* 0 or 1 */
	uint8_t reserved[5];
};

extern const struct meridian_page_kind meridian_policy_kind;

/*
 * Copies and checks the current blob of a page mapped by meridian_page_open(). On success the
 * caller owns *ret_blob and gives it to free(3). Returns 0; -ENODATA before the first generation;
 * -EAGAIN when control published meanwhile (call again); -EFBIG when the page has grown past the
 * mapping (open it anew); -EBADMSG when a field is out of its range; -ENOMEM.
 */
int meridian_policy_read(const struct meridian_page *page, struct meridian_policy_blob **ret_blob);

/* 0 when every table lies inside `size` bytes and every field is in its range; else -EBADMSG. */
int meridian_policy_check(const struct meridian_policy_blob *blob, uint64_t size);

/* First entry of a table of a checked blob. */
#define MERIDIAN_POLICY_TABLE(blob, table, type)                                                   \
	((const type *)(const void *)((const uint8_t *)(blob) + (blob)->table.offset))

#ifdef __cplusplus
}
#endif

#endif
