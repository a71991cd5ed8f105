#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What must be refused with a clear message: bad config lines, steering the clock without the
# capability, a second instance, somebody else's XDP program on the interface, pages that are torn,
# short, old or foreign.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

control=$LAB_BUILD/control/meridian-control
now=$LAB_BUILD/include/meridian-now

# A config of one bad line: exit code 2, FILE:LINE, the words, and nothing started.
refuse_config() # LINE WORD...
{
	local line=$1 status=0 word

	shift
	lab_config "$line"
	timeout 60 "$control" --foreground --config "$LAB_CONFIG" >"$LAB_DIR/refused.log" 2>&1 ||
		status=$?
	[ "$status" = 2 ] || lab_fail "\"$line\" ended with status $status, expected 2"
	grep -q "$LAB_CONFIG:$(wc -l <"$LAB_CONFIG"): " "$LAB_DIR/refused.log" || lab_fail "\"$line\": no FILE:LINE"
	for word in "$@"; do
		grep -qi -e "$word" "$LAB_DIR/refused.log" || lab_fail "\"$line\": no word \"$word\""
	done
	[ -z "$(ls "$LAB_RUNDIR")" ] || lab_fail "\"$line\" left $(ls "$LAB_RUNDIR")"
	lab_note "$(cat "$LAB_DIR/refused.log")"
}

config_errors()
{
	refuse_config "sever 192.0.2.1" sever
	refuse_config "server" server
	refuse_config "server 192.0.2.1 minpoll 99" 99
	refuse_config "local stratum 16" 16 15
	refuse_config "allow 192.0.2.0/33" 192.0.2.0/33
	refuse_config "bindaddress 300.0.0.1" 300.0.0.1
	refuse_config "nic interface-name-that-is-too-long" interface-name-that-is-too-long
	refuse_config "nic vdev:memif0 address 192.0.2.1" memif0 net_
	refuse_config "nic vdev:net_memif0" memif0 address
	refuse_config "nic vdev:net_af_xdp0,iface=eth1 address 192.0.2.1" net_af_xdp0
	refuse_config "counter sundial" sundial
	refuse_config "cmdport 70000" 70000
	refuse_config "rundir /" "/: that is a directory of the system" /run/meridian
	refuse_rundir /
	refuse_rundir /var/tmp
	refuse_rundir /lib64
}

# Each program that writes there.
refuse_rundir() # DIRECTORY
{
	local program status

	for program in dataplane fallback; do
		status=0
		timeout 60 "$LAB_BUILD/dataplane/meridian-$program" --rundir "$1" \
			>"$LAB_DIR/refused.log" 2>&1 || status=$?
		[ "$status" = 2 ] || lab_fail "$program --rundir $1 ended with status $status"
		grep -q -e "--rundir $1: that is a directory of the system" "$LAB_DIR/refused.log" ||
			lab_fail "$program --rundir $1: $(cat "$LAB_DIR/refused.log")"
	done
}

# Nonsense for meridianctl: exit code 2, the words, and nothing asked.
refuse_command() # WORDS ARGUMENT...
{
	local words=$1 status=0

	shift
	lab_ctl "$@" >"$LAB_DIR/refused.log" 2>&1 || status=$?
	[ "$status" = 2 ] || lab_fail "meridianctl $* ended with status $status, expected 2"
	grep -qFx -e "meridianctl: $words" "$LAB_DIR/refused.log" ||
		lab_fail "meridianctl $*: $(cat "$LAB_DIR/refused.log")"
}

# A disk that is full must not look as if there were nothing to say.
refuse_output() # ARGUMENT...
{
	local status=0

	lab_ctl "$@" >/dev/full 2>"$LAB_DIR/refused.log" || status=$?
	[ "$status" != 0 ] || lab_fail "meridianctl $* into a full disk ended with status 0"
	grep -q "could not be written" "$LAB_DIR/refused.log" ||
		lab_fail "meridianctl $* into a full disk: $(cat "$LAB_DIR/refused.log")"
}

command_errors()
{
	refuse_command "needs a command; see meridianctl --help"
	refuse_command "sorces: no such command; see meridianctl --help" sorces
	refuse_command "'twice' is too much (usage: meridianctl status)" status twice
	refuse_command "'b' is too much (usage: meridianctl offline [SOURCE])" offline a b
	refuse_command "accheck: ADDRESS is missing" accheck
	refuse_command "--topp: no such option; see meridianctl --help" --topp
	refuse_command "--top: its argument is missing" clients --top
	refuse_command "--top 0: not a whole number from 1 to 1024" clients --top 0
	refuse_command "--top is an option of clients, not of status" status --top 3
	refuse_command "--window week: not one of minute, hour, day, start" clients --window week
	refuse_output --help
	refuse_output --json status
	lab_ctl --help | grep -q '^  accheck ADDRESS ' || lab_fail "--help names no arguments"
}

