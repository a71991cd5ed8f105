#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Interfaces of every kind: jumbo frames, a bridge and its port, a macvlan and a tap are served, each
# at its own MAC address; loopback, tunnels, bonds, teams and ipvlans are refused by name, while the
# other interface goes on. VLAN tags are not left to the card.
# Not sanitized: what differs from one kind to the next is in the kernel.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

mac() # DEVICE
{
	ip -n server -br link show "$1" | awk '{ print $3 }'
}

configure() # NIC...
{
	local nic

	lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
	sed -i '/^nic /d' "$LAB_CONFIG"
	for nic in "$@"; do
		echo "nic $nic" >>"$LAB_CONFIG"
	done
}

stop_all()
{
	lab_stop fallback
	lab_stop dataplane
	lab_stop control
}

# The dataplane answers by NIC what is sent to the MAC address of OWNER, and nothing else.
serves() # NIC XDP-MODE [OWNER]
{
	configure "$1"
	lab_serve
	lab_expect status ports.0.xdp_mode "$2"
	lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" eth0 \
		"$(mac "${3:-$1}")" "$LAB_RUNDIR" dataplane "plain, IPv4" "plain, IPv6" \
		"IPv4 fragments" "mode 4, a server's reply" || lab_fail "nic $1: wrong answers"
	lab_note "nic $1: served in $2 mode"
	stop_all
}

# Takes the server's addresses from eth1 to another interface.
move_addresses() # DEVICE
{
	ip -n server address flush dev eth1
	ip -n server link set eth1 up
	lab_addresses server "$1" "$LAB_SERVER4/24" "$LAB_SERVER6/64"
	ip -n client neigh flush dev eth0
}

addresses_back() # DEVICE
{
	ip -n server link del "$1"
	lab_addresses server eth1 "$LAB_SERVER4/24" "$LAB_SERVER6/64"
	ip -n client neigh flush dev eth0
}

vlan_tags()
{
	lab_in server ethtool -k eth1 | sed -n "s/^$1: \([a-z]*\).*/\1/p"
}

vlan_tags_stay() # FEATURE...
{
	local feature

	for feature in "$@"; do
		[ "$(vlan_tags "$feature")" = off ] || return 1
	done
}

# As long as the program is attached, whoever switches them on again; then all is as it was.
keeps_vlan_tags()
{
	configure eth1
	lab_in server ethtool -K eth1 rx-vlan-stag-hw-parse off
	lab_serve
	vlan_tags_stay rx-vlan-offload rx-vlan-stag-hw-parse || lab_fail "the card takes VLAN tags off"
	lab_in server ethtool -K eth1 rxvlan on
	lab_wait 10 "VLAN tags are left on again" vlan_tags_stay rx-vlan-offload
	stop_all
	[ "$(vlan_tags rx-vlan-offload)" = on ] || lab_fail "rx-vlan-offload is not given back"
	vlan_tags_stay rx-vlan-stag-hw-parse || lab_fail "what was off before is given back as on"
	lab_in server ethtool -K eth1 rx-vlan-stag-hw-parse on
}

# What a control took that crashed, or ended while the dataplane lives, the next one gives back.
vlan_tags_survive_control()
{
	local end

	for end in lab_kill lab_stop; do
		lab_serve
		$end control
		vlan_tags_stay rx-vlan-offload || lab_fail "given back while the program is attached"
		lab_control
		lab_wait 10 "replies from the dataplane again" lab_dataplane_answers
		stop_all
		[ "$(vlan_tags rx-vlan-offload)" = on ] || lab_fail "not given back after $end"
		[ "$(vlan_tags rx-vlan-stag-hw-parse)" = on ] || lab_fail "half given back after $end"
	done
}

# So does one whose config does not name the interface any more.
vlan_tags_survive_the_nic()
{
	lab_serve
	lab_kill control
	configure
	lab_control
	lab_wait 10 "the program to go" \
		grep -q "no .nic. names the interface any more" "$LAB_DIR/control.log"
	[ "$(vlan_tags rx-vlan-offload)" = on ] || lab_fail "not given back without a nic"
	[ "$(vlan_tags rx-vlan-stag-hw-parse)" = on ] || lab_fail "half given back without a nic"
	stop_all
	configure eth1
}

# An interface that somebody else's XDP program holds is not changed.
refused_stays_as_it_is()
{
	lab_foreign_xdp eth1
	lab_control
	lab_wait 10 "control to name the foreign program" grep -q somebody_else "$LAB_DIR/control.log"
	[ "$(vlan_tags rx-vlan-offload)" = on ] || lab_fail "a refused interface is changed"
	ip -n server link set dev eth1 xdpgeneric off
	lab_stop control
}

jumbo()
{
	ip -n server link set eth1 mtu 9000
	ip -n client link set eth0 mtu 9000
	serves eth1 native
	ip -n server link set eth1 mtu 1500
	ip -n client link set eth0 mtu 1500
}

# Its MAC address is not that of its port.
bridge()
{
	ip -n server link add br0 address 02:00:00:00:0b:01 type bridge
	ip -n server link set eth1 master br0
	move_addresses br0
	serves br0 generic
	serves eth1 native br0
	addresses_back br0
}

macvlan()
{
	ip -n server link add link eth1 name mac0 type macvlan mode bridge
	move_addresses mac0
	serves mac0 generic
	addresses_back mac0
}

tap()
{
	ip -n server tuntap add tap0 mode tap
	lab_start relay server "$LAB_TOOLS/tap-relay" tap0 eth1
	move_addresses tap0
	serves tap0 native
	lab_kill relay
	addresses_back tap0
}

# Makes the interface, unless this kernel cannot; it is refused with the words.
refused=()
refuse() # WORDS DEVICE [ARGUMENT...]: of ip link add
{
	local words=$1 device=$2

	shift 2
	if [ $# != 0 ] && ! ip -n server link add "$@" 2>"$LAB_DIR/ip.log"; then
		lab_note "no $device here: $(head -n 1 "$LAB_DIR/ip.log")"
		return
	fi
	refused+=("$device=$words")
}

refusals()
{
	local entry

	ip -n server tuntap add tun0 mode tun
	refuse "leave it out" lo
	refuse "not an Ethernet interface" tun0
	refuse "show master bond0" bond0 bond0 type bond
	refuse "show master team0" team0 team0 type team
	refuse "a macvlan works" ipv0 link eth1 name ipv0 type ipvlan
	configure eth1 "${refused[@]%%=*}"
	lab_serve
	for entry in "${refused[@]}"; do
		grep -q "nic ${entry%%=*}: .*${entry#*=}" "$LAB_DIR/control.log" ||
			lab_fail "${entry%%=*} is not refused with a reason"
		lab_note "$(grep "nic ${entry%%=*}: " "$LAB_DIR/control.log" | tail -n 1)"
	done
	lab_wait 10 "the good interface to be served" lab_dataplane_answers
	stop_all
}

lab_enter "$@"
lab_network
lab_upstream
keeps_vlan_tags
vlan_tags_survive_control
vlan_tags_survive_the_nic
refused_stays_as_it_is
jumbo
bridge
macvlan
tap
refusals
