#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Meridian as a client with symmetric keys: a stock server that knows the key is believed; one that
# has another key of that number, and one that does not sign, are not.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

net=198.51.100
unsigned4=$net.11

asked_unsigned() # TIMES
{
	[ "$(wc -l <"$LAB_DIR/requests")" -ge "$1" ]
}

lab_enter "$@"
lab_network
lab_need_stock chrony/usr/sbin/chronyd
ip -n upstream address add "$unsigned4/24" dev eth0
printf '%s\n' "1 AES128 HEX:5365637265746b6579206f6620746865" "2 SHA256 ASCII:of-the-server" \
	>"$LAB_DIR/upstream.keys"
printf '%s\n' "1 AES128 HEX:5365637265746b6579206f6620746865" "2 SHA256 ASCII:of-the-client" \
	>"$LAB_DIR/keys"
chmod 600 "$LAB_DIR/keys"
lab_start upstream upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root "local stratum 1" \
	"allow all" "cmdport 0" "bindcmdaddress /" "keyfile $LAB_DIR/upstream.keys" \
	"bindaddress $LAB_UPSTREAM4" "bindaddress $LAB_UPSTREAM6" "pidfile $LAB_DIR/upstream.pid"
lab_start fake upstream /usr/bin/python3 "$LAB_TOOLS/ntp-fake" "$unsigned4" "$LAB_DIR/requests"
lab_wait 10 "the server that does not sign" test -e "$LAB_DIR/requests"
lab_config "keyfile $LAB_DIR/keys" "server $LAB_UPSTREAM4 key 1 minpoll 0 maxpoll 0" \
	"server $LAB_UPSTREAM6 key 2 minpoll 0 maxpoll 0" \
	"server $unsigned4 key 1 minpoll 0 maxpoll 0"
lab_serve
lab_expect sources sources.0.reachability 255
lab_wait 20 "requests to the server that does not sign" asked_unsigned 8
lab_expect sources sources.1.reachability 0
lab_expect sources sources.2.reachability 0
lab_expect ntpdata ntpdata.0.authenticated true
