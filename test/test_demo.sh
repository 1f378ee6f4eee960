#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: slow serial nosanitize timeout=180
#
# 'make demo' shows what it says: a durable program over real data that is
# killed again and again and misses nothing.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$TORPOR_SOURCE/tools/demo" --torpor "$TORPOR" --work "$work"