# The log of models is ours alone: it leads to no other file.
link_refused()
{
	local status=0

	ln -sf "$LAB_DIR/victim" "$LAB_DIR/model.log"
	lab_config "local stratum 10" "modellog $LAB_DIR/model.log"
	timeout 60 "$control" --foreground --config "$LAB_CONFIG" >"$LAB_DIR/refused.log" 2>&1 ||
		status=$?
	[ "$status" = 3 ] || lab_fail "a modellog that is a link ended with status $status"
	grep -q "modellog $LAB_DIR/model.log: " "$LAB_DIR/refused.log" ||
		lab_fail "the log does not name the modellog"
	[ ! -e "$LAB_DIR/victim" ] || lab_fail "the modellog was written through a link"
	rm -f "$LAB_RUNDIR"/* "$LAB_DIR/model.log"
}

# Without the capability, as in a container, and without touching the clock.
steering_refused()
{
	local status=0

	lab_config "local stratum 10" "steerclock"
	setpriv --bounding-set -sys_time --inh-caps -sys_time \
		timeout 60 "$control" --foreground --config "$LAB_CONFIG" >"$LAB_DIR/refused.log" 2>&1 ||
		status=$?
	[ "$status" = 3 ] || lab_fail "steerclock without CAP_SYS_TIME ended with status $status"
	grep -q 'steerclock: .*CAP_SYS_TIME' "$LAB_DIR/refused.log" ||
		lab_fail "steerclock does not say what is missing"
	lab_note "$(grep steerclock "$LAB_DIR/refused.log")"
	rm -f "$LAB_RUNDIR"/*
}

check_config()
{
	lab_config "local stratum 10"
	"$control" --check-config --config "$LAB_CONFIG" || lab_fail "a good config is refused"
	[ -z "$(ls "$LAB_RUNDIR")" ] || lab_fail "--check-config left $(ls "$LAB_RUNDIR")"
	! "$control" --dump-config --config "$LAB_CONFIG" >/dev/full 2>"$LAB_DIR/refused.log" ||
		lab_fail "--dump-config into a full disk ended with status 0"
	grep -q "could not be written" "$LAB_DIR/refused.log" ||
		lab_fail "--dump-config into a full disk: $(cat "$LAB_DIR/refused.log")"
}

# A second instance of each program on the same run directory ends with status 3.
second_instance() # NAME COMMAND...
{
	local name=$1 status=0

	shift
	timeout 60 nsenter --net=/run/netns/server -- "$@" >"$LAB_DIR/second.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "a second $name ended with status $status, expected 3"
	lab_note "second $name: $(tail -n 1 "$LAB_DIR/second.log")"
}

second_instances()
{
	second_instance control "$control" --foreground --config "$LAB_CONFIG"
	second_instance dataplane "$LAB_BUILD/dataplane/meridian-dataplane" --rundir "$LAB_RUNDIR"
	second_instance fallback "$LAB_BUILD/dataplane/meridian-fallback" --rundir "$LAB_RUNDIR"
	lab_wait 5 "the first instance to answer beside a second" lab_dataplane_answers
}

# A reader's answer to a page that is not right.
refuse_page() # WHAT
{
	local status=0

	timeout 60 "$now" "$LAB_DIR/bad" >"$LAB_DIR/now.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "$1 page: meridian-now ended with status $status, expected 3"
	lab_note "$1 page: $(cat "$LAB_DIR/now.log")"
}

patch() # OFFSET BYTES(printf): into the copy of the page
{
	mkdir -p "$LAB_DIR/bad"
	cp "$LAB_RUNDIR/timemodel" "$LAB_DIR/bad/timemodel"
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$2" | dd of="$LAB_DIR/bad/timemodel" bs=1 seek="$1" conv=notrunc status=none
}

# So do those who answer: they say what is wrong and wait for a good page.
refuse_as_daemon() # WHAT WORDS
{
	local log=$LAB_DIR/refusing.log

	mkdir -p "$LAB_DIR/bad"
	cp "$LAB_RUNDIR/policy" "$LAB_DIR/bad/policy"
	rm -f "$log"
	lab_start refusing upstream "$LAB_BUILD/dataplane/meridian-fallback" --rundir "$LAB_DIR/bad"
	lab_wait 5 "the fallback to refuse a $1 page" grep -q "$2" "$log"
	lab_alive refusing || lab_fail "$1 page: the fallback ended"
	lab_kill refusing
	lab_note "$(grep "$2" "$log")"
}

bad_pages()
{
	patch 0 'MRTM'
	timeout 60 "$now" "$LAB_DIR/bad" || lab_fail "the copy of a good page is refused"
	patch 0 'XXXX'
	refuse_page foreign
	refuse_as_daemon foreign "not a Meridian page"
	patch 4 '\377\377'
	refuse_page "newer version's"
	patch 16 'another boot....'
	refuse_page "last boot's"
	patch 8 '\377\377\000\000'
	refuse_page torn
	truncate -s 100 "$LAB_DIR/bad/timemodel"
	refuse_page short
	refuse_as_daemon short "shorter than"
	truncate -s 0 "$LAB_DIR/bad/timemodel"
	refuse_page empty
	rm "$LAB_DIR/bad/timemodel"
	refuse_page missing
}

attached()
{
	[ -e "$(lab_pins eth1)/link" ]
}

# Somebody else's XDP program holds the interface: control names it, attaches nothing there, and
# takes over once it is gone.
foreign_program()
{
	lab_foreign_xdp eth1
	lab_control
	lab_wait 10 "control to name the foreign program" grep -q somebody_else "$LAB_DIR/control.log"
	lab_alive control || lab_fail "control ended because of a foreign program"
	! attached || lab_fail "another program is attached beside a foreign one"
	ip -n server link set dev eth1 xdpgeneric off
	lab_wait 10 "control to attach its own program" attached
	lab_stop control
}

lab_enter "$@"
lab_network
config_errors
command_errors
link_refused
steering_refused
check_config
foreign_program
lab_serve
second_instances
bad_pages
