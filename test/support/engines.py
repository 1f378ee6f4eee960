#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Engines for tests: made of older sources, or kept, and made native once.

Usage: engines.py older       prints the .so of the older source
       engines.py golden      prints the folder with the kept engines' .so

What takes long is kept below build/engines/ under a name that says what it was
made from, so that a second test run makes nothing:

  build/engines/<key>/engine.wasm    of the older source and this guest; the key
                                     is a hash of all that goes into it
  build/engines/<key>/<id>.so        the native code of engine <id>; the key is
                                     a hash of the files that translate it
                       <id>.o        the same before it was linked

A lock for each thing lets tests that run at the same time make it once. ctest
makes all of it by a test of its own, before those that need it (engine=NAME in
test/CMakeLists.txt).
"""

import contextlib
import fcntl
import hashlib
import lzma
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
DEPS = SOURCE / "build/deps"
QUICKJS = pathlib.Path(os.environ.get("QUICKJS_DIR", DEPS / "quickjs"))
OLDER = DEPS / "quickjs-0.16"
KEPT = BUILD / "engines"
GOLDEN = SOURCE / "test/golden"
KIT = ["engine/translate.py", "engine/tune.py", "engine/bind.c", "vm/engines/engine.h",
       "guest/abi.h", "wasm/layout.h", "wasm/wasm-rt.h"]
# A C compiler that also leaves the object file, for linking it statically.
KEEPING = """#!/bin/sh
set -e
compile= link=
for word in "$@"; do
  case $word in
  -shared | -Wl,* | -lm) link="$link $word" ;;
  *.so) out=$word ;;
  -o) ;;
  *) compile="$compile $word" ;;
  esac
done
"$TORPOR_CC" $compile -c -o "$KEEP_OBJECT"
"$TORPOR_CC" "$KEEP_OBJECT" $link -o "$out"
"""


@contextlib.contextmanager
def locked(what):
    """For whoever makes the file 'what'."""
    what.parent.mkdir(parents=True, exist_ok=True)
    with open(what.with_suffix(".lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hash_of(files):
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes() + file.name.encode())
    return total.hexdigest()[:16]


def engine_id(wasm):
    return hashlib.sha256(wasm.read_bytes()).hexdigest()


def older_wasm():
    """The engine.wasm of the older source with the guest of today."""
    parts = [path for pattern in ("guest/*", "guest/js/*", "engine/*")
             for path in sorted(SOURCE.glob(pattern)) if path.is_file()]
    parts += [SOURCE / "include/torpor.h", OLDER / ".sha256"]
    wasm = KEPT / hash_of(parts) / "engine.wasm"
    with locked(wasm):
        if not wasm.exists():
            subprocess.run(
                [sys.executable, SOURCE / "engine/make.py", "--quickjs", OLDER,
                 "--unpatched", "--builtins", QUICKJS, "--node",
                 os.environ["TORPOR_NODE"], "--out", wasm.parent / "making"],
                check=True)
            os.replace(wasm.parent / "making/engine.wasm", wasm)
    return wasm


def native(wasm):
    """The .so of an engine.wasm, beside its object file, made by the command
    under test."""
    place = KEPT / hash_of([SOURCE / name for name in KIT])
    library = place / f"{engine_id(wasm)}.so"
    keep = library.with_suffix(".o")
    with locked(library):
        if not library.exists() or not keep.exists():
            compiler = library.with_suffix(".cc")
            compiler.write_text(KEEPING)
            compiler.chmod(0o755)
            subprocess.run(
                [BUILD / "torpor", "engine", "build", "--quick", "--to", place,
                 wasm], check=True, stdout=sys.stderr,
                env={**os.environ, "CC": str(compiler),
                     "KEEP_OBJECT": str(keep)})
    return library


def golden_folder():
    """A folder with the .so of each engine in test/golden."""
    place = KEPT
    for packed in sorted(GOLDEN.glob("*/engine.wasm.xz")):
        wasm = KEPT / f"{packed.parent.name}.wasm"
        with locked(wasm):
            code = lzma.decompress(packed.read_bytes())
            if not wasm.exists() or wasm.read_bytes() != code:
                wasm.write_bytes(code)
        if not (BUILD / f"lib/torpor/engines/{engine_id(wasm)}.so").exists():
            place = native(wasm).parent
    return place


if __name__ == "__main__":
    if sys.argv[1:] == ["older"]:
        print(native(older_wasm()))
    elif sys.argv[1:] == ["golden"]:
        print(golden_folder())
    else:
        sys.exit("usage: engines.py older | golden")
