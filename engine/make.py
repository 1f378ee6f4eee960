#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make.py - makes an engine: from C to a baked module to C again.

Usage: make.py --quickjs DIR [--unpatched] [--builtins DIR] [--node NODE]
               --out DIR [--depfile FILE]

  --quickjs   must have the patches of engine/patches, unless --unpatched
  --node      what bakes; the one that tools/setup brought if not given

  guest/js/*  -> library.h           guest/embed.py
  builtin-*.h of --builtins -> same  fit-builtins.py, when --quickjs has none
  guest/*.c   -> core.wasm           clang, wasm-ld; hot.txt
  core.wasm   -> engine.wasm         bake.mjs: initialised once
                 engine-id.h         its hash
  engine.wasm -> engine.c, .h        translate.py: wasm2c
                 engine-shape.h      tune.py

OUT gets engine.wasm, engine-id.h, engine.c, engine.h and engine-shape.h, and
OUT/parts what lies between. The same sources give the same bytes, wherever they
and OUT lie. DEPFILE (for Ninja) names what core.wasm was compiled from.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import translate

ENGINE = pathlib.Path(__file__).resolve().parent
SOURCE = ENGINE.parent
NODE = SOURCE / "build/deps/node/bin/node"

# 144 KiB are beyond the limit that guest/stack.h sets, for C code that does
# not ask for the limit.
STACK_SIZE = 384 << 10

WASM = ["--target=wasm32-wasi", "--sysroot=/usr", "-Wno-deprecated",
        "--no-wasm-opt"]
# Functions that are not declared 'inline' stay functions, unless hot.txt says
# otherwise.
COMPILE = ["-std=gnu11", "-O2", "-finline-hint-functions", "-fno-unroll-loops",
           "-DNDEBUG", "-w"]
# The stack lies lowest, so that running over it traps. tune.py reads the
# version of QuickJS from the function that gives it.
LINK = ["--stack-first", "-z", f"stack-size={STACK_SIZE}", "--export-table",
        "--growable-table", "--export=__stack_pointer",
        "--export=torpor_control", "--export=JS_GetVersion",
        "--compress-relocations", "--strip-all"]
COLD = ["minsize", "optsize"]  # attributes of all functions but the hot ones


def run(*command):
    """Runs a program; its failure, with what it said, is ours."""
    command = [str(part) for part in command]
    if shutil.which(command[0]) is None:
        sys.exit(f"make.py: {command[0]} is not installed; run tools/setup")
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"make.py: this failed: {' '.join(command)}")


def check_patches(quickjs):
    done = subprocess.run([ENGINE / "patch.sh", "--check", quickjs],
                          check=False)
    if done.returncode != 0:
        sys.exit("make.py: run tools/setup; if these sources are your own: "
                 f"engine/patch.sh {quickjs}")


def read_hot():
    """The names in hot.txt."""
    lines = (ENGINE / "hot.txt").read_text().splitlines()
    names = [line.split("#")[0].strip() for line in lines]
    return [name for name in names if name]


def choose_speed(names):
    """Options that have these functions compiled for speed, others for size."""
    options = [f"-force-attribute={attribute}" for attribute in COLD]
    options += [f"-force-remove-attribute={name}:{attribute}"
                for name in names for attribute in (*COLD, "noinline")]
    return [part for option in options for part in ("-mllvm", option)]


def check_hot(names, files):
    """A name that no source has was renamed, or is misspelt."""
    words = set()
    for file in files:
        words.update(re.findall(r"\w+", pathlib.Path(file).read_text()))
    missing = [name for name in names if name not in words]
    if missing:
        sys.exit(f"make.py: hot.txt names what is not there: {missing}")


def compile_core(quickjs, builtins, parts, unpatched):
    """core.wasm; gives the files that it was compiled from."""
    if builtins:
        run(ENGINE / "fit-builtins.py", quickjs, builtins, parts)
    run(sys.executable, SOURCE / "guest/embed.py", parts / "library.h",
        *sorted((SOURCE / "guest/js").glob("*.js")))
    includes = [f"-I{folder}" for folder in
                (SOURCE / "guest", SOURCE / "include", SOURCE, parts, quickjs)]
    prefixes = [f"-ffile-prefix-map={folder}={name}" for folder, name in
                ((parts, "parts"), (quickjs, "quickjs"), (SOURCE, "."))]
    run("clang-22", *WASM, *COMPILE, *choose_speed(read_hot()), *includes,
        *prefixes, *(["-DTORPOR_UNPATCHED"] if unpatched else []), "-MD", "-MF",
        parts / "core.d", "-c", SOURCE / "guest/engine.c", "-o",
        parts / "core.o")
    linker = [part for option in LINK for part in ("-Xlinker", option)]
    run("clang-22", *WASM, "-mexec-model=reactor", parts / "core.o", *linker,
        "-o", parts / "core.wasm")
    text = (parts / "core.d").read_text().split(":", 1)[1]
    names = re.split(r"(?<!\\)\s+", text.replace("\\\n", " ").strip())
    return [name.replace("\\ ", " ") for name in names]


def bake(node, parts, out):
    run("clang-22", *WASM, "-O2", "-nostdlib", "-Wl,--no-entry", f"-I{SOURCE}",
        ENGINE / "layout.c", "-o", parts / "layout.wasm")
    run(node, ENGINE / "bake.mjs", parts / "core.wasm", parts / "layout.wasm",
        parts / "engine.wasm", out / "engine-id.h")
    shutil.copyfile(parts / "engine.wasm", out / "engine.wasm")


def write_depfile(path, target, files):
    names = " ".join(str(name).replace(" ", "\\ ") for name in files)
    path.write_text(f"{target}: {names}\n")


def main():
    parser = argparse.ArgumentParser(description="Makes an engine.")
    parser.add_argument("--quickjs", type=pathlib.Path, required=True)
    parser.add_argument("--unpatched", action="store_true",
                        help="take the sources as they are")
    parser.add_argument("--builtins", type=pathlib.Path,
                        help="sources that have what --quickjs may lack")
    parser.add_argument("--node", type=pathlib.Path, default=NODE,
                        help="Node, which initialises the engine")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path)
    options = parser.parse_args()
    quickjs, out = options.quickjs.resolve(), options.out.resolve()
    if not options.unpatched:
        check_patches(quickjs)
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    files = compile_core(quickjs, options.builtins, parts, options.unpatched)
    if not options.unpatched:
        check_hot(read_hot(), files)
    bake(options.node, parts, out)
    try:
        translate.translate(out / "engine.wasm", parts, out)
    except translate.Failed as error:
        sys.exit(f"make.py: {error}")
    if options.depfile:
        write_depfile(options.depfile, out / "engine.wasm", files)


if __name__ == "__main__":
    main()
