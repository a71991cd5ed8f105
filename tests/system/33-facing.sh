#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two Meridians face each other and allow each other everything. Frames are forged between their
# ports 123: each gets one reply if it is a request, none if it is anything else, and the reply ends
# it. Through the dataplanes, and through the fallbacks.
# Not sanitized: the reply path is the unit tests', which are.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# The second one has the client's place.
peer_serve()
{
	mkdir -p "$peer"
	sed "s,^rundir .*,rundir $peer,; s/^nic .*/nic eth0/" "$LAB_CONFIG" >"$peer.conf"
	lab_start peer-control client "$LAB_BUILD/control/meridian-control" --foreground \
		--config "$peer.conf"
	lab_start peer-dataplane client "$LAB_BUILD/dataplane/meridian-dataplane" --rundir "$peer"
	lab_start peer-fallback client "$LAB_BUILD/dataplane/meridian-fallback" --rundir "$peer"
	lab_wait 20 "replies of the second dataplane" peer_answers dataplane
}

peer_counter() # PROCESS NAME
{
	"$LAB_TOOLS/stats" "$peer" "$1" "$2"
}

peer_answers() # PROCESS
{
	local before

	before=$(peer_counter "$1" answered)
	lab_in server /usr/bin/python3 "$LAB_TOOLS/ntp-ask" --require-synchronised "$LAB_CLIENT4"
	[ "$(peer_counter "$1" answered)" -gt "$before" ]
}

# Tried again: a dataplane that a busy machine starves is passed by, and so are the frames.
facing() # PROCESS
{
	lab_wait 15 "$1: one reply to each request" faces "$1"
	lab_note "$1: $said"
}

faces() # PROCESS
{
	said=$(lab_in client "$LAB_TOOLS/matrix-facing" "$LAB_BUILD/tests/matrix/matrix" eth0 \
		"$(ip -n server -br link show eth1 | awk '{ print $3 }')" "$peer" "$LAB_RUNDIR" "$1" 2>&1) ||
		lab_differs "$said"
}

lab_enter "$@"
peer=$LAB_DIR/peer
lab_network
lab_in server ethtool -K eth1 tx off >/dev/null
lab_config "local stratum 10"
lab_serve
peer_serve
facing dataplane
lab_stop dataplane
lab_stop peer-dataplane
lab_wait 10 "replies of the fallback" lab_fallback_answers
lab_wait 10 "replies of the second fallback" peer_answers fallback
facing fallback
lab_stop peer-fallback
lab_stop peer-control
