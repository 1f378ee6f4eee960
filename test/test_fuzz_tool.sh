#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_fuzz_tool.sh - tools/fuzz says what it wants, and knows the targets that
# there are: each has a source and a corpus, and test_fuzz.c tries it. In the
# full tier each is built, and tries what it has.
#
# ctest: full nosanitize
set -eu

cd "$TORPOR_SOURCE"

fail() {
  echo "$1" >&2
  exit 1
}

refuses() {
  local words=$1 status=0 said
  shift
  said=$(tools/fuzz "$@" 2>&1) || status=$?
  [ $status -eq 2 ] || fail "tools/fuzz $* ended with $status"
  case $said in
  *"$words"*) ;;
  *) fail "tools/fuzz $* said: $said" ;;
  esac
}

refuses 'which target?'
refuses 'which target?' --merge
refuses "no target 'paper'" paper
refuses "'1h' is no number" json 1h
tools/fuzz --help | grep -q '^Usage: fuzz TARGET' || fail 'no help'

listed=$(sed -n "s/^targets='\(.*\)'$/\1/p" tools/fuzz | tr ' ' '\n' | sort)
written=$(ls test/fuzz | sed -n 's/^target-\(.*\)\.c$/\1/p' | sort)
kept=$(ls test/fuzz/corpus | sort)
[ -n "$listed" ] && [ "$listed" = "$written" ] && [ "$listed" = "$kept" ] ||
  fail "tools/fuzz knows: $listed; sources: $written; corpora: $kept"
for target in $listed; do
  grep -q "X($target)" test/test_fuzz.c || fail "test_fuzz.c lacks $target"
done

[ "$TORPOR_TIER" = full ] || exit 0
for target in $listed; do
  BUILD=$TORPOR_BUILD tools/fuzz "$target" 60 -runs=1 ||
    fail "tools/fuzz $target failed"
done
