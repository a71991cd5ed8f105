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
kill -STOP "${LAB_PID[dataplane]}"
sleep 3
kill -CONT "${LAB_PID[dataplane]}"
wait "$client" || lab_fail "no reply at all"
lab_figure "$(tail -n 1 "$LAB_DIR/ask.txt"), $(lab_counter dataplane stale) dropped as stale"
[ "$(lab_counter dataplane stale)" -gt 0 ] || lab_fail "no request waited in the dataplane's queue"
lab_wait 5 "the dataplane to go on" lab_dataplane_answers
# As far as the client can tell, whose reply may have waited for it on the way.
sed -n 's/.* offset_us=\([^ ]*\) delay_us=\([^ ]*\).*/\1 \2/p' "$LAB_DIR/ask.txt" |
	awk -v limit="$LIMIT_US" '{
		off = ($1 < 0 ? -$1 : $1) - $2 / 2
		if (off > limit) { print; wrong++ }
	} END { exit !(NR > 0 && !wrong) }' || lab_fail "replies above are more than $LIMIT_US us off"
