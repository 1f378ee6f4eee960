#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: nosanitize
#
# The tree keeps the rules of the house ('make check').
set -euo pipefail
cd "$TORPOR_SOURCE"
exec tools/check
