#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The rate limit: a source that asks too often is answered as often as it may, the others are
# dropped under their name; another source does not notice; SIGHUP changes it. Over both families,
# by the dataplane and by the fallback. With kod, a stock chronyd and meridian-load are told so, but
# nobody of kodexempt.
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

received() # ADDRESS [COUNT [INTERVAL]]: of 40 requests in 0.8 s, or of others
{
	lab_ask --count "${2:-40}" --interval "${3:-0.02}" "$1" >"$LAB_DIR/ask.txt" || true
	sed -n "s/^sent ${2:-40} received \([0-9]*\) .*/\1/p" "$LAB_DIR/ask.txt"
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

# A stock chronyd that asks more often than it may is told, and says that it was. Its polls of before
# and after are for the eye: how it backs off is its own affair.
kissed_chronyd()
{
	lab_need_stock chrony/usr/sbin/chronyd
	ratelimit dataplane "interval 0 burst 1 leak 0 kod 1 kodafter 1"
	lab_start chronyd client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"server $LAB_SERVER4 minpoll -3 maxpoll 4" "cmdport 0" "bindcmdaddress /" \
		"pidfile $LAB_DIR/chronyd.pid"
	lab_wait 20 "a kiss for chronyd" grep -q "Received KoD RATE from $LAB_SERVER4" \
		"$LAB_DIR/chronyd.log"
	[ "$(lab_counter dataplane kod)" = 1 ] || lab_fail "not one kiss"
	lab_note "chronyd: $(grep KoD "$LAB_DIR/chronyd.log")"
	lab_stop chronyd || true
}

# meridian-load asks 100 times a second, for 2 s. Prints how many kisses it counts.
kisses() # SOURCE
{
	lab_in client "$LAB_BUILD/bench/load/meridian-load" --port af_packet:eth0 --core 0 --json \
		--target "$LAB_SERVER4" --source "$1" --rate 100 --duration 2 \
		>"$LAB_DIR/load.json" 2>"$LAB_DIR/load.log" || [ $? = 1 ] || lab_fail "meridian-load"
	"$LAB_TOOLS/json-field" results.kissed <"$LAB_DIR/load.json"
}

kissed_load()
{
	local count

	echo "kodexempt 192.0.2.4" >>"$LAB_CONFIG"
	ratelimit dataplane "interval 0 burst 2 leak 0 kod 1 kodafter 1"
	count=$(kisses 192.0.2.4)
	[ "$count" = 0 ] || lab_fail "an exempt client was told"
	count=$(kisses 192.0.2.5)
	[ "$count" = 1 ] || lab_fail "$count kisses, not one"
	[ "$("$LAB_TOOLS/json-field" results.kiss_o_death.RATE <"$LAB_DIR/load.json")" = 1 ] ||
		lab_fail "a kiss of another code"
	lab_note "meridian-load: $count kiss for $("$LAB_TOOLS/json-field" results.sent \
		<"$LAB_DIR/load.json") requests"
}

# What chronyc shows as dropped are all that were not answered.
dropped_are_shown()
{
	local limited

	limited=$(lab_counter dataplane rate_limited)
	[ "$limited" -gt 0 ] || lab_fail "nothing limited"
	"$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_RUNDIR/control.sock" -c serverstats \
		>"$LAB_DIR/serverstats.txt" || lab_fail "chronyc serverstats"
	awk -F, -v limited="$limited" '{ exit !($2 >= limited && $1 > $2) }' \
		"$LAB_DIR/serverstats.txt" ||
		lab_fail "$limited limited, chronyc says $(cat "$LAB_DIR/serverstats.txt")"
	lab_ctl status | grep -q "rate_limited  *$limited " || lab_fail "not in meridianctl status"
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
leaked=$(received "$LAB_SERVER4" 400 0.005) # one a second, half of the others: 202
lab_note "$leaked of 400 answered with leak 1"
[ "$leaked" -ge 160 ] || lab_fail "fewer than half of them leaked"
[ "$leaked" -le 240 ] || lab_fail "more than half of them leaked"
kissed_chronyd
kissed_load
dropped_are_shown
ratelimit dataplane off
[ "$(received "$LAB_SERVER4")" = 40 ] || lab_fail "still limited after a reload"
lab_stop dataplane
lab_wait 5 "the fallback to answer" lab_fallback_answers
ratelimit fallback "interval 0 burst $BURST leak 0"
limited fallback "$LAB_SERVER4"
