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

# Whether one of those who ask the most is this one.
talker_is() # FATE CLIENT REQUESTS
{
	lab_ctl clients --window start --csv >"$LAB_DIR/talkers.txt"
	grep -q "^talkers,$1,$2,$3" "$LAB_DIR/talkers.txt" ||
		lab_differs "$(grep "^talkers,$1,$2" "$LAB_DIR/talkers.txt")"
}

# Of each fate the most first.
ranked()
{
	lab_ctl clients --window start --csv | awk -F , '
		$1 == "talkers" { wrong += $2 == fate && $4 > last; n++; fate = $2; last = $4 }
		END { exit wrong || n < 4 }'
}

judged() # PROCESS: how many requests it has not found too late
{
	echo $(($(lab_counter "$1" answered) + $(lab_counter "$1" rate_limited)))
}

# Clients that nobody has heard of ask more than they may, until one has had no answer of another
# process than this one, nor been too late, as happens when a busy machine starves the dataplane.
asks_too_often() # dataplane|fallback COUNT ADDRESS...: sets asker
{
	local process=$1 count=$2 before address

	shift 2
	for address in "$@"; do
		ip -n client address add "$address/24" dev eth0
		before=$(judged "$process")
		lab_ask --count "$count" --interval 0.01 --source "$address" "$LAB_SERVER4" \
			>"$LAB_DIR/ask.txt" || true
		asker=$address
		[ "$(judged "$process")" != $((before + count)) ] || return 0
	done
	lab_fail "the $process does not have all requests: $(tail -n 1 "$LAB_DIR/ask.txt")"
}

count_is() # PATH VALUE
{
	[ "$(clients "$1")" = "$2" ]
}

told() # FATE CLIENT REQUESTS
{
	lab_wait 5 "$2 with $3 requests $1" talker_is "$@"
}

forgotten()
{
	! lab_ctl clients >"$LAB_DIR/clients.txt" 2>&1 && grep -q noclientlog "$LAB_DIR/clients.txt"
}

# Whether an address stands, as octets, in the page of the process. In a UTF-8 locale grep would take
# \xc0 for a character of two octets.
remembers() # dataplane|fallback ADDRESS
{
	local octets

	# shellcheck disable=SC2086 # four of them
	octets=$(printf '\\x%02x' ${2//./ })
	LC_ALL=C grep -qaP "$octets" "$LAB_RUNDIR/clients.$1"
}

asked_and_remembers() # ADDRESS
{
	lab_ask --source "$1" "$LAB_SERVER4"
	remembers dataplane "$1"
}

policy_after() # GENERATION
{
	[ "$(lab_counter dataplane policy_generation)" -gt "$1" ]
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
lab_serve
ip -n client address add 192.0.2.66/24 dev eth0
before=$(lab_counter dataplane policy_generation)
sed -i 's/^ratelimit .*/ratelimit interval 8 burst 40/' "$LAB_CONFIG"
kill -HUP "${LAB_PID[control]}"
lab_wait 5 "the rate limit to hold" policy_after "$before"

asks_too_often dataplane 60 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6
client=$asker
lab_ask --count 7 --interval 0.01 --source 192.0.2.66 "$LAB_SERVER4" >/dev/null || true
lab_ask --count 5 --interval 0.01 "$LAB_SERVER6" >/dev/null
told answered "$client" 40.0
lab_ctl clients | tee "$LAB_DIR/clients.txt" | sed 's/^/   /'
lab_wait 5 "one IPv6 client" count_is counts.3.ipv6_clients 1.0
talkers=$(lab_ctl clients --window start --csv | grep -c ^talkers)
[ "$talkers" -ge 4 ] || lab_fail "fewer talkers than clients"
told "rate limited" "$client" 20.0
told denied 192.0.2.66 7.0
ranked || lab_fail "those who ask the most are not in order"
may_ask "$client" true
may_ask 192.0.2.66 false
may_ask 192.0.3.1 false
may_ask 2001:db8:1::77 true
may_ask 2001:db8:2::1 false
# Address, requests, drops, interval: the dataplane's and the fallback's together.
chronyc clients >"$LAB_DIR/chronyc.txt"
grep -q "^$client,60,20,127,127,4294967295" "$LAB_DIR/chronyc.txt" ||
	lab_fail "chronyc clients: $(tr '\n' ' ' <"$LAB_DIR/chronyc.txt")"
[ "$(lab_ctl clients --window start --prefixes --csv | grep -c '^talkers,answered,192.0.2.0/24')" = 1 ] ||
	lab_fail "the prefix is not told"
[ "$(lab_ctl clients --window start --top 1 --csv | grep -c '^talkers,answered')" = 1 ] ||
	lab_fail "--top 1 shows more"
[ "$(stat -c %a "$LAB_RUNDIR/clients.dataplane")" = 640 ] || lab_fail "everybody may read the page"

lab_stop dataplane
lab_wait 5 "the fallback to answer" lab_fallback_answers
asks_too_often fallback 50 192.0.2.67 192.0.2.68 192.0.2.69 192.0.2.70
told answered "$asker" 40.0
remembers fallback "$asker" || lab_fail "$asker is not in the fallback's page"
lab_expect clients counts.0.process fallback
lab_dataplane
lab_wait 20 "replies from the dataplane" lab_dataplane_answers
lab_wait 10 "$client in the dataplane's page" asked_and_remembers "$client"

echo noclientlog >>"$LAB_CONFIG"
kill -HUP "${LAB_PID[control]}"
lab_wait 5 "everything forgotten" forgotten
! remembers fallback "$asker" || lab_fail "$asker is still in the fallback's page"
! remembers dataplane "$client" || lab_fail "$client is still in the dataplane's page"
chronyc clients 2>&1 | grep -q "not active" || lab_fail "chronyc does not say that nobody counts"
lab_wait 5 "an answer without a log of clients" lab_synchronised
