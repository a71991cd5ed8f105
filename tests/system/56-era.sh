#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The upstream's clock passes 2036-02-07 06:28:16, where NTP timestamps begin anew: this host, ten
# years behind, follows it, and replies are right to their bound before and after.
# Not sanitized: the start has to be over in time, and the code is that of the unit tests.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

era=2085978496

tool()
{
	lab_in "$1" "$LAB_TOOLS/ntp-leap" "${@:2}"
}

upstream()
{
	lab_start upstream upstream "$LAB_TOOLS/ntp-leap" serve --none "$LAB_UPSTREAM4" "$era" \
		"$origin"
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 1" "leapseclist off"
lab_serve_before upstream
steps=$(lab_field status clock.disruptions)
tool client watch --none "$LAB_SERVER4" "$era" "$origin" -3 5 ||
	lab_fail "wrong replies around the end of the era"
[ "$(lab_field status clock.disruptions)" = "$steps" ] || lab_fail "the clock was stepped"
lab_field status clock.now
