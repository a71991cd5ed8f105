#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The interface loses its carrier, goes down and up, which status says, then goes away and back as a new one: service returns. A dataplane
# that ends because its interface went away is started again here, as a service manager would.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

fallback_or_dataplane_answers()
{
	lab_alive fallback || lab_fail "the fallback has ended"
	lab_synchronised
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2"
lab_upstream
lab_serve

ip -n client link set eth0 down
lab_wait 10 "status to see no carrier" lab_field_is status ports.0.state "no carrier"
ip -n client link set eth0 up
lab_wait 10 "status to see the link" lab_field_is status ports.0.state open
ip -n server link set eth1 down
lab_wait 10 "status to see that the interface is down" lab_field_is status ports.0.state down
lab_ctl status | grep -q '^! No request comes in by eth1 (down)' ||
	lab_fail "status gives no advice: $(lab_ctl status)"
ip -n server link set eth1 up
ip -n server address replace "$LAB_SERVER6/64" dev eth1 nodad # the kernel removed it
lab_wait 20 "the dataplane to answer after down and up" lab_restarted_dataplane_answers
lab_note "down and up: served"

ip -n server link delete eth1
sleep 2
lab_alive control || lab_fail "control ended with the interface"
lab_link_client 1
lab_wait 20 "any reply on the new interface" fallback_or_dataplane_answers
lab_wait 30 "the dataplane to answer on the new interface" lab_restarted_dataplane_answers
lab_note "deleted and made again: served"
