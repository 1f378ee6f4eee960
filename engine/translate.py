#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""translate.py - makes native code of an engine.wasm.

Usage: translate.py [--quick] [--soft-bounds] ENGINE.wasm OUT.so

  engine.wasm -> engine.c, .h        wasm2c
                 engine-shape.h      tune.py
                 engine-id.h         its hash
              -> OUT.so              the C compiler ($CC, else cc), with bind.c

For an engine of whatever age: 'torpor engine' calls this, where it is installed
with the headers that bind.c needs. What it does is said on standard error, a
line for each step. OUT.so appears whole or not at all. --quick compiles in less
time code that runs slower. make.py takes the first steps from here.

Exit codes: 0 done; 1 it cannot be done, with a sentence that says why.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import wasm_sections

ENGINE = pathlib.Path(__file__).resolve().parent
SOURCE = ENGINE.parent

WASM_LARGEST = 64 << 20
# As torpor_generated_flags of cmake/variant.cmake and engine/CMakeLists.txt.
COMPILE = ["-std=gnu11", "-DNDEBUG", "-w", "-fPIC", "-fvisibility=hidden",
           "-ffp-contract=off", "-fno-plt", "-fstack-clash-protection",
           "-fno-gcse", "--param", "max-goto-duplication-insns=40"]
LINK = ["-shared", "-Wl,--no-undefined", "-Wl,-z,now"]
PACKAGES = {"wasm2c": "wabt", "cc": "gcc and libc6-dev"}


class Failed(Exception):
    """It cannot be done; the text says why."""


def run(*command):
    """Runs a program that says for itself what is wrong."""
    command = [str(part) for part in command]
    if shutil.which(command[0]) is None:
        package = PACKAGES.get(command[0])
        raise Failed(f"{command[0]} is not installed" +
                     (f"; on Debian: apt-get install {package}" if package
                      else ""))
    if subprocess.run(command, check=False).returncode != 0:
        raise Failed(f"this failed: {' '.join(command)}")


def translate(wasm, parts, out):
    """OUT/engine.c and what belongs to it, by way of PARTS."""
    run("wasm2c", "-n", "engine", wasm, "-o", parts / "engine.c")
    run(sys.executable, ENGINE / "tune.py", "--interpreter", "engine", "engine",
        parts, out)


def write_id(code, path):
    path.write_text("/* Made by engine/translate.py. */\n#define "
                    f'TORPOR_ENGINE_ID "{hashlib.sha256(code).hexdigest()}"\n')


def compile_library(source, folder, options):
    """options.out, of 'source' and what lies in FOLDER; whole or not at all."""
    out = folder / "made.so"
    optimise = ["-O1"] if options.quick else ["-O2"]
    if options.soft_bounds:
        optimise.append("-DTORPOR_SOFT_BOUNDS=1")
    includes = [f"-I{path}" for path in (SOURCE / "wasm", SOURCE, folder)]
    run(os.environ.get("CC") or "cc", *COMPILE, *optimise, *includes, *LINK,
        source, "-o", out, "-lm")
    fresh = options.out.with_name(f"{options.out.name}.new-{os.getpid()}")
    shutil.copyfile(out, fresh)
    os.replace(fresh, options.out)


def read_module(path):
    code = path.read_bytes() if path.stat().st_size <= WASM_LARGEST else b""
    if code[:8] != b"\0asm\1\0\0\0":
        raise Failed(f"{path} is not an engine.wasm")
    try:
        wasm_sections.check_names(code)
    except wasm_sections.Damaged as error:
        raise Failed(f"{path} is damaged: {error}") from error
    return code


def say(text):
    print(f"torpor: {text}", file=sys.stderr, flush=True)


def make(options):
    code = read_module(options.wasm)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torpor-engine-") as work:
        folder = pathlib.Path(work)
        (folder / "parts").mkdir()
        wasm = folder / "engine.wasm"
        wasm.write_bytes(code)
        say("translating to C")
        translate(wasm, folder / "parts", folder)
        write_id(code, folder / "engine-id.h")
        say("compiling (about a minute)")
        compile_library(ENGINE / "bind.c", folder, options)
    say(f"compiled in {time.monotonic() - started:.0f} s")


def main():
    parser = argparse.ArgumentParser(description="Makes an engine's .so.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--soft-bounds", action="store_true")
    parser.add_argument("wasm", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    try:
        make(parser.parse_args())
    except (Failed, OSError) as error:
        sys.exit(f"torpor: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
