#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Control runs as an ordinary user after its start: it still attaches to an interface that comes
# back, and leaves nothing on it at its end, though only root may enter /sys/fs/bpf.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

attached()
{
	ip -n server link show dev eth1 | grep -q prog/xdp
}

attached_times() # NUMBER
{
	[ "$(grep -c "XDP program .* attached" "$LAB_DIR/control.log")" = "$1" ] && attached
}

lab_enter "$@"
lab_network
lab_config "local stratum 10" "user nobody"
chmod 755 "$LAB_DIR"
chown nobody "$LAB_RUNDIR"
lab_control
lab_wait 10 "control to attach" attached_times 1
[ "$(awk '/^Uid:/ { print $2 }' "/proc/${LAB_PID[control]}/status")" != 0 ] ||
	lab_fail "control runs as root"
[ $((0$(stat -c %a /sys/fs/bpf) & 077)) = 0 ] || lab_fail "/sys/fs/bpf is open: $(stat -c %a /sys/fs/bpf)"
ip -n server link delete eth1
sleep 1
lab_link_client 1
lab_wait 10 "control to attach to the new interface" attached_times 2
lab_dataplane
lab_wait 30 "the dataplane to answer" lab_dataplane_answers
chmod 700 "$LAB_DIR"
(lab_ctl status || true) 2>/dev/null | grep -q 'does not answer: it hangs, or its' ||
	lab_fail "status does not say that the user may not enter"
chmod 755 "$LAB_DIR"
lab_stop dataplane
lab_stop control
! attached || lab_fail "the program is still attached"
[ -z "$(find /sys/fs/bpf -mindepth 2 -type f)" ] || lab_fail "pins are left: $(find /sys/fs/bpf -mindepth 2 -type f)"
lab_note "as user nobody: attached, attached again, detached"
