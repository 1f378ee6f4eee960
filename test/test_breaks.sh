#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_breaks.sh - does the suite notice when a promise is broken?
#
# ctest: nosanitize timeout=300
#
# run/fault.h lists switches, each of which takes one promise away, and beside
# each the number that the promise has in run/protocol/protocol.h. With each of them some
# test must fail, and for that reason: the simulation says the number, the others
# which test failed. A switch that nothing notices guards nothing.
#
# TORPOR_TEST_PROGRAMS: folder of the test programs; build/test unless said.
set -u

programs=${TORPOR_TEST_PROGRAMS:-${TORPOR_BUILD:?}/test}
header=${TORPOR_SOURCE:?}/run/fault.h
failed=0

# The test that guards a switch, and what it says when it fails.
guard() {
  case $1 in
  no-sync) program=test_store_power expected='FAILED TEST' ;;
  no-lock) program=test_store expected='FAILED TEST' ;;
  *) program=test_protocol_simulation
    expected="promise \\($2\\) broken in universe" ;;
  esac
}

# The numbers of the promise that a switch breaks: 1\|7
numbers() {
  sed -n "s|.*X([A-Z_]*, \"$1\") */\\* \\([0-9, ]*[0-9]\\) .*|\\1|p" "$header" |
    sed 's/, /\\|/g'
}

switches=$(sed -n '/define TORPOR__BREAKS/,/^$/s/.*X([A-Z_]*, "\([a-z-]*\)").*/\1/p' "$header")
if [ "$(echo "$switches" | wc -w)" -lt 10 ]; then
  echo "cannot read the switches from $header"
  exit 1
fi

for switch in $switches; do
  promise=$(numbers "$switch")
  if [ -z "$promise" ]; then
    echo "$switch: $header does not say which promise it breaks"
    failed=1
    continue
  fi
  guard "$switch" "$promise"
  if said=$(TORPOR_BREAK=$switch timeout 120 "$programs/$program" 2>&1); then
    echo "$switch: $program stays green"
    failed=1
  elif ! grep -q "$expected" <<<"$said"; then
    echo "$switch: $program fails, but for another reason:"
    tail -n 3 <<<"$said"
    failed=1
  else
    echo "$switch: $program: $(grep -m 1 -e "$expected" -e '  FAILED  ' <<<"$said")"
  fi
done
exit $failed
