# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the cases of a flood share: from 10^7 made-up sources, and clients beside it, which ask 25
# times a second each, of 32 that they may. The limiter's table holds a fifth of the sources. A case
# sources this after case.sh, makes its network, and calls flood_run.
#
#   flood     what meridian-load sent and got back. What it cannot send within FLOOD_LATE_US it leaves
#             out: sent later, all that is due at once, it would be a heap that fills the ring of the
#             dataplane's socket, 2048 long, at no matter how low a rate
#   clients   requests of the clients, and those lost; how many of all the worker dropped as
#             rate_limited, and as stale because it did not get its core in time; how many of all
#             that it received, and how many more found the veth pair before the server full, or
#             the rings of its socket. Where a bridge brings the clients, also where those were
#             lost (PLACES): in the server means handed to its interface, and no reply came out.
#             flood_share is what share of the flood was sent, capacity_per_s what the server can do
#             with such requests, where a case has searched for it: beyond that everybody loses

SOURCES=10.0.0.0/8
SOURCE_COUNT=10000000
FLOOD_SECONDS=12
FLOOD_UP=50000      # packets of it after which the clients begin
FLOOD_ON=5000       # and after which it is believed that it still goes on
FLOOD_LATE_US=1000
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

flood_load() # WHAT FLOOD LOAD-OPTION...
{
	bench_observe --tag responder=meridian --tag round="$round" --tag what="$1" \
		--tag flood="$2" --interface eth1 -- nsenter --net=/run/netns/client -- \
		"$BENCH_LOAD" --port af_xdp:eth0 --core 1 --target "$LAB_SERVER4" \
		--target-mac "$BENCH_SERVER_MAC" --source "$SOURCES" --clients "$SOURCE_COUNT" \
		--json --timeout 100 "${@:3}"
}

flood() # NAME RATE
{
	flood_load flood "$1" --duration "$FLOOD_SECONDS" --warm-up 1 --skip-late "$FLOOD_LATE_US" \
		--rate "$2"
}

# The highest rate of it of which the server answers nearly all, to capacity; 0: none was found. Where
# the generator was the limit, the server's own, known_capacity, is empty.
flood_capacity()
{
	flood_load search capacity --search "$BENCH_LOSS_PERCENT" --search-from 20k \
		--search-to 1200k --search-resolution 5 --duration 0.5 >"$LAB_DIR/search.json" || true
	cat "$LAB_DIR/search.json"
	capacity=$("$LAB_TOOLS/json-field" search.rate_per_s <"$LAB_DIR/search.json") || capacity=0
	capacity=${capacity%.*}
	known_capacity=$capacity
	[ "$("$LAB_TOOLS/json-field" search.generator_limited <"$LAB_DIR/search.json")" = false ] &&
		[ "$capacity" != 0 ] || known_capacity=
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

# What became of all packets so far. Where the dataplane's socket has no room, the kernel counts a
# drop of the veth's queue.
drops() # NAME-OF-AN-ARRAY
{
	local -n counts=$1

	counts[received]=$(lab_counter dataplane rx_packets)
	counts[stale]=$(lab_counter dataplane stale)
	counts[rate_limited]=$(lab_counter dataplane rate_limited)
	counts[pair_full]=$(ip -n "${FLOOD_BRIDGE:-client}" -s -j link show dev "${FLOOD_PORT:-eth0}" |
		"$LAB_TOOLS/json-field" 0.stats64.tx.dropped)
	counts[socket_full]=$(lab_in server ethtool -S eth1 |
		awk '/rx_queue_[0-9]*_drops:/ { n += $2 } END { print n + 0 }')
}

# Counts the clients' packets at the bridge, where a case has one, in the namespace FLOOD_BRIDGE.
# FLOOD_PORT is its port to the server.
watch_start()
{
	[ -n "${FLOOD_BRIDGE:-}" ] || return 0
	: >"$LAB_DIR/passing.log"
	lab_start passing "$FLOOD_BRIDGE" /usr/bin/python3 "$BENCH_LIB/passing" "$CLIENT_NET.0/24" \
		clients:in:from "$FLOOD_PORT:out:from" "$FLOOD_PORT:in:to" clients:out:to
	bench_wait 10 "the bridge to be watched" grep -q counting "$LAB_DIR/passing.log"
}

PLACES=(before_bridge in_bridge in_server in_bridge_back after_bridge)

watch_stop()
{
	[ -z "${FLOOD_BRIDGE:-}" ] || lab_stop passing
}

lost_where() # SENT LOST: as members of an object
{
	local count before=$1 place=0

	[ -n "${FLOOD_BRIDGE:-}" ] || return 0
	for count in $(tail -n 1 "$LAB_DIR/passing.log") "$(($1 - $2))"; do
		printf ', "lost_%s": %d' "${PLACES[place]}" "$((before - count))"
		before=$count
		place=$((place + 1))
	done
}

flood_share() # of what was scheduled
{
	local sent scheduled

	sent=$("$LAB_TOOLS/json-field" results.sent_per_s <"$LAB_DIR/flood.json") &&
		scheduled=$("$LAB_TOOLS/json-field" results.rate_per_s <"$LAB_DIR/flood.json") &&
		awk -v sent="$sent" -v scheduled="$scheduled" 'BEGIN { printf "%.3f", sent / scheduled }'
}

print_clients() # FLOOD SENT LOST MEMBERS
{
	printf '{"responder": "meridian", "round": "%s", "what": "clients", "flood": "%s", ' \
		"$round" "$1"
	printf '"sent": %d, "lost": %d%s}\n' "${@:2}"
}

# Asks as the clients do, beside a flood, and prints, at its end, what became of it.
ask_beside() # FLOOD PID-OF-THE-FLOOD
{
	local sent lost name members goes_on=
	local -A before=() after=()

	drops before
	watch_start
	clients "$LAB_DIR/clients"
	watch_stop
	drops after
	read -r sent lost < <(counts "$LAB_DIR/clients")
	members=$(lost_where "$sent" "$lost")
	for name in "${!after[@]}"; do
		members+=$(printf ', "%s": %d' "$name" "$((after[$name] - before[$name]))")
	done
	flooding "$2" "$FLOOD_ON" 2 && goes_on=yes
	wait "$2" || true
	if [ -n "$goes_on" ]; then
		members+=$(printf ', "flood_share": %s' "$(flood_share || echo 0)")
		[ -z "${known_capacity:-}" ] ||
			members+=$(printf ', "capacity_per_s": %d' "$known_capacity")
		print_clients "$1" "$sent" "$lost" "$members"
	else
		bench_missing meridian "the flood of $1 ended before the clients"
	fi
}

# What the clients lose tells nothing unless there was a flood beside them, from the first to the last.
measure() # FLOOD RATE
{
	local pid

	flood "$1" "$2" >"$LAB_DIR/flood.json" &
	pid=$!
	if flooding "$pid" "$FLOOD_UP" "$FLOOD_WAIT_S"; then
		ask_beside "$1" "$pid"
	else
		bench_missing meridian "no flood of $1"
		wait "$pid" || true
	fi
	cat "$LAB_DIR/flood.json"
}

measure_of_capacity()
{
	flood_capacity
	[ "$capacity" = 0 ] || measure "$FLOOD_OF_CAPACITY%" $((capacity * FLOOD_OF_CAPACITY / 100))
}

flood_rounds() # RATE...
{
	local rate

	for round in $(seq "$BENCH_ROUNDS"); do
		[ -z "${FLOOD_OF_CAPACITY:-}" ] || measure_of_capacity
		for rate in "$@"; do
			measure "$rate" "$rate"
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
