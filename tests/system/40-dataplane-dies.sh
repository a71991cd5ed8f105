#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client that asks every 100 ms loses at most one reply when the dataplane is killed and started
# again, at most three when it is stopped (it hangs) and continued, and none when it is drained
# with SIGTERM: the fallback answers meanwhile.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# What either process has answered, or found too late: no request that it has seen is missing.
judged()
{
	local process sum=0 name

	for process in dataplane fallback; do
		for name in answered stale; do
			sum=$((sum + $(lab_counter "$process" "$name")))
		done
	done
	echo "$sum"
}

# Asks for nine seconds while a function does its work, and checks the loss: where a busy machine holds
# up the client or control, more is lost, and then it is tried again.
lose_at_most() # NUMBER FUNCTION
{
	local tried

	for tried in 1 2 3 4 5; do
		lose "$2"
		lab_figure "$2: lost $lost of 90, $answered by the fallback"
		[ "$lost" -gt "$1" ] || return 0
	done
	lab_fail "$2: lost $lost of 90, allowed are $1, in $tried tries"
}

lose() # FUNCTION: sets lost, answered and judged_before
{
	local fallback client

	fallback=$(lab_counter fallback answered)
	judged_before=$(judged)
	lab_ask --count 90 --interval 0.1 --require-synchronised "$LAB_SERVER4" \
		>"$LAB_DIR/$1.txt" &
	client=$!
	sleep 1
	"$1"
	wait "$client" || lab_fail "$1: no synchronised reply"
	lost=$(sed -n 's/.* lost \([0-9]*\)$/\1/p' "$LAB_DIR/$1.txt")
	answered=$(($(lab_counter fallback answered) - fallback))
	[ "$answered" -gt 0 ] || lab_fail "$1: fallback never answered"
	lab_wait 5 "$1: the dataplane to answer again" lab_dataplane_answers
}

kill_and_start()
{
	lab_kill dataplane
	sleep 2
	lab_dataplane
}

stop_and_continue()
{
	kill -STOP "${LAB_PID[dataplane]}"
	sleep 2
	kill -CONT "${LAB_PID[dataplane]}"
}

# However busy the machine: what is in a queue that ends is answered, what comes after goes to the kernel.
drain_and_start()
{
	lab_stop dataplane
	sleep 2
	lab_dataplane
	lab_wait 30 "each request to be seen by dataplane or fallback" all_judged
}

all_judged()
{
	local seen=$(($(judged) - judged_before))

	[ "$seen" -ge 90 ] || lab_differs "$((90 - seen)) of 90 were seen by nobody"
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_upstream
lab_serve
lose_at_most 1 kill_and_start
lose_at_most 3 stop_and_continue
lose_at_most 0 drain_and_start
