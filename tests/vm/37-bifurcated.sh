#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A device that the kernel keeps and DPDK opens beside it: net_tap, with the machine's NIC as its remote,
# isolates flows and takes rules as a bifurcated NIC does. By the same NIC the dataplane answers NTP to
# the served addresses, and the kernel has all the rest. Rules follow the addresses, come anew with the
# link, and go with the process.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4
device=vdev:net_tap0,iface=mtap0,remote=eth0
other4=192.0.2.66

# How many packets of the dataplane had a verdict.
verdicts() # NAME
{
	vm_run "meridianctl --rundir /run/meridian status --csv" |
		awk -F, -v name="$1" '$1 == "verdicts" && $2 == "dataplane" && $4 == name { n += $5 }
			END { print n + 0 }'
}

served() # ADDRESS
{
	local before

	before=$(verdicts answered)
	lab_ask --require-synchronised "$1" && [ "$(verdicts answered)" -gt "$before" ]
}

client_ping() # ARGUMENT...
{
	lab_in client "$VM_ROOT/bin/busybox" ping -c 2 -W 5 "$@" >"$LAB_DIR/ping"
}

tcp_says_hello()
{
	[ "$(lab_in client timeout 10 bash -c "cat </dev/tcp/$LAB_SERVER4/2222")" = hello ]
}

# What is no NTP is the kernel's, and the dataplane never sees it.
rest()
{
	local before

	before=$(vm_field status workers.0.rx_packets)
	ip -n client neigh flush all
	client_ping "$LAB_SERVER4" || lab_fail "no IPv4 ping"
	client_ping "$LAB_SERVER6" || lab_fail "no IPv6 ping"
	vm_run "(echo hello | nc -l -p 2222) >/dev/null 2>&1 &"
	lab_wait 5 "TCP by the kernel" tcp_says_hello
	[ "$(vm_field status workers.0.rx_packets)" = "$before" ] ||
		lab_fail "the dataplane had $(vm_field status workers.0.rx_packets) packets, not $before"
}

has_rules() # COUNT
{
	vm_has nics flows.0.rules "$1" && vm_has nics flows.0.missing 0
}

# As the kernel has them, on the NIC. busybox has a tc that cannot.
filters()
{
	vm_run "/bin/tc filter show dev eth0 ingress" | grep -c 'dst_port 123' || true
}

has_filters() # COUNT
{
	[ "$(filters)" = "$1" ]
}

# Whoever answers, it is not the dataplane.
by_the_kernel()
{
	local before

	before=$(verdicts answered)
	lab_ask --require-synchronised "$LAB_SERVER4" && [ "$(verdicts answered)" = "$before" ]
}

# Frames with a VLAN tag have rules of their own. Nobody else there would answer them.
tagged()
{
	local before

	before=$(verdicts answered)
	lab_in client "$LAB_TOOLS/matrix-wire" "$LAB_BUILD/tests/matrix/matrix" tap0 \
		"$(vm_run "cat /sys/class/net/eth0/address")" none machine "802.1Q, IPv4" \
		"802.1Q, IPv6" "802.1Q with priority 3" || lab_fail "wrong answers in a VLAN"
	[ "$(verdicts answered)" -ge $((before + 3)) ] || lab_fail "not the dataplane's answers"
}

config() # LINE...
{
	vm_config "server $upstream iburst minpoll 0 maxpoll 0" \
		"nic $device mode bifurcated address $LAB_SERVER4 address $LAB_SERVER6 address $other4" \
		"allow all" "$@"
}

lab_enter "$@"
vm_need
vm_network
VM_MORE_DRIVERS="net_tap" vm_image "$(command -v tc)"
vm_upstream
vm_start hugepages=24 -device virtio-net-pci,netdev=wire,romfile=
vm_modules failover net_failover virtio_net tun sch_ingress sch_multiq \
	cls_flower act_gact act_mirred act_skbedit
vm_address
vm_run "ip address add $other4/24 dev eth0" || lab_fail "no second address"
config
vm_control
vm_dataplane
lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
lab_wait 30 "synchronised replies over IPv4" served "$LAB_SERVER4"
lab_wait 20 "synchronised replies over IPv6" served "$LAB_SERVER6"
lab_wait 20 "synchronised replies at the second address" served "$other4"
tagged
vm_expect nics nics.0.mode "DPDK, bifurcated"
vm_expect nics nics.0.driver net_tap
has_rules 6 || lab_fail "not the rules for 3 addresses, with and without tag"
has_filters 6 || lab_fail "the kernel has $(filters) rules"
rest

config "bindaddress $LAB_SERVER4"
vm_run "kill -HUP \$(cat /run/control.pid)"
lab_wait 10 "the rule for an address that is not served to go" has_rules 4
has_filters 4 || lab_fail "the kernel has $(filters) rules, not 4"
served "$LAB_SERVER4" || lab_fail "no reply after a rule went"
config
vm_run "kill -HUP \$(cat /run/control.pid)"
lab_wait 10 "the rule for an address that is served again" has_filters 6
lab_wait 10 "replies there again" served "$other4"

vm_run "/bin/tc filter del dev eth0 ingress"
lab_wait 10 "replies by the kernel without rules" by_the_kernel
vm_run "ip link set eth0 down"
lab_wait 10 "the dataplane to see the link go" vm_said dataplane "tap0: link down"
vm_run "ip link set eth0 up; ip address add $LAB_SERVER6/64 dev eth0"
lab_wait 10 "the rules to come with the link" has_filters 6
lab_wait 20 "replies by the dataplane with the link" served "$LAB_SERVER4"
lab_wait 20 "IPv6 replies by the dataplane with the link" served "$LAB_SERVER6"
rest

vm_run "kill -9 \$(cat /run/dataplane.pid)"
vm_daemon dataplane meridian-dataplane --rundir /run/meridian
lab_wait 30 "replies after it was killed" served "$LAB_SERVER4"
has_filters 6 || lab_fail "the kernel has $(filters) rules after a kill"
lab_figure "answered by the dataplane: $(verdicts answered)"
vm_end dataplane
has_filters 0 || lab_fail "$(filters) rules stay behind"
lab_ask --require-synchronised "$LAB_SERVER4" || lab_fail "the kernel does not get NTP again"

vm_run "rmmod act_skbedit; meridian-dataplane --rundir /run/meridian >/run/refused.log 2>&1; \
	[ \$? = 3 ]" || lab_fail "a driver that takes no rules is not refused"
vm_said refused "vdev:net_tap0: its driver takes no flow rule for NTP.*(" ||
	lab_fail "the dataplane does not say why: $(vm_run "cat /run/refused.log")"
lab_note "$(vm_run "grep 'takes no flow rule' /run/refused.log")"
vm_end fallback
vm_end control
