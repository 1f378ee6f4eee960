#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""translate_extension.py - makes native code of an extension.

Usage: translate_extension.py [--quick] [--soft-bounds] NAME.wasm OUT.so
       translate_extension.py --only-c [--native FUNCTION]... NAME.wasm FOLDER

  NAME.wasm -> extension.c, .h          wasm2c
               extension-shape.h,       tune_extension.py
               extension-imports.h and
               extension-native.h
               extension-id.h           its hash
            -> OUT.so                   the C compiler ($CC, else cc), with
                                        bind-extension.c

'torpor extension build' calls this, where it is installed with the headers that
bind-extension.c needs. OUT.so appears whole or not at all. --quick compiles in
less time code that runs slower. --only-c leaves what wasm2c and its tuning give
in FOLDER, for those extensions that are part of the library. --native names a
function that such a one exports and that may be done by C of its own instead of
what was translated: extension-native.h has the call of either.

Exit codes: 0 done; 1 it cannot be done, with a sentence that says why.
"""

import argparse
import hashlib
import pathlib
import sys
import tempfile

import tune
import tune_extension
import wasm_sections
from translate import ENGINE, Failed, compile_library, run

WASM_LARGEST = 64 << 20


def read_module(path):
    code = path.read_bytes() if path.stat().st_size <= WASM_LARGEST else b""
    if code[:8] != b"\0asm\1\0\0\0":
        raise Failed(f"{path} is not a WebAssembly module")
    wasm_sections.check_names(code)
    return code


def translate(code, folder, native=()):
    """FOLDER/extension.c and what belongs to it."""
    with tempfile.TemporaryDirectory(prefix="torpor-extension-") as work:
        parts = pathlib.Path(work)
        (parts / "extension.wasm").write_bytes(code)
        run("wasm2c", "-n", "extension", parts / "extension.wasm", "-o",
            parts / "extension.c")
        tune_extension.tune_extension(code, parts, folder, native)
    (folder / "extension-id.h").write_text(
        "/* Made by engine/translate_extension.py. */\n"
        "#define TORPOR_EXTENSION_ID "
        f'"{hashlib.sha256(code).hexdigest()}"\n')


def make(options):
    code = read_module(options.wasm)
    if options.only_c:
        options.out.mkdir(parents=True, exist_ok=True)
        translate(code, options.out, options.native)
        return
    with tempfile.TemporaryDirectory(prefix="torpor-extension-") as work:
        folder = pathlib.Path(work)
        translate(code, folder)
        compile_library(ENGINE / "bind-extension.c", folder, options)


def main():
    parser = argparse.ArgumentParser(description="Makes an extension's .so.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--soft-bounds", action="store_true")
    parser.add_argument("--only-c", action="store_true")
    parser.add_argument("--native", action="append", default=[],
                        metavar="FUNCTION")
    parser.add_argument("wasm", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    if options.native and not options.only_c:
        parser.error("--native wants --only-c")
    try:
        make(options)
    except wasm_sections.Damaged as error:
        sys.exit(f"torpor: {options.wasm} cannot be translated: {error}")
    except tune_extension.Unfit as error:
        sys.exit(f"torpor: {options.wasm}: {error}")
    except tune.Unexpected as error:
        sys.exit(f"torpor: {options.wasm}: not what wasm2c 1.0.32 makes: "
                 f"{error}")
    except (Failed, OSError) as error:
        sys.exit(f"torpor: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
