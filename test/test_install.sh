#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=180
#
# What 'make install' puts down is enough to build a C program with, found by
# pkg-config and by find_package, linked against either library; also when the
# installed tree is moved, and with DESTDIR.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "test_install: $*" >&2
  exit 1
}

cat >"$work/answer.c" <<'END'
#include <stdio.h>
#include <torpor.h>

int main(void) {
  torpor_vm *vm;
  torpor_value answer;
  if (torpor_vm_open(NULL, &vm) != TORPOR_OK) return 1;
  if (torpor_eval(vm, "6 * 7", 5, "answer.js", TORPOR_SCRIPT, &answer) !=
      TORPOR_OK)
    return 1;
  printf("%s %g\n", torpor_version(), torpor_value_number(answer));
  torpor_vm_close(vm);
  return 0;
}
END

cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(answer LANGUAGES C)
find_package(torpor 0.1 REQUIRED)
add_executable(shared answer.c)
target_link_libraries(shared torpor::torpor)
add_executable(static answer.c)
target_link_libraries(static torpor::static)
END

expect_answer() {
  said=$("$@") || fail "'$*' failed"
  [[ $said =~ ^[0-9]+\.[0-9]+\.[0-9]+\ 42$ ]] || fail "'$*' said '$said'"
}

DESTDIR=$work/image cmake --install "$TORPOR_BUILD" --prefix /opt/torpor \
  >"$work/log" || { cat "$work/log"; fail "installing failed"; }
mv "$work/image/opt/torpor" "$work/moved"
libs=$(dirname "$(find "$work/moved" -name libtorpor.a)")

for file in bin/torpor include/torpor.h; do
  [ -f "$work/moved/$file" ] || fail "$file was not installed"
done
[ -f "$libs/torpor/engine.wasm" ] || fail "engine.wasm was not installed"
[ "$("$work/moved/bin/torpor" eval -p '6 * 7')" = 42 ] ||
  fail "the installed command does not evaluate"

export PKG_CONFIG_PATH=$libs/pkgconfig
# Each of these is meant to be split into arguments.
# shellcheck disable=SC2046
"$TORPOR_CC" -o "$work/by-pkg-config" "$work/answer.c" \
  $(pkg-config --cflags --libs torpor)
expect_answer env LD_LIBRARY_PATH="$libs" "$work/by-pkg-config"

# shellcheck disable=SC2046
"$TORPOR_CC" -o "$work/by-pkg-config-static" "$work/answer.c" \
  $(pkg-config --cflags torpor) "$libs/libtorpor.a" \
  $(pkg-config --static --libs-only-l torpor | sed 's/-ltorpor//')
expect_answer "$work/by-pkg-config-static"

cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" \
  -DCMAKE_C_COMPILER="$TORPOR_CC" >"$work/log" &&
  cmake --build "$work/build" >>"$work/log" ||
  { cat "$work/log"; fail "find_package(torpor) does not work"; }
expect_answer "$work/build/shared"
expect_answer "$work/build/static"

# The shared library shows what the headers declare, and nothing else.
inner=$(nm -D --defined-only "$libs/libtorpor.so" | awk '{ print $3 }' |
  grep -v '^torpor_[a-z]' || true)
[ -z "$inner" ] || fail "libtorpor.so shows: $inner"
