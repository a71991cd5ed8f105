#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What an operator is told: of missing capabilities and a full disk by the log of who lacks them, of
# killed processes and a page that was deleted by the "To do" of `meridianctl status`.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# Starts a program as root without any capability, and waits until its log has the words.
told_of_capability() # NAME WORDS COMMAND...
{
	local name=$1-helpless words=$2

	shift 2
	lab_start "$name" server setpriv --bounding-set=-all --inh-caps=-all -- "$@"
	lab_wait 5 "$name to say \"$words\"" grep -qF -e "$words" "$LAB_DIR/$name.log"
	lab_note "$(grep -F -e "$words" "$LAB_DIR/$name.log" | head -n 1)"
	! lab_alive "$name" || lab_kill "$name"
}

capabilities()
{
	told_of_capability control \
		"nic eth1: cannot note in /sys/fs/bpf that it took VLAN tags off: Operation not permitted (PRIVILEGES in meridian-control(8)" \
		"$LAB_BUILD/control/meridian-control" --foreground --config "$LAB_CONFIG"
	lab_control
	lab_expect status ports.0.xdp_mode native
	expect_told "The dataplane does not run: start meridian-dataplane"
	! told "has not opened" || lab_fail "a dataplane that never ran is said to have a log"
	told_of_capability dataplane "on eth1, which only CAP_SYS_ADMIN may look up" \
		"$LAB_BUILD/dataplane/meridian-dataplane" --rundir "$LAB_RUNDIR"
	told_of_capability fallback "UDP port 123, which needs CAP_NET_BIND_SERVICE" \
		"$LAB_BUILD/dataplane/meridian-fallback" --rundir "$LAB_RUNDIR"
	lab_stop control
}

# Its memory may not be locked: after the patience that a socket of before has.
memory_lock()
{
	local status=0

	lab_control
	lab_in server bash -c 'ulimit -l 64; exec "$@"' - setpriv --bounding-set -ipc_lock \
		--inh-caps -ipc_lock timeout 60 "$LAB_BUILD/dataplane/meridian-dataplane" \
		--rundir "$LAB_RUNDIR" >"$LAB_DIR/unlocked.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "a dataplane that may lock no memory ended with status $status"
	grep 'CAP_IPC_LOCK, or a larger' "$LAB_DIR/unlocked.log" ||
		lab_fail "no word of the limit: $(tail -n 3 "$LAB_DIR/unlocked.log")"
	lab_stop control
}

# A run directory that has room for file names, and for nothing in them.
full_disk()
{
	local small=$LAB_DIR/small status=0

	mkdir "$small"
	mount -t tmpfs -o size=4k small "$small"
	head -c 4096 /dev/zero >"$small/filler"
	sed "s,^rundir .*,rundir $small," "$LAB_CONFIG" >"$small.conf"
	lab_in server timeout 60 "$LAB_BUILD/control/meridian-control" --foreground \
		--config "$small.conf" >"$small.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "control in a full run directory ended with status $status"
	grep -qFx "meridian-control: $small/control.lock: No space left on device" "$small.log" ||
		lab_fail "control in a full run directory: $(cat "$small.log")"
	lab_note "$(cat "$small.log")"
}

told() # WORDS
{
	lab_ctl status | grep -F -e "$1"
}

expect_told() # WORDS
{
	lab_wait 5 "status to say \"$1\"" told "$1"
	lab_note "$(told "$1")"
}

lab_enter "$@"
lab_network
lab_config "local stratum 10"
capabilities
memory_lock
full_disk
lab_serve
lab_kill dataplane
expect_told ") does not move, the kernel gets its packets: start it anew."
lab_kill fallback
expect_told ") does not move, what the kernel gets is not answered: start it anew."
rm "$LAB_RUNDIR/timemodel"
expect_told "There is no page timemodel in $LAB_RUNDIR, though meridian-control runs: start it anew"
lab_stop control
lab_control
lab_wait 10 "a new page" test -e "$LAB_RUNDIR/timemodel"
