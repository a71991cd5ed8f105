#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# bench-stream, which checks one reply in 61, over a memif and over a veth pair: before the dataplane,
# whose replies are right and as many as it counts itself; before a forwarder that sends requests
# back, which are none; and what it refuses.
# Not sanitized: DPDK's polling threads with sanitizers leave the server no time on two cores.
# Alone: all cores are busy.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

LAB_HUGEPAGES=192 # bench-stream beside the dataplane or a forwarder
STREAM=$LAB_BUILD/bench/bench-stream
SERVER_MAC=02:00:00:00:00:01
SERVER4=192.0.2.99
SECONDS_EACH=0.5
NAMESPACE=server # where bench-stream runs,
TARGET=$SERVER4  # and whom it asks

device() # server|client [MAC]
{
	echo "net_memif0,role=$1,id=0,socket=$LAB_DIR/memif.sock,socket-abstract=no${2:+,mac=$2}"
}

# Its document goes to stream.json.
stream() # STATUS OPTION...
{
	local expected=$1 status=0

	shift
	lab_in "$NAMESPACE" "$STREAM" --port "vdev:$(device client)" --core 0 --target "$TARGET" \
		--target-mac "$SERVER_MAC" --source 192.0.2.128/26 --json --warm-up 0 \
		--duration "$SECONDS_EACH" "$@" >"$LAB_DIR/stream.json" 2>"$LAB_DIR/stream.log" ||
		status=$?
	[ "$status" = "$expected" ] ||
		lab_fail "exit status $status, expected $expected: $(tail -3 "$LAB_DIR/stream.log")"
}

field() # KEY
{
	"$LAB_TOOLS/json-field" "results.$1" <"$LAB_DIR/stream.json" ||
		lab_fail "no $1 in the results"
}

# How many replies there were, from their rate.
returned()
{
	awk -v rate="$(field answered_per_s)" -v s="$SECONDS_EACH" 'BEGIN { printf "%.0f", rate * s }'
}

test_dataplane()
{
	lab_config "local stratum 10" "nic vdev:$(device server "$SERVER_MAC") address $SERVER4" \
		"ratelimit interval -19 burst 255"
	sed -i '/^nic eth1$/d' "$LAB_CONFIG"
	lab_control
	lab_dataplane
	lab_wait 20 "the memif" test -S "$LAB_DIR/memif.sock"
	stream 0
	as_many_as_counted
	lab_stop dataplane
	lab_stop control
}

as_many_as_counted()
{
	local answered

	answered=$(lab_counter dataplane answered)
	[ "$(returned)" -gt 61 ] || lab_fail "nothing came back"
	[ "$(returned)" -le "$answered" ] || lab_fail "$(returned) came back of $answered"
	[ "$(field checked)" -ge $(($(returned) / 61)) ] || lab_fail "only $(field checked) checked"
	lab_figure "$answered answered, $(returned) came back, $(field checked) checked"
}

test_veth()
{
	rm -f "$LAB_RUNDIR"/* # the policy for a memif
	lab_config "local stratum 10" "ratelimit interval -19 burst 255"
	lab_serve
	NAMESPACE=client TARGET=$LAB_SERVER4
	stream 0 --port af_xdp:eth0 \
		--target-mac "$(ip -n server -br link show eth1 | awk '{ print $3 }')"
	as_many_as_counted
	NAMESPACE=server TARGET=$SERVER4
	lab_stop dataplane
	lab_stop control
}

# Its packets come back with addresses swapped, still requests. DPDK's driver may crash when its peer
# goes, so there is one for each run.
forwarded() # STATUS [OPTION...]
{
	rm -f "$LAB_DIR/memif.sock"
	lab_start forwarder server dpdk-testpmd --lcores "0@0,1@0" --no-pci --in-memory \
		--no-telemetry -m 64 --vdev "$(device server "$SERVER_MAC")" -- \
		--forward-mode=5tswap --auto-start --total-num-mbufs=4096 --stats-period=60
	lab_wait 20 "the forwarder" test -S "$LAB_DIR/memif.sock"
	stream "$@"
	lab_kill forwarder 2>/dev/null || true # or it is dead
}

test_forwarder()
{
	forwarded 1
	grep -q 'replies looked at are wrong: ' "$LAB_DIR/stream.log" || lab_fail "not why"
	lab_note "$(grep 'are wrong' "$LAB_DIR/stream.log")"
	forwarded 0 --echo
	[ "$(returned)" -gt 0 ] || lab_fail "nothing came back from the forwarder"
	[ "$(field checked)" = 0 ] || lab_fail "an echo was taken for a reply"
}

test_refusals()
{
	stream 2 --port af_packet:eth1
	stream 2 --target 192.0.2.98
	stream 2 --nonsense
}

lab_enter "$@"
lab_network
test_dataplane
test_forwarder
test_veth
test_refusals
