#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who stamps what an interface receives: the program that asks the driver for the NIC's stamps is
# bound to the interface and adopted by the sockets. A veth's driver gives it stamps of zero, so that
# the XDP program's are used, packet by packet, and each is counted.
# Not sanitized: what differs from other tests is in the kernel and in few lines beside.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

configure() # NIC-OPTION...
{
	lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
	sed -i "s/^nic eth1.*/nic eth1 $*/" "$LAB_CONFIG"
}

absent()
{
	[ "$(lab_field nics faults.0.fault)" = absent ] && [ "$(lab_field nics faults.0.stamps)" -ge "$1" ]
}

# The program asks and gets none: so it is told, and answered by its own stamps.
by_nic()
{
	local xdp before=0

	configure stamps nic
	lab_serve
	grep -q "nic eth1: the NIC stamps what it receives" "$LAB_DIR/control.log" ||
		lab_fail "control does not say that the NIC stamps"
	lab_expect status ports.0.xdp_mode native
	lab_expect nics nics.0.nic_stamps no_clock
	lab_expect nics nics.0.stamp nic
	lab_expect nics nics.0.clock doubted
	lab_expect nics nics.0.believed 0
	lab_wait 5 "the first to be counted" absent 1
	before=$(lab_field nics faults.0.stamps)
	xdp=$(lab_counter dataplane stamp_xdp)
	lab_wait 10 "ten more answers by the dataplane" lab_dataplane_answers_all 10 0.01 "$LAB_SERVER4"
	[ "$(lab_counter dataplane stamp_xdp)" -ge $((xdp + 10)) ] ||
		lab_fail "the XDP program's stamps are not used instead"
	[ "$(lab_counter dataplane stamp_nic)" = 0 ] || lab_fail "a stamp of zero was believed"
	lab_wait 5 "each missing stamp to be counted" absent $((before + 10))
	lab_note "$(lab_field nics faults.0.stamps) stamps were missing: $(lab_field nics faults.0.text)"
}

answers_as() # WHY
{
	lab_restarted_dataplane_answers && lab_field_is nics nics.0.nic_stamps "$1"
}

# The next control swaps the program under the sockets; the dataplane then starts anew, as it takes
# its stamps from elsewhere.
by_xdp() # WHY NIC-OPTION...
{
	lab_stop control
	configure "${@:2}"
	lab_control
	lab_wait 20 "the dataplane to answer with other stamps" answers_as "$1"
	lab_expect nics nics.0.stamp xdp
	lab_expect nics nics.0.clock null
	lab_expect nics missing.0.name eth1
	lab_note "nic eth1 ${*:2}: $(lab_field nics missing.0.text)"
}

lab_enter "$@"
lab_network
lab_upstream
by_nic
by_xdp unwanted stamps xdp
by_xdp no_clock
lab_stop fallback
lab_stop dataplane
lab_stop control
