#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The load generator against the dataplane, over IPv4 and IPv6 and with a mix of requests; against
# another load generator that reflects; and what it refuses.
# Not sanitized: DPDK's polling threads with sanitizers leave the server no time on two cores.
# Alone: a measurement, with all cores busy.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

LAB_HUGEPAGES=192 # two load generators, or one and the dataplane
LOAD=$LAB_BUILD/bench/load/meridian-load
CORE=0 # the dataplane takes the last one

# Runs the generator in the client's namespace; its document goes to load.json. That the generator
# was the limit (exit status 1) is for this machine to say, not a failure.
load() # ARGUMENT...
{
	local status=0

	lab_in client "$LOAD" --port af_xdp:eth0 --core "$CORE" --json "$@" \
		>"$LAB_DIR/load.json" 2>"$LAB_DIR/load.log" || status=$?
	[ "$status" = 0 ] || [ "$status" = 1 ] || lab_fail "meridian-load $*: exit status $status"
}

field() # PATH
{
	"$LAB_TOOLS/json-field" "$1" <"$LAB_DIR/load.json" || lab_fail "no $1 in the results"
}

# What must hold of any run: every request has one end, and nothing that arrived is wrong.
check() # WHAT
{
	local sent answered lost late kissed malformed

	sent=$(field results.sent) answered=$(field results.answered) lost=$(field results.lost)
	late=$(field results.late) kissed=$(field results.kissed)
	malformed=$(field results.malformed)
	[ "$answered" -gt 0 ] || lab_fail "$1: nothing answered"
	[ "$sent" = $((answered + lost + late + kissed + malformed)) ] || lab_fail "$1: sums"
	[ "$(field results.duplicate)" = 0 ] || lab_fail "$1: duplicates"
	[ "$(field results.invalid)" = "{}" ] || lab_fail "$1: invalid: $(field results.invalid)"
	[ "$(field results.transmit_backwards)" = 0 ] || lab_fail "$1: transmit time backwards"
	[ "$(field results.round_trip_ns.count)" = $((answered + late)) ] ||
		lab_fail "$1: not every answer has a round trip"
	lab_figure "$1: $sent sent, $answered answered in time, $lost lost, $late late, median" \
		"$(field results.round_trip_ns.p50) ns, 99 % $(field results.round_trip_ns.p99) ns," \
		"generator limited: $(field results.generator_limited)"
}

# By both processes: while the generator starves the dataplane, the fallback answers.
answers()
{
	echo $(($(lab_counter dataplane answered) + $(lab_counter fallback answered)))
}

have_answered() # NUMBER
{
	[ "$(answers)" -ge "$1" ]
}

test_server() # ADDRESS
{
	local before answered

	before=$(answers)
	load --target "$1" --rate 20k --duration 3 --csv "$LAB_DIR/load.csv" \
		--hgrm "$LAB_DIR/load.hgrm"
	check "20000/s to $1"
	answered=$(($(field results.answered) + $(field results.late)))
	lab_wait 5 "$1: no more replies than were sent" have_answered $((before + answered))
	[ "$(field results.unsynchronised)" = 0 ] || lab_fail "$1: unsynchronised replies"
	[ "$(field results.stratum_changes)" = 0 ] || lab_fail "$1: the stratum changes"
	[ "$(field schema_version)" = 1 ] || lab_fail "schema version"
	[ "$(grep -c '' "$LAB_DIR/load.csv")" -ge 3 ] || lab_fail "CSV lines are missing"
	grep -q "Total count.*$answered\]" "$LAB_DIR/load.hgrm" || lab_fail "count in the histogram"
}

# Kinds of requests that this server answers, and those that it must not; many clients.
test_mix()
{
	load --target "$LAB_SERVER4" --source 192.0.2.128/26 --rate 10k --duration 1 \
		--pattern poisson --mix basic=2,v3=1,interleaved=1,malformed=1
	check "a mix"
	[ "$(field results.kinds.v3.answered)" -gt 0 ] || lab_fail "no version 3 answered"
	[ "$(field results.kinds.malformed.answered)" = 0 ] || lab_fail "malformed answered"
}

