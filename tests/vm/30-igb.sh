#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's driver of a real NIC model (igb): XDP in the driver, AF_XDP, and the NIC's own clock as
# the reference. A stock client at the other end of the wire gets its time. Then receive times are the
# stamps of the NIC, through XDP. How it stamped before is given back.
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

# --- stamps of the NIC --------------------------------------------------------------------------

# This NIC stamps PTP only, and its driver gives XDP no stamps. So requests come inside of PTP
# messages, a program takes them out, and they go on to a veth, whose driver gives XDP the NIC's:
#
#     client tap0 ---- eth0 (unwrap) - bridge0 - port0 ---- served (Meridian)
#
# /bin/ip is not that of busybox, whose shell has its own.
bridge()
{
	vm_modules llc stp bridge veth
	vm_run "ip address flush dev eth0; /bin/ip link add served type veth peer name port0; \
		ip link add bridge0 type bridge; /bin/ip link set eth0 master bridge0; \
		/bin/ip link set port0 master bridge0; ip link set bridge0 up; ip link set port0 up; \
		/bin/ip link set dev eth0 xdpdrv object /bin/unwrap.bpf.o section xdp" ||
		lab_fail "no bridge in the machine"
	vm_address served
}

# Control has the NIC stamp PTP, and the dataplane believes stamps that are so old at most.
serve_by_stamps() # LIMIT-US
{
	vm_config "server $upstream iburst minpoll 0 maxpoll 0" "hwtimestamp eth0 rxfilter ptp" \
		"nic served stamps nic phc /dev/ptp0 delivery $1" "allow all"
	vm_control
	vm_dataplane
	lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
	lab_wait 20 "the dataplane to know the NIC's clock" vm_has nics nics.0.clock good
	lab_wait 30 "synchronised replies" lab_synchronised
	vm_expect nics nics.0.nic_stamps used
}

# Stamps of the NIC that were not believed, for a reason.
faults() # FAULT
{
	vm_run "meridianctl --rundir /run/meridian nics --csv" >"$LAB_DIR/nics.csv"
	awk -F, -v fault="$1" '$1 == "faults" && $3 == fault { n += $4 } END { print n + 0 }' \
		"$LAB_DIR/nics.csv"
}

# QEMU's NIC takes one stamp, and the next when RXSATRH was read, not RXSTMPH as the driver does it.
allow_stamp()
{
	vm_run "devmem \$((\$(head -n 1 /sys/class/net/eth0/device/resource | cut -d ' ' -f 1) + 0xb630)) 32" \
		>"$LAB_DIR/devmem.log"
}

