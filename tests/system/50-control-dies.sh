#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Control is killed: the last model is served until it runs out, then "unsynchronised" (leap 3,
# stratum 0), never a wrong time. A new control takes over the program and the maps with the
# sockets in them, and the same dataplane is synchronised again.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

link_ids()
{
	bpftool -j link show | /usr/bin/python3 -c '
import json, sys
print(sorted(link["id"] for link in json.load(sys.stdin) if link["type"] == "xdp"))'
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
links=$(link_ids)
[ "$links" != "[]" ] || lab_fail "no XDP link to be seen"
lab_kill control
lab_dataplane_answers || lab_fail "the dataplane does not serve the last model"
lab_note "control is dead, the model is served"
before=$(lab_counter dataplane answered_unsynchronised)
lab_wait 40 "the model to run out" unsynchronised
lab_note "the model ran out"
lab_control
lab_wait 30 "synchronised replies again" lab_synchronised
lab_wait 10 "replies from the dataplane again" lab_dataplane_answers
[ "$(link_ids)" = "$links" ] || lab_fail "XDP links were $links and are now $(link_ids)"
[ "$(lab_counter dataplane answered_unsynchronised)" -gt "$before" ] ||
	lab_fail "it was not the dataplane that said unsynchronised"
