#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A cloud machine: virtio-net with XDP in its driver. Clients get their time over IPv4 and IPv6 from the
# dataplane; it goes on after the link was down, and the kernel has all the rest of the traffic.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4

answered()
{
	vm_field status stamps.0.packets
}

# A client is answered by the dataplane, which had the receive time from the XDP program.
served() # ADDRESS
{
	local before

	before=$(answered)
	lab_ask --require-synchronised "$1" && [ "$(answered)" -gt "$before" ]
}

lab_enter "$@"
vm_need
vm_network
vm_image
vm_upstream
# XDP takes frames as they were on the wire, in one piece each.
vm_start hugepages=24 -device virtio-net-pci,netdev=wire,romfile=,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_csum=off
vm_modules failover net_failover virtio_net
vm_address
vm_config "server $upstream iburst minpoll 0 maxpoll 0" "nic eth0" "allow all"
vm_control
vm_dataplane
lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
lab_wait 20 "synchronised replies over IPv4" served "$LAB_SERVER4"
lab_wait 20 "synchronised replies over IPv6" served "$LAB_SERVER6"
lab_note "XDP is $(vm_field status ports.0.xdp_mode), buffers: $(vm_field status ports.0.copy_mode)"
vm_expect status ports.0.xdp_mode native
vm_run "ip link set eth0 down; sleep 1; ip link set eth0 up; \
	ip address add $LAB_SERVER6/64 dev eth0" || lab_fail "the link cannot be taken down and up"
lab_wait 30 "replies after the link was down" served "$LAB_SERVER4"
lab_wait 20 "IPv6 replies after the link was down" served "$LAB_SERVER6"
vm_run "ping -c 1 -W 5 $LAB_CLIENT4" >/dev/null || lab_fail "no ping beside it"
lab_figure "answered by the dataplane: $(answered)"
vm_end fallback
vm_end dataplane
vm_end control
