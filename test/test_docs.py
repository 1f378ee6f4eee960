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
            if name != "FILE":
                self.assertIn(f"## torpor {name}", text)
                for option in re.findall(r"--[a-z-]+", torpor(name, "--help")):
                    self.assertIn(f"`{option}", text)
        codes = re.findall(r"^  (\d+) +(.*)$", help_text, re.MULTILINE)
        self.assertGreater(len(codes), 10)
        for number, meaning in codes:
            self.assertIn(f"| {number} | {meaning} |", text)


UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "s": 1000}
# A number of docs/limits.md, the file that has it, and its name there.
LIMIT = re.compile(r'\[([^\]]+)\]\(\.\./([\w./-]+) "(\w+)"\)')
PUBLIC = re.compile(r"^#define (TORPOR_\w+_(?:LARGEST|LEAST|DEFAULT|DEPTH)"
                    r"|TORPOR_RUN_(?:FUEL|DEADLINE_MS|ATTEMPTS|KEEP))\b", re.M)


def constant(file, name):
    """The number that C or JavaScript code gives to 'name'."""
    text = (SOURCE / file).read_text(encoding="utf-8")
    found = re.findall(rf"\b{name}(?: = |[ ]+)([^;,\n}}]*\d[^;,\n}}]*)", text)
    found = [re.split(r"/\*|//", value)[0].strip() for value in found]
    for value in found:
        value = re.sub(r"U?INT(?:32|64)_C\((\d+)\)|\(\w+\)(?=\d)", r"\1", value)
        value = re.sub(r"(?<=\d)[uUlL]+\b", "", value)
        if re.fullmatch(r"[\d\s()<*e]+", value):
            return int(eval(value))  # pylint: disable=eval-used
    raise AssertionError(f"{file} does not say what {name} is: {found}")


class Limits(unittest.TestCase):
    """docs/limits.md has the numbers of the code."""

    def test_numbers_are_those_of_the_code(self):
        rows = [row for row in read("limits.md").splitlines()
                if row.startswith("| ")]
        self.assertGreater(len(rows), 50)
        for row in rows[2:]:
            cells = row.split(" | ")
            self.assertEqual(len(cells), 5, row)
            linked = LIMIT.search(cells[2])
            if linked is None:
                self.assertRegex(" | ".join(cells[2:4]),
                                 r"no limit|engine|SQLite|^2 |^4 ", row)
        for text, file, name in LIMIT.findall(read("limits.md")):
            if text == "eighth":
                text = "8"
            number, _, unit = text.partition(" ")
            said = int(number.replace(",", ""))
            is_told_in_unit = name.endswith("_MIB") or unit == "ms"
            factor = 1 if is_told_in_unit else UNITS.get(unit, 1)
            self.assertEqual(said * factor, constant(file, name), name)

    def test_every_public_limit_is_there(self):
        text = read("limits.md")
        headers = sorted((SOURCE / "include").rglob("*.h"))
        names = {name for header in headers for name in
                 PUBLIC.findall(header.read_text(encoding="utf-8"))}
        self.assertGreater(len(names), 10)
        for name in sorted(names):
            self.assertIn(f'"{name}"', text)

    def test_what_is_not_there(self):
        code = ("[typeof Intl, (1.5).toLocaleString('de', {style: 'percent'}),"
                "new Date(0).toLocaleDateString('de', {dateStyle: 'full'}) ==="
                "new Date(0).toLocaleDateString(), 'a'.localeCompare('B', 'sv',"
                "{sensitivity: 'base'}) ].join()")
        self.assertEqual(torpor("eval", "-p", code),
                         "undefined,1.5,true,1\n")


if __name__ == "__main__":
    unittest.main()
