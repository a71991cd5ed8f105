#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Crafted frames (tests/tools/frame-cases): VLAN tags are kept, what the dataplane must not
# answer reaches the kernel and the fallback, and every drop has the right name.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# The counter that a case must move, as arguments of lab_counter.
counter() # EXPECTED
{
	case $1 in
	answered) echo "dataplane answered" ;;
	fallback) echo "fallback answered" ;;
	silence) echo "dataplane rx_packets" ;;
	*) echo "dataplane $1" ;;
	esac
}

run_case() # NAME EXPECTED
{
	local before after reply want_reply=none want_step=1

	case $2 in answered | fallback) want_reply=reply ;; silence) want_step=0 ;; esac
	# shellcheck disable=SC2046 # two words
	before=$(lab_counter $(counter "$2"))
	reply=$(lab_in client "$LAB_TOOLS/frame-cases" eth0 "$server_mac" "$1") ||
		lab_fail "$1: the reply is wrong"
	# shellcheck disable=SC2046
	after=$(lab_counter $(counter "$2"))
	[ "$reply" = "$want_reply" ] || lab_fail "$1: $reply, expected $want_reply"
	[ $((after - before)) = "$want_step" ] ||
		lab_fail "$1: $(counter "$2") moved by $((after - before)), expected $want_step"
	lab_note "$1: $2"
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_upstream
lab_serve
server_mac=$(ip -n server -br link show eth1 | awk '{ print $3 }')
"$LAB_TOOLS/frame-cases" --list >"$LAB_DIR/cases"
while read -r name expected; do
	run_case "$name" "$expected" </dev/null
done <"$LAB_DIR/cases"
