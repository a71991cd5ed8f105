#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Interleaved mode with a stock server: it says that it answers so, the offset is right, and a
# server that has forgotten us is asked in basic mode until it knows us again. An interface without
# stamps in hardware is named, and the kernel's stamps are used.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

upstream()
{
	lab_start upstream upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 1" "allow all" "cmdport 0" \
		"bindcmdaddress $LAB_DIR/upstream/chronyd.sock" "pidfile $LAB_DIR/upstream.pid"
}

interleaved() # how many answers of the upstream were
{
	lab_in upstream "$LAB_STOCK/chrony/usr/bin/chronyc" -h "$LAB_DIR/upstream/chronyd.sock" \
		serverstats | sed -n 's/^Interleaved NTP packets *: //p'
}

more_interleaved_than() # NUMBER
{
	[ "$(interleaved)" -gt "$1" ]
}

more_samples_than() # NUMBER
{
	[ "$(lab_field sources sources.0.samples)" -gt "$1" ]
}

lab_enter "$@"
lab_network
lab_need_stock chrony/usr/sbin/chronyd
lab_config "server $LAB_UPSTREAM4 xleave iburst minpoll 0 maxpoll 0" "hwtimestamp up0"
upstream
lab_control
lab_dataplane
lab_fallback
lab_wait 30 "synchronised replies" lab_synchronised
lab_wait 20 "interleaved answers" more_interleaved_than 8
lab_kill upstream
lab_wait 10 "polls without an answer" lab_silent 0 2
rm -rf "$LAB_DIR/upstream"
upstream
lab_wait 30 "interleaved answers of a server that was restarted" more_interleaved_than 8
lab_expect sources sources.0.reachability 255
grep -q "hwtimestamp up0: the interface takes no stamps in hardware" "$LAB_DIR/control.log" ||
	lab_fail "hwtimestamp up0: not a word of it"
lab_expect ntpdata ntpdata.0.transmit_stamp kernel
lab_expect ntpdata ntpdata.0.receive_stamp kernel
lab_expect ntpdata ntpdata.0.interleaved true
samples=$(lab_field sources sources.0.samples)
lab_wait 20 "samples of interleaved answers" more_samples_than $((samples + 5))
lab_expect ntpdata ntpdata.0.interleaved true
lab_expect_offset "the served clock" 0 10000
lab_note "the served clock is off by $offset_us us"
