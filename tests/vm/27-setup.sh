#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# meridian-setup in a machine of its own, with a PCI device (igb) behind an IOMMU: hugepages and queues
# are set and given back; vfio-pci gets the device, not while the kernel lacks that driver; nothing is
# taken from a program that has it open; then the interface is back, with its name and its traffic.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

nic=0000:01:00.0
pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

# Runs it there and checks the exit code; what it says is in setup.log.
run_setup() # CODE ARGUMENT...
{
	local code=$1 status=0

	shift
	vm_run "meridian-setup --config /etc/meridian.conf --state /var/setup.state $*" \
		>"$LAB_DIR/setup.log" 2>&1 || status=$?
	[ "$status" = "$code" ] || lab_fail "meridian-setup $* ended with status $status, expected $code"
}

said() # WORDS
{
	grep -qF -e "$1" "$LAB_DIR/setup.log" || lab_fail "it does not say: $1"
}

expect() # COMMAND VALUE
{
	local value

	value=$(vm_run "$1") || true
	[ "$value" = "$2" ] || lab_fail "$1 says '$value', expected '$2'"
}

expect_driver() # NAME
{
	expect "basename \$(readlink /sys/bus/pci/devices/$nic/driver)" "$1"
}

# 16 MB and 11 MB for each of 2 queues.
interface()
{
	run_setup 0 --queues 2 eth0
	cat "$LAB_DIR/setup.log"
	expect "cat $pages" 19
	expect "ls /sys/class/net/eth0/queues | grep -c rx" 2
	run_setup 0 --queues 2 eth0
	said "nothing to do"
	run_setup 0 --undo
	expect "cat $pages" 0
	expect "ls /sys/class/net/eth0/queues | grep -c rx" 1
	lab_note "hugepages and queues of igb: set, given back"
}

without_vfio()
{
	run_setup 1 "$nic"
	said "modprobe vfio-pci: the kernel has no such module"
	expect "cat $pages" 0
	expect_driver igb
	expect "ls /var/setup.state 2>/dev/null" ""
}

# It had another name than the kernel gives, and was up.
takeover()
{
	vm_run "ip link set eth0 down; ip link set eth0 name lan0 mtu 9000; ip link set lan0 up"
	run_setup 0 "$nic"
	cat "$LAB_DIR/setup.log"
	said "alone in IOMMU group"
	said "MTU: 9000, which is the TAP device's to have then"
	expect_driver vfio-pci
	expect "ls /sys/class/net | grep -v '^lo'" ""
	run_setup 0 "$nic"
	said "nothing to do"
	vm_run "sleep 60 <>/dev/vfio/\$(basename \$(readlink /sys/bus/pci/devices/$nic/iommu_group)) & echo \$! >/run/holder; sleep 1"
	run_setup 1 --undo
	said "a program has it open by VFIO"
	expect_driver vfio-pci
	vm_run "kill \$(cat /run/holder); sleep 1"
	run_setup 0 --undo
	expect_driver igb
	expect "cat /sys/bus/pci/devices/$nic/driver_override" "(null)"
	expect "cat $pages" 0
	expect "ls /sys/class/net | grep -v '^lo'" lan0
	expect "ls /var/setup.state 2>/dev/null" ""
	vm_run "ip address add $LAB_SERVER4/24 dev lan0"
	lab_wait 20 "traffic by the NIC that is back" lab_in client "$VM_ROOT/bin/busybox" ping -c 1 -W 2 \
		"$LAB_SERVER4"
	lab_note "vfio-pci had the NIC, and igb has it again, as lan0"
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_BUILD/control/setup/meridian-setup"
vm_start intel_iommu=on -device intel-iommu,intremap=on,caching-mode=on,aw-bits=48 \
	-device pcie-root-port,id=port0,slot=1 -device igb,netdev=wire,bus=port0,romfile=
vm_modules dca i2c-algo-bit igb
vm_address
vm_config "local stratum 10"
interface
without_vfio
vm_modules irqbypass vfio vfio_iommu_type1 vfio-pci-core vfio-pci
takeover
