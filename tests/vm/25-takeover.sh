#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A NIC that the kernel has given up: DPDK's own driver (igb), by vfio-pci behind an emulated IOMMU.
# A stock client at the other end of the wire gets its time, and by the same NIC the kernel does all
# the rest, through a TAP device: ARP, neighbour discovery, ping, TCP, control's own upstream. The
# link may go, the MTU may change, up to jumbo frames, the dataplane may be killed.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4
nic=0000:81:00.0
tap=mnp129s0
# Two memory nodes, each with a CPU; the NIC is at the first.
# shellcheck disable=SC2054 # commas are QEMU's
nodes=(-smp 2 -object memory-backend-ram,id=near,size=256M -object memory-backend-ram,id=far,size=256M
	-numa node,nodeid=0,cpus=0,memdev=near -numa node,nodeid=1,cpus=1,memdev=far
	-device pxb-pcie,id=bridge,bus_nr=128,numa_node=0,bus=pcie.0)
# XDP takes frames as they were on the wire, in one piece each.
virtio="virtio-net-pci,bus=pcie.0,netdev=spare,romfile=,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_csum=off"

# The kernel has no interface any more, and nobody may reach memory that is not its own.
give_up()
{
	vm_modules tun irqbypass vfio vfio_iommu_type1 vfio-pci-core vfio-pci
	vm_run "echo vfio-pci >/sys/bus/pci/devices/$nic/driver_override; \
		echo $nic >/sys/bus/pci/drivers_probe; [ -e /sys/bus/pci/devices/$nic/iommu_group ]" ||
		lab_fail "no IOMMU group for $nic"
}

# A former dataplane hangs, and still has its queue of another interface.
occupy()
{
	vm_run "ip link set eth0 up"
	vm_config "nic eth0" "workers 0"
	vm_control
	vm_daemon former meridian-dataplane --rundir /run/meridian
	lab_wait 30 "a former dataplane to poll" vm_has status processes.0.state running
	vm_run "kill -STOP \$(cat /run/former.pid)"
	vm_end control
	vm_run "rm -r /run/meridian"
}

# How many packets of the dataplane had a verdict.
verdicts() # NAME
{
	vm_run "meridianctl --rundir /run/meridian status --csv" |
		awk -F, -v name="$1" '$1 == "verdicts" && $2 == "dataplane" && $4 == name { n += $5 }
			END { print n + 0 }'
}

counted() # NAME
{
	[ "$(verdicts "$1")" -gt 0 ]
}

served() # ADDRESS
{
	local before

	before=$(verdicts answered)
	lab_ask --require-synchronised "$1" && [ "$(verdicts answered)" -gt "$before" ]
}

client_ping() # ARGUMENT...
{
	lab_in client "$VM_ROOT/bin/busybox" ping -c 2 -W 5 "$@"
}

# The kernel's part, by a NIC that it does not have: neither address is in the client's caches.
rest()
{
	ip -n client neigh flush all
	client_ping "$LAB_SERVER4" >"$LAB_DIR/ping" || lab_fail "no IPv4 ping"
	client_ping "$LAB_SERVER6" >"$LAB_DIR/ping6" || lab_fail "no IPv6 ping"
	lab_figure "ping through the TAP device: $(tail -n 1 "$LAB_DIR/ping")"
	vm_run "(echo hello | nc -l -p 2222) >/dev/null 2>&1 &"
	lab_wait 5 "TCP through the TAP device" tcp_says_hello
	lab_wait 5 "a frame counted as punt" counted punt
}

tcp_says_hello()
{
	[ "$(lab_in client timeout 10 bash -c "cat </dev/tcp/$LAB_SERVER4/2222")" = hello ]
}

link_set() # on|off, at QEMU's end of the wire
{
	lab_in client python3 - "$LAB_DIR/monitor" "set_link wire $1" <<-'END'
		import socket, sys, time
		monitor = socket.socket(socket.AF_UNIX)
		monitor.connect(sys.argv[1])
		monitor.sendall((sys.argv[2] + "\n").encode())
		time.sleep(0.2)
	END
}

