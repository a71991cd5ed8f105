#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A million access rules by SIGHUP, there and back, while two clients ask: the allowed one always gets
# its answer, the denied one never, under the old rules, the new ones and in between.
# Not sanitized: what is parsed and looked up is, in the unit tests; here it is how long it takes.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

RULES=1000000
ALLOWED=192.0.2.3 DENIED=192.0.2.66

# Single addresses of 10/8 and 2001:db8:100::/40, every other one denied.
rules()
{
	awk -v n="$RULES" 'BEGIN {
		for (i = 0; i < n / 2; i++) {
			word = i % 2 ? "allow" : "deny"
			printf "%s 10.%d.%d.%d\n", word, i / 65536, i / 256 % 256, i % 256
			printf "%s 2001:db8:1%02x:%x::/64\n", word, i / 65536, i % 65536
		}
	}'
}

reload() # FILE: takes over a config, and says how long it took to reach the workers
{
	local before before_told start

	before_told=$(grep -c "was read again" "$LAB_DIR/control.log" || true)
	before=$(lab_counter dataplane policy_generation)
	start=$(date +%s%N)
	cp "$1" "$LAB_CONFIG"
	kill -HUP "${LAB_PID[control]}"
	lab_wait 60 "the new policy" policy_after "$before"
	lab_note "$2: in force after $((($(date +%s%N) - start) / 1000000)) ms"
	lab_wait 10 "the end of the reload" reloads_told "$((before_told + 1))"
	lab_note "$(sed -n 's/.*was read again; //p' "$LAB_DIR/control.log" | tail -1)"
}

policy_after() # GENERATION
{
	[ "$(lab_counter dataplane policy_generation)" -gt "$1" ]
}

reloads_told() # COUNT
{
	[ "$(grep -c "was read again" "$LAB_DIR/control.log")" -ge "$1" ]
}

ask() # SOURCE FILE: until the file .stop is there
{
	until [ -e "$LAB_DIR/stop" ]; do
		lab_ask --count 20 --interval 0.02 --timeout 0.5 --source "$1" "$LAB_SERVER4" || true
	done >"$2"
}

column() # FILE NUMBER: sum of it in "sent N received N lost N"
{
	awk -v n="$2" '/^sent/ { sum += $n } END { print sum + 0 }' "$1"
}

counted() # COUNTER: sum of both who answer
{
	echo $(($(lab_counter dataplane "$1") + $(lab_counter fallback "$1")))
}

all_came()
{
	local came asked

	came=$(($(counted rx_packets) - came_before))
	asked=$((sent + $(column "$LAB_DIR/denied.txt" 2)))
	[ "$came" = "$asked" ] || lab_differs "$came of $asked came"
}

resident_mb() # PROCESS
{
	awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/${LAB_PID[$1]}/status"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10" "deny $DENIED"
lab_serve
ip -n client address add "$ALLOWED/24" dev eth0
ip -n client address add "$DENIED/24" dev eth0
cp "$LAB_CONFIG" "$LAB_DIR/few"
{
	cat "$LAB_DIR/few"
	rules
} >"$LAB_DIR/many"

came_before=$(counted rx_packets) answered_before=$(counted answered)
denied_before=$(counted denied) stale_before=$(counted stale)
ask "$ALLOWED" "$LAB_DIR/allowed.txt" &
asking=("$!")
ask "$DENIED" "$LAB_DIR/denied.txt" &
asking+=("$!")
reload "$LAB_DIR/many" "$RULES rules"
lab_note "resident: control $(resident_mb control) MB, dataplane $(resident_mb dataplane) MB"
[ "$(lab_ctl accheck 10.1.2.3 --json | "$LAB_TOOLS/json-field" access.allowed)" = true ] ||
	lab_fail "accheck 10.1.2.3: denied"
[ "$(lab_ctl accheck 10.1.2.4 --json | "$LAB_TOOLS/json-field" access.allowed)" = false ] ||
	lab_fail "accheck 10.1.2.4: allowed"
reload "$LAB_DIR/few" "back to 3 rules"
reload "$LAB_DIR/many" "$RULES rules again"
touch "$LAB_DIR/stop"
wait "${asking[@]}"

sent=$(column "$LAB_DIR/allowed.txt" 2)
received=$(column "$LAB_DIR/allowed.txt" 4)
lab_figure "allowed: $received of $sent answered in time"
[ "$received" -ge 20 ] || lab_fail "nearly nothing was asked"
[ "$(column "$LAB_DIR/denied.txt" 4)" = 0 ] || lab_fail "who is denied got an answer"
# Every request came and was answered, be it too late, or was of the one who is denied. What a busy
# machine left in the queue of a worker for too long is neither.
lab_wait 10 "each request to have come" all_came
denied=$(($(counted denied) - denied_before))
stale=$(($(counted stale) - stale_before))
answered=$(($(counted answered) - answered_before))
[ $((answered + denied + stale)) = $((sent + $(column "$LAB_DIR/denied.txt" 2))) ] ||
	lab_fail "requests were lost under another name"
[ "$denied" -le "$(column "$LAB_DIR/denied.txt" 2)" ] || lab_fail "who is allowed was denied"
