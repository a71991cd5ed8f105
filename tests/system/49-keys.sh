#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Symmetric keys: stock clients with a key of each type are answered with a MAC, by the dataplane
# and by the fallback; who has a wrong key is not answered at all. The file is read again on SIGHUP.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"

KEYFILE_TYPES="MD5 SHA1 SHA256 SHA384 SHA512 SHA3-224 SHA3-256 SHA3-384 SHA3-512 AES128 AES256"
SECRET=5365637265746b6579206f6620746865

# A key of each type, numbered from 11 on; the first octets are the same in all.
keys_write()
{
	local type id=11

	for type in $KEYFILE_TYPES; do
		case $type in
		AES256) echo "$id $type HEX:$SECRET$SECRET" ;;
		*) echo "$id $type HEX:$SECRET" ;;
		esac
		id=$((id + 1))
	done
	echo "50 SHA1 ASCII:only-the-server-has-this-one"
}

# Every type in version 3 and 4, each asked of an address of its own, as chronyd wants it.
chronyd_config()
{
	local type id=11 version

	for type in $KEYFILE_TYPES; do
		for version in 3 4; do
			echo "server 192.0.2.$((id + 100 * (version - 3))) key $id version $version" \
				"iburst minpoll 2"
		done
		id=$((id + 1))
	done
	printf '%s\n' "keyfile $LAB_DIR/client.keys" "cmdport 0" \
		"bindcmdaddress $LAB_DIR/chronyd.sock" "pidfile $LAB_DIR/chronyd.pid"
}

chronyc()
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_DIR/chronyd.sock" -n "$@"
}

# Whether chronyd has had good answers, with a MAC, of so many servers.
chronyd_has() # NUMBER
{
	[ "$(chronyc ntpdata | awk '/^Authenticated/ { signed = $3 }
		/^Total valid RX/ { n += signed == "Yes" && $5 > 1 } END { print n }')" = "$1" ]
}

test_chronyd()
{
	local types

	types=$(wc -w <<<"$KEYFILE_TYPES")
	chronyd_config >"$LAB_DIR/chronyd.conf"
	lab_start chronyd client "$LAB_STOCK/chrony/usr/sbin/chronyd" -d -x -u root \
		-f "$LAB_DIR/chronyd.conf"
	lab_wait 20 "chronyd's $((2 * types)) sources with keys" chronyd_has $((2 * types))
	lab_kill chronyd
}

ntpdig() # KEY-ID
{
	stock_with_ntpdig ntpdig -j -t 1 -a "$1" -k "$LAB_DIR/ntpsec.keys" "$LAB_SERVER4" \
		>"$LAB_DIR/ntpdig.log" 2>&1
}

# NTPsec's types; a key longer than 20 characters is hexadecimal there.
ntpsec_keys_write()
{
	echo "11 MD5 $SECRET"
	echo "12 SHA1 $SECRET"
	echo "20 AES-128 $SECRET"
	echo "50 SHA1 ${SECRET}00"
	echo "99 SHA1 $SECRET"
}

test_ntpdig()
{
	local id

	for id in 11 12 20; do
		lab_wait 5 "a time for ntpdig with key $id" ntpdig "$id"
	done
	! ntpdig 50 || lab_fail "ntpdig took an answer to a wrong MAC"
	! ntpdig 99 || lab_fail "ntpdig took an answer with a key that the server does not have"
}

test_ntpsec()
{
	lab_wait 20 "samples of three servers for ntpd" ntpsec_has_samples
}

ntpsec_has_samples()
{
	local address

	stock_ntpsec "server 192.0.2.11 key 11 iburst" "server 192.0.2.12 key 12 iburst" \
		"server 192.0.2.20 key 20 iburst" "keys $LAB_DIR/ntpsec.keys" "trustedkey 11 12 20"
	for address in 192.0.2.11 192.0.2.12 192.0.2.20; do
		grep -q " $address " "$LAB_DIR/peerstats" ||
			lab_differs "no sample of $address" || return
	done
}

drops() # VERDICT: of both processes
{
	echo $(($(lab_counter dataplane "$1") + $(lab_counter fallback "$1")))
}

# Waits until a reload is through.
reload() # MESSAGE
{
	local before

	before=$(grep -c "$1" "$LAB_DIR/control.log" || true)
	kill -HUP "${LAB_PID[control]}"
	lab_wait 10 "the message '$1'" reloaded "$1" "$before"
}

reloaded() # MESSAGE BEFORE
{
	[ "$(grep -c "$1" "$LAB_DIR/control.log")" -gt "$2" ]
}

# The key of ID 20 becomes another one, and back, while the process goes on.
test_reload()
{
	sed -i 's/^20 .*/20 AES128 ASCII:another-key-of-16/' "$LAB_DIR/server.keys"
	reload "was not taken over" # 17 octets
	grep -q "server.keys:10: key 20 has 17 octets; AES128 takes 16" "$LAB_DIR/control.log" ||
		lab_fail "no word on the broken line"
	lab_wait 5 "the keys of before after a reload that failed" ntpdig 20
	sed -i 's/^20 .*/20 AES128 ASCII:another-key-16--/' "$LAB_DIR/server.keys"
	reload "was read again"
	lab_wait 10 "the new key" not ntpdig 20
	lab_wait 5 "another key after the reload" ntpdig 12
	keys_write >"$LAB_DIR/server.keys"
	reload "was read again"
	lab_wait 10 "the key of before" ntpdig 20
}

not() # COMMAND...
{
	! "$@"
}

columns() # COMMAND COLUMNS: of chronyc
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_RUNDIR/control.sock" -n -c "$1" | cut -d, -f"$2"
}

