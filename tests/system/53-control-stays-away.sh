#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Control is killed and stays away until the steering deadline passes: a client that asks every
# 100 ms loses nothing when the fallback takes over, nor when the dataplane does again for a new
# control. The minute of waiting is cut short by writing the deadline that control would leave.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

DEADLINE_S=3

# The deadline of queue 0 as eight octets, lowest first.
deadline_octets()
{
	/usr/bin/python3 -c "import time
print(*(time.monotonic_ns() + $DEADLINE_S * 10**9).to_bytes(8, 'little'))"
}

deadline_shorten()
{
	# shellcheck disable=SC2046 # eight words
	bpftool map update pinned "$(find /sys/fs/bpf -type d -name eth1)/steer_queue" \
		key 0 0 0 0 value $(deadline_octets)
}

fallback_took_over() # ANSWERED-BEFORE
{
	[ "$(lab_counter fallback answered)" -gt "$1" ]
}

# Sets lost, by_dataplane and by_fallback. A busy machine loses more, and then it is tried again.
stay_away()
{
	local client dataplane fallback

	dataplane=$(lab_counter dataplane answered)
	fallback=$(lab_counter fallback answered)
	lab_ask --count 100 --interval 0.1 --require-synchronised "$LAB_SERVER4" \
		>"$LAB_DIR/client.txt" &
	client=$!
	sleep 1
	lab_kill control
	deadline_shorten
	sleep "$DEADLINE_S"
	by_dataplane=$(($(lab_counter dataplane answered) - dataplane))
	lab_wait 5 "the fallback to take over" fallback_took_over "$fallback"
	sleep 1
	by_fallback=$(($(lab_counter fallback answered) - fallback))
	lab_control
	wait "$client" || lab_fail "no synchronised reply"
	lost=$(sed -n 's/.* lost \([0-9]*\)$/\1/p' "$LAB_DIR/client.txt")
	lab_wait 5 "the dataplane to answer again" lab_dataplane_answers
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_upstream
lab_serve
for tried in 1 2 3 4 5; do
	stay_away
	lab_figure "lost $lost of 100, $by_dataplane by the dataplane and $by_fallback by the fallback" \
		"until control was back"
	[ "$lost" != 0 ] || [ "$by_dataplane" -lt 30 ] || break
done
[ "$lost" = 0 ] || lab_fail "lost $lost of 100, in each of $tried tries"
[ "$by_dataplane" -ge 30 ] || lab_fail "the dataplane did not answer until the deadline"
