#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make.sh - an extension for tests: a side module as a C compiler and a linker
# make it, without what 'torpor extension build' adds and checks.
#
# usage: make.sh OUT.wasm SOURCE.c FLAG...
set -e

out=$1
source=$2
shift 2

"${CLANG:-clang-22}" --target=wasm32-wasi --sysroot=/usr -Wno-deprecated \
  -std=gnu11 -O2 -fPIC -fvisibility=hidden -fno-zero-initialized-in-bss \
  -DNDEBUG "$@" -c "$source" -o "$out.o"
"${WASM_LD:-wasm-ld-22}" -shared --no-entry --experimental-pic -Bsymbolic \
  --export-if-defined=__wasm_call_ctors \
  --export-if-defined=__wasm_apply_data_relocs \
  --unresolved-symbols=import-dynamic --compress-relocations --strip-debug \
  "$out.o" -o "$out"
rm "$out.o"
