#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Stock clients of five projects get their time from the dataplane, over IPv4 and IPv6.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"

# Whether the number of seconds is as small as it must be when all share one clock. The limit
# is generous: some of these clients judge by one packet, on a machine with other work.
near_zero() # SECONDS WHO
{
	awk -v s="${1:-none}" 'BEGIN { exit !(s + 0 == s && s < 0.05 && s > -0.05) }' ||
		lab_differs "$2 is ${1:-without an answer} seconds off" || return
	found+=("$2: $1 s")
}

# Runs one of the tests below until it was the dataplane that answered, not the fallback, which does
# where a busy machine starves the dataplane.
served_by_dataplane() # TEST ADDRESS...
{
	lab_wait 20 "$1: a good time from the dataplane" try "$@"
	printf '%s\n' "${found[@]}"
}

try() # TEST ADDRESS...
{
	local dataplane fallback

	dataplane=$(lab_counter dataplane answered)
	fallback=$(lab_counter fallback answered)
	found=()
	"$@" || return
	[ "$(lab_counter dataplane answered)" -gt "$dataplane" ] ||
		lab_differs "$*: not the dataplane" || return
	[ "$(lab_counter fallback answered)" = "$fallback" ] || lab_differs "$*: the fallback answered"
}

test_chronyd() # ADDRESS
{
	near_zero "$(stock_ahead_s client "$1")" "chronyd over $1"
}

test_ntpdig() # ADDRESS
{
	stock_with_ntpdig ntpdig -j -t 2 "$1" >"$LAB_DIR/ntpdig.log" 2>&1 ||
		lab_differs "ntpdig got no time from $1" || return
	near_zero "$(sed -n 's/.*"offset":\([-0-9.]*\),.*/\1/p' "$LAB_DIR/ntpdig.log")" \
		"NTPsec's ntpdig over $1"
}

test_ntpdate() # ADDRESS
{
	stock_with_ntpdig "$LAB_STOCK/ntpsec-ntpdate/usr/sbin/ntpdate" -q "$1" >"$LAB_DIR/ntpdate.log" 2>&1 ||
		lab_differs "ntpdate got no time from $1" || return
	near_zero "$(sed -n 's/.*[^ ] \([-+][0-9.]*\) +\/- .*/\1/p' "$LAB_DIR/ntpdate.log")" "ntpdate over $1"
}

test_rdate() # ADDRESS
{
	stock_in client "$LAB_STOCK/rdate/usr/sbin/rdate" -n -p -v "$1" >"$LAB_DIR/rdate.log" 2>&1 ||
		lab_differs "rdate got no time from $1" || return
	near_zero "$(sed -n 's/.*clock by \([-0-9.]*\) .*/\1/p' "$LAB_DIR/rdate.log")" "rdate over $1"
}

# Both addresses at once.
test_ntpsec() # ADDRESS ADDRESS
{
	local address

	stock_ntpsec "server $1 iburst" "server $2 iburst"
	for address in "$@"; do
		near_zero "$(awk -v a="$address" '$3 == a { o = $5 } END { print o }' \
			"$LAB_DIR/peerstats")" "NTPsec's ntpd over $address" || return
	done
}

# openntpd insists on a user and directories of its own: given to it in this mount namespace alone.
test_openntpd() # ADDRESS ADDRESS
{
	local address status=0

	rm -f "$LAB_DIR/openntpd.log"
	mkdir -p "$LAB_DIR/empty"
	chmod 755 "$LAB_DIR/empty" "$LAB_DIR"
	{
		cat /etc/passwd
		echo "ntpd:x:65533:65534::$LAB_DIR/empty:/usr/sbin/nologin"
	} >"$LAB_DIR/passwd"
	mount --bind "$LAB_DIR/passwd" /etc/passwd
	mount -t tmpfs lab /var/lib
	mkdir -p /var/lib/openntpd/run /var/lib/openntpd/db
	printf 'server %s\n' "$@" >"$LAB_DIR/openntpd.conf"
	lab_start openntpd client setpriv --bounding-set=-sys_time --inh-caps=-sys_time -- \
		"$LAB_STOCK/openntpd/usr/sbin/ntpd" -d -v -f "$LAB_DIR/openntpd.conf" \
		-p "$LAB_DIR/openntpd.pid"
	for address in "$@"; do
		lab_wait 20 "openntpd's reply from $address" grep -q "reply from $address: offset" \
			"$LAB_DIR/openntpd.log"
		near_zero "$(sed -n "s/.*reply from $address: offset \([-0-9.]*\) .*/\1/p" \
			"$LAB_DIR/openntpd.log" | head -n 1)" "openntpd over $address" || status=1
	done
	lab_kill openntpd
	return "$status"
}

# Without a service manager it reads what stands in /run/systemd, which this mount namespace has
# for itself. The first offset is logged; that it cannot set the clock is what we want.
test_timesyncd() # ADDRESS
{
	local log=$LAB_DIR/timesyncd.$1.log

	printf '[Time]\nNTP=%s\nFallbackNTP=\n' "$1" >/run/systemd/timesyncd.conf.d/lab.conf
	lab_start timesyncd client env SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console \
		setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-sys_time \
		--inh-caps=-all -- "$LAB_STOCK/systemd-timesyncd/lib/systemd/systemd-timesyncd"
	lab_wait 20 "timesyncd's reply from $1" grep -q "^ *offset *: " "$LAB_DIR/timesyncd.log"
	lab_kill timesyncd
	mv "$LAB_DIR/timesyncd.log" "$log"
	near_zero "$(sed -n 's/^ *offset *: \([-+0-9.]*\) sec.*/\1/p' "$log" | head -n 1)" \
		"systemd-timesyncd over $1"
}

lab_enter "$@"
mkdir -p /run/systemd
mount -t tmpfs lab /run/systemd
mkdir /run/systemd/timesyncd.conf.d
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_upstream
lab_serve
for address in "$LAB_SERVER4" "$LAB_SERVER6"; do
	served_by_dataplane test_chronyd "$address"
	served_by_dataplane test_ntpdig "$address"
	served_by_dataplane test_ntpdate "$address"
	served_by_dataplane test_rdate "$address"
	served_by_dataplane test_timesyncd "$address"
done
served_by_dataplane test_ntpsec "$LAB_SERVER4" "$LAB_SERVER6"
served_by_dataplane test_openntpd "$LAB_SERVER4" "$LAB_SERVER6"
