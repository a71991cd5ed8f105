#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Interfaces that a machine of its own can have: a network card (igb) that takes VLAN tags off until
# it is told not to, a VLAN interface, the port of a bond. The bond itself, a team and an ipvlan are
# refused by name.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

in_tags=("802.1Q, IPv4" "802.1Q, IPv6" "802.1Q with priority 3" "priority tag, VLAN 0"
	"802.1ad alone" "802.1ad and 802.1Q, IPv4")

serve() # NIC...
{
	vm_run "rm -rf /run/meridian /run/*.log"
	vm_config "local stratum 10" "allow all" "workers 0" "hugepages never" "${@/#/nic }"
	vm_control
	vm_dataplane
}

stop()
{
	vm_end fallback
	vm_end dataplane
	vm_end control
}

served() # INDEX XDP-MODE
{
	[ "$(vm_field status "ports.$1.state")" = open ] &&
		[ "$(vm_field status "ports.$1.xdp_mode")" = "$2" ]
}

# Sends rows of the acceptance matrix to the MAC address of a device there. At least the plain ones
# are the dataplane's to answer: the kernel, and the fallback behind it, would do it as well.
matrix() # DEVICE ROW...
{
	local before

	before=$(vm_answered)
	lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" tap0 \
		"$(vm_run "cat /sys/class/net/$1/address")" none machine "${@:2}" ||
		lab_fail "$1: wrong answers"
	[ "$(vm_answered)" -ge $((before + 2)) ] || lab_fail "$1: it was not the dataplane that answered"
}

said() # WORDS
{
	vm_said control "$1" || lab_fail "control does not say: $1"
}

# The card lets in the VLANs that have an interface.
card()
{
	vm_run "ip link add link eth0 name eth0.100 type vlan id 100" || lab_fail "no VLAN interface"
	serve eth0
	lab_wait 60 "the dataplane on eth0" served 0 native
	matrix eth0 "plain, IPv4" "plain, IPv6" "${in_tags[@]}" "to another host's MAC"
	said "nic eth0: leaves VLAN tags on"
	lab_note "eth0: VLAN tags are kept"
	stop
}

move_addresses() # FROM TO
{
	vm_run "ip address flush dev $1; ip link set $2 up; ip address add $LAB_SERVER4/24 dev $2; \
		echo 0 >/proc/sys/net/ipv6/conf/$2/accept_dad; ip address add $LAB_SERVER6/64 dev $2"
}

vlan()
{
	move_addresses eth0 eth0.100
	serve eth0.100
	lab_wait 60 "the dataplane on eth0.100" served 0 generic
	matrix eth0.100 "802.1Q, IPv4" "802.1Q, IPv6"
	lab_note "eth0.100: served in generic mode"
	stop
	vm_run "ip link del eth0.100"
}

bond()
{
	# The module makes bond0 by itself.
	vm_run "ip link set eth0 down; ip link set eth0 master bond0; ip link add team0 type team; \
		ip link add link bond0 name ipv0 type ipvlan" || lab_fail "no bond, team or ipvlan"
	move_addresses eth0 bond0
	vm_run "ip link set eth0 up"
	serve eth0 bond0 team0 ipv0
	lab_wait 60 "the dataplane on eth0" served 0 native
	matrix bond0 "plain, IPv4" "plain, IPv6"
	said "nic bond0: a bond, .*ip -br link show master bond0"
	said "nic team0: a team, "
	said "nic ipv0: an ipvlan, "
	lab_note "eth0, port of a bond: served in native mode"
	stop
}

lab_enter "$@"
vm_need
vm_network
vm_image
vm_start "" -device igb,netdev=wire,romfile=
vm_modules dca i2c-algo-bit igb llc stp garp mrp 8021q tls bonding team ipvlan
vm_address
card
vlan
bond
