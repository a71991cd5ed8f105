#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One dataplane on two interfaces, one of which has 16 queues, with the memory it chooses itself.
# One worker polls them all.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

SECOND4=203.0.113.1

dataplane_answers_all() # ADDRESS
{
	lab_wait 10 "$1: the dataplane to answer all" lab_dataplane_answers_all 100 0.01 "$1"
	lab_note "$1: $(tail -n 1 "$LAB_DIR/ask.txt")"
}

lab_enter "$@"
lab_network
lab_veth 16 eth2 eth1
lab_addresses server eth2 "$SECOND4/24" 2001:db8:3::1/64
lab_addresses client eth1 203.0.113.2/24 2001:db8:3::2/64
lab_config "local stratum 10" "nic eth2" "allow 203.0.113.0/24"
lab_serve
lab_expect status ports.0.name eth1
lab_expect status ports.0.queues 1
lab_expect status ports.1.name eth2
lab_expect status ports.1.queues 16
lab_expect status ports.1.missed_packets 0
dataplane_answers_all "$LAB_SERVER4"
dataplane_answers_all "$SECOND4"
