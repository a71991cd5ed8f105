#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The upstream dies: the bound grows, as meridianctl and the replies tell, until nobody is told the
# time any more (LI 3, stratum 0): because the bound is above `maxerror`, and in another life because
# `holdover` is over. Both end when the upstream is back, and the clock is never stepped for it.
# Not sanitized: half a minute of silence, and the code is that of the unit tests.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# What the clock may be off, by meridianctl tracking.
bound_s()
{
	awk -v delay="$(lab_field tracking tracking.root_delay_s)" \
		-v dispersion="$(lab_field tracking tracking.root_dispersion_s)" \
		'BEGIN { print delay / 2 + dispersion }'
}

bound_above() # SECONDS
{
	lab_less "$1" "$(bound_s)"
}

unsynchronised()
{
	[ "$(lab_reply leap) $(lab_reply stratum)" = "3 0" ]
}

synchronised()
{
	[ "$(lab_reply leap) $(lab_reply stratum)" = "0 2" ]
}

# Nothing but the age of the last update tells the three moments apart.
grows()
{
	local first reply

	first=$(bound_s)
	lab_wait 5 "meridianctl to show a greater bound than $first s" bound_above "$first"
	reply=$(lab_reply root_dispersion)
	lab_figure "bound without upstream: $first s, then $(bound_s) s; told to clients: $reply s"
	lab_less "$first" "$reply" || lab_fail "replies: the bound does not grow"
}

# Kills the upstream and waits for the end of the time that is left.
silence() # WHAT SECONDS
{
	local steps start=$SECONDS

	lab_wait 10 "LI 0, stratum 2" synchronised
	steps=$(lab_field status clock.disruptions)
	lab_kill upstream
	lab_wait 10 "two polls without an answer" lab_silent 0 2
	grows
	lab_wait "$2" "LI 3, stratum 0, $1" unsynchronised
	lab_figure "$1: unsynchronised after $((SECONDS - start)) s of silence"
	[ "$(lab_field tracking tracking.leap)" = "Not synchronised" ] ||
		lab_fail "tracking says $(lab_field tracking tracking.leap)"
	lab_upstream
	lab_wait 15 "LI 0, stratum 2 after $1" synchronised
	lab_expect status clock.disruptions "$steps"
	grep -q 'the clock was stepped' "$LAB_DIR/control.log" && lab_fail "the clock was stepped"
	lab_note "$1: synchronised again, without a step"
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 minpoll 0 maxpoll 0" "maxclockerror 1000" "maxerror 0.01"
lab_upstream
lab_serve
silence "maxerror" 30
lab_stop control
lab_config "server $LAB_UPSTREAM4 minpoll 0 maxpoll 0" "maxclockerror 1000" "holdover 10"
lab_control
silence "holdover" 30