has_carrier() # 0|1
{
	[ "$(vm_run "cat /sys/class/net/$tap/carrier")" = "$1" ]
}

# Of the way to the kernel, as control's command tells it.
takeover() # FIELD
{
	vm_field nics "takeovers.0.$1"
}

# More than the kernel may have at a time, to a port where nobody is.
flood()
{
	lab_in client python3 - "$LAB_SERVER4" <<-'END'
		import socket, sys
		flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		[flood.sendto(b"", (sys.argv[1], 9)) for i in range(4000)]
	END
}

# Frames a second, by the class of what goes to the kernel.
class() # CLASS FIELD
{
	vm_run "meridianctl --rundir /run/meridian nics --csv" |
		awk -F, -v class="$1" -v field="$2" '$1 == "punts" && $3 == class {
			print field == "limited" ? $6 : $5 }'
}

upstream_answers() # NUMBER
{
	[ "$(vm_field ntpdata ntpdata.0.good)" -ge "$1" ]
}

# "GOOD ASKED": of the upstream, both at one instant.
upstream_counts()
{
	vm_run "meridianctl --rundir /run/meridian ntpdata --json" >"$LAB_DIR/ntpdata"
	echo "$("$LAB_TOOLS/json-field" ntpdata.0.good <"$LAB_DIR/ntpdata")" \
		"$("$LAB_TOOLS/json-field" ntpdata.0.requests <"$LAB_DIR/ntpdata")"
}

# Under a flood of eight times what the kernel may have it loses nothing that it lives by.
flooded()
{
	local good asked good_after asked_after limited before=$SECONDS

	read -r good asked <<<"$(upstream_counts)"
	limited=$(class other limited)
	lab_start strangers client python3 "$LAB_TOOLS/strangers" "$upstream" "$LAB_SERVER4"
	sleep 1
	rest
	lab_wait 15 "answers of the upstream under a flood" upstream_answers $((good + 5))
	read -r good_after asked_after <<<"$(upstream_counts)"
	good=$((good_after - good)) asked=$((asked_after - asked))
	served "$LAB_SERVER4" || lab_fail "no reply under a flood"
	lab_kill strangers
	limited=$(($(class other limited) - limited))
	lab_figure "flood of $((SECONDS - before)) s: $limited frames dropped, $good of $asked answers came"
	[ "$limited" -gt 2000 ] || lab_fail "only $limited frames of a flood were dropped"
	[ $((asked - good)) -le 1 ] || lab_fail "$((asked - good)) of $asked answers were lost"
	[ "$(class answer limited)" = 0 ] || lab_fail "answers were dropped"
	[ "$(class link limited)" = 0 ] || lab_fail "ARP was dropped"
	[ "$(class answer to_kernel)" -gt 0 ] || lab_fail "no answer is known as one"
}

# How many packets each worker has answered: "0:N 1:N".
by_worker()
{
	vm_run "meridianctl --rundir /run/meridian status --csv" |
		awk -F, '$1 == "verdicts" && $2 == "dataplane" && $4 == "answered" { n[$3] = $5 }
			END { print "0:" n[0] + 0, "1:" n[1] + 0 }'
}

# Each client asks eight times, each time from a port of its own, and one worker answers all of them.
# Of eight clients both workers have some. In IPv4 and IPv6.
spread() # PREFIX LENGTH SERVER [OPTION]: of an address
{
	local client before after worker workers=

	for client in $(seq 100 107); do
		ip -n client address add "$1$client/$2" dev tap0 "${@:4}"
		before=$(by_worker)
		lab_ask --source "$1$client" --count 8 --interval 0.01 "$3" >/dev/null
		after=$(by_worker)
		case "$before $after" in
		${before% *}" "*" ${before% *} "*) worker=1 ;;
		*" ${before#* } "*" ${before#* }") worker=0 ;;
		*) lab_fail "client $1$client met both workers: from $before to $after" ;;
		esac
		[ "$before" != "$after" ] || lab_fail "client $1$client met no worker"
		workers+=$worker
		ip -n client address delete "$1$client/$2" dev tap0
	done
	lab_figure "of clients ${1}100 to 107 workers have answered: $workers; $after"
	[[ "$workers" == *0* && "$workers" == *1* ]] || lab_fail "one worker has all clients: $workers"
}

