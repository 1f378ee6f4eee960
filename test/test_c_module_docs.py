#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=120
"""docs/c-modules.md does what it says.

Blocks of C and JavaScript begin with a comment that names a file, and are
written down; shell blocks are run in order, in one folder, with pkg-config and
torpor of this build; the text block that follows one is what it prints.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
TORPOR = os.path.abspath(os.environ["TORPOR"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:/\*|//) ([\w.-]+)")
GUIDE = (SOURCE / "docs/c-modules.md").read_text(encoding="utf-8")


def make_packages(folder):
    """What pkg-config finds of an installed Torpor, for this build."""
    (folder / "torpor-loop.pc").write_text(
        "Name: torpor-loop\nDescription: it\nVersion: 1\n"
        f"Cflags: -I{SOURCE / 'include'}\n"
        f"Libs: -L{BUILD} -Wl,-rpath,{BUILD} -ltorpor-loop -ltorpor\n")


class Guide(unittest.TestCase):
    def run_block(self, text, folder):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=folder, text=True,
            capture_output=True, timeout=60, check=False,
            env={**os.environ, "PKG_CONFIG_PATH": str(folder),
                 "TORPOR_STORE": str(folder / "torpor.db"),
                 "PATH": f"{os.path.dirname(TORPOR)}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stderr}")
        return done.stdout

    def test_blocks(self):
        printed, ran = None, 0
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_packages(folder)
            for kind, text in BLOCK.findall(GUIDE):
                if kind in ("c", "js"):
                    (folder / NAMED.match(text).group(1)).write_text(text)
                elif kind == "sh":
                    self.assertIsNone(printed, "a text block is missing")
                    printed = self.run_block(text, folder)
                    ran += 1
                else:
                    self.assertEqual(printed, text)
                    printed = None
        self.assertIsNone(printed)
        self.assertGreater(ran, 6)

    def test_blocks_compile_without_warnings(self):
        with tempfile.TemporaryDirectory() as name:
            for kind, text in BLOCK.findall(GUIDE):
                if kind != "c":
                    continue
                path = pathlib.Path(name) / "block.c"
                path.write_text(text)
                subprocess.run(
                    [os.environ["TORPOR_CC"], "-std=gnu11", "-Wall", "-Wextra",
                     "-Werror", "-Wno-unused-parameter", "-fsyntax-only",
                     f"-I{SOURCE / 'include'}", path], check=True)


if __name__ == "__main__":
    unittest.main()