# What its key signs is answered, signed by the same; what another key signs is not answered at all.
test_symmetric()
{
	local before id

	for id in 7 8; do
		load --target "$LAB_SERVER4" --rate 5k --duration 1 --mix basic=1,symmetric=1 \
			--key-file "$LAB_DIR/client.keys" --key-id "$id"
		check "a mix, signed by key $id"
		[ "$(field results.kinds.symmetric.answered)" -gt 0 ] ||
			lab_fail "nothing that key $id signed is answered"
	done
	before=$(lab_counter dataplane bad_mac)
	load --target "$LAB_SERVER6" --rate 5k --duration 1 --mix symmetric=1 \
		--key-file "$LAB_DIR/client.keys" --key-id 9
	[ "$(field results.sent)" -gt 0 ] || lab_fail "nothing was sent with a wrong key"
	[ "$(field results.lost)" = "$(field results.sent)" ] || lab_fail "a wrong key is answered"
	[ "$(field results.invalid)" = "{}" ] || lab_fail "invalid: $(field results.invalid)"
	lab_wait 5 "the verdict on a wrong key" bad_macs_since "$before"
}

bad_macs_since() # COUNT
{
	[ "$(lab_counter dataplane bad_mac)" -gt "$1" ]
}

keys_write()
{
	(
		umask 077
		printf '%s\n' "7 AES128 HEX:5365637265746b6579206f6620746865" \
			"8 SHA256 HEX:5365637265746b6579206f6620746865" >"$LAB_DIR/server.keys"
		cp "$LAB_DIR/server.keys" "$LAB_DIR/client.keys"
		echo "9 AES128 ASCII:the-server-has-9" >>"$LAB_DIR/server.keys"
		echo "9 AES128 ASCII:the-client-has-9" >>"$LAB_DIR/client.keys"
	)
}

# The server keeps the tag; replies without it, or with another, would be frames of no use.
test_vlan()
{
	load --target "$LAB_SERVER4" --vlan 7 --rate 5k --duration 1
	check "5000/s in a VLAN to $LAB_SERVER4"
	load --target "$LAB_SERVER6" --vlan 4094 --rate 5k --duration 1
	check "5000/s in a VLAN to $LAB_SERVER6"
}

# Their clocks are not one.
test_targets()
{
	load --target "$LAB_SERVER4,$LAB_SERVER6" --rate 5k --duration 1
	[ "$(field results.answered)" -gt 0 ] || lab_fail "two targets: nothing answered"
	[ "$(field results.transmit_backwards)" = null ] ||
		lab_fail "two targets: a transmit time is said to go back, or not to"
}

has_more_answers() # THAN
{
	[ "$(answers)" -gt "$1" ]
}

# A generator that was held up, from its warm-up on, leaves out what is too late by then: nothing is sent
# later than it may, and all that was due in the five seconds is told, sent or not.
test_skip()
{
	local scheduled

	lab_start skipping client "$LOAD" --port af_xdp:eth0 --core "$CORE" --json --no-progress \
		--target "$LAB_SERVER4" --rate 20k --warm-up 3 --duration 5 --skip-late 1000
	lab_wait 10 "an answer to the generator" has_more_answers "$(answers)"
	kill -STOP "${LAB_PID[skipping]}"
	sleep 3.5
	kill -CONT "${LAB_PID[skipping]}"
	wait "${LAB_PID[skipping]}" || true
	unset "LAB_PID[skipping]"
	sed -n '/^{/,$p' "$LAB_DIR/skipping.log" >"$LAB_DIR/load.json"
	check "20000/s, held up for 3.5 s"
	scheduled=$(field results.rate_per_s)
	[ "${scheduled%.*}" -ge 19990 ] || lab_fail "of 20000/s only $scheduled/s are told"
	[ "$(field results.skipped)" -ge 9000 ] || lab_fail "$(field results.skipped) left out"
	[ "$(field results.send_lag_ns.max)" -le 1004000 ] ||
		lab_fail "sent $(field results.send_lag_ns.max) ns late"
	[ "$(($(field results.skipped) + $(field results.sent)))" -le 100000 ] || lab_fail "too many"
	[ "$(field results.generator_limited)" = true ] || lab_fail "the generator was not the limit"
}

memif() # server|client
{
	echo "vdev:net_memif0,role=$1,id=0,socket=$LAB_DIR/memif.sock,socket-abstract=no"
}