# How many of the frames for another host, sent by the client, the kernel there gets.
foreign_frames()
{
	local before

	before=$(takeover to_kernel)
	lab_in client python3 - 192.0.2.99 <<-'END'
		import socket, sys, time
		other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		[(other.sendto(b"", (sys.argv[1], 9)), time.sleep(0.005)) for i in range(50)]
	END
	sleep 0.3
	echo $(($(takeover to_kernel) - before))
}

# Who stamped question and answer of control's upstream last.
upstream_stamps() # NAME
{
	vm_has ntpdata ntpdata.0.transmit_stamp "$1" && vm_has ntpdata ntpdata.0.receive_stamp "$1"
}

# The delay of its last answer, if both stamps are of one kind.
upstream_delay() # NAME
{
	vm_run "meridianctl --rundir /run/meridian ntpdata --json" >"$LAB_DIR/ntpdata"
	[ "$("$LAB_TOOLS/json-field" ntpdata.0.transmit_stamp <"$LAB_DIR/ntpdata")" = "$1" ] || return 0
	[ "$("$LAB_TOOLS/json-field" ntpdata.0.receive_stamp <"$LAB_DIR/ntpdata")" = "$1" ] || return 0
	"$LAB_TOOLS/json-field" ntpdata.0.delay_s <"$LAB_DIR/ntpdata"
}

# The least delay of a few; it is asked once a second.
upstream_delay_us() # NAME
{
	for _ in 1 2 3 4 5 6; do
		upstream_delay "$1"
		sleep 1
	done | sort -g | awk 'NR == 1 { printf "%.0f\n", $1 * 1e6 }'
}

# The same by a stock chronyc, which knows Daemon, Kernel and Hardware: the dataplane is a program, too.
chronyc_stamps() # WORD
{
	vm_run "chronyc -h /run/meridian/control.sock ntpdata" >"$LAB_DIR/chronyc"
	[ "$(sed -n 's/^[TR]X timestamping *: //p' "$LAB_DIR/chronyc" | sort | uniq -c | xargs)" = "2 $1" ] ||
		lab_differs "chronyc says: $(grep timestamping "$LAB_DIR/chronyc")"
}

# Control's questions are stamped at the NIC; without the dataplane's page, by the kernel.
upstream()
{
	local by_dataplane by_kernel

	lab_wait 60 "stamps of the dataplane for the upstream" upstream_stamps dataplane
	lab_wait 10 "the dataplane's stamps in chronyc" chronyc_stamps Daemon
	by_dataplane=$(upstream_delay_us dataplane)
	vm_run "mv /run/meridian/wirestamps.dataplane /run"
	lab_wait 10 "stamps of the kernel for the upstream" upstream_stamps kernel
	lab_wait 10 "the kernel's stamps in chronyc" chronyc_stamps Kernel
	by_kernel=$(upstream_delay_us kernel)
	vm_run "mv /run/wirestamps.dataplane /run/meridian"
	lab_wait 60 "stamps of the dataplane again" upstream_stamps dataplane
	[ "$(vm_field ntpdata ntpdata.0.dataplane_receives)" -gt 1 ] || lab_fail "no stamps are counted"
	lab_figure "least delay of the upstream: $by_dataplane us by the dataplane's stamps," \
		"$by_kernel us by the kernel's; stamps refused:" \
		"$(vm_field ntpdata ntpdata.0.dataplane_refused) of" \
		"$(vm_field ntpdata ntpdata.0.requests) questions"
}

mac_is() # ADDRESS
{
	[ "$(vm_run "cat /sys/class/net/$tap/address")" = "$1" ]
}

mtu_is() # OCTETS
{
	[ "$(vm_run "cat /sys/class/net/$tap/mtu")" = "$1" ]
}

