#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The whole worker loop over in-process rings, with a generator on the other core; overload.
set -eu
. "$(dirname "$0")/../lib/case.sh"

bench_program bench-ring
