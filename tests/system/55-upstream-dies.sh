#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The upstream dies: replies go on, synchronised, with a root dispersion that only grows; and a
# server with `local` starts without any upstream, at the stratum it was given.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

stratum_is() # STRATUM
{
	[ "$(lab_reply stratum)" = "$1" ]
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 0" "maxclockerror 100" \
	"local stratum 10"
lab_control
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies by local alone" lab_synchronised
stratum_is 10 || lab_fail "stratum is $(lab_reply stratum), not local's 10"
[ "$(lab_reply refid)" = 7f7f0101 ] || lab_fail "reference ID is not local's"
lab_upstream
lab_wait 40 "stratum 2 once the upstream is there" stratum_is 2
lab_kill upstream
lab_wait 10 "two polls without an answer" lab_silent 0 2
lab_bound_grows
lab_wait 5 "synchronised replies without an upstream, by 'local'" lab_synchronised
