#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The upstream dies: replies go on, synchronised, with a root dispersion that only grows; and a
# server with `local` starts without any upstream, at the stratum it was given.
# Not sanitized: half a minute of silence, and the code is that of the unit tests.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

reply_field() # NAME
{
	lab_ask "$LAB_SERVER4" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"
}

stratum_is() # STRATUM
{
	[ "$(reply_field stratum)" = "$1" ]
}

less() # A B
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "local stratum 10"
lab_control
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies by local alone" lab_synchronised
stratum_is 10 || lab_fail "stratum is $(reply_field stratum), not local's 10"
[ "$(reply_field refid)" = 7f7f0101 ] || lab_fail "reference ID is not local's"
lab_upstream
lab_wait 40 "stratum 2 once the upstream is there" stratum_is 2
lab_kill upstream
sleep 10 # replies under way and polls of up to 4 s
first=$(reply_field root_dispersion)
sleep 20
second=$(reply_field root_dispersion)
lab_note "root dispersion without upstream: $first s, 20 s later $second s"
less "$first" "$second" || lab_fail "the bound does not grow: $first s, then $second s"
lab_synchronised || lab_fail "unsynchronised without an upstream, against 'local'"
