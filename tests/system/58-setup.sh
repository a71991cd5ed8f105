#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# meridian-setup on interfaces without hardware: queues are set and given back, a dry run touches
# nothing, a second run has nothing to do, a step that fails leaves nothing behind; the NIC of the
# default route, nonsense and a damaged file of notes are refused. What needs a card is in the
# virtual machine's tests.
# Not sanitized: the unit tests run its parsing under the sanitizers.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

setup=$LAB_BUILD/control/setup/meridian-setup
state=${LAB_DIR:-}/notes/setup.state

# Runs it as root on the server and checks the exit code; what it says is in setup.log.
run_setup() # CODE ARGUMENT...
{
	local code=$1 status=0

	shift
	lab_in server timeout 20 "$setup" --config "$LAB_CONFIG" --state "$state" "$@" \
		>"$LAB_DIR/setup.log" 2>&1 || status=$?
	[ "$status" = "$code" ] || lab_fail "meridian-setup $* ended with status $status, expected $code"
}

said() # WORDS
{
	grep -qF -e "$1" "$LAB_DIR/setup.log" || lab_fail "it does not say: $1"
}

queues() # DEVICE; receive and transmit queues
{
	lab_in server ethtool -l "$1" | sed -n '/^Current/,$s/^[RT]X:[^0-9]*//p' | xargs
}

expect_queues() # DEVICE COUNTS
{
	[ "$(queues "$1")" = "$2" ] || lab_fail "$1 has queues $(queues "$1"), expected $2"
}

nonsense()
{
	local arguments

	for arguments in "--qeues 2" "--queues" "--queues 0" "--queues 65" "--queues 2x" "--undo --json" \
		"a/b" "interface-name-too-long" "0000:00:00.9/x" "--undo .."; do
		# shellcheck disable=SC2086 # words
		run_setup 2 $arguments eth1
		[ ! -e "$state" ] || lab_fail "$arguments left notes"
	done
	run_setup 1 eth9
	said "eth9: there is no such interface"
	run_setup 1 ffff:ff:1f.7
	said "ffff:ff:1f.7: there is no such PCI device"
	run_setup 1 --queues 5 eth1
	said "eth1: has 4 queues at most, 5 are wanted"
	run_setup 1 lo
	said "lo: the loopback interface"
	expect_queues eth1 "4 4"
}

plan_only()
{
	run_setup 0 --dry-run --queues 2 eth1
	said "ethtool -L eth1 rx 2 tx 2"
	run_setup 0 --json --dry-run --queues 2 eth1
	[ "$("$LAB_TOOLS/json-field" plan.0 <"$LAB_DIR/setup.log")" = "ethtool -L eth1 rx 2 tx 2" ] ||
		lab_fail "JSON has no plan"
	[ "$("$LAB_TOOLS/json-field" nics.0.queues_max <"$LAB_DIR/setup.log")" = 4 ] ||
		lab_fail "JSON does not tell queues"
	expect_queues eth1 "4 4"
	[ ! -e "$state" ] || lab_fail "a dry run left notes"
}

do_and_undo()
{
	run_setup 0 --queues 2 eth1
	expect_queues eth1 "2 2"
	[ "$(stat -c %a "$state")" = 600 ] || lab_fail "the notes have mode $(stat -c %a "$state")"
	cp "$state" "$LAB_DIR/notes.before"
	run_setup 0 --queues 2 eth1
	said "nothing to do"
	cmp "$state" "$LAB_DIR/notes.before" || lab_fail "a second run changed the notes"
	run_setup 0 --queues 3 eth1
	run_setup 0 --queues 1 eth2
	expect_queues eth1 "3 3"
	run_setup 0 --undo --dry-run
	expect_queues eth1 "3 3"
	run_setup 0 --undo eth2
	expect_queues eth2 "2 2"
	expect_queues eth1 "3 3"
	# By another name it is the same interface.
	ip -n server link set eth1 down
	ip -n server link set eth1 name lan1
	run_setup 0 --undo
	expect_queues lan1 "4 4"
	[ ! -e "$state" ] || lab_fail "notes are left of what was taken back"
	run_setup 0 --undo
	said "nothing to take back"
	ip -n server link set lan1 name eth1
	ip -n server link set eth1 up
	lab_note "queues: set, set again, given back"
}

# The config says how many queues, and its interfaces are those to prepare.
by_config()
{
	lab_config "hugepages never" "nic eth2 queues 1"
	run_setup 0
	expect_queues eth1 "4 4"
	expect_queues eth2 "1 1"
	run_setup 0 --undo
	expect_queues eth2 "2 2"
	lab_config "hugepages never" "nic eth2 colour 1"
	run_setup 2
	said "$LAB_CONFIG:"
	lab_config "hugepages never"
}

refused_route() # WHAT
{
	run_setup 1 --queues 2 eth1
	said "eth1: the default route leads out of it"
	run_setup 0 --dry-run --queues 2 eth2
	run_setup 0 --dry-run --force --queues 2 eth1
	lab_note "refused: the default route by $1"
}

