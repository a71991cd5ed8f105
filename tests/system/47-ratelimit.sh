#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The rate limit: a source that asks too often is answered as often as it may, the others are
# dropped under their name; another source does not notice, nor do our own requests to a source that is
# limited; SIGHUP changes it. Over both families, by the dataplane and by the fallback. With kod, a stock
# chronyd and meridian-load are told so, but nobody of kodexempt.
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

# One more a second than the burst; how long the asking takes is up to the machine. Where it holds
# up the process, another one answers or a reply is late: then it is tried again.
limited() # PROCESS ADDRESS
{
	lab_wait 30 "$1, $2: as many answers as the limit allows, the others rate_limited" \
		is_limited "$@"
	lab_note "$1, $2: $answered of 40 answered, $dropped rate_limited"
}

is_limited() # PROCESS ADDRESS
{
	local before start=$EPOCHSECONDS

	before=$(lab_counter "$1" rate_limited)
	answered=$(received "$2")
	dropped=$(($(lab_counter "$1" rate_limited) - before))
	if [ "$answered" -lt "$BURST" ] || [ $((answered + dropped)) != 40 ] ||
		[ "$answered" -gt $((BURST + 1 + EPOCHSECONDS - start)) ]; then
		sleep "$BURST" # until the burst is there again
		lab_differs "$answered of 40 answered, $dropped rate_limited"
	fi
}

# How many were limited, by either process.
limited_count()
{
	echo $(($(lab_counter dataplane rate_limited) + $(lab_counter fallback rate_limited)))
}

unlimited() # WHEN
{
	local before

	before=$(limited_count)
	lab_wait 10 "every request to be answered $1" lab_all_answered 40 0.02 "$LAB_SERVER4"
	[ "$(limited_count)" = "$before" ] || lab_fail "limited $1"
}

# A server of ours asks us too often: it is limited, but its answers are heard (CVE-2016-7426).
upstream_is_heard()
{
	local good limited

	good=$(lab_field ntpdata ntpdata.0.good)
	limited=$(limited_count)
	received "$LAB_SERVER4" 200 >"$LAB_DIR/upstream.txt" # for 4 s
	limited=$(($(limited_count) - limited))
	good=$(($(lab_field ntpdata ntpdata.0.good) - good))
	if [ "$limited" -le 100 ] || [ "$good" -lt 3 ]; then
		lab_differs "$limited of 200 limited, $good good answers"
	fi
}

# A single request is none that a refilling limit would let through.
other_source_answered()
{
	local before

	before=$(lab_counter dataplane rate_limited)
	lab_ask --count "$BURST" --interval 0.02 --source 192.0.2.3 "$LAB_SERVER4" || return
	[ "$(lab_counter dataplane rate_limited)" = "$before" ] ||
		lab_fail "another source is limited, too"
}

leaks()
{
	local start=$EPOCHSECONDS

	leaked=$(received "$LAB_SERVER4" 400 0.005) # one a second, half of the others: 202
	if [ "$leaked" -lt 160 ] || [ "$leaked" -gt $((240 + EPOCHSECONDS - start)) ]; then
		lab_differs "$leaked of 400 answered with leak 1"
	fi
}

# A stock chronyd that asks more often than it may is told, and says that it was. It must not poll more
# slowly by itself, as it does when a busy machine answers late. How it backs off is its own affair.
kissed_chronyd()
{
	ratelimit dataplane "interval 0 burst 1 leak 0 kod 1 kodafter 1"
	lab_start chronyd client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"server $LAB_SERVER4 minpoll -3 maxpoll -3" "cmdport 0" "bindcmdaddress /" \
		"pidfile $LAB_DIR/chronyd.pid"
	lab_wait 20 "a kiss for chronyd" grep -q "Received KoD RATE from $LAB_SERVER4" \
		"$LAB_DIR/chronyd.log"
	for process in dataplane fallback; do # a busy machine may hold up the first of them
		kod=$(lab_counter "$process" kod)
		[ "$kod" -le 1 ] || lab_fail "$kod kisses of the $process, not one"
	done
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

# By one process: where a busy machine holds up the dataplane, the fallback tells it as well, and the
# dataplane a late client. The second that a kiss holds for is over before it is tried again.
kissed_once() # SOURCE
{
	count=$(kisses "$1")
	[ "$count" = 1 ] || { sleep 2; lab_differs "$count kisses, not one"; }
}

kissed_load()
{
	local count

	echo "kodexempt 192.0.2.4" >>"$LAB_CONFIG"
	ratelimit dataplane "interval 0 burst 2 leak 0 kod 1 kodafter 1"
	count=$(kisses 192.0.2.4)
	[ "$count" = 0 ] || lab_fail "an exempt client was told"
	lab_wait 20 "one kiss for a client" kissed_once 192.0.2.5
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
lab_need_stock chrony/usr/sbin/chronyd
lab_config "local stratum 10" "server $LAB_CLIENT4 minpoll 0 maxpoll 0 noselect"
lab_start upstream client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root "local stratum 1" \
	"allow all" "cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/upstream.pid"
lab_serve
unlimited "without a limit"
ratelimit dataplane "interval 0 burst $BURST leak 0"
limited dataplane "$LAB_SERVER4"
limited dataplane "$LAB_SERVER6"
lab_wait 20 "a limited upstream server to be heard" upstream_is_heard
lab_kill upstream
ip -n client address add 192.0.2.3/24 dev eth0
lab_wait 5 "an answer to another source" other_source_answered
ratelimit dataplane "interval 0 burst 1 leak 1"
lab_wait 20 "half of the requests to leak" leaks
lab_note "$leaked of 400 answered with leak 1"
kissed_chronyd
kissed_load
dropped_are_shown
ratelimit dataplane off
unlimited "after a reload"
lab_stop dataplane
lab_wait 5 "the fallback to answer" lab_fallback_answers
ratelimit fallback "interval 0 burst $BURST leak 0"
limited fallback "$LAB_SERVER4"
