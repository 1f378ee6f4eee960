#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""signatures.py - the types of the functions that an engine has for extensions.

Usage: signatures.py INCLUDE OUT

Clang says them, of the headers in folder INCLUDE; OUT has one line for each
function, 'NAME (i32 i64) -> (i32)', in the order of extension-functions.h.
"""

import pathlib
import subprocess
import sys
import tempfile

import side_module
import toolchain
import wasm

HEADERS = ["torpor-extension.h", "malloc.h", "math.h", "stdio.h", "stdlib.h",
           "string.h", "sys/time.h", "time.h", "unistd.h", "assert.h"]


def compile_references(include, names):
    """An object that imports all of the functions."""
    lines = [f"#include <{header}>" for header in HEADERS]
    lines += ["void *const torpor_functions[] = {",
              *(f"  (void *){name}," for name in names), "};"]
    with tempfile.TemporaryDirectory(prefix="torpor-extension-") as folder:
        source = pathlib.Path(folder) / "functions.c"
        source.write_text("\n".join(lines) + "\n")
        toolchain.run(toolchain.CLANG, *toolchain.TARGET, "-std=gnu11", "-w",
                      "-fno-builtin", f"-I{include}", "-c", source, "-o",
                      source.with_suffix(".o"))
        return source.with_suffix(".o").read_bytes()


def spell(kinds):
    return "(" + " ".join(kinds) + ")"


def find(include):
    """{name: (parameters, results)} in the order of the list."""
    names = toolchain.engine_functions(include)
    module = side_module.SideModule(compile_references(include, names))
    types = {one.name: module.types[one.detail]
             for one in module.imported(side_module.FUNCTION)}
    return {name: types[name] for name in names}


def load(path):
    """{name: (parameters, results)} of a file that this program wrote."""
    types = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, given, results = line.replace(" -> ", "|").replace(
            " (", "|(", 1).split("|")
        types[name] = (tuple(given.strip("()").split()),
                       tuple(results.strip("()").split()))
    return types


def main():
    include, out = map(pathlib.Path, sys.argv[1:])
    try:
        types = find(include)
    except (toolchain.Failed, wasm.Damaged, subprocess.SubprocessError,
            OSError) as error:
        sys.exit(f"signatures.py: {error}")
    out.write_text("".join(f"{name} {spell(given)} -> {spell(results)}\n"
                           for name, (given, results) in types.items()))


if __name__ == "__main__":
    main()
