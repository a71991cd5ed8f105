#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The whole worker loop over in-process rings, with a generator on the other core; overload; two
# workers, each fed by itself, beside one.
set -eu
. "$(dirname "$0")/../lib/case.sh"

profile()
{
	"${BENCH_LOAD_PREFIX[@]}" "$LAB_BUILD/bench/bench-ring" --only ring --passes 10
}

bench_program bench-ring
bench_program bench-workers
bench_profile ring profile
