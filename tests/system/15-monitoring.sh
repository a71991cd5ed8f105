#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Stock chronyc on the control socket, meridianctl's text and its --json tell the same.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

chronyc() # COMMAND
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -n -c -h "$LAB_RUNDIR/control.sock" "$1"
}

column() # COMMAND NUMBER: of chronyc's first line
{
	chronyc "$1" | head -n 1 | cut -d , -f "$2"
}

# A line "NAME : VALUE" of meridianctl's text.
text() # COMMAND NAME
{
	lab_ctl "$1" | sed -n "s/^$2 *: //p"
}

same() # WHAT VALUE VALUE...
{
	local what=$1 first=$2 value

	shift
	[ -n "$first" ] || lab_fail "$what: no value"
	for value in "$@"; do
		[ "$value" = "$first" ] || lab_fail "$what: $*"
	done
	lab_note "$what: $first"
}

tracking()
{
	same reference "$LAB_UPSTREAM4" "$(column tracking 2)" "$(lab_field status clock.reference)" \
		"$(text status Reference)"
	same stratum 2 "$(column tracking 3)" "$(lab_field status clock.stratum)" \
		"$(text status Stratum)"
	same leap Normal "$(column tracking 14)"
	same state synchronised "$(lab_field status clock.state)" "$(text status State)"
}

sources()
{
	same "source state" selected "$(lab_field sources sources.0.state)"
	same "source mark" '*' "$(column sources 2)" "$(lab_ctl sources | awk 'NR == 2 { print $1 }')"
	same "source address" "$LAB_UPSTREAM4" "$(column sources 3)" \
		"$(lab_field sources sources.0.address)" \
		"$(lab_ctl sources | awk 'NR == 2 { print $3 }')"
	same "source stratum" 1 "$(column sources 4)" "$(lab_field sources sources.0.stratum)"
	same "number of sources" 1 "$(chronyc sources | wc -l)" "$(chronyc sourcestats | wc -l)"
}

# For meridianctl and, right after it, for chronyc. A sample that was held up does not.
sample_passes()
{
	lab_field_is ntpdata ntpdata.0.tests "111 111 1111" &&
		"$LAB_STOCK/chrony/usr/bin/chronyc" -n -h "$LAB_RUNDIR/control.sock" ntpdata |
		grep -qx "NTP tests *: 111 111 1111"
}

# Before its server answers: no measurement is made up, and CSV stays chronyc's.
unsampled()
{
	same "offset without a sample" - "$(lab_ctl sources | awk 'NR == 2 { print $9 }')" \
		"$(lab_ctl sources | awk 'NR == 2 { print $10 }')"
	same "offset without a sample, as JSON" null "$(lab_field sources sources.0.offset_s)" \
		"$(lab_field sources sources.0.error_s)"
	same "offset without a sample, as CSV" 0.000000000 "$(column sources 8)" \
		"$(lab_ctl sources --csv | cut -d , -f 8)" "$(lab_ctl sources --csv | cut -d , -f 10)"
}

# The last words of stock chronyc's lines: "Interleaved     : Yes".
ntpdata()
{
	local all

	lab_wait 10 "a sample that passes all tests" sample_passes
	all=$("$LAB_STOCK/chrony/usr/bin/chronyc" -n -h "$LAB_RUNDIR/control.sock" ntpdata)
	chronyc_says()
	{
		sed -n "s/^$1 *: //p" <<<"$all"
	}
	same "remote address" "$LAB_UPSTREAM4" "$(lab_field ntpdata ntpdata.0.remote)" \
		"$(text ntpdata "Remote address")" "$(column ntpdata 1)"
	same "NTP tests" "111 111 1111" "$(chronyc_says "NTP tests")"
	same "transmit stamps" Kernel "$(chronyc_says "TX timestamping")"
	same "receive stamps" Kernel "$(chronyc_says "RX timestamping")"
	[ "$(chronyc_says "Total good RX")" -gt 0 ] || lab_fail "ntpdata: $all"
	same authentication - "$(column authdata 2)"
}

selectdata()
{
	same "selection" '*' "$(column selectdata 1)" "$(lab_field selectdata selectdata.0.state)" \
		"$(lab_ctl selectdata | awk 'NR == 2 { print $1 }')"
	same "why" "the best one" "$(lab_field selectdata selectdata.0.why)"
	same "source of statistics" "$LAB_UPSTREAM4" "$(column sourcestats 1)" \
		"$(lab_ctl sourcestats --csv | cut -d , -f 1)"
}

serverstats()
{
	local received dropped

	received=$(($(lab_counter dataplane rx_packets) + $(lab_counter fallback rx_packets)))
	dropped=$(lab_counter dataplane bad_mode)
	[ "$dropped" = 1 ] || lab_fail "$dropped requests of a bad mode, expected 1"
	# And what a busy machine left in the worker's queue for too long.
	dropped=$((dropped + $(lab_counter dataplane stale)))
	same "packets received" "$received" "$(column serverstats 1)" \
		"$(lab_field serverstats serverstats.ntp_hits)" \
		"$(text serverstats "NTP packets received")"
	same "packets dropped" "$dropped" "$(column serverstats 2)" \
		"$(lab_field serverstats serverstats.ntp_drops)" \
		"$(text serverstats "NTP packets dropped")"
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_control
lab_wait 10 "an answer of control" lab_ctl sources
unsampled
lab_upstream
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies" lab_synchronised
lab_wait 20 "replies from the dataplane" lab_dataplane_answers
lab_ask --count 20 --interval 0.01 "$LAB_SERVER4" >/dev/null
lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" eth0 \
	"$(ip -n server -br link show eth1 | awk '{ print $3 }')" "$LAB_RUNDIR" dataplane \
	"mode 4, a server's reply" >/dev/null
tracking
sources
ntpdata
selectdata
serverstats
