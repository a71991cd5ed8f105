#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who asks: `meridianctl clients` has each client with its requests, by what became of them, of the
# dataplane and of the fallback, stock chronyc the same; `noclientlog` on SIGHUP forgets all of it.
# Who may ask: `accheck` of both.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

clients() # PATH
{
	lab_ctl clients --window start --json "${@:2}" | "$LAB_TOOLS/json-field" "$1"
}

# Whether the N-th of those who ask the most is this one.
talker_is() # N FATE CLIENT REQUESTS [OPTION...]
{
	[ "$(clients "talkers.$1.fate" "${@:5}")" = "$2" ] &&
		[ "$(clients "talkers.$1.client" "${@:5}")" = "$3" ] &&
		[ "$(clients "talkers.$1.requests" "${@:5}")" = "$4" ]
}

count_is() # PATH VALUE
{
	[ "$(clients "$1")" = "$2" ]
}

told() # ARGUMENT...: of talker_is
{
	lab_wait 5 "$3 with $4 requests $2" talker_is "$@"
}

forgotten()
{
	! lab_ctl clients >"$LAB_DIR/clients.txt" 2>&1 && grep -q noclientlog "$LAB_DIR/clients.txt"
}

# Whether an address, as octets, stands in the page of the process. In a UTF-8 locale grep would take
# \xc0 for a character of two octets.
remembers() # dataplane|fallback EXPRESSION
{
	LC_ALL=C grep -qaP "$2" "$LAB_RUNDIR/clients.$1"
}

chronyc()
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -n -c -h "$LAB_RUNDIR/control.sock" "$@"
}

may_ask() # ADDRESS true|false
{
	local said="Access denied"

	[ "$2" = false ] || said="Access allowed"
	[ "$(lab_ctl accheck "$1" --json | "$LAB_TOOLS/json-field" access.allowed)" = "$2" ] ||
		lab_fail "accheck $1: not $2"
	chronyc accheck "$1" | grep -q "$said" || lab_fail "chronyc accheck $1: not $2"
}

lab_enter "$@"
lab_need_stock chrony/usr/bin/chronyc
lab_network
lab_config "local stratum 10" "deny 192.0.2.66"
sed -i 's/^ratelimit .*/ratelimit interval 3 burst 40/' "$LAB_CONFIG"
lab_serve
ip -n client address add 192.0.2.3/24 dev eth0
ip -n client address add 192.0.2.66/24 dev eth0
ip -n client address add 192.0.2.67/24 dev eth0

lab_ask --count 60 --interval 0.01 --source 192.0.2.3 "$LAB_SERVER4" >/dev/null || true
lab_ask --count 7 --interval 0.01 --source 192.0.2.66 "$LAB_SERVER4" >/dev/null || true
lab_ask --count 5 --interval 0.01 "$LAB_SERVER6" >/dev/null
told 0 answered 192.0.2.3 40.0
lab_ctl clients | tee "$LAB_DIR/clients.txt" | sed 's/^/   /'
lab_wait 5 "one IPv6 client" count_is counts.3.ipv6_clients 1.0
talkers=$(lab_ctl clients --window start --csv | grep -c ^talkers)
[ "$talkers" -ge 4 ] || lab_fail "fewer talkers than clients"
lab_ctl clients --window start --csv | grep -q '^talkers,rate limited,192.0.2.3,20.0' ||
	lab_fail "what was rate limited is not told"
lab_ctl clients --window start --csv | grep -q '^talkers,denied,192.0.2.66,7.0' ||
	lab_fail "what was denied is not told"
may_ask 192.0.2.3 true
may_ask 192.0.2.66 false
may_ask 192.0.3.1 false
may_ask 2001:db8:1::77 true
may_ask 2001:db8:2::1 false
# Address, requests, drops, interval: the dataplane's and the fallback's together.
chronyc clients >"$LAB_DIR/chronyc.txt"
grep -q '^192.0.2.3,60,20,127,127,4294967295' "$LAB_DIR/chronyc.txt" ||
	lab_fail "chronyc clients: $(tr '\n' ' ' <"$LAB_DIR/chronyc.txt")"
[ "$(lab_ctl clients --window start --prefixes --csv | grep -c '^talkers,answered,192.0.2.0/24')" = 1 ] ||
	lab_fail "the prefix is not told"
[ "$(lab_ctl clients --window start --top 1 --csv | grep -c '^talkers,answered')" = 1 ] ||
	lab_fail "--top 1 shows more"
[ "$(stat -c %a "$LAB_RUNDIR/clients.dataplane")" = 640 ] || lab_fail "everybody may read the page"

lab_stop dataplane
lab_wait 5 "the fallback to answer" lab_fallback_answers
lab_ask --count 50 --interval 0.01 --source 192.0.2.67 "$LAB_SERVER4" >/dev/null || true
told 0 answered 192.0.2.67 40.0
remembers fallback '\xc0\x00\x02\x43' || lab_fail "192.0.2.67 is not in the fallback's page"
lab_expect clients counts.0.process fallback
lab_dataplane
lab_wait 20 "replies from the dataplane" lab_dataplane_answers
lab_ask --source 192.0.2.3 "$LAB_SERVER4" >/dev/null
lab_wait 5 "192.0.2.3 in the dataplane's page" remembers dataplane '\xc0\x00\x02\x03'

echo noclientlog >>"$LAB_CONFIG"
kill -HUP "${LAB_PID[control]}"
lab_wait 5 "everything forgotten" forgotten
! remembers fallback '\xc0\x00\x02\x43' || lab_fail "192.0.2.67 is still in the fallback's page"
! remembers dataplane '\xc0\x00\x02\x03' || lab_fail "192.0.2.3 is still in the dataplane's page"
chronyc clients 2>&1 | grep -q "not active" || lab_fail "chronyc does not say that nobody counts"
lab_synchronised || lab_fail "no answer without a log of clients"
