#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: slow full nosanitize timeout=900
#
# The source release builds where there is a C compiler, CMake and the libraries
# and nothing else: PATH holds only those and what every system has. Its engine
# is byte for byte the one it was made with. Made twice it is the same file. The
# usual tier builds the command alone, the full one everything.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "test_dist: $*" >&2
  exit 1
}

version=$("$TORPOR" --version | sed -n '1s/^[^0-9]*//p')
mkdir "$work/one" "$work/two"
for out in one two; do
  "$TORPOR_SOURCE/tools/make-dist" "$version" "$TORPOR_BUILD/generated" \
    "$work/$out" >/dev/null
done
cmp "$work"/{one,two}/"torpor-$version.tar.gz" ||
  fail "two releases of one commit differ"

tar -xzf "$work/one/torpor-$version.tar.gz" -C "$work"
release=$work/torpor-$version
[ -f "$release/generated/engine.wasm" ] || fail "there is no generated engine"

# A PATH with these tools alone: no clang, wabt, Node, Python, Ninja, git.
mkdir "$work/bin"
for tool in cmake cc gcc as ld ar ranlib nm objcopy objdump strip make sh \
  uname cat rm mkdir cp mv ln chmod touch sed grep env dirname \
  basename nproc; do
  path=$(command -v "$tool") || fail "$tool is missing here"
  ln -s "$path" "$work/bin/$tool"
done
for tool in clang-22 wasm2c node python3 ninja git; do
  [ ! -e "$work/bin/$tool" ] || fail "$tool is still found"
done

bare() {
  env -i HOME="$work" PATH="$work/bin" LC_ALL=C "$@" >"$work/log" 2>&1 ||
    { tail -40 "$work/log"; fail "'$*' failed"; }
}

bare cmake -S "$release" -B "$work/build" -G "Unix Makefiles" -DTORPOR_QUICK=ON
[ "$TORPOR_TIER" = full ] && target=all || target=torpor
bare cmake --build "$work/build" -j 2 --target "$target"

[ "$("$work/build/torpor" eval -p '6 * 7')" = 42 ] ||
  fail "the released command does not evaluate"
# It names its engine by a hash of the bytes.
[ "$("$work/build/torpor" --version)" = "$("$TORPOR" --version)" ] ||
  fail "the released engine is another one"
[ "$target" != all ] ||
  cmp "$work/build/engine.wasm" "$TORPOR_BUILD/engine.wasm" ||
  fail "the released engine is another one"
