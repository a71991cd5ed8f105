#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A local user who may read the pages cannot keep the programs from starting.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

NOBODY=65534

# Locks all that can be opened in the run directory, in both of Linux's ways.
lock_as_nobody()
{
	lab_start locker server setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
		/usr/bin/python3 -c '
import fcntl, glob, os, sys, time
held = []
for path in [sys.argv[1], *glob.glob(sys.argv[1] + "/*")]:
    for lock in (fcntl.flock, fcntl.lockf):
        try:
            fd = os.open(path, os.O_RDONLY)
            lock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            continue
        held.append(fd)
print(len(held), "locks held", flush=True)
time.sleep(600)' "$LAB_RUNDIR"
	lab_wait 5 "the locks" grep -q "locks held" "$LAB_DIR/locker.log"
	lab_note "nobody: $(cat "$LAB_DIR/locker.log")"
}

stop_all()
{
	lab_stop fallback
	lab_stop dataplane
	lab_stop control
}

lab_enter "$@"
lab_network
chmod 755 "$LAB_DIR" "$LAB_RUNDIR"
lab_config "local stratum 10"
lab_serve
stop_all
lock_as_nobody
lab_serve
lab_note "served in spite of locks"
