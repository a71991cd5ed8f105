#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same generated requests to Meridian and to a stock chronyd with the same upstream server: what
# comes back is the same, field by field, but for what tests/tools/ntp-differ lists.
# Not sanitized: the reply path is, by the unit and fuzz tiers
set -eu
. "$(dirname "$0")/../lab/lab.sh"

REFERENCE_PORT=1123

lab_enter "$@"
lab_network
lab_upstream
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_start reference server "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
	"server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "port $REFERENCE_PORT" "allow all" \
	"cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/reference.pid"
lab_serve
lab_in client "$LAB_TOOLS/ntp-differ" --count "${REQUESTS:-4000}" "$LAB_SERVER4,$LAB_SERVER6" 123 \
	$REFERENCE_PORT || lab_fail "the replies differ"
