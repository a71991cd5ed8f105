#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What holds for every tracked file: an SPDX line, no line that ends in blanks, no spelling
# mistake, no unfinished business, nothing that belongs to one machine. The corpus of the fuzz
# targets is octets.
set -eu
cd "$(dirname "$0")/../.."
status=0

complain() # WHAT, lines on standard input
{
	local found

	found=$(cat)
	[ -n "$found" ] || return 0
	printf '%s:\n%s\n' "$1" "$found"
	status=1
}

mapfile -t files < <(git ls-files ':!tests/fuzz/corpus')
mapfile -t with_spdx < <(git ls-files ':!tests/fuzz/corpus' | grep -Ev '^(LICENSE$|.*\.md$|\.gitignore$|\.editorconfig$)')

grep -L 'SPDX-License-Identifier: ' "${with_spdx[@]}" | complain "no SPDX line" || status=1
{ grep -nE '[[:blank:]]+$' "${files[@]}" || true; } | complain "trailing blanks"
{ grep -nE '\b(TO''DO|FIX''ME|X''XX)\b' "${files[@]}" || true; } | complain "unfinished"
{ grep -nE '(^|[^[:alnum:]_.$}/-])/(work|farm|home/[a-z])/' "${files[@]}" || true; } |
	complain "path of one machine"
{ grep -nE 'BEGIN [A-Z ]*PRIVATE KEY' "${files[@]}" || true; } | complain "private key"
codespell --quiet-level=2 "${files[@]}" | complain "spelling"
exit "$status"
