#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An address added at run time is served by the dataplane within seconds, and from the first
# packet on that the XDP program sends there; one that is removed is not served any more.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

ADDED4=192.0.2.77

answers() # ADDRESS
{
	local before

	before=$(lab_counter dataplane answered)
	lab_ask --timeout 0.2 "$1" && [ "$(lab_counter dataplane answered)" -gt "$before" ]
}

silent() # ADDRESS
{
	! lab_ask --timeout 0.2 "$1"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
# The client needs no ARP, so that it asks also when nobody has the address.
mac=$(ip -n server -br link show eth1 | awk '{ print $3 }')
ip -n client neigh add "$ADDED4" lladdr "$mac" dev eth0
silent "$ADDED4" || lab_fail "$ADDED4 answers before it is there"
lab_ask --count 100 --interval 0.02 "$ADDED4" >"$LAB_DIR/ask.txt" &
client=$!
ip -n server address add "$ADDED4/24" dev eth1
lab_wait 5 "the dataplane to serve the added address" answers "$ADDED4"
wait "$client" || lab_fail "no reply from the added address"
lab_note "while it was added: $(tail -n 1 "$LAB_DIR/ask.txt")"
ip -n server address delete "$ADDED4/24" dev eth1
lab_wait 5 "the removed address to be silent" silent "$ADDED4"
lab_wait 5 "the other address to be served still" lab_dataplane_answers
[ "$(lab_counter dataplane foreign_address)" = 0 ] ||
	lab_fail "$(lab_counter dataplane foreign_address) requests reached a dataplane that did not know their address"
