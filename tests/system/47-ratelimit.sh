#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The rate limit: a source that asks too often is answered as often as it may, the others are
# dropped under their name; another source does not notice; SIGHUP changes it. Over both families,
# by the dataplane and by the fallback.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

BURST=8

ratelimit() # PROCESS LIMIT: reloads, and waits until the process has the new policy
{
	local before

	before=$(lab_counter "$1" policy_generation)
	sed -i "s/^ratelimit .*/ratelimit $2/" "$LAB_CONFIG"
	kill -HUP "${LAB_PID[control]}"
	lab_wait 5 "the policy with ratelimit $2" policy_after "$1" "$before"
}

policy_after() # PROCESS GENERATION
{
	[ "$(lab_counter "$1" policy_generation)" -gt "$2" ]
}

received() # ADDRESS: of 40 requests in 0.8 s
{
	lab_ask --count 40 --interval 0.02 "$1" >"$LAB_DIR/ask.txt" || true
	sed -n 's/^sent 40 received \([0-9]*\) .*/\1/p' "$LAB_DIR/ask.txt"
}

limited() # PROCESS ADDRESS
{
	local before answered dropped

	before=$(lab_counter "$1" rate_limited)
	answered=$(received "$2")
	dropped=$(($(lab_counter "$1" rate_limited) - before))
	lab_note "$1, $2: $answered of 40 answered, $dropped rate_limited"
	[ "$answered" -ge "$BURST" ] || lab_fail "fewer answers than the burst allows"
	[ "$answered" -le $((BURST + 5)) ] || lab_fail "more answers than the limit allows"
	[ $((answered + dropped)) = 40 ] || lab_fail "some were lost under another name"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
[ "$(received "$LAB_SERVER4")" = 40 ] || lab_fail "limited without a limit"
ratelimit dataplane "interval 0 burst $BURST leak 0"
limited dataplane "$LAB_SERVER4"
limited dataplane "$LAB_SERVER6"
ip -n client address add 192.0.2.3/24 dev eth0
lab_ask --source 192.0.2.3 "$LAB_SERVER4" >/dev/null || lab_fail "another source is limited, too"
ratelimit dataplane "interval 0 burst 1 leak 1"
leaked=$(received "$LAB_SERVER4") # of 39 half, and 1 or 2
lab_note "$leaked of 40 answered with leak 1"
[ "$leaked" -ge 6 ] && [ "$leaked" -le 36 ] || lab_fail "not half of them leaked"
ratelimit dataplane off
[ "$(received "$LAB_SERVER4")" = 40 ] || lab_fail "still limited after a reload"
lab_stop dataplane
lab_wait 5 "the fallback to answer" lab_fallback_answers
ratelimit fallback "interval 0 burst $BURST leak 0"
limited fallback "$LAB_SERVER4"
