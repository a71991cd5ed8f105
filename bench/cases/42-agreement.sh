#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Whether the generator tells the truth of a server that is not ours: chronyd over a veth pair.
#
#   drops  rates around the capacity that a search finds: what chronyd's socket dropped by the
#          kernel's count beside what we say was lost.
#   agree  the same requests from ntpperf, by chrony's author, and from us, in turns: loss,
#          validity, and the server's own time for a reply. In PATH, or in BENCH_NTPPERF. Both on
#          the generator's core. Up to the rate that ntpperf reaches there, with as many clients as
#          it has (a tenth of the rate).
set -eu
. "$(dirname "$0")/../lib/case.sh"

NTPPERF=${BENCH_NTPPERF:-$(command -v ntpperf || true)}
# Both private, or ntpperf refuses them.
SERVER=192.168.123.1
CLIENT=192.168.123.2
SOURCES=172.18.0.0/16
RATES="10000 30000 60000"

observe() # WHAT ROUND TOOL RATE COMMAND...
{
	bench_observe --tag responder=chronyd --tag what="$1" --tag round="$2" --tag tool="$3" \
		--tag rate="$4" --udp-port 123 --interface eth1 -- "${@:5}"
}

load() # WHAT ROUND RATE CLIENTS OPTION...
{
	observe "$1" "$2" meridian-load "$3" nsenter --net=/run/netns/client -- \
		"$BENCH_LOAD" --port af_xdp:eth0 --core 1 --target "$SERVER" \
		--target-mac "$BENCH_SERVER_MAC" --source "$SOURCES" --clients "$4" --json \
		--timeout 100 "${@:5}"
}

ntpperf() # ROUND RATE
{
	observe agree "$1" ntpperf "$2" "$BENCH_LIB/ntpperf" nsenter --net=/run/netns/client -- \
		taskset -c 1 "$NTPPERF" -B -i eth0 -m "$BENCH_SERVER_MAC" -d "$SERVER" -s "$SOURCES" \
		-r "$2" -t 1
}

drops()
{
	local capacity percent rate

	load search 1 0 "$BENCH_CLIENTS" --duration "$BENCH_SECONDS" --warm-up 0.2 --lag-limit 20000 \
		--search "$BENCH_LOSS_PERCENT" --search-from 50000 --search-to 500000 --search-resolution 3 --search-tries 2 |
		tee "$LAB_DIR/found.json"
	capacity=$("$LAB_TOOLS/json-field" search.rate_per_s <"$LAB_DIR/found.json" | cut -d . -f 1)
	[ "${capacity:-0}" -gt 0 ] || return 0
	for percent in 60 80 90 100 110 120 150; do
		rate=$((capacity * percent / 100))
		# Without a warm-up, in which the socket could drop what is not counted; and with time for
		# what its queue holds, which is no loss.
		load drops 1 "$rate" "$BENCH_CLIENTS" --rate "$rate" --duration "$BENCH_SECONDS" \
			--lag-limit 20000 --timeout 1000
	done
}

agree()
{
	local round rate

	if [ -z "$NTPPERF" ]; then
		bench_missing ntpperf "it is not installed (BENCH_NTPPERF)"
		return
	fi
	for round in $(seq $((2 * BENCH_ROUNDS))); do
		for rate in $RATES; do
			ntpperf "$round" "$rate"
			load agree "$round" "$rate" $((rate / 10)) --rate "$rate" --duration 1 --warm-up 0.2
		done
	done
}

lab_enter "$@"
bench_network
lab_in server ip address add "$SERVER/24" dev eth1
lab_in client ip address add "$CLIENT/24" dev eth0
lab_in server ip route add "$SOURCES" via "$LAB_CLIENT4"
bench_start_chronyd || lab_skip "no chronyd"
drops
agree
bench_stop_chronyd
