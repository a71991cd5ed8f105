#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Throughput over a veth pair: Meridian, DPDK's forwarder on the same driver, stock servers and an
# XDP_TX echo, one after the other on the same interface and in front of the same generator, in
# every round.
#
#   search  the highest rate with little loss: the capacity. The generator, whose core sends and
#           receives, is often the limit of the fastest.
#   hold    that rate once more
#   flood   more than that, three times; what goes out is counted by the interface. For those who
#           answer more than meridian-load can check it is bench-stream that sends as much as its
#           core can, and looks at one reply in 61: to refuse the forwarder's packets, which are no
#           replies, would take the generator less time than to check ours. The kernel sends within
#           the generator's call, so that its core is the limit of what these are asked.
set -eu
. "$(dirname "$0")/../lib/case.sh"

declare -A CAPACITY=() # of the round before, to search near it

# Finds the highest rate with little loss; from the second round on near the first one's.
search()
{
	local from=20000 to=1500000 known=${CAPACITY[$1]:-}

	if [ -n "$known" ]; then
		from=$((known * 6 / 10))
		to=$((known * 15 / 10))
	fi
	# shellcheck disable=SC2046 # options
	bench_load --tag responder="$1" --tag round="$2" --tag what=search \
		$(bench_pids "$BENCH_SERVER") -- --duration "$BENCH_SECONDS" --warm-up 0.2 \
		--search "$BENCH_LOSS_PERCENT" --search-from "$from" --search-to "$to" \
		--search-resolution 2 --search-tries 2 --timeout 100 --lag-limit 20000
}

# A late request does no harm here, only a lost one.
at_rate() # RESPONDER ROUND WHAT RATE
{
	# shellcheck disable=SC2046 # options
	bench_load --tag responder="$1" --tag round="$2" --tag what="$3" \
		$(bench_pids "$BENCH_SERVER") -- --duration "$BENCH_SECONDS" --warm-up 0.4 \
		--timeout 100 --lag-limit 20000 --rate "$4"
}

stream() # RESPONDER ROUND WHAT [OPTION...]
{
	local responder=$1 round=$2 what=$3

	shift 3
	[ "$responder" = meridian ] || set -- "$@" --echo
	# shellcheck disable=SC2046 # options
	bench_stream client af_xdp:eth0 --tag responder="$responder" --tag round="$round" \
		--tag what="$what" $(bench_pids "$BENCH_SERVER") --interface eth1 -- "$@"
}

streams() # RESPONDER ROUND
{
	stream "$1" "$2" flood
	stream "$1" "$2" flood
	stream "$1" "$2" flood
}

# The rate that a search found, as a whole number; 0 when every rate lost too much.
found_rate() # FILE
{
	"$LAB_TOOLS/json-field" search.rate_per_s <"$1" 2>/dev/null | cut -d . -f 1
}

capacity() # RESPONDER ROUND
{
	local rate

	search "$1" "$2" | tee "$LAB_DIR/found.json"
	rate=$(found_rate "$LAB_DIR/found.json")
	[ "${rate:-0}" -gt 0 ] || return 0
	CAPACITY[$1]=$rate
	at_rate "$1" "$2" hold "$rate"
}

flood() # RESPONDER ROUND RATE...
{
	local rate responder=$1 round=$2

	shift 2
	for rate in "$@"; do
		at_rate "$responder" "$round" flood "$rate"
	done
}

measure() # RESPONDER ROUND
{
	local rate

	case $1 in
	testpmd) streams "$1" "$2" ;;
	meridian | echo)
		capacity "$1" "$2"
		streams "$1" "$2"
		;;
	*)
		capacity "$1" "$2"
		rate=${CAPACITY[$1]:-200000}
		flood "$1" "$2" $((rate * 11 / 10)) $((rate * 13 / 10)) $((rate * 16 / 10))
		;;
	esac
}

# Meridian, and the forwarder, with more than they answer.
profile()
{
	if bench_start_meridian; then
		bench_profile veth stream meridian 0 profile
	fi
	bench_stop_meridian
	if bench_start_testpmd; then
		bench_profile veth_ideal stream testpmd 0 profile
	fi
	bench_stop_testpmd
}

lab_enter "$@"
bench_network
for round in $(seq "$BENCH_ROUNDS"); do
	for responder in meridian testpmd chronyd chronyd_one_core ntpd echo; do
		if "bench_start_$responder"; then
			measure "$responder" "$round"
		else
			bench_missing "$responder" "it did not start"
		fi
		"bench_stop_$responder"
	done
done
profile
