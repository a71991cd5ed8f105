#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two receive queues and two workers: requests of many source ports arrive on both, each worker
# answers its own, and status shows it.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

# Sets zero and one to how many each worker has answered; true when that makes all.
both_answer() # ADDRESS
{
	local status=0

	zero=$(lab_counter dataplane answered 0)
	one=$(lab_counter dataplane answered 1)
	lab_dataplane_answers_all 200 0.005 "$1" || status=1
	zero=$(($(lab_counter dataplane answered 0) - zero))
	one=$(($(lab_counter dataplane answered 1) - one))
	return "$status"
}

lab_enter "$@"
lab_network 2
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "workers 0 1"
lab_upstream
lab_serve
lab_expect status ports.0.queues 2
lab_expect status ports.0.driver net_af_xdp
lab_expect status ports.0.xdp_mode native
lab_expect status ports.0.copy_mode copy
lab_expect status workers.1.process dataplane
for address in "$LAB_SERVER4" "$LAB_SERVER6"; do
	lab_wait 10 "both workers to answer all" both_answer "$address"
	lab_note "$address: worker 0 answered $zero, worker 1 answered $one of 200"
	if [ "$zero" -lt 20 ] || [ "$one" -lt 20 ]; then
		lab_fail "one queue has nearly no traffic"
	fi
done
lab_expect status stamps.0.stamp xdp
lab_expect status stamps.1.share 1.0
