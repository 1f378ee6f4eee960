#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make.sh - compiles the helper modules of the package.
#
# Usage: make.sh DEPS OUT
#
#   DEPS/pycryptodome   sources of PyCryptodome (src/SHA256.c)
#   DEPS/zstd           sources of Zstandard as one file (zstd.c, zstd.h)
#   OUT                 gets helper-wasm.ts, the helper as text, and zstd.wasm
#
# The same sources and the same compiler give the same bytes. Nothing is
# written where a step fails.

set -eu

[ $# = 2 ] || { sed -n '/^# Usage/,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
deps=$1
out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Clang calls the name of the target that Debian's headers have deprecated.
flags='--target=wasm32-wasi -Wno-deprecated --sysroot=/usr --no-wasm-opt
-std=c11 -DNDEBUG -mbulk-memory -ffunction-sections -fvisibility=hidden
-Wl,--no-entry,--strip-all,--gc-sections,--stack-first,-z,stack-size=65536'
warnings='-Wall -Wextra -Werror'

# The flags are meant to be split into words.
# shellcheck disable=SC2086
make_helper() {
  clang-22 $flags $warnings -O3 -msimd128 -nostdlib -Wl,--export=__heap_base \
    -isystem "$deps/pycryptodome/src" \
    "$here/scan.c" "$here/crc32.c" "$here/sha256.c" -o "$work/helper.wasm"
}

# shellcheck disable=SC2086
make_zstd() {
  clang-22 $flags $warnings -O2 -mexec-model=reactor -I "$here" \
    -isystem "$deps/zstd" "$here/pack.c" -o "$work/zstd.wasm"
}

# A module that imports something could not be instantiated.
check_imports() {
  ! wasm-objdump -x -j Import "$1" 2>/dev/null | grep -q '<-' ||
    { echo "make.sh: $(basename "$1") imports something" >&2; exit 1; }
}

embed() {
  printf '// SPDX-License-Identifier: MIT\n//\n'
  printf '// helper-wasm.ts - js/helper as base64. Made by js/helper/make.sh.\n\n'
  printf 'export const HELPER_WASM =\n  "%s";\n' \
    "$(base64 -w 0 "$work/helper.wasm")"
}

make_helper
make_zstd
check_imports "$work/helper.wasm"
check_imports "$work/zstd.wasm"
embed >"$work/helper-wasm.ts"
mv "$work/helper-wasm.ts" "$work/zstd.wasm" "$out/"