default_route()
{
	ip -n server route add default via "$LAB_CLIENT4"
	refused_route "IPv4"
	ip -n server route del default
	ip -n server route add default table 77 nexthop via "$LAB_CLIENT4" nexthop via "$LAB_UPSTREAM4"
	refused_route "one of several ways in another table"
	ip -n server route flush table 77
	ip -n server -6 route add default dev eth1
	refused_route "IPv6"
	ip -n server -6 route del default
	ip -n server link add br0 type bridge
	ip -n server link set eth1 master br0
	ip -n server link add link br0 name mac0 type macvlan
	ip -n server link set br0 up
	ip -n server link set mac0 up
	ip -n server route add default dev mac0
	refused_route "a macvlan on a bridge on it"
	ip -n server link del br0
	expect_queues eth1 "4 4"
	run_setup 0 --dry-run --queues 2 eth1
}

# XDP in the driver of a veth wants a queue for each that its peer sends by.
failing_step()
{
	printf '%s\n' '__attribute__((section("xdp"), used)) int somebody_else(void *c)' \
		'{ return 2; }' >"$LAB_DIR/foreign.c"
	clang -O2 -target bpf -c "$LAB_DIR/foreign.c" -o "$LAB_DIR/foreign.o"
	ip -n server link set dev eth2 xdpdrv obj "$LAB_DIR/foreign.o" sec xdp
	run_setup 1 --queues 1 eth1 eth2
	said "ethtool -L eth1 rx 1 tx 1"
	said "eth2: queues: its driver refuses that"
	expect_queues eth1 "4 4"
	expect_queues eth2 "2 2"
	[ ! -e "$state" ] || lab_fail "notes are left of what failed"
	ip -n server link set dev eth2 xdpdrv off
	lab_note "a step that fails: nothing is left changed"
}

# In order to do something as in order to take it back.
refused_notes() # WORDS
{
	run_setup 3 --undo
	said "$1"
	run_setup 3 --queues 1 eth1
	expect_queues eth1 "2 2"
}

damaged_notes()
{
	local held

	run_setup 0 --queues 2 eth1
	cp -p "$state" "$LAB_DIR/notes.good"
	head -c 100 "$LAB_DIR/notes.good" >"$state"
	refused_notes "damaged"
	echo '{"schema": 1, "boot_id": 5}' >"$state"
	refused_notes "not a file of this meridian-setup"
	sed 's,"on": "eth1","on": "../eth1",' "$LAB_DIR/notes.good" >"$state"
	refused_notes "there is a step that cannot be"
	cp -p "$LAB_DIR/notes.good" "$state"
	chmod 666 "$state"
	refused_notes "others than root can write to it"
	rm "$state"
	mkdir "$state"
	refused_notes "not a regular file"
	rmdir "$state"
	cp -p "$LAB_DIR/notes.good" "$state"
	exec {held}<"$LAB_DIR/notes"
	flock "$held"
	refused_notes "another meridian-setup is at work"
	exec {held}<&-
	sed "s,\"boot_id\": \"[0-9a-f]*,&0," "$LAB_DIR/notes.good" >"$state"
	run_setup 0 --undo
	said "of an earlier boot"
	expect_queues eth1 "2 2"
	cp -p "$LAB_DIR/notes.good" "$state"
	run_setup 0 --undo
	expect_queues eth1 "4 4"
}

not_root()
{
	local status=0

	lab_in server setpriv --reuid 65534 --regid 65534 --clear-groups "$setup" --state /nowhere/x \
		eth1 >"$LAB_DIR/setup.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "as another user it ended with status $status, expected 3"
	said "only root"
}

xdp_program() # there is one on eth1
{
	ip -n server -d link show eth1 | grep -q 'prog/xdp'
}

dead_control()
{
	lab_config "hugepages never" "local stratum 10"
	lab_control
	lab_wait 10 "an XDP program" xdp_program
	run_setup 0 --undo
	said "meridian-control is running"
	xdp_program || lab_fail "the program of a live control was detached"
	lab_kill control
	xdp_program || lab_fail "the program did not outlive control"
	run_setup 0 --undo --dry-run
	xdp_program || lab_fail "a dry run detached the program"
	run_setup 0 --undo eth2
	xdp_program || lab_fail "the program of another interface was detached"
	run_setup 0 --undo eth1
	! xdp_program || lab_fail "the program of a dead control was not detached"
	[ -z "$(lab_pins eth1)" ] || lab_fail "pins are left: $(lab_pins eth1)"
	lab_note "a dead control's XDP program is detached"
}

lab_enter "$@"
lab_network 4
ip -n server link add eth2 numrxqueues 2 numtxqueues 2 type veth \
	peer name eth2 numrxqueues 2 numtxqueues 2 netns client
ip -n client link set eth2 up
ip -n server link set eth2 up
lab_config "hugepages never" # they are the whole machine's
nonsense
plan_only
do_and_undo
by_config
default_route
failing_step
damaged_notes
not_root
dead_control
