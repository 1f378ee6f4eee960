#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=300
"""docs/extensions.md does what it says.

Blocks in C, C++ and JavaScript that begin with a comment naming a file are
written down; the lines of shell blocks run in order, and print what a text block
behind them shows, at their end. "# exits N" behind a line is its exit code.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
import extension  # noqa: E402
from extension import BUILD, SOURCE  # noqa: E402

import check  # noqa: E402

TEXT = (SOURCE / "docs/extensions.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?://|/\*) ([\w.-]+)")


class Reader:
    """A reader at a computer where Torpor is installed."""

    def __init__(self, folder):
        self.cwd = folder
        tools = folder / "bin"
        tools.mkdir()
        os.symlink(os.path.abspath(os.environ["TORPOR"]), tools / "torpor")
        os.symlink(os.environ["TORPOR_NODE"], tools / "node")
        node = pathlib.Path(os.environ["TORPOR_NODE"]).resolve().parent
        self.package, = (BUILD / "npm").glob("torpor-vm-*.tgz")
        (folder / "package.json").write_text('{"private": true}\n')
        self.environment = {
            **os.environ, "PATH": f"{tools}:{node}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": str(BUILD), "npm_config_offline": "true",
            "npm_config_cache": str(folder / "npm"), "npm_config_audit":
            "false", "npm_config_fund": "false"}

    def run(self, line):
        """What a line prints; its exit code is as it says."""
        exits = re.search(r"# exits (\d+)", line)
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line.startswith("cd "):
            self.cwd = (self.cwd / line[3:]).resolve()
            return ""
        line = re.sub(r"\btorpor-vm$", str(self.package), line)
        line = line.replace("$(pkg-config --cflags --libs torpor)",
                            f"-I{SOURCE}/include -L{BUILD} -ltorpor")
        done = subprocess.run(line, shell=True, cwd=self.cwd, text=True,
                              env=self.environment, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
        code = int(exits.group(1)) if exits else 0
        assert done.returncode == code, \
            f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, name, text):
        (self.cwd / name).write_text(text)


class Examples(unittest.TestCase):
    def test_blocks(self):
        with tempfile.TemporaryDirectory() as place:
            reader = Reader(pathlib.Path(place))
            said, seen = "", 0
            for kind, text in BLOCK.findall(TEXT):
                if kind == "text":
                    self.assertTrue(said.endswith(text), f"{text!r}: {said!r}")
                elif kind == "sh":
                    said = "".join(reader.run(line)
                                   for line in text.splitlines())
                    seen += 1
                else:
                    reader.write(NAMED.match(text).group(1), text)
            self.assertGreater(seen, 8)


class Sentences(unittest.TestCase):
    def test_what_the_checker_says(self):
        """Each sentence of the table is one that programs of the kit say."""
        table = TEXT.split("| it says | because |")[1].split("\n\n")[0]
        said = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
        self.assertGreater(len(said), 10)
        sources = "".join(
            path.read_text() for path in sorted(extension.KIT.glob("*.py")))
        joined = re.sub(r'"\s*\n\s*f?"', "", sources)
        for words in said:
            self.assertIn(words, joined)

    def test_the_interface(self):
        header = (SOURCE / "include/torpor-extension.h").read_text()
        number = re.search(r"#define TORPOR_EXTENSION_INTERFACE (\d+)", header)
        self.assertEqual(int(number.group(1)), check.INTERFACE)


if __name__ == "__main__":
    unittest.main()
