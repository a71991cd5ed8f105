#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Throughput of a memory NIC: memif with zero copy, the server in one process on core 0, the
# generator in another on core 1. Meridian, then DPDK's own forwarder as the ideal server, in front
# of the same generator and of DPDK's own.
set -eu
. "$(dirname "$0")/../lib/case.sh"

RATE=40000000 # more than any memory NIC here takes

load() # RESPONDER ROUND
{
	bench_observe --tag responder="$1" --tag round="$2" --tag what=rate -- \
		"$BENCH_LOAD" --port "vdev:$(bench_memif client)" --core 1 \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json --rate "$RATE" --duration "$BENCH_SECONDS" \
		--warm-up 0.5
}

flowgen() # ROUND
{
	bench_observe --tag responder=testpmd_flowgen --tag round="$1" --tag what=rate -- \
		"$BENCH_LIB/flowgen" "$(bench_memif client)" 1
}

start_meridian()
{
	bench_config "vdev:$(bench_memif server) address $LAB_SERVER4"
	lab_control
	lab_dataplane
	bench_wait 10 "the dataplane's port" port_is_open
}

port_is_open()
{
	[ "$(lab_field status ports.0.state)" = open ]
}

start_testpmd()
{
	bench_testpmd testpmd server 0 "$(bench_memif server)" 5tswap --rxd=2048 --txd=2048
	bench_wait 20 "testpmd" grep -q 'Port statistics' "$LAB_DIR/testpmd.log" || {
		bench_missing testpmd "it did not start"
		return 1
	}
}

lab_enter "$@"
ip netns add server
for round in $(seq "$BENCH_ROUNDS"); do
	if start_meridian; then
		load meridian "$round"
	else
		bench_missing meridian "the dataplane did not open its memory NIC"
	fi
	bench_stop_meridian
	if start_testpmd; then
		load testpmd "$round"
	fi
	bench_stop_testpmd
	if start_testpmd; then
		flowgen "$round"
	fi
	bench_stop_testpmd
done
