#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A pool of five addresses, of which three are asked: the one that denies us service is replaced at
# once and not asked again, and so is one that dies, while the others are kept.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

net=198.51.100
name=pool.example.net

member() # NUMBER: a stock server at .NUMBER
{
	lab_start "member$1" upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 1" "allow all" "bindaddress $net.$1" "cmdport 0" "bindcmdaddress /" \
		"pidfile $LAB_DIR/member$1.pid"
}

# The lab has its own mount namespace.
hosts()
{
	local number

	for number in "$@"; do
		echo "$net.$number $name"
	done >"$LAB_DIR/hosts"
	mount --bind "$LAB_DIR/hosts" /etc/hosts
}

# These are asked and answer, and no others.
asked() # NUMBER...
{
	local expected

	expected=$(printf "$net.%s\n" "$@")
	[ "$(lab_ctl sources --json | /usr/bin/python3 -c '
import json, sys
sources = json.load(sys.stdin)["sources"]
for address in sorted(s["address"] for s in sources if s["reachability"] > 0):
    print(address)')" = "$expected" ]
}

lab_enter "$@"
lab_network
lab_need_stock chrony/usr/sbin/chronyd
for number in 21 22 23 24 25; do
	ip -n upstream address add "$net.$number/24" dev eth0
done
for number in 21 22 23 24; do
	member "$number"
done
lab_start fake-deny upstream /usr/bin/python3 "$LAB_TOOLS/ntp-fake" --kiss DENY "$net.25" \
	"$LAB_DIR/requests.deny"
lab_wait 10 "the server that denies" test -e "$LAB_DIR/requests.deny"
hosts 25 21 22 23 24
lab_config "pool $name maxsources 3 minpoll 0 maxpoll 0 iburst"
lab_control
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies" lab_synchronised
lab_wait 20 "three servers, without the one that denies" asked 21 22 23
lab_kill member22
lab_wait 40 "the dead server is replaced" asked 21 23 24
lab_wait 5 "synchronised replies with two of three servers" lab_synchronised
count=$(wc -l <"$LAB_DIR/requests.deny")
lab_note "the server that denies was asked $count times"
[ "$count" = 1 ] || lab_fail "the server that denies was asked $count times"
grep -q "$name ($net.22): asking $name ($net.24) instead" "$LAB_DIR/control.log" ||
	lab_fail "the replacement is not in the log"
