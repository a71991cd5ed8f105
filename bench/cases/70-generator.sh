#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The generator's own limits, against its own reflector over a memory NIC: the rate that it can
# measure, and the round trip that it finds where nothing is served.
set -eu
. "$(dirname "$0")/../lib/case.sh"

load() # WHAT ROUND RATE
{
	bench_observe --tag responder=reflect --tag round="$2" --tag what="$1" -- \
		"$BENCH_LOAD" --port "vdev:$(bench_memif client)" --core 1 \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json --rate "$3" --duration "$BENCH_SECONDS" --warm-up 0.5
}

[ -x "$BENCH_LOAD" ] || lab_skip "meridian-load is not built"
lab_enter "$@"
ip netns add server
lab_start reflect server "$BENCH_LOAD" --reflect --port "vdev:$(bench_memif server)" --core 0
lab_wait 10 "the reflector" test -S "$LAB_DIR/memif.sock"
for round in $(seq "$BENCH_ROUNDS"); do
	load rate "$round" 40000000
	load floor "$round" 1000000
done
lab_stop reflect
