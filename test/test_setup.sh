#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: nosanitize
#
# tools/setup without a network: it names what is missing, refuses an engine
# source of another hash, unpacks the right one once, and then does nothing. Our
# patches are in what it unpacked, and a changed patch unpacks it anew; sources
# given by hand are refused until the patches are in.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/build/deps" "$work/engine/patches"
cp "$TORPOR_SOURCE"/tools/{setup,engine-source.txt} "$work/tools/"
cp "$TORPOR_SOURCE/engine/patch.sh" "$work/engine/"
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

# Writes a patch $1.patch that adds the line $2 to the top of the file $3.
write_patch() {
  printf '%s\n' 'Reason: to see it applied' "Test: test_setup.sh" \
    'Upstream: no' '' "diff --git a/$3 b/$3" "--- a/$3" "+++ b/$3" \
    '@@ -1,1 +1,2 @@' "+$2" " $(head -n 1 "$work/given/$3")" \
    >"$work/engine/patches/$1.patch"
}

mkdir "$work/given"
QUICKJS_DIR=$work/given expect 1 "has no quickjs.c"
echo 'first line' | tee "$work/given/quickjs.c" >"$work/given/list.h"
QUICKJS_DIR=$work/given expect 0
write_patch one '/* new */' quickjs.c
write_patch two '/* newer */' list.h
QUICKJS_DIR=$work/given expect 1 "engine/patches/one.patch is not in" \
  "engine/patches/two.patch is not in" "engine/patch.sh $work/given"
"$work/engine/patch.sh" "$work/given"
QUICKJS_DIR=$work/given expect 0
[ "$(cat "$work/given/list.h")" = $'/* newer */\nfirst line' ] ||
  fail "a patch was not applied"
"$work/engine/patch.sh" "$work/given" # once more is no harm
[ "$(wc -l <"$work/given/list.h")" = 2 ] || fail "a patch was applied twice"

# One patch that does not fit leaves all as it was.
printf 'first line\n' >"$work/given/quickjs.c"
printf 'another line\n' >"$work/given/list.h"
code=0
"$work/engine/patch.sh" "$work/given" >"$work/log" 2>&1 || code=$?
[ "$code" = 1 ] || fail "a patch that does not fit gives $code"
grep -q 'engine/patches/two.patch does not fit' "$work/log" ||
  fail "it does not say which patch does not fit"
[ "$(cat "$work/given/quickjs.c")" = 'first line' ] ||
  fail "half of the patches were applied"
[ "$(ls "$work/given")" = $'list.h\nquickjs.c' ] || fail "patch left files"

sed -i /^Upstream/d "$work/engine/patches/two.patch"
QUICKJS_DIR=$work/given expect 1 "two.patch has no line 'Upstream:'"
rm "$work"/engine/patches/*

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

  # With the patches; and after each change to them, though the archives stay.
  find "$TORPOR_SOURCE/engine" -name '*.patch' \
    -exec cp -t "$work/engine/patches" {} +
  expect 0
  "$work/engine/patch.sh" --check "$work/build/deps/quickjs" ||
    fail "our patches are not in what was unpacked"
  before=$(state)
  expect 0
  [ "$(state)" = "$before" ] || fail "with patches a second run changes something"
  older_before=$(find "$work/build/deps/quickjs-0.16" -printf '%p %i %T@\n')
  head -n 1 "$work/build/deps/quickjs/list.h" >"$work/given/list.h"
  write_patch zz '/* new */' list.h
  expect 0
  [ "$(head -n 1 "$work/build/deps/quickjs/list.h")" = '/* new */' ] ||
    fail "a new patch was not applied"
  write_patch zz '/* other */' list.h
  expect 0
  [ "$(head -n 1 "$work/build/deps/quickjs/list.h")" = '/* other */' ] ||
    fail "a changed patch was not applied"
  rm "$work/engine/patches/zz.patch"
  expect 0
  cmp "$work/build/deps/quickjs/list.h" \
    <(tar -xOzf "$work/build/deps/$archive" --wildcards '*/list.h') ||
    fail "a patch that is gone is still in"
  [ "$(find "$work/build/deps/quickjs-0.16" -printf '%p %i %T@\n')" = \
    "$older_before" ] || fail "the older source was touched"
  echo 'another line' >"$work/given/list.h"
  write_patch zz '/* new */' list.h
  expect 1 "zz.patch does not fit" "cannot be patched"
fi
