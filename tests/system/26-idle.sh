#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A worker without traffic naps, or with `idlesleep 0` never does, as a reload tells it; meanwhile it
# stays alive for control, and answers. Its naps are long, as the kernel rouses it for each packet: not
# one in `idlesleep`, 2000 a second. What idling takes of a core is shown, not judged.
# Alone: a measurement of how much of a core an idle worker takes.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

FIGURE_S=5

worker_task() # the worker's thread, under /proc
{
	grep -lx rte-worker-1 /proc/"${LAB_PID[dataplane]}"/task/*/comm | xargs dirname
}

naps()
{
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "$(worker_task)/status"
}

busy_ns()
{
	awk '{ print $1 }' "$(worker_task)/schedstat"
}

is_napping()
{
	local before

	before=$(naps)
	sleep 0.3
	[ "$(naps)" -gt "$((before + 10))" ]
}

sleeps_long()
{
	local before start=${EPOCHREALTIME/./} end

	before=$(naps)
	sleep 1
	end=${EPOCHREALTIME/./}
	[ $((($(naps) - before) * 1000000 / (end - start))) -lt 500 ]
}

# Without that a request would wait for the end of a nap, 5 ms more or less.
is_roused()
{
	lab_ask --count 20 --interval 0.05 "$LAB_SERVER4" >"$LAB_DIR/ask.txt" || true
	[ "$(awk -F 'round_us=' '$2 && $2 < 5000' "$LAB_DIR/ask.txt" | wc -l)" -ge 19 ] ||
		lab_differs "$(cat "$LAB_DIR/ask.txt")"
}

is_spinning()
{
	local before

	before=$(naps)
	sleep 0.3
	[ "$(naps)" = "$before" ]
}

idlesleep() # MICROSECONDS
{
	sed -i "s/^idlesleep .*/idlesleep $1/" "$LAB_CONFIG"
	kill -HUP "${LAB_PID[control]}"
}

figure() # WHAT
{
	local from to start=${EPOCHREALTIME/./} end

	from=$(busy_ns)
	sleep "$FIGURE_S"
	to=$(busy_ns)
	end=${EPOCHREALTIME/./}
	lab_figure "$1: $(awk -v ns=$((to - from)) -v us=$((end - start)) \
		'BEGIN { printf "%.2f", ns / us / 10 }') % of a core"
}

lab_enter "$@"
lab_network 1
lab_config "local stratum 10" "idlesleep 500"
lab_serve
lab_stop fallback
lab_wait 5 "an idle worker to nap" is_napping
sleeps_long || lab_fail "the worker naps too often"
lab_wait 20 "packets to rouse the worker" is_roused
figure "idle worker"
lab_expect status workers.0.state polling
lab_wait 10 "every request to be answered between naps" lab_all_answered 20 0.1 "$LAB_SERVER4"
idlesleep 0
lab_wait 5 "the dataplane to take over idlesleep 0" is_spinning
idlesleep 500
lab_wait 5 "the dataplane to take over idlesleep 500" is_napping
lab_wait 10 "the dataplane to answer after all this" lab_dataplane_answers