# Against a reflector that stands still for so many seconds of warm-up and measurement.
full_port() # SECONDS LOAD-OPTION...
{
	local scheduled seconds=$1

	shift
	rm -f "$LAB_DIR/memif.sock" "$LAB_DIR/full.log"
	lab_start reflector server "$LOAD" --port "$(memif server)" --reflect \
		--core "$(($(nproc) - 1))"
	lab_wait 10 "the reflector's socket" test -S "$LAB_DIR/memif.sock"
	lab_start full client "$LOAD" --port "$(memif client)" --core "$CORE" --json --no-progress \
		--target "$LAB_SERVER4" --target-mac 02:00:00:00:00:01 --source 198.18.0.0/16 \
		--rate 20k "$@"
	lab_wait 10 "a connection to the reflector" connected
	sleep 0.5
	kill -STOP "${LAB_PID[reflector]}"
	sleep "$seconds"
	kill -CONT "${LAB_PID[reflector]}"
	wait "${LAB_PID[full]}" || true
	unset "LAB_PID[full]"
	lab_stop reflector || lab_fail "the reflector did not end well"
	sed -n '/^{/,$p' "$LAB_DIR/full.log" >"$LAB_DIR/load.json"
	scheduled=$(field results.rate_per_s)
	case $scheduled in
	1999[0-9].* | 2000[0-9].*) ;;
	*) lab_fail "20000/s to a full port are told as $scheduled/s" ;;
	esac
	[ "$(field results.generator_limited)" = true ] || lab_fail "the generator was not the limit"
	field results.generator_limit_reason | grep -q "the port was full" ||
		lab_fail "nothing is said of the full port"
}

# The peer of a memory NIC stands still, from the warm-up on. What the port does not take in time is left
# out, also of what waits for it already. When it takes nothing more, nothing was sent: what went out in the
# warm-up does not count.
test_full_port()
{
	full_port 4 --warm-up 3 --duration 5 --skip-late 1000
	check "20000/s to a full port"
	[ "$(field results.skipped)" -ge 9000 ] || lab_fail "$(field results.skipped) left out"
	[ "$(field results.send_lag_ns.max)" -le 1004000 ] ||
		lab_fail "sent $(field results.send_lag_ns.max) ns late to a full port"
	full_port 6 --warm-up 3 --duration 2
	[ "$(field results.sent)" = 0 ] || lab_fail "$(field results.sent) sent to a full port"
}

# The reflector's end of the connection is of the network namespace that the other one is in.
connected()
{
	lab_in client grep -q "$LAB_DIR/memif.sock" /proc/net/unix
}

test_reflect() # SERVER-ADDRESS
{
	lab_start reflector server "$LOAD" --port af_xdp:eth1 --reflect --core "$(($(nproc) - 1))"
	lab_wait 10 "an answer of the reflector" lab_ask "$1"
	load --target "$1" --rate 20k --duration 1
	check "20000/s to a reflector"
	load --target "$1" --vlan 7 --rate 5k --duration 1
	check "5000/s in a VLAN to a reflector"
	[ "$(field results.server_residence_ns.max)" -lt 1000 ] || lab_fail "T3 - T2 of a reflector"
	lab_stop reflector || lab_fail "the reflector did not end well"
	grep -q '^reflected [1-9]' "$LAB_DIR/reflector.log" || lab_fail "nothing was reflected"
}

test_refusals()
{
	local status=0

	"$LOAD" --port af_xdp:lo --target 9.9.9.9 >"$LAB_DIR/refused.log" 2>&1 || status=$?
	[ "$status" = 2 ] || lab_fail "a public target: exit status $status"
	grep -q "9.9.9.9 is a public address.*--i-own-this-target" "$LAB_DIR/refused.log" ||
		lab_fail "a public target: no clear message"
	status=0
	lab_in client "$LOAD" --port af_xdp:eth7 --target "$LAB_SERVER4" \
		>"$LAB_DIR/refused.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "no interface: exit status $status"
	grep -q "there is no interface eth7" "$LAB_DIR/refused.log" ||
		lab_fail "no interface: no clear message"
	status=0
	lab_in client "$LOAD" --port af_xdp:eth0:7 --target "$LAB_SERVER4" \
		>"$LAB_DIR/refused.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "no queue: exit status $status"
	grep -q "port af_xdp:eth0:7 does not start" "$LAB_DIR/refused.log" ||
		lab_fail "no queue: no clear message"
}

lab_enter "$@"
lab_network
test_refusals
# The generator takes the last core. What the kernel answers, when the dataplane is held up, reaches
# the generator's socket as the client's kernel would never see it: without a checksum.
lab_in server ethtool -K eth1 tx off >/dev/null
keys_write
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "workers 0" \
	"keyfile $LAB_DIR/server.keys"
lab_upstream
lab_serve
test_server "$LAB_SERVER4"
test_server "$LAB_SERVER6"
test_mix
test_symmetric
test_vlan
test_targets
test_skip
for name in fallback dataplane control; do
	lab_stop "$name"
done
ip -n server link set dev eth1 xdp off
test_reflect "$LAB_SERVER4"
test_full_port
