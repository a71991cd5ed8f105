#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `hugepages never` serves from ordinary pages; by default hugepages are used where there are any,
# and status says which.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

lab_enter "$@"
lab_network
lab_config "local stratum 10" "hugepages never"
lab_serve
