#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Shell scripts pass shellcheck, Python ones compile.
set -eu
cd "$(dirname "$0")/../.."

scripts() # INTERPRETER (end of the first line)
{
	git ls-files | while read -r file; do
		[ ! -f "$file" ] || ! head -n 1 "$file" | grep -Eq "^#!.*/$1\$" || echo "$file"
	done
}

scripts '(ba)?sh' | xargs -n 8 -P "$(nproc)" shellcheck --external-sources
shellcheck --external-sources tests/lab/lab.sh tests/lab/vm.sh
for file in $(scripts python3) $(git ls-files '*.py'); do
	/usr/bin/python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file"
done
