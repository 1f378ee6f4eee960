#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=900
"""Two builds of the engine, from sources in different places into different
places, give the same bytes. One of them is that of the build folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILT = pathlib.Path(os.environ["TORPOR_BUILD"], "generated")
QUICKJS = pathlib.Path(os.environ.get("QUICKJS_DIR",
                                      SOURCE / "build/deps/quickjs"))
OUTPUTS = ["engine.wasm", "engine-id.h", "engine.c", "engine.h",
           "engine-shape.h"]


def make(folder):
    """Copies what an engine is made of into 'folder' and makes one; where."""
    for name in ("common", "engine", "guest", "include"):
        shutil.copytree(SOURCE / name, folder / "source" / name)
    shutil.copytree(QUICKJS, folder / "js engine")
    subprocess.run([sys.executable, folder / "source/engine/make.py",
                    "--quickjs", folder / "js engine", "--node",
                    os.environ["TORPOR_NODE"], "--out", folder / "out"],
                   check=True, cwd=folder)
    return folder / "out"


def read(folder):
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def main():
    first = read(BUILT)
    with tempfile.TemporaryDirectory(prefix="torpor-") as place:
        second = read(make(pathlib.Path(place, "a place, with a long name")))
    different = [name for name in OUTPUTS if first[name] != second[name]]
    if different:
        sys.exit(f"not the same bytes: {', '.join(different)}")
    if not first["engine.wasm"].startswith(b"\0asm"):
        sys.exit("engine.wasm is not a module")


if __name__ == "__main__":
    main()
