#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Virtual devices of DPDK as NICs: af_packet on an address that the kernel does not have, a memif
# whose peer comes, dies and comes again, virtio-user, which outlives its peer, and devices that DPDK
# refuses.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"

LAB_HUGEPAGES=128
VIRTUAL4=192.0.2.99
VIRTUAL6=2001:db8:1::99
MEMIF_MAC=02:00:00:00:00:01
PEER_PACKETS=1000

# A config with this `nic` and no other, and no policy of an earlier one.
virtual_config() # NIC-ARGUMENT...
{
	rm -f "$LAB_RUNDIR"/*
	lab_config "local stratum 10" "nic $*"
	sed -i '/^nic eth1$/d' "$LAB_CONFIG"
}

worker_polls()
{
	[ "$(lab_field status workers.0.state)" = polling ]
}

virtual_stop()
{
	lab_stop dataplane
	lab_stop control
}

no_xdp()
{
	! ip -n server link show eth1 | grep -q xdp || lab_fail "an XDP program is on eth1"
	[ -z "$(lab_pins eth1)" ] || lab_fail "control pinned something for eth1"
}

answered() # ADDRESS
{
	local before

	before=$(lab_counter dataplane answered)
	lab_ask --require-synchronised "$1" && [ "$(lab_counter dataplane answered)" -gt "$before" ]
}

ahead() # ADDRESS
{
	ahead=$(stock_ahead_s client "$1")
	[ -n "$ahead" ]
}

test_af_packet()
{
	local address ahead mac

	mac=$(ip -n server -br link show eth1 | awk '{ print $3 }')
	for address in "$VIRTUAL4" "$VIRTUAL6"; do
		ip -n client neigh add "$address" lladdr "$mac" dev eth0
	done
	virtual_config "vdev:net_af_packet0,iface=eth1 address $VIRTUAL4 address $VIRTUAL6"
	lab_control
	lab_dataplane
	lab_wait 30 "replies over af_packet" answered "$VIRTUAL4"
	lab_wait 10 "replies over af_packet and IPv6" answered "$VIRTUAL6"
	lab_expect status ports.0.name af_packet0
	lab_expect status ports.0.state open
	lab_expect status ports.0.driver net_af_packet
	lab_expect status ports.0.queues 1
	lab_expect status ports.0.xdp_mode none
	no_xdp
	! lab_ctl status | grep -i 'attach' || lab_fail "status asks for an XDP program"
	for address in "$VIRTUAL4" "$VIRTUAL6"; do
		lab_wait 20 "a time for chronyd from $address" ahead "$address"
		lab_note "chronyd: $address is $ahead s ahead"
	done
	lab_ask --timeout 0.3 "$LAB_SERVER4" && lab_fail "the kernel's address is served as well"
	virtual_stop
}

# Sends small UDP packets to the dataplane, as fast as it can: nothing that is answered.
peer_start()
{
	lab_start peer server dpdk-testpmd --lcores "0@0,1@0" --no-pci --in-memory --no-telemetry \
		-m 64 --vdev "net_memif0,role=client,id=0,socket=$LAB_DIR/memif.sock,socket-abstract=no" \
		-- --forward-mode=txonly --auto-start --eth-peer="0,$MEMIF_MAC" --total-num-mbufs=4096 \
		--stats-period=60
}

received_more() # THAN
{
	[ "$(lab_counter dataplane rx_packets)" -gt $((PEER_PACKETS + $1)) ]
}

# Kills the peer while the worker is in the middle of the driver's code, where it stays for longer
# than the driver needs to notice. Not before the worker has left may the peer's memory go.
peer_kill()
{
	if [ "$(uname -m)" != x86_64 ]; then # what hold-in knows
		lab_kill peer
		return
	fi
	/usr/bin/python3 "$LAB_TOOLS/hold-in" "${LAB_PID[dataplane]}" rte-worker-1 librte_net_memif \
		0.3 kill -KILL "${LAB_PID[peer]}" || lab_fail "the worker could not be held"
	wait "${LAB_PID[peer]}" 2>/dev/null || true
	unset "LAB_PID[peer]"
}

# A peer connects, sends at full rate and is killed.
peer_visit()
{
	local before

	before=$(lab_counter dataplane rx_packets)
	peer_start
	lab_wait 20 "packets from the memif's peer" received_more "$before"
	peer_kill
	sleep 0.3
	lab_alive dataplane || lab_fail "the dataplane did not survive its peer"
	lab_expect status workers.0.state polling
	lab_expect status ports.0.state open
	lab_note "a peer came and was killed: $(lab_counter dataplane rx_packets) packets in all"
}

test_memif()
{
	local visit

	virtual_config "vdev:net_memif0,role=server,id=0,socket=$LAB_DIR/memif.sock,socket-abstract=no,mac=$MEMIF_MAC" \
		"address $VIRTUAL4"
	lab_control
	lab_dataplane
	lab_wait 20 "the memif" test -S "$LAB_DIR/memif.sock"
	lab_wait 10 "the dataplane" worker_polls
	lab_expect status ports.0.driver net_memif
	for visit in 1 2 3; do
		peer_visit "$visit"
	done
	virtual_stop
}

# The dataplane ends with status 3 and one error that names the device and says why.
refuse_device() # WORD DEVICE-AND-REST...
{
	local word=$1 status=0

	shift
	virtual_config "$*"
	lab_control
	lab_wait 10 "the policy" test -s "$LAB_RUNDIR/policy"
	timeout 60 nsenter --net=/run/netns/server -- "$LAB_BUILD/dataplane/meridian-dataplane" \
		--rundir "$LAB_RUNDIR" >"$LAB_DIR/device.log" 2>&1 || status=$?
	[ "$status" = 3 ] || lab_fail "$1: ended with status $status, expected 3"
	grep -q "${1%%,*}: .*$word" "$LAB_DIR/device.log" ||
		lab_fail "$1: no error that names it: $(cat "$LAB_DIR/device.log")"
	lab_note "$(grep "${1%%,*}: .*$word" "$LAB_DIR/device.log")"
	lab_stop control
}

test_refused()
{
	refuse_device "does not make" vdev:net_nosuch0 address "$VIRTUAL4"
	refuse_device "does not make" vdev:net_af_packet0,iface=nosuch address "$VIRTUAL4"
	refuse_device "does not make" vdev:net_memif0,role=nobody address "$VIRTUAL4"
	refuse_device "net_af_packet, does not send at a given time" \
		vdev:net_af_packet0,iface=eth1 txtime 5000 address "$VIRTUAL4"
	refuse_device "does not isolate flows.*: Function not implemented" \
		vdev:net_af_packet0,iface=eth1 mode bifurcated address "$VIRTUAL4"
	refuse_device "room for" vdev:net_af_packet0,iface=eth1 queues 3 address "$VIRTUAL4"
}

# The generator answers at SOCKET as a device, the dataplane connects as another, once, so the
# generator is there before it.
loaded_by_peer() # SOCKET PEER-DEVICE DEVICE
{
	rm -f "$1"
	virtual_config "vdev:$3" "address $VIRTUAL4"
	lab_control
	lab_start load server "$LAB_BUILD/bench/load/meridian-load" --port "vdev:$2" \
		--core 0 --target "$VIRTUAL4" --target-mac "$MEMIF_MAC" --source 192.0.2.128/26 \
		--rate 5k --warm-up 1 --duration 1 --json
	lab_wait 20 "the generator" test -S "$1"
	lab_dataplane
	lab_wait 30 "the end of the load" grep -q answered_per_s "$LAB_DIR/load.log"
	grep '^{' "$LAB_DIR/load.log" >/dev/null || lab_fail "no results"
	grep -q '"answered": [1-9]' "$LAB_DIR/load.log" || lab_fail "nothing was answered"
	grep -q '"invalid": {}' "$LAB_DIR/load.log" || lab_fail "there were wrong replies"
}

# As the memif's client the dataplane copies nothing: its peer maps the packet memory.
test_memif_client()
{
	local socket=$LAB_DIR/memif.sock device

	device="net_memif0,id=0,socket=$socket,socket-abstract=no"
	loaded_by_peer "$socket" "$device,role=server" \
		"$device,role=client,zero-copy=yes,mac=$MEMIF_MAC"
	virtual_stop
}

# The driver tells a peer that is gone when it stops.
test_virtio_user()
{
	local socket=$LAB_DIR/vhost.sock

	loaded_by_peer "$socket" "net_vhost0,iface=$socket" \
		"net_virtio_user0,path=$socket,mac=$MEMIF_MAC"
	wait "${LAB_PID[load]}" || [ $? = 1 ] || # a busy machine is its limit
		lab_fail "the generator did not end as it should"
	unset "LAB_PID[load]"
	lab_expect status workers.0.state polling
	virtual_stop
}

lab_enter "$@"
lab_network
test_refused
test_af_packet
test_memif
if [ "$LAB_HUGEPAGES_ADDED" = "$LAB_HUGEPAGES" ]; then
	test_memif_client
	test_virtio_user
else
	lab_note "no hugepages, hence no memif client without copies, and no virtio-user"
fi
