#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: nosanitize
#
# tools/setup without a network: it names what is missing, refuses an engine
# source of another hash, unpacks the right one once, and then does nothing.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/build/deps"
cp "$TORPOR_SOURCE"/tools/{setup,engine-source.txt} "$work/tools/"
archive=quickjs_ng-0.17.0.2.tar.gz
export TORPOR_OFFLINE=1
unset QUICKJS_DIR

fail() {
  echo "test_setup: $*" >&2
  exit 1
}

# Runs setup through the command 'as', expects exit code $1 and each of the other
# arguments in what it says.
as=(env)
expect() {
  local want=$1 code=0 said
  shift
  said=$("${as[@]}" "$work/tools/setup" 2>&1 </dev/null) || code=$?
  [ "$code" = "$want" ] || fail "exit code $code instead of $want: $said"
  for words in "$@"; do
    [[ $said == *"$words"* ]] || fail "it does not say '$words': $said"
  done
}

state() { find "$work/build" -printf '%p %i %T@\n' | sort; }

expect 1 "source is missing" "$archive"

echo 'something else' >"$work/build/deps/$archive"
expect 1 "$(sha256sum "$work/build/deps/$archive" | cut -d' ' -f1)" \
  "will not be used"
[ ! -e "$work/build/deps/quickjs" ] || fail "a wrong source was unpacked"
rm "$work/build/deps/$archive"

QUICKJS_DIR=$work expect 1 "has no quickjs.c"
touch "$work/quickjs.c"
QUICKJS_DIR=$work expect 0
rm "$work/quickjs.c"

mkdir "$work/old"
printf '#!/bin/sh\necho v16.20.0\n' >"$work/old/node"
chmod +x "$work/old/node"
PATH=$work/old:$PATH expect 1 "Node v16.20.0 is too old"

if command -v dpkg-query >/dev/null; then
  sed -i "s/^packages='/&torpor-no-such-package /" "$work/tools/setup"
  expect 1 "torpor-no-such-package" "TORPOR_OFFLINE=1"
  if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"
    as=(setpriv --reuid=65534 --clear-groups env TORPOR_OFFLINE=0)
    expect 1 "torpor-no-such-package" "neither root nor sudo" "apt-get install"
    as=(env)
  fi
  cp "$TORPOR_SOURCE/tools/setup" "$work/tools/"
fi

code=0
"$work/tools/setup" --nonsense >"$work/log" 2>&1 || code=$?
[ "$code" = 2 ] || fail "a wrong option gives $code instead of 2"
"$work/tools/setup" --help | grep -q TORPOR_OFFLINE || fail "--help is no help"

# The right sources are there whenever they were not given by hand.
older=quickjs_ng-0.16.2.1.tar.gz
if [ -f "$TORPOR_SOURCE/build/deps/$archive" ]; then
  cp "$TORPOR_SOURCE/build/deps/$archive" "$work/build/deps/"
  expect 1 "source is missing" "$older"
  [ -f "$work/build/deps/quickjs/quickjs.c" ] || fail "nothing was unpacked"
  cp "$TORPOR_SOURCE/build/deps/$older" "$work/build/deps/"
  expect 0
  [ -f "$work/build/deps/quickjs-0.16/quickjs.c" ] ||
    fail "the older source was not unpacked"
  before=$(state)
  expect 0
  [ "$(state)" = "$before" ] || fail "a second run changed something"
fi
