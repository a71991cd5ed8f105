#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Reference clocks: shared memory and a socket, written by another program, lead the clock to stratum
# 1. The writers end and come back, write nonsense, their places are removed; and when they are
# silent, reach decays and the bound grows.
set -eu
# The shared memory of System V has a namespace of its own.
[ -n "${REFCLOCKS_INSIDE:-}" ] || REFCLOCKS_INSIDE=1 exec unshare --ipc "$0" "$@"
export REFCLOCKS_INSIDE
. "$(dirname "$0")/../lab/lab.sh"

unit=2 # its key is 0x4e545032
ahead=0.25

writer() # NAME KIND WHERE [OPTION...]
{
	local name=$1

	shift
	lab_start "$name" server /usr/bin/python3 "$LAB_TOOLS/refclock-write" "$@"
}

chronyc()
{
	"$LAB_STOCK/chrony/usr/bin/chronyc" -c -n -h "$LAB_RUNDIR/control.sock" "$@"
}

reach_is() # INDEX VALUE
{
	[ "$(lab_field sources "sources.$1.reachability")" = "$2" ]
}

heard() # INDEX: in each of the last eight polls, but for the one under way
{
	local reach

	reach=$(lab_field sources "sources.$1.reachability")
	[ $((reach & 0xfe)) = 254 ]
}

# The served time is that of the reference clocks, and no other.
right() # WHEN
{
	lab_expect_offset "$1" 250000 2000
	lab_note "$1: off by $offset_us us, the reference clocks by 250000"
}

# What a stock client says of the server.
client_data() # FIELD
{
	lab_in client "$LAB_STOCK/chrony/usr/bin/chronyc" -n -h "$LAB_DIR/client.sock" ntpdata |
		sed -n "s/^$1 *: //p"
}

client_data_is() # FIELD VALUE
{
	[ "$(client_data "$1")" = "$2" ]
}

lab_enter "$@"
lab_need_stock chrony/usr/sbin/chronyd
lab_network
lab_config "refclock SHM $unit refid GPS poll 0 dpoll -2 delay 1e-4" \
	"refclock SOCK $LAB_DIR/gps.sock refid UART poll 0 delay 1e-3"
lab_control
lab_dataplane
lab_fallback
lab_wait 10 "the socket" test -S "$LAB_DIR/gps.sock"
[ "$(stat -c %a "$LAB_DIR/gps.sock")" = 600 ] || lab_fail "others may write to the socket"
writer shm shm "$unit" --offset "$ahead" --leap 1
writer sock sock "$LAB_DIR/gps.sock" --offset "$ahead" --jitter 0.0005
lab_wait 30 "synchronised replies" lab_synchronised
lab_wait 20 "the shared memory heard in each poll" heard 0
lab_wait 20 "the socket heard in each poll" heard 1
right "both write"
[ "$(lab_reply stratum)" = 1 ] || lab_fail "stratum is $(lab_reply stratum), not 1"
[ "$(lab_reply refid)" = 47505300 ] || lab_fail "reference ID is $(lab_reply refid), not GPS"
lab_ctl sources
lab_expect sources sources.0.name GPS
lab_expect sources sources.0.state selected
lab_expect sources sources.1.name UART
chronyc sources | cut -d, -f 1-4 | tr '\n' ' ' | grep -q '^#,\*,GPS,0 #,[+-],UART,0 $' ||
	lab_fail "chronyc sources says: $(chronyc sources)"
[ "$(chronyc tracking | cut -d, -f 1-3)" = 47505300,GPS,1 ] ||
	lab_fail "chronyc tracking says: $(chronyc tracking)"

lab_start client client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
	"server $LAB_SERVER4 iburst minpoll 0 maxpoll 0" "cmdport 0" \
	"bindcmdaddress $LAB_DIR/client.sock" "pidfile $LAB_DIR/client.pid"
lab_wait 20 "stratum 1 in a stock client" client_data_is Stratum 1
client_data_is "Reference ID" "47505300 (GPS)" ||
	lab_fail "the client sees reference ID $(client_data "Reference ID")"
lab_kill client

# Nonsense from another sender changes nothing.
writer garbage sock "$LAB_DIR/gps.sock" --garbage --interval 0.001 --count 4000
lab_wait 20 "4000 datagrams of nonsense" eval '! lab_alive garbage'
right "after nonsense"
lab_alive control || lab_fail "nonsense ended control"

# The writers are restarted.
lab_kill shm
lab_kill sock
lab_wait 10 "polls without samples" eval 'lab_silent 0 2 && lab_silent 1 2'
writer shm shm "$unit" --offset "$ahead"
writer sock sock "$LAB_DIR/gps.sock" --offset "$ahead" --jitter 0.0005
lab_wait 20 "the new writers" eval 'heard 0 && heard 1'
right "new writers"

# The socket and the segment go away, and their writers look for new ones.
lab_kill sock
rm "$LAB_DIR/gps.sock"
lab_wait 10 "another socket" test -S "$LAB_DIR/gps.sock"
writer sock sock "$LAB_DIR/gps.sock" --offset "$ahead" --jitter 0.0005
lab_kill shm
ipcrm -M "$((0x4e545030 + unit))"
writer shm shm "$unit" --offset "$ahead"
lab_wait 30 "the new places" eval 'heard 0 && heard 1'
right "new places"
lost=$(grep -c 'lost, trying to open it again' "$LAB_DIR/control.log" || true)
[ "$lost" -ge 1 ] || lab_fail "nothing is said of what was lost"

# A segment of nonsense.
lab_kill shm
writer shm shm "$unit" --garbage --interval 0.01
lab_wait 30 "the nonsense not to count" reach_is 0 0
right "nonsense in the segment"
lab_kill shm

# They stop.
lab_kill sock
lab_wait 20 "the sources to be lost" eval 'reach_is 0 0 && reach_is 1 0'
lab_bound_grows
right "silence"
lab_stop control
[ ! -e "$LAB_DIR/gps.sock" ] || lab_fail "the socket outlives its maker"
