#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# No function is longer than 80 lines, no .c file longer than 500. The formatter puts a function's
# braces, and nothing else, alone in column one.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck disable=SC2016 # awk's, not the shell's
git ls-files '*.c' '*.h' | xargs awk '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ { if (start && FNR - start > 79) {
			printf "%s:%d: function of %d lines\n", FILENAME, start, FNR - start + 1
			bad = 1
		}
		start = 0 }
	FNR == 501 && FILENAME ~ /\.c$/ { print FILENAME ": more than 500 lines"; bad = 1 }
	END { exit bad }'
