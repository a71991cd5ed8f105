/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_WORKER_BENCH_H
#define TESTS_WORKER_BENCH_H

/* A worker with one port in memory, for tests to look at what becomes of its packets. */

#include <fixture.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <worker.h>

#include <cmocka.h>

#define PACKETS 100

/* A port in memory: hands out `count` packets, takes back at most `accept` replies. */
struct ring {
	struct port_queue base;
	struct pkt packet[PACKETS];
	uint64_t stamp_ns[PACKETS];     /* 0: none */
	uint64_t stamp_device[PACKETS]; /* the same */
	int returned[PACKETS];          /* transmitted or released, how often */
	unsigned int count, next, accept, transmitted;
	unsigned int kernel_room, punted; /* how many the kernel takes, and has taken */
	uint64_t arrival[PACKETS];        /* of these, when they came */
	uint64_t transmit_ns;             /* what a call takes at least */
};

struct setup {
	struct ring ring;
	struct worker worker;
	struct meridian_stats_worker slot;
	struct meridian_timemodel model;
	struct server_view view;
	struct responder_policy *policy;
	pthread_t thread;
};

/* What the port does of itself, and how it hands packets to the kernel. */
extern const struct port_operations bench_operations;
unsigned int bench_punt(
	struct port_queue *queue, const struct port_packet *packet, unsigned int count);

int bench_setup(void **state);
int bench_teardown(void **state);

/* Publishes a valid model of the counter CLOCK_MONOTONIC_RAW. */
void bench_model_publish(struct meridian_timemodel *page);

void *bench_thread_run(void *argument);
void bench_start(struct setup *setup);

/* Lets the worker finish what its ring holds, then ends it. */
void bench_drain(struct setup *setup);

/* Each packet went back to its port once and has one verdict. */
void bench_check_accounts(const struct setup *setup);

/* In ns, of the model's root dispersion and of what a reply tells beyond it. */
uint64_t bench_told_error_ns(const struct meridian_timemodel *page, const uint8_t *reply);

/* T2 of a reply minus `counter`, in ns. */
int64_t bench_receive_offset_ns(
	const struct meridian_timemodel *page, const uint8_t *reply, uint64_t counter);

#endif