# A ping, in one piece there, and in one piece back: nothing is put together at this end.
echoed() # ADDRESS OCTETS
{
	local before

	before=$(reassembled)
	lab_in client python3 - "$1" "$2" <<-'END' || lab_fail "no echo of $2 octets by $1"
		import os, socket, sys
		address, data = sys.argv[1], os.urandom(int(sys.argv[2]))
		ipv6 = ":" in address
		ping = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM,
			socket.IPPROTO_ICMPV6 if ipv6 else socket.IPPROTO_ICMP)
		# IPV6_MTU_DISCOVER or IP_MTU_DISCOVER: never fragment
		ping.setsockopt(*(socket.IPPROTO_IPV6, 23, 2) if ipv6 else (socket.IPPROTO_IP, 10, 2))
		ping.settimeout(20)
		ping.sendto(bytes([128 if ipv6 else 8, 0, 0, 0, 0, 0, 0, 1]) + data, (address, 0))
		sys.exit(ping.recv(65536)[8:] != data)
	END
	[ "$(reassembled)" = "$before" ] || lab_fail "an echo of $2 octets by $1 came in fragments"
}

reassembled()
{
	lab_in client sh -c "cat /proc/net/snmp /proc/net/snmp6" | awk '
		$1 == "Ip:" && $14 ~ /^[0-9]+$/ { n += $14 } $1 == "Ip6ReasmReqds" { n += $2 } END { print n }'
}

# Four megabytes there and back, in TCP's largest segments.
bulk()
{
	local to_kernel from_kernel

	to_kernel=$(takeover to_kernel) from_kernel=$(takeover from_kernel)
	vm_run "(nc -l -p 2223 >/run/bulk; nc -l -p 2224 </run/bulk) >/dev/null 2>&1 </dev/null &"
	lab_in client python3 - "$LAB_SERVER4" <<-'END' || lab_fail "TCP in jumbo frames"
		import os, socket, sys, time
		def connect(port):
		    for _ in range(200):
		        try:
		            return socket.create_connection((sys.argv[1], port), timeout=120)
		        except ConnectionRefusedError:
		            time.sleep(0.1)
		    sys.exit(f"nobody listens to port {port}")
		data = os.urandom(4 << 20)
		there = connect(2223)
		there.sendall(data)
		there.shutdown(socket.SHUT_WR)
		there.recv(1)
		back = connect(2224)
		sys.exit(b"".join(iter(lambda: back.recv(1 << 20), b"")) != data)
	END
	to_kernel=$(($(takeover to_kernel) - to_kernel))
	from_kernel=$(($(takeover from_kernel) - from_kernel))
	lab_figure "4 MB each way with jumbo frames: $to_kernel frames to the kernel, $from_kernel from it"
	[ $((to_kernel + from_kernel)) -lt 4000 ] || lab_fail "TCP has not used jumbo frames"
}

fallback_verdicts() # NAME
{
	vm_run "meridianctl --rundir /run/meridian status --csv" |
		awk -F, -v name="$1" '$1 == "verdicts" && $2 == "fallback" && $4 == name { n += $5 }
			END { print n + 0 }'
}

# No request is so long: it goes the way of what is not ours, and gets its verdict there.
long_request()
{
	local before

	before=$(fallback_verdicts bad_length)
	lab_in client python3 - "$LAB_SERVER4" <<-'END'
		import socket, sys
		request = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		request.sendto(b"\x23" + bytes(4999), (sys.argv[1], 123))
	END
	lab_wait 5 "a verdict of the fallback" long_request_judged "$before"
}

long_request_judged() # BEFORE
{
	[ "$(fallback_verdicts bad_length)" = $(($1 + 1)) ]
}

