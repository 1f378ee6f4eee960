#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""The compiler kept what tune.py made of the interpreter: an indirect jump
after the code of each opcode, not one for all."""

import os
import pathlib
import platform
import re
import subprocess
import sys

ENGINE = pathlib.Path(os.environ["TORPOR_BUILD"]) / "engine/engine.so"
JUMPS_LEAST = 250  # there are about 400 ways back to the loop's head


def read_functions():
    """The instructions of each function of the engine, by its name."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(ENGINE)],
        capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^[0-9a-f]+ <([^>]+)>:$", listing, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def main():
    if platform.machine() != "x86_64":
        print("not looked at: this reads x86-64 code")
        return
    jumps = {name: len(re.findall(r"\bjmp +\*%r", code))
             for name, code in read_functions().items()}
    most = max(jumps, key=jumps.get)
    if jumps[most] < JUMPS_LEAST:
        sys.exit(f"the interpreter ({most}) has {jumps[most]} indirect jumps")


if __name__ == "__main__":
    main()
