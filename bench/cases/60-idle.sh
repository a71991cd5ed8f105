#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a worker costs that has nothing to do: run time of all threads of the dataplane.
set -eu
. "$(dirname "$0")/../lib/case.sh"

lab_enter "$@"
bench_network
bench_start_meridian || lab_fail "the dataplane does not answer"
sleep 1
# shellcheck disable=SC2046 # options
bench_observe --tag responder=meridian --tag what=idle $(bench_pids dataplane) -- \
	sleep "${BENCH_IDLE_SECONDS:-20}"
bench_stop_meridian
