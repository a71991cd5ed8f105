/* SPDX-License-Identifier: BSD-3-Clause */

/* What the XDP program does on one queue of an interface when it is another one's worker that hangs
 * or has no socket: BPF_PROG_TEST_RUN as of a queue of a veth. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "isolate.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <matrix.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <steer.skel.h>

#define NIC       "queues0"
#define QUEUES    2
#define RING_SIZE 64
#define FAR_NS    UINT64_MAX /* a deadline that does not pass */

static struct steer_bpf *bpf;
static int socket_fd[QUEUES];

static void socket_give(uint32_t queue)
{
	const int ring = RING_SIZE;

	socket_fd[queue] = socket(AF_XDP, SOCK_RAW, 0);
	assert_true(socket_fd[queue] >= 0);
	assert_int_equal(
		setsockopt(socket_fd[queue], SOL_XDP, XDP_RX_RING, &ring, sizeof(ring)), 0);
	assert_int_equal(bpf_map__update_elem(bpf->maps.xsks_map, &queue, sizeof(queue),
				 &socket_fd[queue], sizeof(socket_fd[queue]), BPF_ANY),
		0);
}

static void set_deadline(uint32_t queue, uint64_t deadline_ns)
{
	assert_int_equal(bpf_map__update_elem(bpf->maps.steer_queue, &queue, sizeof(queue),
				 &deadline_ns, sizeof(deadline_ns), BPF_ANY),
		0);
}

/* The kernel takes a queue from an interface only that runs a program. */
static int setup(void **state)
{
	const uint8_t served = 1;
	uint8_t address[4];

	(void)state;
	run("ip link add " NIC " numrxqueues 2 numtxqueues 2 type veth peer name queues1");
	run("ip link set " NIC " up");
	bpf = steer_bpf__open_and_load();
	assert_non_null(bpf);
	assert_int_equal(
		bpf_xdp_attach((int)if_nametoindex(NIC), bpf_program__fd(bpf->progs.xsk_def_prog),
			XDP_FLAGS_DRV_MODE, NULL),
		0);
	inet_pton(AF_INET, MATRIX_SERVER_IPV4, address);
	assert_int_equal(bpf_map__update_elem(bpf->maps.steer_ipv4, address, sizeof(address),
				 &served, sizeof(served), BPF_ANY),
		0);
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		socket_give(queue);
		set_deadline(queue, FAR_NS);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t queue = 0; queue < QUEUES; queue++)
		close(socket_fd[queue]);
	steer_bpf__destroy(bpf);
	run("ip link del " NIC);
	return 0;
}

/* What becomes of a plain request on a queue. */
static uint32_t action_on(uint32_t queue)
{
	static const struct matrix_wire wire = {
		.server_mac = {0x02, 0, 0, 0, 0, 0x01}, .client_mac = {0x02, 0, 0, 0, 0, 0x02}};
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	struct xdp_md in = {.ingress_ifindex = if_nametoindex(NIC), .rx_queue_index = queue};
	struct bpf_test_run_opts options = {.sz = sizeof(options),
		.data_in = frame->octets,
		.ctx_in = &in,
		.ctx_size_in = sizeof(in),
		.repeat = 1};

	matrix_build(&matrix_rows[0], &wire, 1, frame);
	in.data_end = options.data_size_in = frame->length;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.xsk_def_prog), &options), 0);
	return options.retval;
}

static void a_worker_that_hangs_loses_its_own_queue(void **state)
{
	(void)state;
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		set_deadline(queue, 0);
		assert_int_equal(action_on(queue), XDP_PASS);
		assert_int_equal(action_on(1 - queue), XDP_REDIRECT);
		set_deadline(queue, FAR_NS);
		assert_int_equal(action_on(queue), XDP_REDIRECT);
	}
}

static void a_queue_without_socket_is_the_kernels(void **state)
{
	(void)state;
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		close(socket_fd[queue]);
		assert_int_equal(
			bpf_map__delete_elem(bpf->maps.xsks_map, &queue, sizeof(queue), 0), 0);
		assert_int_equal(action_on(queue), XDP_PASS);
		assert_int_equal(action_on(1 - queue), XDP_REDIRECT);
		socket_give(queue);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_worker_that_hangs_loses_its_own_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_queue_without_socket_is_the_kernels, setup, teardown),
	};
	int r = isolate();

	libbpf_set_print(NULL);
	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