# With frames in several buffers. The NIC has to be started for those, and then takes any MTU.
jumbo()
{
	local pid

	lab_in client sh -c "echo 0 0 >/proc/sys/net/ipv4/ping_group_range"
	ip -n client link set tap0 mtu 9000
	vm_config "server $upstream iburst minpoll 0 maxpoll 0" "nic $nic queues 2" "allow all" "workers 0 1"
	vm_end control
	vm_control
	lab_wait 10 "the dataplane to end" vm_run "! kill -0 \$(cat /run/dataplane.pid) 2>/dev/null"
	vm_daemon dataplane meridian-dataplane --rundir /run/meridian
	lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
	vm_run "ip link set $tap mtu 9000"
	lab_wait 10 "the dataplane to end for jumbo frames" \
		vm_run "! kill -0 \$(cat /run/dataplane.pid) 2>/dev/null"
	vm_said dataplane "frames of a new MTU take several packet buffers" ||
		lab_fail "the dataplane does not say why"
	vm_daemon dataplane meridian-dataplane --rundir /run/meridian
	lab_wait 30 "the dataplane to poll again" has_carrier 1
	lab_wait 20 "replies beside jumbo frames" served "$LAB_SERVER4"
	vm_expect nics takeovers.0.mtu 9000
	pid=$(vm_run "cat /run/dataplane.pid")
	for octets in 8972 8000 2100 2000 1000; do
		echoed "$LAB_SERVER4" "$octets"
	done
	echoed "$LAB_SERVER6" 8952
	bulk
	long_request
	rest
	served "$LAB_SERVER4" || lab_fail "no reply after jumbo frames"
	served "$LAB_SERVER6" || lab_fail "no IPv6 reply after jumbo frames"
	vm_run "ip link set $tap mtu 4000"
	lab_wait 10 "the NIC to have a smaller MTU" vm_has nics takeovers.0.mtu 4000
	echoed "$LAB_SERVER4" 3972
	vm_run "ip link set $tap mtu 20000"
	lab_wait 10 "an MTU that is too large to be taken back" mtu_is 4000
	vm_said dataplane "MTU 20000 of $tap: its driver takes 68 to" || lab_fail "no range is told"
	vm_run "ip link set $tap mtu 9000"
	lab_wait 10 "the NIC to have a greater MTU" vm_has nics takeovers.0.mtu 9000
	echoed "$LAB_SERVER4" 8972
	vm_run "kill -0 $pid" || lab_fail "the dataplane has ended for another MTU"
}

lab_enter "$@"
lab_need_stock chrony/usr/bin/chronyc
vm_need
vm_network
VM_MORE_DRIVERS="bus_pci net_e1000" vm_image "$LAB_STOCK/chrony/usr/bin/chronyc"
vm_upstream
vm_start "intel_iommu=on hugepages=0:36,1:12" "${nodes[@]}" -device intel-iommu,intremap=on,caching-mode=on,aw-bits=48 \
	-device pcie-root-port,id=port0,slot=1,bus=bridge -device igb,netdev=wire,bus=port0,romfile= \
	-netdev hubport,id=spare,hubid=1 -device "$virtio" \
	-chardev "socket,id=monitor,path=$LAB_DIR/monitor,server=on,wait=off" -mon chardev=monitor
vm_modules failover net_failover virtio_net
occupy
vm_config "server $upstream iburst minpoll 0 maxpoll 0" "nic $nic queues 2 punt 500" "nic eth0" \
	"allow all" "workers 0 1"
vm_control
vm_dataplane
lab_wait 10 "the dataplane to say what is missing" vm_said dataplane "$nic to be bound to vfio-pci"
give_up
# The interface beside it is not to be had: the NIC is opened and closed until it is.
lab_wait 30 "the dataplane to try again" vm_said dataplane "eth0 queue 0 is not to be had yet"
vm_run "kill -9 \$(cat /run/former.pid)"
lab_wait 30 "the dataplane to poll" vm_has status processes.0.state running
vm_expect status ports.1.driver net_af_xdp
vm_said dataplane "worker 1, on CPU 1 of memory node 1, polls $nic, which is at node 0" ||
	lab_fail "no warning of a worker that is far from its NIC"
