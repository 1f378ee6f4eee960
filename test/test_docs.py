#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=120
"""The guides for users do what they say.

JavaScript blocks that begin with a comment naming a file are written down; the
torpor commands of shell blocks run in order in that folder, on one store. "#
exits N" behind a command is its exit code; $SITE is the address of a server
(support/web.py). What the command line has is in
docs/cli.md.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
import web  # noqa: E402

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
TORPOR = os.path.abspath(os.environ["TORPOR"])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(name):
    return (SOURCE / "docs" / name).read_text(encoding="utf-8")


def commands(text):
    """Pairs of a command line and the exit code that it has."""
    for line in text.splitlines():
        exits = re.search(r"# exits (\d+)", line)
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line.startswith("torpor "):
            yield line, int(exits.group(1)) if exits else 0


def torpor(*words):
    return subprocess.run([TORPOR, *words], text=True, capture_output=True,
                          check=True).stdout


class Examples(unittest.TestCase):
    def setUp(self):
        self.server = web.Server()
        self.server.__enter__()

    def tearDown(self):
        self.server.__exit__()

    def check(self, name, least=6):
        ran = 0
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            os.symlink(TORPOR, work / "torpor")
            environment = {**os.environ,
                           "PATH": f"{work}:{os.environ['PATH']}",
                           "SITE": self.server.url,
                           "TORPOR_STORE": str(work / "torpor.db")}
            for kind, text in BLOCK.findall(read(name)):
                named = re.match(r"// ([\w.-]+)", text)
                if kind == "js" and named:
                    (work / named.group(1)).write_text(text)
                for line, code in commands(text) if kind == "sh" else []:
                    done = subprocess.run(line, shell=True, cwd=work,
                                          env=environment, text=True,
                                          stdin=subprocess.DEVNULL, timeout=60,
                                          capture_output=True, check=False)
                    self.assertEqual(done.returncode, code,
                                     f"{line}\n{done.stdout}{done.stderr}")
                    ran += 1
        self.assertGreaterEqual(ran, least)

    def test_command_line(self):
        self.check("cli.md")

    def test_durable_runs(self):
        self.check("durable-runs.md")

    def test_scripts(self):
        self.check("scripts.md")

    def test_modules(self):
        pages = sorted((SOURCE / "docs/modules").glob("*.md"))
        self.assertGreater(len(pages), 0)
        for page in pages:
            with self.subTest(page.name):
                self.check(f"modules/{page.name}", least=1)


class Completeness(unittest.TestCase):
    def test_every_option_and_exit_code_is_there(self):
        text, help_text = read("cli.md"), torpor("--help")
        names = re.findall(r"^  (\w+) ", help_text.split("Options:")[0],
                           re.MULTILINE)
        self.assertIn("worker", names)
        for name in names:
            if name not in ("FILE", "help"):
                self.assertIn(f"## torpor {name}", text)
                for option in re.findall(r"--[a-z-]+", torpor(name, "--help")):
                    self.assertIn(f"`{option}", text)
        codes = re.findall(r"^  (\d+) +(.*)$", help_text, re.MULTILINE)
        self.assertGreater(len(codes), 10)
        for number, meaning in codes:
            self.assertIn(f"| {number} | {meaning} |", text)


if __name__ == "__main__":
    unittest.main()
