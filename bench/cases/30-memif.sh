#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Throughput of a memory NIC: memif with zero copy, the server in one process on core 0, the
# generator in another on core 1. Meridian, then DPDK's own forwarder as the ideal server, in front
# of the same generator and of DPDK's own.
#
#   search  the highest rate with little loss
#   flood   rates beyond that; whatever comes back counts, also late, also the forwarder's packets,
#           which are no valid replies
set -eu
. "$(dirname "$0")/../lib/case.sh"

LOAD_ROLE=client

load() # RESPONDER ROUND WHAT LOAD-OPTION...
{
	local responder=$1 round=$2 what=$3

	shift 3
	bench_observe --tag responder="$responder" --tag round="$round" --tag what="$what" -- \
		"${BENCH_LOAD_PREFIX[@]}" "$BENCH_LOAD" --core 1 --burst 64 \
		--port "vdev:$(bench_memif "$LOAD_ROLE" "$BENCH_CLIENT_MAC")" \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json --duration "$BENCH_SECONDS" --timeout 100 \
		--lag-limit 20000 "$@"
}

search() # RESPONDER ROUND
{
	load "$1" "$2" search --warm-up 0.2 --search "$BENCH_LOSS_PERCENT" --search-from 500000 \
		--search-to 16000000 --search-resolution 3
}

# From the start: a generator that cannot keep up never gets behind its warm-up.
flood() # RESPONDER ROUND
{
	local rate

	for rate in 6000000 9000000 13000000 20000000; do
		load "$1" "$2" flood --rate "$rate"
	done
}

flowgen() # ROUND
{
	bench_observe --tag responder=testpmd_flowgen --tag round="$1" --tag what=flood -- \
		"$BENCH_LIB/flowgen" "$(bench_memif client "$BENCH_CLIENT_MAC")" 1
}

start_meridian()
{
	rm -f "$LAB_RUNDIR"/* # the policy of another role
	bench_config "vdev:$(bench_memif server "$BENCH_SERVER_MAC") address $LAB_SERVER4"
	lab_control
	lab_dataplane
	bench_wait 10 "the dataplane's port" port_is_open
}

port_is_open()
{
	[ "$(lab_field status ports.0.state)" = open ]
}

# A memif's client connects once, when it starts: after the generator, anew for each measurement.
client_flood() # ROUND
{
	local rate pid

	rm -f "$LAB_RUNDIR"/*
	bench_config "vdev:$(bench_memif client "$BENCH_SERVER_MAC") address $LAB_SERVER4"
	lab_control
	LOAD_ROLE=server
	for rate in 9000000 20000000; do
		rm -f "$LAB_DIR/memif.sock"
		load meridian_client "$1" flood --rate "$rate" &
		pid=$!
		bench_wait 20 "the generator" test -S "$LAB_DIR/memif.sock" && lab_dataplane
		wait "$pid"
		bench_stop dataplane
	done
	rm -f "$LAB_DIR/memif.sock"
	LOAD_ROLE=client
	bench_stop control
}

start_testpmd()
{
	bench_testpmd testpmd server 0 "$(bench_memif server "$BENCH_SERVER_MAC")" 5tswap --rxd=2048 --txd=2048
	bench_wait 20 "testpmd" grep -q 'Port statistics' "$LAB_DIR/testpmd.log" || {
		bench_missing testpmd "it did not start"
		return 1
	}
}

lab_enter "$@"
ip netns add server
for round in $(seq "$BENCH_ROUNDS"); do
	if start_meridian; then
		search meridian "$round"
		flood meridian "$round"
	else
		bench_missing meridian "the dataplane did not open its memory NIC"
	fi
	bench_stop_meridian
	if start_testpmd; then
		flood testpmd "$round"
	fi
	bench_stop_testpmd
	if start_testpmd; then
		flowgen "$round"
	fi
	bench_stop_testpmd
	client_flood "$round"
done
if start_meridian; then
	bench_profile memif load meridian 0 profile --rate 13000000
fi
bench_stop_meridian
