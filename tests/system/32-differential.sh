#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same generated requests to Meridian and to a stock chronyd with the same upstream server, and
# to NTPsec's ntpd: what comes back is the same, field by field, but for what tests/tools/ntp-differ
# lists for each.
# Not sanitized: the reply path is, by the unit and fuzz tiers
set -eu
. "$(dirname "$0")/../lab/lab.sh"

REFERENCE_PORT=1123
NTPSEC=203.0.113.1,2001:db8:4::1

# It takes every address's port 123, so it has a namespace of its own.
ntpsec_network()
{
	ip netns add ntpsec
	ip -n ntpsec link set lo up
	ip -n client link add ntpsec0 type veth peer name eth0 netns ntpsec
	lab_addresses client ntpsec0 203.0.113.2/24 2001:db8:4::2/64
	lab_addresses ntpsec eth0 "${NTPSEC%,*}/24" "${NTPSEC#*,}/64"
}

# Without an upstream server and the right to set the clock. It limits nobody.
ntpsec_start()
{
	printf '%s\n' "tos orphan 8 orphanwait 1" "disable ntp" "unrestrict default limited" \
		>"$LAB_DIR/ntpsec.conf"
	lab_start ntpsec ntpsec setpriv --bounding-set=-sys_time --inh-caps=-sys_time -- \
		"$LAB_STOCK/ntpsec/usr/sbin/ntpd" -n -N -g -c "$LAB_DIR/ntpsec.conf" \
		-p "$LAB_DIR/ntpsec.pid"
}

differ() # chrony|ntpsec REFERENCE REQUESTS
{
	lab_in client "$LAB_TOOLS/ntp-differ" --count "$3" "$LAB_SERVER4,$LAB_SERVER6" "$1" "$2" ||
		lab_fail "the replies differ from $1's"
}

lab_enter "$@"
lab_need_stock ntpsec/usr/sbin/ntpd
lab_network
ntpsec_network
ntpsec_start
lab_upstream
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_start reference server "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
	"server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "port $REFERENCE_PORT" "allow all" \
	"cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/reference.pid"
lab_serve
differ chrony ":$REFERENCE_PORT" "${REQUESTS:-4000}"
differ ntpsec "$NTPSEC:123" "${REQUESTS:-2000}"