# Control as the client of a chronyd that has only one of the two keys: one source is used, the
# answers of the other, which chronyd would have to sign, never come.
test_client()
{
	umask 077
	echo "31 AES128 HEX:$SECRET" >"$LAB_DIR/upstream.keys"
	printf '%s\n' "31 AES128 HEX:$SECRET" "32 SHA256 HEX:$SECRET" >"$LAB_DIR/server.keys"
	umask 022
	ip -n upstream address add 198.51.100.3/24 dev eth0
	lab_kill upstream
	lab_start upstream upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 1" "allow all" "keyfile $LAB_DIR/upstream.keys" "cmdport 0" \
		"bindcmdaddress /" "pidfile $LAB_DIR/upstream2.pid"
	lab_stop control
	lab_config "server $LAB_UPSTREAM4 key 31 iburst minpoll 0 maxpoll 2" \
		"server 198.51.100.3 key 32 iburst minpoll 0 maxpoll 2" \
		"server 198.51.100.4 prefer" "authselectmode require" \
		"keyfile $LAB_DIR/server.keys"
	lab_control
	lab_wait 20 "time from the source with a good key" client_has_time
	[ "$(columns authdata 1-5)" = "$LAB_UPSTREAM4,SK,31,13,128
198.51.100.3,SK,32,3,128
198.51.100.4,-,0,0,0" ] || lab_fail "chronyc authdata shows something else"
	[ "$(columns selectdata 2-13)" = "$LAB_UPSTREAM4,Y,-,-,-,-,-,-,-,-,-,-
198.51.100.3,Y,-,-,-,-,-,-,-,-,-,-
198.51.100.4,N,-,P,-,-,-,N,P,-,-,-" ] ||
		lab_fail "chronyc selectdata: $(columns selectdata 2-13)"
}

client_has_time()
{
	[ "$(lab_field ntpdata ntpdata.0.authenticated)" = true ] || return
	[ "$(lab_field ntpdata ntpdata.0.good)" -gt 2 ] && [ "$(lab_field ntpdata ntpdata.1.requests)" -gt 2 ] &&
		[ "$(lab_field ntpdata ntpdata.1.received)" = 0 ]
}

# Nobody but control and those who answer needs them, and nothing shows them.
test_secrecy()
{
	[ "$(stat -c %a "$LAB_RUNDIR/keys")" = 640 ] || lab_fail "the page of keys is not 0640"
	"$LAB_BUILD/control/meridian-control" --config "$LAB_CONFIG" --dump-config >"$LAB_DIR/dump"
	grep -q "^keyfile $LAB_DIR/server.keys" "$LAB_DIR/dump" || lab_fail "no keyfile in the dump"
	lab_ctl status --json >>"$LAB_DIR/dump"
	lab_ctl serverstats --json >>"$LAB_DIR/dump"
	! grep -E "only-the-server|another-key|$SECRET" "$LAB_DIR/dump" "$LAB_DIR"/control.log \
		"$LAB_DIR"/dataplane.log "$LAB_DIR"/fallback.log ||
		lab_fail "a key is shown"
}

lab_enter "$@"
lab_need_stock chrony/usr/sbin/chronyd
lab_network
for id in $(seq 11 21); do
	ip -n server address add "192.0.2.$id/24" dev eth1
	ip -n server address add "192.0.2.$((id + 100))/24" dev eth1
done
umask 077
keys_write >"$LAB_DIR/server.keys"
keys_write >"$LAB_DIR/client.keys"
ntpsec_keys_write >"$LAB_DIR/ntpsec.keys"
umask 022
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "insecurekeys" \
	"keyfile $LAB_DIR/server.keys"
lab_upstream
lab_serve
unsigned=$(drops answered)
for tried in 1 2 3 4 5; do
	before=$(lab_counter fallback answered)
	test_chronyd
	answered=$(($(lab_counter fallback answered) - before))
	[ "$answered" != 0 ] || break
	lab_note "the fallback answered $answered of chronyd's requests, as it does for a starved dataplane"
done
[ "$answered" = 0 ] || lab_fail "the fallback answered chronyd in each of $tried tries"
[ "$(drops unknown_key) $(drops bad_mac)" = "0 0" ] || lab_fail "chronyd's MACs are dropped"
lab_expect serverstats serverstats.authenticated $(($(drops answered) - unsigned))
test_ntpdig
[ "$(drops unknown_key)" -gt 0 ] || lab_fail "an unknown key has no verdict"
[ "$(drops bad_mac)" -gt 0 ] || lab_fail "a wrong MAC has no verdict"
test_ntpsec
test_reload
test_secrecy
lab_stop dataplane
lab_wait 10 "the fallback" lab_fallback_answers
test_ntpdig
test_client
