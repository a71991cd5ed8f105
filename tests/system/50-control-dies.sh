#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Control is killed: the last model is served until it runs out, then "unsynchronised" (leap 3,
# stratum 0), never a wrong time. A new control takes over the program and the maps with the
# sockets in them, and the same dataplane is synchronised again.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# Identifiers of the pinned link and map of sockets: the same numbers are the same objects.
pinned()
{
	local directory

	directory=$(lab_pins eth1)
	bpftool -j link show pinned "$directory/link" | "$LAB_TOOLS/json-field" id
	bpftool -j map show pinned "$directory/xsks_map" | "$LAB_TOOLS/json-field" id
}

unsynchronised()
{
	lab_ask "$LAB_SERVER4" | grep -q 'leap=3 .*stratum=0 '
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "holdover 10"
lab_upstream
lab_serve
before_pinned=$(pinned)
lab_kill control
lab_wait 5 "the dataplane to serve the last model" lab_dataplane_answers
lab_note "control is dead, the model is served"
before=$(lab_counter dataplane answered_unsynchronised)
lab_wait 40 "the model to run out" unsynchronised
lab_note "the model ran out"
lab_control
lab_wait 30 "synchronised replies again" lab_synchronised
lab_wait 10 "replies from the dataplane again" lab_dataplane_answers
[ "$(pinned)" = "$before_pinned" ] || lab_fail "link and map are other ones than before"
[ "$(lab_counter dataplane answered_unsynchronised)" -gt "$before" ] ||
	lab_fail "it was not the dataplane that said unsynchronised"
