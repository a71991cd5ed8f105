#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A script makes the time that is served: each lie is told on the wire when the script says, and the
# log, meridianctl and libmeridian know that it is one. Beside real sources it is refused.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

control=$LAB_BUILD/control/meridian-control

refused() # EXPECTED-WORDS LINE...
{
	local words=$1 status=0

	shift
	lab_config "$@"
	timeout 60 "$control" --foreground --config "$LAB_CONFIG" >"$LAB_DIR/refused.log" 2>&1 ||
		status=$?
	[ "$status" = 2 ] || lab_fail "'$*' ended with status $status, expected 2"
	grep -q -e "$words" "$LAB_DIR/refused.log" || lab_fail "'$*' does not say '$words'"
	lab_note "$(cat "$LAB_DIR/refused.log")"
}

reply() # NAME
{
	lab_ask "$LAB_SERVER4" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"
}

# Within the bound of what the script tells, and that of a ramp which goes on meanwhile.
offset_is() # SECONDS
{
	reply offset_us | awk -v expected="$1" '{ exit !($1 / 1e6 > expected - 0.05 && $1 / 1e6 < expected + 0.05) }'
}

expect_offset() # SECONDS SECONDS-TO-WAIT
{
	lab_wait "$2" "an offset of $1 s" offset_is "$1"
}

expect_field() # NAME VALUE SECONDS-TO-WAIT
{
	lab_wait "$3" "$1 $2" field_is "$1" "$2"
}

field_is()
{
	[ "$(reply "$1")" = "$2" ]
}

lab_enter "$@"
lab_network
script=$LAB_DIR/script
printf '1 step 1\n2 jump 1\n' >"$script"
refused "$script:2: there is no action 'jump'" "refclock SCRIPT $script"
cat >"$script" <<END
0 stratum 3            # from the beginning
20 step 100
24 refid GPS
28 leap insert in 8
40 ramp 0.4 over 80
44 lost
54 back
END
refused "i-know-this-lies" "server 192.0.2.77" "refclock SCRIPT $script"
refused "steerclock" "steerclock" "refclock SCRIPT $script"
lab_config "refclock SCRIPT $script"
lab_control
lab_dataplane
lab_wait 18 "synchronised replies" lab_synchronised
expect_field refid 4c494553 1
expect_field stratum 3 1
expect_offset 0 1
lab_expect status clock.state "scripted: not UTC"
"$LAB_BUILD/include/meridian-now" "$LAB_RUNDIR" 2>/dev/null &&
	lab_fail "libmeridian gives a scripted time"
expect_offset 100 30
expect_field refid 47505300 20
expect_field leap 1 20
expect_field leap 0 20
expect_offset 99 4
expect_field leap 3 20 # lost
expect_field leap 0 20
lab_wait 5 "synchronised replies after 'back'" lab_synchronised
grep -q 'the clock lies: step 100' "$LAB_DIR/control.log" || lab_fail "the log does not tell of the step"
