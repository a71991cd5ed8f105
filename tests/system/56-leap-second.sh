#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A second is inserted at the end of June 2031: the list says so, while the upstream, which
# inserts it as well, announces that one is deleted. Replies are right to their bound before,
# during and after it, with the leap indicator that goes with it, and still after control has made
# the leap second part of the model. At the IPv6 address it is smeared over ten minutes, until a
# reload ends that.
# Not sanitized: a minute and a half of waiting, and the code is that of the unit tests.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

leap=1940630400
fold=62 # s after the leap

tool()
{
	lab_in "$1" "$LAB_TOOLS/ntp-leap" "${@:2}"
}

clock()
{
	lab_field status "clock.$1"
}

upstream()
{
	lab_start upstream upstream "$LAB_TOOLS/ntp-leap" serve --announce 2 \
		"$LAB_UPSTREAM4" "$leap" "$origin"
}

lab_enter "$@"
lab_network
"$LAB_TOOLS/ntp-leap" list "$leap" >"$LAB_DIR/leap-seconds.list"
config=("server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 1"
	"leapseclist $LAB_DIR/leap-seconds.list")
lab_config "${config[@]}" "leapsmear linear duration 600 address $LAB_SERVER6"
lab_serve_before upstream
[ "$(clock leap)" = insert ] || lab_fail "the leap second to come is '$(clock leap)'"
[ "$(clock tai_offset_s)" = 36 ] || lab_fail "TAI - UTC is $(clock tai_offset_s) before"
steps=$(clock disruptions)
smeared=$(lab_ask "$LAB_SERVER6")
echo "$smeared" | grep -q "leap=0 .*refid=fe" || lab_fail "not smeared: $smeared"
lab_note "smeared, 254 and -0.5 s or a little more of 2^-22 s: ${smeared##*refid=}"
tool client watch "$LAB_SERVER4" "$leap" "$origin" -3 5 ||
	lab_fail "wrong replies around the leap second"
smeared=$(lab_ask "$LAB_SERVER6")
echo "$smeared" | grep -q "leap=0 .*refid=fe" || lab_fail "not smeared afterwards: $smeared"
lab_note "afterwards, 0.5 s or a little less: ${smeared##*refid=}"
lab_config "${config[@]}"
kill -HUP "${LAB_PID[control]}"
tool client watch "$LAB_SERVER4" "$leap" "$origin" 6 "$((fold + 3))" ||
	lab_fail "wrong replies after the leap second"
[ "$(clock leap)" = none ] || lab_fail "after it the leap second to come is '$(clock leap)'"
[ "$(clock tai_offset_s)" = 37 ] || lab_fail "TAI - UTC is $(clock tai_offset_s) afterwards"
[ "$(clock disruptions)" = "$steps" ] || lab_fail "the clock was stepped"
