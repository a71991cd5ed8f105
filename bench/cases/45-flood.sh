#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A flood from 10^7 made-up sources, and clients beside it, one worker for both. The flood comes by
# eth1, the clients by eth2: what the flood takes from them is the worker's time and the places in
# the table of the rate limiter, not the ring that it fills. Below the capacity and at three times as
# much as gets answered.
set -eu
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/../lib/flood.sh"

lab_enter "$@"
bench_network
ip -n server route add "$SOURCES" via "$LAB_CLIENT4"
clients_network server eth2
lab_addresses server eth2 "$CLIENT_NET.1/24" 2001:db8:3::1/64
flood_run "eth1;nic eth2" 100k 300k 1500k