vm_said dataplane "its buffers are elsewhere" && lab_fail "packet buffers are far from the NIC"
vm_address "$tap"
lab_wait 30 "synchronised replies over IPv4" served "$LAB_SERVER4"
lab_wait 20 "synchronised replies over IPv6" served "$LAB_SERVER6"
vm_expect status ports.0.driver net_e1000_igb
vm_expect status ports.0.queues 2
rest
spread 192.0.2. 24 "$LAB_SERVER4"
spread 2001:db8:1:: 64 "$LAB_SERVER6" nodad
vm_expect nics nics.0.mode "DPDK, takeover"
vm_expect nics takeovers.0.tap "$tap"
vm_expect nics takeovers.0.link up
vm_expect nics takeovers.0.mtu 1500
[ "$(takeover to_kernel)" -gt 0 ] || lab_fail "no frames are counted to the kernel"
[ "$(takeover from_kernel)" -gt 0 ] || lab_fail "no frames are counted from the kernel"
vm_expect nics takeovers.0.limited 0
flood
[ "$(takeover limited)" -gt 500 ] || lab_fail "only $(takeover limited) frames of a flood were limited"
[ "$(takeover limited)" = "$(verdicts punt_limited)" ] || lab_fail "port and verdicts do not agree"
served "$LAB_SERVER4" || lab_fail "no reply after a flood"
flooded
rest
upstream

link_set off
lab_wait 10 "the kernel to see the link go" has_carrier 0
lab_wait 5 "nics to show the link down" vm_has nics takeovers.0.link down
lab_wait 5 "the dataplane to say that the link is down" vm_said dataplane "$nic: link down"
link_set on
lab_wait 10 "the kernel to see the link return" has_carrier 1
lab_wait 20 "replies after the link was down" served "$LAB_SERVER4"

ip -n client link set tap0 mtu 2000
vm_run "ip link set $tap mtu 2000"
lab_wait 10 "the NIC to follow the MTU" vm_said dataplane "MTU 2000, as $tap has it"
client_ping -s 1900 "$LAB_SERVER4" >/dev/null || lab_fail "no long frames"
vm_run "ip link set $tap mtu 20000"
lab_wait 10 "an MTU that is too large to be taken back" mtu_is 2000

ip -n client neigh replace 192.0.2.99 lladdr 02:00:00:00:00:99 dev tap0
[ "$(foreign_frames)" -lt 25 ] || lab_fail "the NIC receives what is for another host"
vm_run "ip link set $tap promisc on"
lab_wait 10 "the NIC to be promiscuous" vm_said dataplane ": promiscuous, as $tap is"
[ "$(foreign_frames)" -ge 50 ] || lab_fail "the kernel does not get what is for another host"
vm_run "ip link set $tap promisc off"
lab_wait 10 "the NIC not to be promiscuous" vm_said dataplane "not promiscuous, as $tap is"
mac=$(vm_run "cat /sys/class/net/$tap/address")
vm_run "ip link set $tap address 02:00:00:00:00:77"
lab_wait 10 "the TAP device to keep the NIC's address" mac_is "$mac"

vm_run "kill -9 \$(cat /run/dataplane.pid)"
lab_wait 10 "the link to go with the dataplane" has_carrier 0
lab_ask "$LAB_SERVER4" && lab_fail "who answers?"
vm_daemon dataplane meridian-dataplane --rundir /run/meridian
lab_wait 30 "the dataplane to poll again" has_carrier 1
lab_wait 30 "replies again, to the same addresses" served "$LAB_SERVER4"
rest
lab_wait 60 "stamps of the new dataplane for the upstream" upstream_stamps dataplane
lab_figure "answered by the dataplane: $(verdicts answered), handed to the kernel: $(verdicts punt)"

vm_run "ip link delete $tap"
lab_wait 10 "the dataplane to end" vm_run "! kill -0 \$(cat /run/dataplane.pid) 2>/dev/null"
vm_said dataplane "the TAP device of a NIC was deleted" || lab_fail "the dataplane does not say why"
vm_daemon dataplane meridian-dataplane --rundir /run/meridian
lab_wait 30 "the dataplane to poll with a new TAP device" vm_has status processes.0.state running
vm_address "$tap"
lab_wait 20 "replies by a new TAP device" served "$LAB_SERVER4"
jumbo
vm_end fallback
vm_end dataplane
vm_end control
