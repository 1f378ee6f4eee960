#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_translate.py - translating modules that somebody hostile wrote.

ctest: nosanitize timeout=300

What is made of a module runs natively, so nothing of its text may become C:
names are refused that would end a comment. Modules that are changed at random
are refused with a sentence, or translated.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
ENGINE = SOURCE / "engine"
COUNTER = BUILD / "test-extensions/counter.wasm"
SEEDS = 2000 if os.environ.get("TORPOR_TIER") == "full" else 60

NAMES = ["a*/ int evil; /*", "a\"b", "a\\\\b", "a\\0ab", "", "ä", "x" * 300]


def number(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def text(name):
    data = name.encode().decode("unicode_escape").encode()
    return number(len(data)) + data


def section(kind, content):
    return bytes([kind]) + number(len(content)) + content


def module(imported="memory", exported="f"):
    """A module with one import and one export of these names."""
    return (b"\0asm\1\0\0\0"
            + section(1, b"\1\x60\0\0")
            + section(2, b"\1" + text("env") + text(imported) + b"\2\0\1")
            + section(3, b"\1\0")
            + section(7, b"\1" + text(exported) + b"\0\0")
            + section(10, b"\1\2\0\x0b"))


class Translate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name)

    def run_on(self, program, code, *options):
        """What the program says of a module: (exit code, text)."""
        wasm = self.work / "given.wasm"
        wasm.write_bytes(code)
        done = subprocess.run(
            [sys.executable, ENGINE / program, *options, wasm,
             self.work / "out"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stderr

    def test_names(self):
        for name in NAMES:
            for code in (module(imported=name), module(exported=name)):
                for program, options in (
                        ("translate_extension.py", ["--only-c"]),
                        ("translate.py", [])):
                    with self.subTest(name=name, program=program):
                        status, said = self.run_on(program, code, *options)
                        self.assertEqual(status, 1)
                        self.assertIn("which is not of letters", said)

    def test_good_names_go_on(self):
        """They are refused for what they lack, not for their names."""
        status, said = self.run_on("translate_extension.py", module(),
                                   "--only-c")
        self.assertEqual(status, 1)
        self.assertIn("dylink.0", said)

    def test_changed_at_random(self):
        good = COUNTER.read_bytes()
        self.assertEqual(
            self.run_on("translate_extension.py", good, "--only-c")[0], 0)
        for seed in range(SEEDS):
            rand = random.Random(seed)
            code = bytearray(good)
            for _ in range(rand.randint(1, 4)):
                code[rand.randrange(8, len(code))] = rand.randrange(256)
            if rand.random() < 0.2:
                del code[rand.randrange(8, len(code)):]
            with self.subTest(seed=seed):
                status, said = self.run_on("translate_extension.py",
                                           bytes(code), "--only-c")
                self.assertIn(status, (0, 1))
                self.assertEqual(status == 0, said == "")


if __name__ == "__main__":
    unittest.main()
