#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The error of T2: the receive time in the reply against a stamp of the same request on the wire
# side of the veth pair (tests/tools/t2-error says where). `local` is the reference, so that both
# read the same clock and no model of an upstream enters. Prints the distribution; asserts only
# what no busy machine can break.
# Not sanitized: a measurement of the real program
# Alone: a measurement of receive times.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

percentile() # FILE NUMBER
{
	sed -n "s/^  p$2 //p" "$1"
}

measure() # NAME ADDRESS
{
	lab_in client "$LAB_TOOLS/t2-error" "$2" 1000 >"$LAB_DIR/$1.txt" ||
		lab_fail "$1: no distribution"
	[ "$(percentile "$LAB_DIR/$1.txt" 1)" -gt -100000 ] || lab_fail "$1: T2 before it was sent"
	[ "$(percentile "$LAB_DIR/$1.txt" 50)" -lt 100000 ] ||
		lab_differs "median: $(percentile "$LAB_DIR/$1.txt" 50) ns"
}

# Starved by a busy machine, the dataplane is passed by, and who then answers has no stamps of XDP.
measure_stamped() # NAME ADDRESS
{
	local before after

	before=$(lab_counter dataplane stamp_xdp)
	measure "$@" || return
	after=$(lab_counter dataplane stamp_xdp)
	[ "$after" -ge $((before + 950)) ] ||
		lab_differs "$((after - before)) of 1000 requests were stamped by the XDP program"
}

stamped() # NAME ADDRESS
{
	lab_wait 10 "$1: stamps of the XDP program, less than 100 us off" measure_stamped "$@"
	lab_figure "$1: $(tr '\n' ' ' <"$LAB_DIR/$1.txt")"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
lab_serve
stamped ipv4 "$LAB_SERVER4"
stamped ipv6 "$LAB_SERVER6"
