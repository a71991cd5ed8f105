#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Round trips under load: Meridian and chronyd over veth at 10, 50 and 80 % of what each can do.
set -eu
. "$(dirname "$0")/../lib/case.sh"

SECONDS_EACH=$(awk -v s="$BENCH_SECONDS" 'BEGIN { print 2 * s }')

latency() # RESPONDER CAPACITY
{
	local percent

	if [ -z "$2" ]; then
		bench_missing "$1" "its capacity was not measured"
		return
	fi
	"bench_start_$1" || bench_missing "$1" "it did not start"
	for percent in 10 50 80; do
		bench_load --tag responder="$1" --tag percent="$percent" --tag what=latency -- \
			--duration "$SECONDS_EACH" --warm-up 0.5 --rate $(($2 * percent / 100))
	done
	"bench_stop_$1"
}

lab_enter "$@"
bench_network
latency meridian "${BENCH_CAPACITY_MERIDIAN:-}"
latency chronyd "${BENCH_CAPACITY_CHRONYD:-}"
