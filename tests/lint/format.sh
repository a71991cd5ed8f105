#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every C file is as .clang-format says.
set -eu
cd "$(dirname "$0")/../.."
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
