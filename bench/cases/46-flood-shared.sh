#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A flood from 10^7 made-up sources, and clients beside it in the same queue: a bridge brings both to
# eth1, on the generator's core, which also has the clients; replies pass it on the server's core. So
# the capacity is less than by a veth pair alone, and is searched for first: above it the ring is
# full, and all lose alike.
set -eu
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/../lib/flood.sh"

network()
{
	local namespace

	for namespace in server client switch; do
		ip netns add "$namespace"
		ip -n "$namespace" link set lo up
	done
	ip -n switch link add bridge type bridge
	ip -n server link add eth1 address "$BENCH_SERVER_MAC" type veth peer name server netns switch
	ip -n client link add eth0 address "$BENCH_CLIENT_MAC" type veth peer name client netns switch
	clients_network switch clients
	for namespace in server client clients; do
		lab_in switch ethtool -K "$namespace" tx off >/dev/null
		ip -n switch link set "$namespace" master bridge up
	done
	ip -n switch link set bridge up
	lab_in server ethtool -K eth1 tx off >/dev/null # replies too must have their checksum
	lab_in client ethtool -K eth0 tx off >/dev/null
	lab_addresses server eth1 "$LAB_SERVER4/24" "$LAB_SERVER6/64"
	ip -n server address add "$CLIENT_NET.1/24" dev eth1
	lab_addresses client eth0 "$LAB_CLIENT4/24" "$LAB_CLIENT6/64"
	ip -n server neighbour replace "$LAB_CLIENT4" lladdr "$BENCH_CLIENT_MAC" dev eth1
	ip -n server route add "$SOURCES" via "$LAB_CLIENT4"
}

lab_enter "$@"
network
FLOOD_BRIDGE=switch FLOOD_PORT=server FLOOD_OF_CAPACITY=75
flood_run eth1 50k 100k 300k
