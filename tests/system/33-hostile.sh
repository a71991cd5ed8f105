#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What other local users, broken files and the network may do: garbage in the files that control
# reads, links where it writes, garbage on its socket and as requests (by TEST_SEED). It serves all
# the same, nothing is overwritten, nothing of what comes from the network or the socket is logged.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

GARBAGE_DATAGRAMS=3000

garbage() # OCTETS FILE
{
	/usr/bin/python3 -c 'import random, sys
sys.stdout.buffer.write(random.Random(" ".join(sys.argv[1:])).randbytes(int(sys.argv[2])))' \
		"$seed" "$1" "${2##*/}" >"$2"
}

log_lines()
{
	cat "$LAB_DIR"/{control,dataplane,fallback}.log | wc -l
}

# Every length up to what a socket takes, half of them with the head of a request. Prints the number
# of replies.
garbage_to_socket()
{
	/usr/bin/python3 -c '
import os, random, socket, sys
rng = random.Random("socket " + sys.argv[4])
here = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
here.bind(sys.argv[2])
replied = 0
for number in range(int(sys.argv[3])):
    data = rng.randbytes(rng.randrange(1200))
    if number % 2:
        data = bytes([6, 1, 0, 0, 0, rng.randrange(80)]) + data
    here.sendto(data, sys.argv[1])
    try:
        while True:
            here.recv(4096, socket.MSG_DONTWAIT)
            replied += 1
    except BlockingIOError:
        pass
os.unlink(sys.argv[2])
print(replied)' "$LAB_RUNDIR/control.sock" "$LAB_DIR/garbage.sock" "$GARBAGE_DATAGRAMS" "$seed"
}

garbage_requests()
{
	lab_in client /usr/bin/python3 -c '
import random, socket, sys
rng = random.Random("requests " + sys.argv[3])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2])):
    sender.sendto(rng.randbytes(rng.randrange(400)), (sys.argv[1], 123))' \
		"$LAB_SERVER4" "$GARBAGE_DATAGRAMS" "$seed"
}

# A link of the name of a file that a program writes leads nowhere.
plant_links()
{
	local name

	echo precious >"$LAB_DIR/victim"
	for name in timemodel policy keys {stats,clients}.{dataplane,fallback}; do
		ln -s "$LAB_DIR/victim" "$LAB_RUNDIR/$name"
	done
}

check_rundir()
{
	local found

	[ "$(cat "$LAB_DIR/victim")" = precious ] || lab_fail "a link was followed"
	found=$(find "$LAB_RUNDIR" -mindepth 1 -perm /0002 ! -type l)
	[ -z "$found" ] || lab_fail "everybody may write $found"
}

refuse_pidfile_link()
{
	local status=0

	lab_config "local stratum 10" "pidfile $LAB_DIR/link"
	ln -s "$LAB_DIR/victim" "$LAB_DIR/link"
	timeout 60 "$LAB_BUILD/control/meridian-control" --foreground --config "$LAB_CONFIG" \
		>"$LAB_DIR/pidfile.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "a link as pidfile: status $status instead of 3"
	grep -q "pidfile $LAB_DIR/link" "$LAB_DIR/pidfile.log" || lab_fail "does not name the link"
}

# No interface gets an address any more, which control would log.
addresses_settled()
{
	[ -z "$(ip -n server -6 address show tentative)" ]
}

# At the start garbage is refused as keys; later it is not taken over.
refuse_garbage_keys()
{
	local status=0

	timeout 60 "$LAB_BUILD/control/meridian-control" --foreground --config "$LAB_CONFIG" \
		>"$LAB_DIR/keys.log" 2>&1 || status=$?
	[ "$status" = 2 ] || lab_fail "garbage as keyfile: status $status instead of 2"
	grep -q "keyfile: $LAB_DIR/keys: not used" "$LAB_DIR/keys.log" ||
		lab_fail "does not name the keyfile"
}

reload_garbage_keys()
{
	garbage 5000 "$LAB_DIR/keys"
	kill -HUP "${LAB_PID[control]}"
	lab_wait 10 "the end of the reload" grep -q 'was not taken over' "$LAB_DIR/control.log"
	lab_wait 10 "an answer after garbage as keyfile" lab_synchronised
}

lab_enter "$@"
seed=${TEST_SEED:-$(od -An -N 4 -t u4 /dev/urandom | tr -d ' ')}
lab_note "TEST_SEED=$seed"
lab_network
plant_links
refuse_pidfile_link
garbage 100000 "$LAB_DIR/drift"
garbage 5000 "$LAB_DIR/leap"
garbage 5000 "$LAB_DIR/keys"
lab_config "local stratum 10" "driftfile $LAB_DIR/drift" "leapseclist $LAB_DIR/leap" \
	"keyfile $LAB_DIR/keys"
refuse_garbage_keys
(umask 077 && rm "$LAB_DIR/keys" && echo "1 AES128 ASCII:a-key-of-16-here" >"$LAB_DIR/keys")
lab_wait 10 "the link-local addresses" addresses_settled
lab_serve
check_rundir
before=$(log_lines)
replies=$(garbage_to_socket)
lab_note "control socket: $replies replies to $GARBAGE_DATAGRAMS datagrams"
[ "$replies" -gt 0 ] || lab_fail "nobody replies on the control socket"
garbage_requests
lab_wait 10 "an answer after garbage" lab_synchronised
lab_expect tracking tracking.stratum 10
[ "$(log_lines)" = "$before" ] || lab_fail "garbage was logged"
reload_garbage_keys
check_rundir
