#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Interleaved mode as a server: stock chronyd, with a key as well, and our own control, over both
# families, have interleaved replies, from two workers among which their ports wander, and from the
# fallback; each reply is told about once, and `interleaved` on SIGHUP ends it. How much nearer to the
# wire the measured transmit times are, and what that does to the jitter of chronyd's samples, are
# figures.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

EXCHANGES=300
SAMPLES=600

# With `noselect` it measures by the system's clock, as all here; else by one that it steers by its
# own samples.
client_chronyd() # NAME ADDRESS [OPTION...]
{
	local name=$1 address=$2

	shift 2
	mkdir -m 0700 "$LAB_DIR/$name"
	lab_start "$name" client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"server $address minpoll -7 maxpoll -7 noselect $*" "cmdport 0" \
		"logdir $LAB_DIR/$name" "log measurements" "keyfile $LAB_DIR/keys" \
		"bindcmdaddress $LAB_DIR/$name/chronyd.sock" "pidfile $LAB_DIR/$name.pid"
}

client_chronyc() # NAME COMMAND...
{
	local name=$1

	shift
	"$LAB_STOCK/chrony/usr/bin/chronyc" -n -h "$LAB_DIR/$name/chronyd.sock" "$@"
}

client_is_interleaved() # NAME
{
	client_chronyc "$1" ntpdata | grep -q '^Interleaved *: Yes'
}

client_is_signed() # NAME
{
	client_chronyc "$1" ntpdata | grep -q '^Authenticated *: Yes'
}

client_is_basic() # NAME
{
	client_chronyc "$1" ntpdata | grep -q '^Interleaved *: No'
}

jitter() # NAME NAME: basic, interleaved
{
	"$LAB_TOOLS/ntp-jitter" "$SAMPLES" "$LAB_DIR/$1/measurements.log" \
		"$LAB_DIR/$2/measurements.log" >"$LAB_DIR/jitter.txt"
}

more() # PROCESS NUMBER [WORKER]: interleaved replies
{
	[ "$(lab_counter "$1" interleaved "${@:3}")" -gt "$2" ]
}

# Transmit times told before sending and measured, against the arrival of the replies.
compare() # NAME ADDRESS
{
	lab_in client /usr/bin/python3 "$LAB_TOOLS/ntp-xleave" "$2" "$EXCHANGES" \
		>"$LAB_DIR/$1.txt" 2>&1 || lab_fail "$1: $(cat "$LAB_DIR/$1.txt")"
	lab_figure "$1, ns until a reply arrived: $(tr '\n' ' ' <"$LAB_DIR/$1.txt")"
}

own_client_is_interleaved()
{
	[ "$("$LAB_BUILD/control/command/meridianctl" --rundir "$LAB_DIR/own" ntpdata --json |
		"$LAB_TOOLS/json-field" ntpdata.0.interleaved)" = true ]
}

own_client() # ADDRESS
{
	mkdir -m 0700 "$LAB_DIR/own"
	printf '%s\n' "rundir $LAB_DIR/own" "server $1 xleave minpoll 0 maxpoll 0 iburst" "cmdport 0" \
		>"$LAB_DIR/own.conf"
	lab_start own client "$LAB_BUILD/control/meridian-control" --foreground \
		--config "$LAB_DIR/own.conf"
	lab_wait 15 "our own client to be interleaved" own_client_is_interleaved
	lab_stop own
}

chronyc_counts()
{
	local all

	all=$("$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_RUNDIR/control.sock" serverstats)
	grep -q '^Interleaved NTP packets *: [1-9]' <<<"$all" &&
		grep -q '^NTP timestamps held *: [1-9]' <<<"$all" &&
		grep -q '^NTP timestamp span *: [1-9]' <<<"$all"
}

interleaved_set() # REPLIES
{
	sed -i "s/^interleaved .*/interleaved $1/" "$LAB_CONFIG"
	kill -HUP "${LAB_PID[control]}"
}

lab_enter "$@"
lab_network 2
lab_need_stock chrony/usr/sbin/chronyd
(umask 077 && echo "7 AES128 HEX:5365637265746b6579206f6620746865" >"$LAB_DIR/keys")
lab_config "local stratum 10" "workers 0 1" "interleaved 1048576" "keyfile $LAB_DIR/keys"
lab_serve
client_chronyd basic "$LAB_SERVER4"
client_chronyd xleave4 "$LAB_SERVER4" xleave
client_chronyd xleave6 "$LAB_SERVER6" xleave
client_chronyd signed "$LAB_SERVER4" xleave key 7
for client in xleave4 xleave6 signed; do
	lab_wait 10 "$client to be interleaved" client_is_interleaved "$client"
done
client_is_signed signed || lab_fail "chronyd has no MAC in its interleaved replies"
for worker in 0 1; do
	lab_wait 10 "interleaved replies of worker $worker" more dataplane 10 "$worker"
done
lab_wait 20 "measurements in both modes" jitter basic xleave4
while read -r line; do
	lab_figure "chronyd, $line"
done <"$LAB_DIR/jitter.txt"
own_client "$LAB_SERVER4"
client_is_basic basic || lab_fail "a client in basic mode has interleaved replies"
lab_wait 10 "chronyd to be interleaved still" client_is_interleaved xleave4
compare "dataplane IPv4" "$LAB_SERVER4"
compare "dataplane IPv6" "$LAB_SERVER6"
# The dataplane looks at the whole table in 64 polls of 100 ms or more.
lab_wait 40 "chronyc serverstats to show it" chronyc_counts
[ "$(lab_field serverstats serverstats.interleaved)" -gt $((EXCHANGES * 2)) ] ||
	lab_fail "serverstats does not count interleaved replies"
lab_expect status workers.1.process dataplane
interleaved_set 0
lab_wait 5 "chronyd to be in basic mode" client_is_basic xleave4
interleaved_set 65536
lab_wait 5 "chronyd to be interleaved again" client_is_interleaved xleave4

before=$(lab_counter fallback interleaved)
lab_stop dataplane
lab_wait 10 "interleaved replies of the fallback" more fallback $((before + 20))
lab_wait 5 "chronyd to be interleaved by the fallback" client_is_interleaved xleave4
EXCHANGES=30 # 65536 have room for 64 of one address
compare fallback "$LAB_SERVER6"