# Asks so often, and counts what stamps are believed for it, and refused as too early. What the
# replies told is in ASKED.
ask_wrapped() # COUNT
{
	local believed early i

	believed=$(vm_field nics nics.0.believed)
	early=$(faults early)
	for ((i = 0; i < $1; i++)); do
		allow_stamp || return
		lab_in client "$LAB_TOOLS/ntp-wrapped" tap0 "$LAB_SERVER4" || return
	done >"$LAB_DIR/asked.txt"
	ASKED=$(sort -n -k 2 "$LAB_DIR/asked.txt" | awk '{ outside += $1; late[NR] = $2; bound[NR] = $3 }
		END { printf "%d replies, outside their bound: %d, median %d us behind the asking, bound %d us",
			NR, outside, late[int((NR + 1) / 2)], bound[int((NR + 1) / 2)] }')
	OUTSIDE=$(awk '{ n += $1 } END { print n + 0 }' "$LAB_DIR/asked.txt")
	sleep 0.2 # the counts are told ten times a second
	BELIEVED=$(($(vm_field nics nics.0.believed) - believed))
	EARLY=$(($(faults early) - early))
}

all_too_early()
{
	ask_wrapped 20 || return
	[ "$BELIEVED" = 0 ] || lab_fail "$BELIEVED stamps were believed that are more than 10 us old"
	[ "$EARLY" -ge 20 ] || lab_differs "of 20 stamps $EARLY were refused as too early"
}

all_believed()
{
	ask_wrapped 20 || return
	[ "$BELIEVED" -ge 20 ] || lab_differs "of 20 stamps $BELIEVED were believed, $EARLY were too early"
}

# No emulated machine delivers within 10 us. Within 50 ms all but a starved one do; then T2 is the
# NIC's, which the counts prove, and as right as the reply says.
nic_stamps()
{
	bridge
	vm_upstream
	serve_by_stamps 10
	lab_wait 30 "the NIC's stamps to be refused" all_too_early
	lab_figure "stamped by XDP: $ASKED; delivery by the NIC $(vm_field nics nics.0.delivery_s) s," \
		"99 % in $(vm_field nics nics.0.delivery_most_s) s"
	vm_end dataplane
	vm_end fallback
	vm_end control
	serve_by_stamps 50000
	lab_wait 30 "the NIC's stamps to be believed" all_believed
	lab_figure "stamped by the NIC: $ASKED"
	[ "$OUTSIDE" = 0 ] || lab_fail "T2 is further off than the replies tell: $ASKED"
	vm_end dataplane
	vm_end fallback
	vm_end control
}

# --- settings on loan ---------------------------------------------------------------------------

# The NIC's receive filter; else what meridian-setup said instead.
filter()
{
	vm_run "meridian-setup --config /etc/meridian.conf --dry-run --json eth0" >"$LAB_DIR/setup.log"
	"$LAB_TOOLS/json-field" nics.0.stamp_filter_now <"$LAB_DIR/setup.log" || cat "$LAB_DIR/setup.log"
}

filter_is() # NAME
{
	[ "$(filter)" = "$1" ]
}

expect_filter() # NAME WHEN
{
	local now

	now=$(filter)
	[ "$now" = "$1" ] || lab_fail "the receive filter is '$now', not '$1', $2"
}

# Control with the NIC set to stamp PTP.
borrow()
{
	vm_config "server $upstream" "hwtimestamp eth0 rxfilter ptp"
	vm_control
	lab_wait 20 "control to have the NIC stamp PTP" filter_is ptp
}

kill_control()
{
	vm_run "kill -9 \$(cat /run/control.pid); sleep 0.2"
	expect_filter ptp "after control was killed"
}

give_back()
{
	expect_filter none "before"
	borrow
	vm_end control
	expect_filter none "after control"
	borrow
	kill_control
	vm_config "server $upstream"
	vm_control
	lab_wait 20 "the next control to give back" filter_is none
	vm_end control
	borrow
	kill_control
	vm_run "meridian-setup --config /etc/meridian.conf --state /var/setup.state --undo" >"$LAB_DIR/undo.log" ||
		lab_fail "meridian-setup --undo: $(tail -n 1 "$LAB_DIR/undo.log")"
	grep -q "hwstamp_ctl -i eth0 -t 0 -r 0" "$LAB_DIR/undo.log" || lab_fail "it does not say what it gives back"
	expect_filter none "after --undo"
}

# By a control of another run directory, which is killed.
leave_what_others_set()
{
	borrow
	vm_run "mkdir -p /run/other; printf '%s\\n' 'rundir /run/other' 'cmdport 0' 'server $upstream' \
		'hwtimestamp eth0 rxfilter none' >/etc/other.conf"
	vm_daemon other meridian-control --foreground --config /etc/other.conf
	lab_wait 20 "the other control to set the NIC" filter_is none
	vm_run "kill -9 \$(cat /run/other.pid)"
	vm_end control
	vm_said control "somebody else has set how it stamps: this stays" ||
		lab_fail "control does not leave what another one has set"
	lab_note "what control had the NIC stamp was given back, and left where another one had set it"
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_STOCK/chrony/usr/sbin/chronyd" "$LAB_BUILD/control/setup/meridian-setup" \
	"$(command -v ip)" "$LAB_BUILD/tests/vm/unwrap.bpf.o"
vm_upstream
vm_start "hugepages=24 iomem=relaxed" -device igb,netdev=wire,romfile=
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
nic_stamps
give_back
leave_what_others_set
