/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_H
#define DATAPLANE_PORT_H

/*
 * Where frames come from and go to. A worker polls port queues and knows nothing of what is
 * behind them: DPDK devices in the dataplane, rings in memory in tests.
 */

#include "port_leave.h"
#include "port_transmit.h"
#include <device_line.h>
#include <meridian/stats.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define PORT_BURST 64

#define PORT_OCTET_PS_MBPS 8000000 /* an octet at 1 Mbit/s */

/* A received frame, lent to the worker until it is transmitted or released. */
struct port_packet {
	void *buffer;       /* the port's own handle */
	uint8_t *data;      /* Ethernet header; writable */
	uint32_t length;    /* octets at data; 0 when the frame is not contiguous */
	bool checksum_good; /* IP and UDP checksums verified by hardware */
	bool has_stamp, has_device_stamp;
	uint64_t stamp_ns;              /* receive time of the queue's stamp_clock, if has_stamp */
	union {                         /* if has_device_stamp, where the queue has a device_line */
		uint64_t stamp_device;  /* ticks of the device */
		uint64_t stamp_counter; /* what port_stamps_judge() makes of these; see punt() */
	};
};

struct port_queue;

struct port_operations {
	/* Takes up to PORT_BURST frames. Does not block. */
	unsigned int (*receive)(struct port_queue *queue, struct port_packet packet[PORT_BURST]);

	/* Sends the first packets of `count`, with the length they have now, and returns how
	 * many; those belong to the port again, the others still to the caller. */
	unsigned int (*transmit)(
		struct port_queue *queue, const struct port_packet *packet, unsigned int count);

	/* Gives packets back unsent. */
	void (*release)(
		struct port_queue *queue, const struct port_packet *packet, unsigned int count);

	/* Hands packets, as they were received, to the kernel, as many as it may get, and returns
	 * how many; all belong to the port again. Their stamp_counter says when they came. NULL:
	 * what is not for us does not come here, or has nowhere to go. */
	unsigned int (*punt)(
		struct port_queue *queue, const struct port_packet *packet, unsigned int count);

	/* Rests the core, without a system call, until something is written where the next frame
	 * is announced, or `ns` have passed; may end earlier. NULL: the processor or the driver
	 * cannot. */
	void (*watch)(struct port_queue *queue, uint32_t ns);

	/* The file that poll(2) finds readable as long as there are frames to receive, or -1.
	 * NULL: none. */
	int (*wake_fd)(const struct port_queue *queue);
};

/* What a worker knows of a device's stamps. The counts are read by others. */
struct port_stamps {
	struct device_line_copy line;
	uint64_t empty_counter; /* the queue was seen empty, or nearly; 0: not yet */
	uint64_t believed;
	uint64_t fault[MERIDIAN_FAULT_COUNT];
	uint64_t delivery[MERIDIAN_RESIDENCE_BUCKETS]; /* see port_deliveries_add() */
};

/* First member of every implementation's own queue. Polled by one worker at a time. */
struct port_queue {
	const struct port_operations *operations;
	clockid_t stamp_clock;
	enum meridian_stamp stamp_source; /* what stamp_ns counts as; counter: there is none */
	int32_t rxcomp_ns;                /* how much earlier than its stamp a packet came */
	int32_t delivery_ns;              /* as long as the device may keep a packet that it has
					     stamped, up to MERIDIAN_DELIVERY_MAX_US */

	/* Where the device itself stamps: what its clock is worth. Else NULL. */
	const struct device_line_shared *device_line;
	uint32_t octet_ps;         /* an octet on the wire, as far as known; main thread */
	struct port_stamps stamps; /* the worker's */

	int32_t transmit_delay_ns; /* from a packet's handing over to the interface, by hand; 0:
				      not known */
	/* Where that can be measured, or the device sends at given times. Else NULL. */
	struct port_transmit *transmit;
	struct device_line_copy transmit_line; /* the worker's, where replies are timed */
	bool timed;                            /* the worker's: this burst's replies are */
	uint64_t late; /* replies that were timed, and handed over too late; read by others */
	uint64_t handed_counter;   /* the worker's: what it transmits is handed over at that time */
	uint64_t arrival_error_ns; /* the worker's: how far off stamps of its burst may be */
	uint64_t
		scattered_octets; /* the worker's: of frames not contiguous that punt() was given */

	/* When packets leave, in a call of transmit(): 0: when it returns; else one after the
	 * other, by a way of so much of a packet's part of the shorter calls, of 256. */
	uint8_t leave_share;
	struct port_leave leave; /* the worker's */
	uint8_t mac[6];          /* our address on this port */
};

/* Whose time a packet's receive time is. */
static inline enum meridian_stamp port_stamp_source(
	const struct port_queue *queue, const struct port_packet *packet)
{
	if (queue->device_line != NULL && packet->has_device_stamp)
		return MERIDIAN_STAMP_nic;
	return packet->has_stamp ? queue->stamp_source : MERIDIAN_STAMP_counter;
}

#endif
