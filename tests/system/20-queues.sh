#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two receive queues, each polled by the dataplane: requests of many source ports arrive on both
# (status shows it), and all are answered.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

lab_enter "$@"
lab_network 2
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" "workers 0 1"
lab_upstream
lab_serve
