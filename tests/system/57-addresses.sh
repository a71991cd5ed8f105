#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An address added at run time is served by the dataplane within seconds, and from the first
# packet on that the XDP program sends there; one that is removed is not served any more. By dataplane
# and fallback alike, a reply comes from the address that was asked.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

ADDED4=192.0.2.77
ADDED6=2001:db8:1::77
LINK6=fe80::77

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

# The client takes replies from that address only, of which the kernel would prefer one of a family.
each_address() # PROCESS
{
	local address before

	for address in "$ADDED4" "$LAB_SERVER6" "$ADDED6" "$LINK6%eth0"; do
		before=$(lab_counter "$1" answered)
		lab_wait 5 "$1: a reply from $address" lab_ask --timeout 0.2 "$address"
		[ "$(lab_counter "$1" answered)" -gt "$before" ] ||
			lab_fail "it was not the $1 that $address answered by"
	done
}

lab_enter "$@"
lab_network
lab_config "local stratum 10" "allow fe80::/64"
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

ip -n client address add fe80::2/64 dev eth0 nodad
ip -n server address add "$ADDED4/24" dev eth1
ip -n server address add "$ADDED6/64" dev eth1 nodad
ip -n server address add "$LINK6/64" dev eth1 nodad
lab_wait 5 "the dataplane to serve the address again" answers "$ADDED4"
each_address dataplane
lab_stop dataplane
lab_wait 10 "replies from the fallback" lab_fallback_answers
each_address fallback
