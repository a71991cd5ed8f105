#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Cost of a request as the number of clients and of access rules grows.
set -eu
. "$(dirname "$0")/../lib/case.sh"

bench_program bench-tables
