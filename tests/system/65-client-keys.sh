#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Meridian as a client with symmetric keys: a stock server that has the key is believed. One that
# does not sign, and one that signs with another key of that number, are not; nor does a stock one with
# another key answer, until it gets the right one.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

net=198.51.100
unsigned4=$net.11 forger4=$net.12

fake() # NAME ADDRESS [OPTION...]
{
	lab_start "$1" upstream /usr/bin/python3 "$LAB_TOOLS/ntp-fake" "${@:3}" "$2" \
		"$LAB_DIR/requests.$1"
	lab_wait 10 "$1" test -e "$LAB_DIR/requests.$1"
}

asked() # NAME TIMES
{
	[ "$(wc -l <"$LAB_DIR/requests.$1")" -ge "$2" ]
}

chronyc()
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_DIR/upstream/chronyd.sock" -n -c "$@"
}

# What the stock server has been asked over IPv6, where it has another key.
chronyd_asked() # TIMES
{
	chronyc clients | awk -F, -v times="$1" '$1 ~ /:/ { n += $2 } END { exit !(n >= times) }'
}

upstream_keys() # KEY 2
{
	printf '%s\n' "1 AES128 HEX:5365637265746b6579206f6620746865" "2 SHA256 ASCII:$1" \
		>"$LAB_DIR/upstream.keys"
}

believed() # SOURCE
{
	[ "$(lab_field sources "sources.$1.reachability")" != 0 ] &&
		[ "$(lab_field ntpdata "ntpdata.$1.authenticated")" = true ]
}

lab_enter "$@"
lab_network
lab_need_stock chrony/usr/sbin/chronyd
ip -n upstream address add "$unsigned4/24" dev eth0
ip -n upstream address add "$forger4/24" dev eth0
upstream_keys of-the-server
printf '%s\n' "1 AES128 HEX:5365637265746b6579206f6620746865" "2 SHA256 ASCII:of-the-client" \
	>"$LAB_DIR/keys"
chmod 600 "$LAB_DIR/keys"
mkdir -m 0700 "$LAB_DIR/upstream"
lab_start upstream upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root "local stratum 1" \
	"allow all" "cmdport 0" "bindcmdaddress $LAB_DIR/upstream/chronyd.sock" \
	"keyfile $LAB_DIR/upstream.keys" "bindaddress $LAB_UPSTREAM4" \
	"bindaddress $LAB_UPSTREAM6" "pidfile $LAB_DIR/upstream.pid"
fake unsigned "$unsigned4"
fake forger "$forger4" --key 2:of-the-server
lab_config "keyfile $LAB_DIR/keys" "server $LAB_UPSTREAM4 key 1 minpoll 0 maxpoll 0" \
	"server $LAB_UPSTREAM6 key 2 minpoll 0 maxpoll 0" \
	"server $unsigned4 key 1 minpoll 0 maxpoll 0" "server $forger4 key 2 minpoll 0 maxpoll 0"
lab_serve
lab_expect sources sources.0.reachability 255
lab_wait 20 "requests to the server that does not sign" asked unsigned 8
lab_wait 20 "requests to the server that signs with another key" asked forger 8
lab_wait 20 "requests to the stock server with another key" chronyd_asked 8
for source in 1 2 3; do
	lab_expect sources "sources.$source.reachability" 0
done
believed 0 || lab_fail "the server with the key is not believed"
lab_kill forger
fake forger "$forger4" --key 2:of-the-client
upstream_keys of-the-client
chronyc rekey >"$LAB_DIR/rekey.txt" || lab_fail "chronyd does not read its keys again"
for source in 1 3; do
	lab_wait 10 "source $source to be believed, now that it has the key" believed "$source"
done
lab_expect sources sources.2.reachability 0
