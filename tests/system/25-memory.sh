#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Packet buffers in hugepages where there are any, in ordinary pages with `hugepages never`: both
# serve, and status says which.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

serve_from() # MEMORY [CONFIG-LINE]
{
	lab_config "local stratum 10" "${@:2}"
	lab_serve
	lab_expect status processes.0.memory "$1"
	lab_wait 10 "every request to be answered from $1" \
		lab_dataplane_answers_all 100 0.01 "$LAB_SERVER4"
	lab_note "$1: $(tail -n 1 "$LAB_DIR/ask.txt")"
	lab_stop fallback
	lab_stop dataplane
	lab_stop control
}

lab_enter "$@"
lab_network
serve_from "4k pages" "hugepages never"
[ "$LAB_HUGEPAGES_ADDED" -ge 32 ] || lab_skip "no hugepages to be had: only ordinary pages tested"
serve_from hugepages
