#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What an operator orders while control runs, with stock chronyc and meridianctl: servers offline and
# online, a burst, a selection, look-ups. Who asks over UDP may not, and what cannot be is refused.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

other4=198.51.100.3
name=pool.example.net # of two addresses, one of which is not known at first

chronyc() # HOST COMMAND...: its words
{
	local host=$1

	shift
	lab_in server "$LAB_STOCK/chrony/usr/bin/chronyc" -n -h "$host" "$@" 2>&1 || true
}

says() # WORDS HOST COMMAND...
{
	local words=$1 said

	shift
	said=$(chronyc "$@")
	[ "$said" = "$words" ] || lab_fail "chronyc $*: '$said', expected '$words'"
	lab_note "chronyc ${*:2}: $said"
}

activity() # NAME
{
	lab_field activity "activity.$1"
}

is_active() # NAME COUNT
{
	[ "$(activity "$1")" = "$2" ]
}

asked_since() # COUNT
{
	[ "$(requests 1)" -gt "$1" ]
}

# The lab has its own mount namespace.
hosts() # NUMBER...: the addresses of the pool
{
	printf "198.51.100.%s $name\n" "$@" >"$LAB_DIR/hosts"
}

requests() # INDEX
{
	lab_field ntpdata "ntpdata.$1.requests"
}

lab_enter "$@"
lab_network
for address in "$other4" 198.51.100.4 198.51.100.5; do
	ip -n upstream address add "$address/24" dev eth0
done
hosts 4
mount --bind "$LAB_DIR/hosts" /etc/hosts
lab_config "server $LAB_UPSTREAM4 minpoll 4 maxpoll 4 iburst" \
	"server $other4 minpoll 0 maxpoll 0 iburst" \
	"pool $name maxsources 2 minpoll 4 maxpoll 4 iburst" "cmdport 323"
sed -i '/^cmdport 0/d' "$LAB_CONFIG"
lab_control
socket=$LAB_RUNDIR/control.sock
lab_wait 10 "the control socket" test -S "$socket"
lab_ctl tracking | grep -qx "Reference *: -" || lab_fail "a reference without a source"
lab_upstream
lab_wait 20 "the end of the first burst" is_active online 3

says "501 Not authorised" 127.0.0.1 offline
says "501 Not authorised" 127.0.0.1 serverstats
says "501 Not authorised" 127.0.0.1 accheck "$other4"
said=$(chronyc 127.0.0.1 clients) # below the head of a table
[ "${said##*$'\n'}" = "501 Not authorised" ] || lab_fail "over UDP chronyc clients says '$said'"
before=$(requests 1)
lab_wait 10 "a server that is online to be asked" asked_since "$before"
says "200 OK" "$socket" offline "$other4"
is_active offline 1 || lab_fail "$(activity offline) servers are offline, not one"
before=$(requests 1)
says "200 OK" "$socket" offline
is_active offline 3 || lab_fail "$(activity offline) servers are offline, not all"
says "503 No such source" "$socket" offline 192.0.2.77
says "503 No such source" "$socket" burst 1/2
lab_ctl online "$LAB_UPSTREAM4"
is_active offline 2 || lab_fail "$(activity offline) servers are offline after one is back"
sleep 3 # three polls, were it online
[ "$(requests 1)" = "$before" ] || lab_fail "a server that is offline was asked"
says "200 OK" "$socket" online
lab_wait 10 "a server that is back to be asked" asked_since "$before"
lab_wait 20 "the end of the bursts" is_active online 3
says "200 OK" "$socket" burst 5/8 "$other4"
lab_wait 5 "a burst" is_active burst_online 1
says "200 OK" "$socket" reselect
says "200 OK" "$socket" refresh
says "500 Failure" "$socket" makestep # without steerclock
status=0
said=$(lab_ctl makestep 2>&1) || status=$?
[ "$status" = 1 ] || lab_fail "meridianctl makestep without steerclock ends with $status"
grep -q steerclock <<<"$said" || lab_fail "meridianctl makestep: $said"
says "502 Invalid command" "$socket" shutdown
# A name stands for all servers of the pool, also for the one without an address.
lab_ctl offline "$name"
is_active offline 1 || lab_fail "$(activity offline) servers of the pool are offline, not one"
hosts 4 5
lab_ctl refresh
lab_wait 10 "the other server's address" is_active unresolved 0
is_active offline 2 || lab_fail "the server that got an address is asked"
lab_ctl online "$name"
is_active offline 0 || lab_fail "$(activity offline) servers of the pool are still offline"
status=0
lab_ctl offline nobody.example >/dev/null 2>&1 || status=$?
[ "$status" = 1 ] || lab_fail "meridianctl offline of nobody ends with $status"
status=0
lab_ctl tracking "$other4" >/dev/null 2>&1 || status=$?
[ "$status" = 2 ] || lab_fail "meridianctl tracking of a source ends with $status"
