# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the cases of a flood share: from 10^7 made-up sources, and clients beside it, which ask 25
# times a second each, of 32 that they may. The limiter's table holds a fifth of the sources. A case
# sources this after case.sh, makes its network, and calls flood_run.
#
#   flood     what meridian-load sent and got back
#   clients   requests of the clients, and those lost; how many of all the worker dropped as
#             rate_limited, and as stale because it did not get its core in time

SOURCES=10.0.0.0/8
SOURCE_COUNT=10000000
FLOOD_SECONDS=12
FLOOD_UP=50000      # packets of it after which the clients begin
FLOOD_ON=5000       # and after which it is believed that it still goes on
FLOOD_WAIT_S=30     # for the first: until the machine is quiet, generator, port and warm-up
CLIENT_REQUESTS=200 # of each of four, in 8 s
CLIENT_NET=192.0.3

# The clients' end of a veth pair in a namespace of their own.
clients_network() # NAMESPACE-OF-THE-PEER PEER
{
	local last

	ip netns add legit
	ip -n "$1" link add "$2" type veth peer name eth0 netns legit
	lab_in "$1" ethtool -K "$2" tx off >/dev/null
	lab_in legit ethtool -K eth0 tx off >/dev/null
	ip -n legit link set eth0 up
	for last in 11 12 13 14; do
		ip -n legit address add "$CLIENT_NET.$last/24" dev eth0
	done
}

# They share the core of the generator.
clients() # FILE
{
	local last pids=()

	for last in 11 12 13 14; do
		lab_in legit /usr/bin/python3 "$LAB_TOOLS/ntp-ask" --source "$CLIENT_NET.$last" \
			--count "$CLIENT_REQUESTS" --interval 0.04 "$CLIENT_NET.1" >"$1.$last" &
		pids+=("$!")
	done
	wait "${pids[@]}" || true
}

# "SENT LOST" of all of them.
counts() # FILE
{
	cat "$1".* | awk '/^sent/ { sent += $2; lost += $6 } END { print sent + 0, lost + 0 }'
}

flood() # RATE
{
	bench_observe --tag responder=meridian --tag round="$round" --tag what=flood \
		--tag flood="$1" --interface eth1 -- nsenter --net=/run/netns/client -- \
		"$BENCH_LOAD" --port af_xdp:eth0 --core 1 --target "$LAB_SERVER4" \
		--target-mac "$BENCH_SERVER_MAC" --source "$SOURCES" --clients "$SOURCE_COUNT" \
		--json --duration "$FLOOD_SECONDS" --warm-up 1 --timeout 100 --lag-limit 20000 \
		--rate "$1"
}

received_or_ended() # PACKETS PID
{
	[ "$(lab_counter dataplane rx_packets)" -gt "$1" ] || ! kill -0 "$2"
}

# Whether the dataplane gets so many packets more, from a flood that is alive.
flooding() # PID PACKETS SECONDS
{
	local end

	end=$(($(lab_counter dataplane rx_packets) + $2))
	bench_wait "$3" "$2 packets of the flood" received_or_ended "$end" "$1" &&
		kill -0 "$1" 2>/dev/null
}

print_clients() # RATE SENT LOST RATE-LIMITED STALE
{
	printf '{"responder": "meridian", "round": "%s", "what": "clients", "flood": "%s", ' \
		"$round" "$1"
	printf '"sent": %d, "lost": %d, "rate_limited": %d, "stale": %d}\n' "${@:2}"
}

# What the clients lose tells nothing unless there was a flood beside them, from the first to the last.
measure() # RATE
{
	local limited stale sent lost pid

	flood "$1" &
	pid=$!
	if flooding "$pid" "$FLOOD_UP" "$FLOOD_WAIT_S"; then
		limited=$(lab_counter dataplane rate_limited)
		stale=$(lab_counter dataplane stale)
		clients "$LAB_DIR/clients"
		read -r sent lost < <(counts "$LAB_DIR/clients")
		limited=$(($(lab_counter dataplane rate_limited) - limited))
		stale=$(($(lab_counter dataplane stale) - stale))
		if flooding "$pid" "$FLOOD_ON" 2; then
			print_clients "$1" "$sent" "$lost" "$limited" "$stale"
		else
			bench_missing meridian "the flood of $1 ended before the clients"
		fi
	else
		bench_missing meridian "no flood of $1"
	fi
	wait "$pid" || true
}

flood_rounds() # RATE...
{
	local rate

	for round in $(seq "$BENCH_ROUNDS"); do
		for rate in "$@"; do
			measure "$rate"
		done
	done
}

flood_run() # NIC-LINE[;LINE] RATE...
{
	local lines

	IFS=';' read -ra lines <<<"$1"
	shift
	bench_config "${lines[@]}"
	sed -i 's/^ratelimit .*/ratelimit interval -5 burst 128/' "$LAB_CONFIG"
	lab_control
	lab_dataplane
	if bench_wait 20 "the dataplane's port" grep -q serving: "$LAB_DIR/dataplane.log"; then
		flood_rounds "$@"
	else
		bench_missing meridian "it did not start"
	fi
}
