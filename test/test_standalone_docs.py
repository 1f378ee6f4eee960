#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=300
"""docs/standalone.md does what it says, where Torpor is installed.

Blocks that begin with a comment naming a file are written down; the lines of
shell blocks run in order; a text block behind them is the end of what they
print, where numbers of bytes may be others.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = os.environ["TORPOR_BUILD"]
TEXT = (SOURCE / "docs/standalone.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?://|/\*) ([\w./-]+)[^\n]*\n")


def without_sizes(text):
    return re.sub(r"\(\d+ bytes", "(N bytes", text)


class Reader:
    def __init__(self, folder):
        self.folder = folder
        prefix = folder / "usr"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix],
                       check=True, stdout=subprocess.DEVNULL)
        self.installed = (prefix / "lib/libtorpor-standalone.a").exists()
        self.environment = {
            **os.environ,
            "PATH": f"{prefix}/bin:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}

    def run(self, text):
        done = subprocess.run(["sh", "-ec", text], cwd=self.folder, text=True,
                              env=self.environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, kind, text):
        named = NAMED.match(text)
        path = self.folder / named.group(1)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text[named.end():] if kind == "json" else text)


class Guide(unittest.TestCase):
    def test_blocks(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="torpor-docs-"))
        self.addCleanup(shutil.rmtree, folder)
        reader = Reader(folder)
        if not reader.installed:
            self.skipTest("a static library was not found")
        said, seen = "", 0
        for kind, text in BLOCK.findall(TEXT):
            if kind == "text":
                self.assertTrue(
                    without_sizes(said).endswith(without_sizes(text)),
                    f"{text!r}: {said!r}")
            elif kind == "sh":
                said = reader.run(text)
                seen += 1
            elif kind in ("js", "json", "c"):
                reader.write(kind, text)
        self.assertEqual(seen, 5)

    def test_the_options_of_compile(self):
        said = subprocess.run([os.environ["TORPOR"], "compile", "--help"],
                              check=True, capture_output=True, text=True)
        table = TEXT.split("## C source, as by qjsc")[1]
        for letter in re.findall(r"^  (-\w), --", said.stdout, re.MULTILINE):
            if letter not in "-h -A":  # of all commands; of all that run programs
                self.assertIn(f"`{letter}", table)


if __name__ == "__main__":
    unittest.main()
