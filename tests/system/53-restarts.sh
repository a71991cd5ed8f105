#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Service comes back by itself when control and dataplane are restarted together, when the XDP
# program is attached anew under a living dataplane, and when pages are deleted. A process may end
# to be started again, which the test does as a service manager would; that is never a failure.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

recovers() # WHAT
{
	local start=$EPOCHREALTIME

	lab_wait 8 "the dataplane to answer after $1" lab_restarted_dataplane_answers
	lab_figure "$1: served again after $(awk -v a="$start" -v b="$EPOCHREALTIME" \
		'BEGIN { printf "%.1f", b - a }') s"
}

stop_together()
{
	kill -TERM "${LAB_PID[control]}" "${LAB_PID[dataplane]}"
	lab_stop control
	lab_stop dataplane
}

restart_together()
{
	stop_together
	lab_control
	lab_dataplane
	recovers "a joint restart"
}

# Control takes a stopped dataplane for dead, detaches at its end, and attaches anew.
attach_anew()
{
	kill -STOP "${LAB_PID[dataplane]}"
	lab_wait 5 "control to pass by a stopped dataplane" lab_fallback_answers
	lab_stop control
	kill -CONT "${LAB_PID[dataplane]}"
	lab_control
	recovers "control attached anew"
}

detach_link()
{
	bpftool link detach pinned "$(lab_pins eth1)/link"
	recovers "bpftool link detach"
}

# The new page begins with the generation that the old one began with.
delete_policy()
{
	lab_stop control
	rm "$LAB_RUNDIR/policy"
	echo "deny $LAB_CLIENT4" >>"$LAB_CONFIG"
	lab_control
	lab_wait 8 "the new rules to hold" denied
	lab_note "policy deleted: the new rules hold"
	sed -i '/^deny/d' "$LAB_CONFIG"
	kill -HUP "${LAB_PID[control]}"
	recovers "the old rules"
}

denied()
{
	! lab_ask --timeout 0.2 "$LAB_SERVER4"
}

delete_stats() # dataplane|fallback
{
	local pid=${LAB_PID[$1]}

	rm "$LAB_RUNDIR/stats.$1"
	lab_wait 5 "the $1 to end for a restart" ended "$1"
	recovers "stats.$1 deleted"
	[ "${LAB_PID[$1]}" != "$pid" ] || lab_fail "the $1 was not started again"
}

ended() # NAME
{
	! lab_alive "$1"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
for _ in 1 2 3 4; do
	restart_together
done
attach_anew
detach_link
delete_policy
delete_stats dataplane
delete_stats fallback
stop_together
[ -z "$(lab_pins eth1)" ] || lab_fail "the program is still pinned after both have stopped"
