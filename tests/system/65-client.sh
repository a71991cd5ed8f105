#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Meridian as a client, on the wire: what it asks, how often, and what it does not believe.
# Five servers at once: one that lies around each true answer, one that is silent, and one for each
# kiss-o'-death.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

net=198.51.100
trap4=$net.11 elsewhere4=$net.12 silent4=$net.13 rate4=$net.14 deny4=$net.15 rstr4=$net.16

fake() # NAME OPTION... ADDRESS
{
	local name=$1

	shift
	lab_start "fake-$name" upstream /usr/bin/python3 "$LAB_TOOLS/ntp-fake" "$@" \
		"$LAB_DIR/requests.$name"
}

requests() # NAME
{
	wc -l <"$LAB_DIR/requests.$1"
}

# The requests are well-formed and at least SECONDS apart.
judge() # NAME SECONDS [BURST]
{
	local name=$1 count

	shift
	count=$(/usr/bin/python3 "$LAB_TOOLS/ntp-requests" "$LAB_DIR/requests.$name" "$@") ||
		lab_fail "$name: see above"
	lab_note "$name: $count requests"
}

at_most() # NAME COUNT
{
	[ "$(requests "$1")" -le "$2" ] || lab_fail "$1: $(requests "$1") requests, expected at most $2"
}

start_servers()
{
	local address

	for address in "$trap4" "$elsewhere4" "$silent4" "$rate4" "$deny4" "$rstr4"; do
		ip -n upstream address add "$address/24" dev eth0
	done
	fake trap --trap "$elsewhere4" "$trap4"
	fake silent --silent "$silent4"
	fake rate --kiss RATE "$rate4"
	fake deny --kiss DENY "$deny4"
	fake rstr --kiss RSTR "$rstr4"
	for name in trap silent rate deny rstr; do
		lab_wait 10 "server $name" test -e "$LAB_DIR/requests.$name"
	done
}

has_requests() # NAME COUNT
{
	[ "$(requests "$1")" -ge "$2" ]
}

# What the server that says RATE may be asked in so many seconds: after 8, 16, 32, ... more.
kissed_most() # SECONDS
{
	local most=1 at=0 gap=8

	while [ $((at += gap)) -le $(($1 + 1)) ]; do
		gap=$((2 * gap))
		most=$((most + 1))
	done
	echo "$most"
}

lab_enter "$@"
lab_network
lab_config "server $trap4 minpoll 0 maxpoll 0" "server $silent4 minpoll 2 maxpoll 2 iburst" \
	"server $rate4 minpoll 0 maxpoll 0" "server $deny4 minpoll 0 maxpoll 0 iburst" \
	"server $rstr4 minpoll 0 maxpoll 0"
start_servers
start=$SECONDS
lab_control
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies" lab_synchronised
lab_wait 40 "requests to judge" has_requests trap 26

judge trap 1
judge silent 4 8
judge rate 8 # 4 intervals of 2^1 s, then of 2^2 s, ...
judge deny 1
judge rstr 1
at_most rate "$(kissed_most $((SECONDS - start)))"
at_most deny 1
at_most rstr 1
lab_expect_offset "a false answer was believed" 0 100000 # the servers' clock is this machine's
lab_note "off by $offset_us us, with answers of an hour off all the time"
lab_expect sources sources.0.reachability 255
lab_expect sources sources.3.reachability 0
