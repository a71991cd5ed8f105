#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The dataplane is stopped for three seconds with requests in its queue, as on a machine that
# stalls. They may be lost, but no reply tells a wrong time.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

LIMIT_US=10000

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
lab_ask --count 700 --interval 0.01 --timeout 2 "$LAB_SERVER4" >"$LAB_DIR/ask.txt" &
client=$!
sleep 1
before=$(lab_counter dataplane answered)
kill -STOP "${LAB_PID[dataplane]}"
sleep 3
kill -CONT "${LAB_PID[dataplane]}"
wait "$client" || lab_fail "no reply at all"
lab_figure "$(tail -n 1 "$LAB_DIR/ask.txt"), $(lab_counter dataplane stale) dropped as stale"
[ "$(lab_counter dataplane stale)" -gt 0 ] || lab_fail "no request waited in the dataplane's queue"
[ "$(lab_counter dataplane answered)" -gt $((before + 100)) ] ||
	lab_fail "the dataplane did not go on"
if grep -E "offset_us=-?[0-9]{5,}" "$LAB_DIR/ask.txt"; then
	lab_fail "replies above are more than $LIMIT_US us off"
fi
