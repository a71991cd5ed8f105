#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Recorded frames with stamps through the whole dataplane, by DPDK's pcap driver: replies are right
# to the octet, T2 is that of the recording, and what lies too far from now is not believed. Then the
# same driver on a live interface, where stamps are the kernel's.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

VIRTUAL4=192.0.2.99
VIRTUAL6=2001:db8:1::99
WARM_UPS=$((4 * 64)) RECORDED=25 REPLIES=21 STALE=2

replay_config() # NIC-ARGUMENT...
{
	rm -f "$LAB_RUNDIR"/*
	lab_config "local stratum 10" "nic $* address $VIRTUAL4 address $VIRTUAL6"
	sed -i '/^nic eth1$/d' "$LAB_CONFIG"
	lab_control
	lab_wait 10 "the policy" test -s "$LAB_RUNDIR/policy"
	lab_wait 10 "the time model" test -s "$LAB_RUNDIR/timemodel"
}

count_is() # COUNTER VALUE
{
	[ "$(lab_counter dataplane "$1")" = "$2" ] ||
		lab_fail "$1 is $(lab_counter dataplane "$1"), expected $2"
}

test_replay() # RXCOMP-NS
{
	replay_config "vdev:net_pcap0,rx_pcap=$LAB_DIR/rx.pcap,tx_pcap=$LAB_DIR/tx.pcap rxcomp $1"
	lab_stop control # what is published by now stays
	rm -f "$LAB_DIR/rx.pcap" "$LAB_DIR/tx.pcap"
	mkfifo "$LAB_DIR/rx.pcap"
	lab_dataplane
	timeout 60 "$LAB_TOOLS/pcap-replay" "$LAB_RUNDIR" "$LAB_DIR/rx.pcap" "$LAB_DIR/tx.pcap" "$1" \
		>"$LAB_DIR/replay.txt" || lab_fail "rxcomp $1: $(head -n 5 "$LAB_DIR/replay.txt")"
	lab_note "rxcomp $1: $(cat "$LAB_DIR/replay.txt")"
	count_is rx_packets $((WARM_UPS + RECORDED))
	count_is answered "$REPLIES"
	count_is stale "$STALE"
	count_is stamp_counter 0
	lab_expect status ports.0.driver net_pcap
	lab_expect status ports.0.stamp kernel
	lab_stop dataplane
}

answered()
{
	local before

	before=$(lab_counter dataplane stamp_kernel)
	lab_ask --require-synchronised "$VIRTUAL4" &&
		[ "$(lab_counter dataplane stamp_kernel)" -gt "$before" ]
}

test_live()
{
	ip -n client neigh add "$VIRTUAL4" lladdr "$(ip -n server -br link show eth1 | awk '{ print $3 }')" \
		dev eth0
	replay_config "vdev:net_pcap0,iface=eth1,phy_mac=1"
	lab_dataplane
	lab_wait 20 "replies with stamps of the kernel" answered
	lab_stop dataplane
	lab_stop control
}

lab_enter "$@"
lab_network
test_replay 0
test_replay -1000000
test_live
