#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Throughput of a memory NIC: memif with zero copy, the server in one process on core 0, the
# generator in another on core 1. Meridian, then DPDK's own forwarder as the ideal server, in either
# role: a memif's client spares the copies, its server makes them.
#
#   search  the highest rate with little loss, as meridian-load finds it, which checks every reply:
#           it is often the limit itself
#   flood   as many requests as there is room for, by bench-stream, which checks one reply in 61;
#           the forwarder's packets are no replies, and only counted
set -eu
. "$(dirname "$0")/../lib/case.sh"

BENCH_TESTPMD_EAL=(--single-file-segments) # what a client without copies shares is one file

load() # RESPONDER ROUND WHAT LOAD-OPTION...
{
	local responder=$1 round=$2 what=$3

	shift 3
	bench_observe --tag responder="$responder" --tag round="$round" --tag what="$what" -- \
		"${BENCH_LOAD_PREFIX[@]}" "$BENCH_LOAD" --core 1 --burst 64 \
		--port "vdev:$(bench_memif client "$BENCH_CLIENT_MAC")" \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json --duration "$BENCH_SECONDS" --timeout 100 \
		--lag-limit 20000 "$@"
}

search() # RESPONDER ROUND
{
	load "$1" "$2" search --warm-up 0.2 --search "$BENCH_LOSS_PERCENT" --search-from 500000 \
		--search-to 16000000 --search-resolution 3
}

stream() # RESPONDER ROUND WHAT ROLE [OPTION...]
{
	local responder=$1 round=$2 what=$3 role=$4

	shift 4
	bench_stream server "vdev:$(bench_memif "$role" "$BENCH_CLIENT_MAC")" \
		--tag responder="$responder" --tag round="$round" --tag what="$what" -- "$@"
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

start_testpmd() # ROLE
{
	bench_testpmd testpmd server 0 "$(bench_memif "$1" "$BENCH_SERVER_MAC")" 5tswap \
		--rxd=1024 --txd=1024
}

testpmd_is_up()
{
	grep -q 'Port statistics' "$LAB_DIR/testpmd.log"
}

# A memif's client connects once, when it starts: after the generator, which waits for it.
client_stream() # RESPONDER ROUND START-COMMAND...
{
	local responder=$1 round=$2 pid options=()

	shift 2
	[ "$responder" = meridian_client ] || options=(--echo)
	rm -f "$LAB_DIR/memif.sock"
	stream "$responder" "$round" flood server "${options[@]}" &
	pid=$!
	bench_wait 20 "the generator" test -S "$LAB_DIR/memif.sock" && "$@"
	wait "$pid"
	rm -f "$LAB_DIR/memif.sock"
}

meridian_client() # ROUND
{
	rm -f "$LAB_RUNDIR"/*
	bench_config "vdev:$(bench_memif client "$BENCH_SERVER_MAC") address $LAB_SERVER4"
	lab_control
	client_stream meridian_client "$1" lab_dataplane
	bench_stop_meridian
}

lab_enter "$@"
ip netns add server
for round in $(seq "$BENCH_ROUNDS"); do
	if start_meridian; then
		stream meridian "$round" flood client
		search meridian "$round"
	else
		bench_missing meridian "the dataplane did not open its memory NIC"
	fi
	bench_stop_meridian
	start_testpmd server
	if bench_wait 20 "testpmd" testpmd_is_up; then
		stream testpmd "$round" flood client --echo
	else
		bench_missing testpmd "it did not start"
	fi
	bench_stop_testpmd
	meridian_client "$round"
	client_stream testpmd_client "$round" start_testpmd client
	bench_stop_testpmd
done
if start_meridian; then
	bench_profile memif stream meridian 0 profile client
fi
bench_stop_meridian
start_testpmd server
if bench_wait 20 "testpmd" testpmd_is_up; then
	bench_profile memif_ideal stream testpmd 0 profile client --echo
fi
bench_stop_testpmd
