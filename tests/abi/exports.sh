#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The shared library exports functions and constants named meridian_* and nothing else, and every
# function that its headers declare.
set -eu
library=$1
headers=$(dirname "$0")/../../include/meridian
status=0

exported=$(nm -D --defined-only "$library" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}')
declared=$(grep -ohE '^[a-z].*\b(meridian_[a-z_]+)\(.*' "$headers"/*.h |
	grep -v 'static inline' | grep -oE 'meridian_[a-z_]+\(' | tr -d '(' | sort -u)

for name in $exported; do
	case $name in
	meridian_*) ;;
	*) echo "exported but not ours: $name"; status=1 ;;
	esac
done
for name in $declared; do
	echo "$exported" | grep -qx "$name" || { echo "declared but not exported: $name"; status=1; }
done
[ "$(echo "$declared" | wc -l)" -gt 20 ] || { echo "no declarations found in $headers"; status=1; }
exit "$status"
