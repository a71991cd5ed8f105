#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The generator's own limits: what it computes for a request and for a reply, and against its own
# reflector over a memory NIC the rate that it can measure, and the round trip that it finds where
# nothing is served.
set -eu
. "$(dirname "$0")/../lib/case.sh"

load() # WHAT ROUND LOAD-OPTION...
{
	local what=$1 round=$2

	shift 2
	bench_observe --tag responder=reflect --tag round="$round" --tag what="$what" -- \
		"$BENCH_LOAD" --port "vdev:$(bench_memif client "$BENCH_CLIENT_MAC")" --core 1 --burst 64 \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json --duration "$BENCH_SECONDS" --warm-up 0.2 "$@"
}

[ -x "$BENCH_LOAD" ] || lab_skip "meridian-load is not built"
lab_enter "$@"
bench_program bench-generator
ip netns add server
lab_start reflect server "$BENCH_LOAD" --reflect --burst 64 --core 0 \
	--port "vdev:$(bench_memif server "$BENCH_SERVER_MAC")"
lab_wait 10 "the reflector" test -S "$LAB_DIR/memif.sock"
for round in $(seq "$BENCH_ROUNDS"); do
	load search "$round" --search "$BENCH_LOSS_PERCENT" --search-from 500000 \
		--search-to 16000000 --search-resolution 3 --timeout 100 --lag-limit 20000
	load floor "$round" --rate 100000
done
lab_stop reflect
