#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Control reads its config again, twice, and refuses a broken one: the dataplane goes on answering
# all the while, and control still watches it, so that a stopped one is passed by. Changed rules
# hold at once.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

reload() # LINES-LOGGED: how many lines say so afterwards
{
	kill -HUP "${LAB_PID[control]}"
	lab_wait 5 "control to read its config again" logged "$1"
	sleep 0.5 # ten looks of the watch
	lab_wait 5 "the dataplane to answer after a reload" lab_dataplane_answers
}

logged()
{
	[ "$(grep -c "was read again\|was not taken over" "$LAB_DIR/control.log")" = "$1" ]
}

later() # LINES-LOGGED: how many say that a change waits for a restart
{
	[ "$(grep -c "take effect at the next start" "$LAB_DIR/control.log")" = "$1" ] ||
		lab_fail "not $1 times 'take effect at the next start'"
}

denied()
{
	local before

	before=$(lab_counter dataplane denied)
	! lab_ask --timeout 0.2 "$LAB_SERVER4" >/dev/null || return 1
	[ "$(lab_counter dataplane denied)" -gt "$before" ]
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
reload 1
reload 2
echo "sever 192.0.2.9" >>"$LAB_CONFIG"
reload 3
lab_note "two good reloads and a broken one: the dataplane answers"
sed -i "/^sever/d" "$LAB_CONFIG"
echo "deny $LAB_CLIENT4" >>"$LAB_CONFIG"
kill -HUP "${LAB_PID[control]}"
lab_wait 5 "the dataplane to deny" denied
sed -i "/^deny/d" "$LAB_CONFIG"
reload 5
lab_note "deny and its removal take effect"
echo "0 step 1" >"$LAB_DIR/script"
printf 'refclock SCRIPT %s\nserver 192.0.2.77\n' "$LAB_DIR/script" >>"$LAB_CONFIG"
reload 6
[ "$(grep -c "was not taken over" "$LAB_DIR/control.log")" = 2 ] ||
	lab_fail "a script beside real sources was taken over"
grep -q "i-know-this-lies" "$LAB_DIR/control.log" || lab_fail "the log does not say why"
sed -i "/^refclock/d; /^server/d" "$LAB_CONFIG"
lab_note "a script beside real sources is refused in a reload, too"
echo "minsources 2" >>"$LAB_CONFIG"
reload 7
reload 8
later 2
grep -q "reload: changes of minsources take effect" "$LAB_DIR/control.log" ||
	lab_fail "the log does not say that minsources has changed, and nothing else"
sed -i "/^minsources/d" "$LAB_CONFIG"
reload 9
later 2
printf 'refclock SCRIPT %s\n' "$LAB_DIR/script" >>"$LAB_CONFIG"
reload 10
grep -q "reload: .*refclock" "$LAB_DIR/control.log" ||
	lab_fail "the log does not name refclock"
later 3
sed -i "/^refclock/d" "$LAB_CONFIG"
reload 11
later 3
echo "authselectmode ignore" >>"$LAB_CONFIG"
reload 12
later 4
sed -i "/^authselectmode/d" "$LAB_CONFIG"
reload 13
later 4
lab_note "changes that wait for a restart are told of until they are taken back"
kill -STOP "${LAB_PID[dataplane]}"
lab_wait 5 "the fallback to answer for a stopped dataplane" lab_fallback_answers
kill -CONT "${LAB_PID[dataplane]}"
lab_wait 5 "the dataplane to answer again" lab_dataplane_answers
lab_note "control still watches the dataplane"
