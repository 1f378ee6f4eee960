#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: slow serial nosanitize
#
# What is built already is not built again.
set -euo pipefail

said=$(cmake --build "$TORPOR_BUILD" --target all 2>&1)
[[ $said == *"no work to do"* ]] || {
  echo "test_again: a second build does something:"
  tail -20 <<<"$said"
  exit 1
}
