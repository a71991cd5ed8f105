#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's driver of a real NIC model (igb): XDP in the driver, AF_XDP, and the NIC's own clock as
# the reference. A stock client at the other end of the wire gets its time.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4

# The driver sets the NIC's clock from the kernel's, which is right to a second at most.
set_clocks()
{
	vm_config "server $upstream iburst minpoll 0 maxpoll 0" steerclock "makestep 0.01 3"
	vm_control
	lab_wait 30 "a clock in step with the upstream" vm_is_ahead "$upstream" 0 0.1
	vm_end control
	lab_kill upstream
	vm_run "rm -rf /run/meridian; rmmod igb"
	vm_modules igb
	vm_address
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_STOCK/chrony/usr/sbin/chronyd"
vm_upstream
vm_start hugepages=24 -device igb,netdev=wire,romfile=
vm_modules dca i2c-algo-bit igb
vm_address
set_clocks
vm_config "refclock PHC /dev/ptp0 poll 0 dpoll -2 refid NIC" "nic eth0" "allow all"
vm_control
vm_dataplane
lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
lab_wait 20 "synchronised replies" lab_synchronised
vm_expect status ports.0.driver net_af_xdp
vm_expect status ports.0.xdp_mode native
# Read through the kernel by both processes at once.
lab_wait 20 "the dataplane to know the NIC's clock" vm_has nics nics.0.clock good
lab_figure "the NIC's clock is known to $(vm_field nics nics.0.clock_error_s) s"
[ "$(vm_field nics nics.0.nic_stamps)" = driver ] || lab_fail "this driver gives XDP no stamps"
[ "$(vm_field nics nics.0.jumps)" = 0 ] || lab_fail "nobody has set the clock"
reply=$(lab_ask "$LAB_SERVER4")
lab_note "$reply"
echo "$reply" | grep -q "leap=0 .*stratum=1 refid=4e494300" || lab_fail "not the NIC's clock"
before=$(vm_answered)
ahead=$(stock_ahead_s client "$LAB_SERVER4" maxsamples 1)
lab_figure "served from the NIC's clock over AF_XDP: $ahead s ahead of the client, $VM_AHEAD_S s before"
awk -v s="${ahead:-none}" 'BEGIN { exit !(s + 0 == s && s < 0.5 && s > -0.5) }' ||
	lab_fail "the time served is ${ahead:-unknown} s ahead of the client"
[ "$(vm_answered)" -gt "$before" ] || lab_fail "it was not the dataplane that answered"
vm_end fallback
vm_end dataplane
vm_end control
