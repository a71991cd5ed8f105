#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Compute of the reply path alone, by kind of packet: ticks a request, on one core.
set -eu
. "$(dirname "$0")/../lib/case.sh"

bench_program bench-reply
