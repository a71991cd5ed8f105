#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The acceptance matrix (tests/matrix) over the wire: through XDP in native and in generic mode and
# AF_XDP, each drop having the right name, and through the fallback alone, with the same answers.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

matrix() # dataplane|fallback
{
	local rows

	rows=$(lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" eth0 \
		"$server_mac" "$LAB_RUNDIR" "$1") || lab_fail "$1: the matrix is not kept: $rows"
	echo "$rows"
}

# Frames of a VLAN reach the fallback by a VLAN interface only: they are left out there.
try_mode() # NIC-OPTIONS XDP-MODE
{
	local rows

	lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "allow fe80::/64" \
		"keyfile $LAB_DIR/keys"
	sed -i "s/^nic eth1\$/nic eth1 $1/" "$LAB_CONFIG"
	lab_serve
	lab_expect status ports.0.xdp_mode "$2"
	rows=$(matrix dataplane)
	lab_note "nic eth1 $1: $rows"
}

lab_enter "$@"
lab_network
ip -n client address add fe80::2/64 dev eth0 nodad
server_mac=$(ip -n server -br link show eth1 | awk '{ print $3 }')
(umask 077 && "$LAB_BUILD/tests/matrix/matrix" key >"$LAB_DIR/keys")
lab_upstream
try_mode "xdp auto" native
lab_stop dataplane
lab_wait 10 "replies from the fallback" lab_fallback_answers
rows=$(matrix fallback)
lab_note "fallback: $rows"
lab_stop fallback
lab_stop control
try_mode "xdp generic" generic
