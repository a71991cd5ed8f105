#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# NTPv5 (draft-ietf-ntp-ntpv5-09): not a word of it without `ntpv5`; with it, on SIGHUP, a client of the
# draft is served over both families by dataplane and fallback, and each kind of frame of it has the
# verdict of the acceptance matrix; a MAC is verified and answered with one; the reference IDs have
# that of the upstream server, also when control has started again and nobody was heard since.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

KEY=00112233445566778899aabbccddeeff

client() # on|off
{
	local address said

	for address in "$LAB_SERVER4" "$LAB_SERVER6"; do
		said=$(lab_in client "$LAB_TOOLS/ntp-v5" "$address" "$1" 10 7 "$KEY" "$LAB_UPSTREAM4") ||
			lab_fail "$address, $1: $said"
		[ -z "$said" ] || lab_note "$address: $(echo "$said" | paste -sd ';')"
	done
}

matrix() # dataplane|fallback
{
	local rows

	rows=$(lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" eth0 \
		"$(ip -n server -br link show eth1 | awk '{ print $3 }')" "$LAB_RUNDIR" "$1" \
		ntpv5) || lab_fail "$1: the matrix is not kept: $rows"
	lab_note "$1: $rows of the matrix"
}

not_spoken()
{
	local before

	before=$(lab_counter dataplane bad_version)
	client off
	[ "$(lab_counter dataplane bad_version)" -ge $((before + 8)) ]
}

is_spoken()
{
	lab_in client "$LAB_TOOLS/ntp-v5" "$LAB_SERVER4" on 2 >/dev/null 2>&1
}

served() # dataplane|fallback
{
	local before

	before=$(lab_counter "$1" answered_ntpv5)
	client on
	[ "$(lab_counter "$1" answered_ntpv5)" -ge $((before + 22)) ]
}

# The model of the run before, by a control that heard nobody.
goes_on()
{
	grep -q "going on with the time model" "$LAB_DIR/control.log" &&
		[ "$(wc -l <"$LAB_DIR/model")" -gt "$1" ]
}

lab_enter "$@"
lab_network
lab_upstream
(umask 077 && echo "7 SHA256 HEX:$KEY" >"$LAB_DIR/keys")
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "keyfile $LAB_DIR/keys" \
	"modellog $LAB_DIR/model" "holdover 40"
lab_serve
lab_wait 20 "what is off to be bad_version for the dataplane" not_spoken
[ "$(lab_counter dataplane answered_ntpv5)" = 0 ] || lab_fail "counted though off"
echo ntpv5 >>"$LAB_CONFIG"
kill -HUP "${LAB_PID[control]}"
lab_wait 10 "NTPv5 after a reload" is_spoken
lab_wait 20 "the dataplane to serve a client" served dataplane
matrix dataplane
lab_stop upstream
lab_stop control
published=$(wc -l <"$LAB_DIR/model")
lab_control
lab_wait 20 "control to go on with its model" goes_on "$published"
lab_wait 20 "the dataplane to serve a client after that" served dataplane
lab_stop dataplane
lab_wait 10 "replies from the fallback" lab_fallback_answers
lab_wait 20 "the fallback to serve a client" served fallback
matrix fallback
