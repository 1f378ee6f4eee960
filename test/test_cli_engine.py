#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""torpor engine, as a user meets it; test_engine_older translates one."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TORPOR = os.path.abspath(os.environ["TORPOR"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
DONE, USAGE, FILE = 0, 2, 6


def read_leb(code, at):
    """A number in LEB128 and where it ends."""
    value, shift = 0, 0
    while True:
        byte = code[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def with_memory(code, pages):
    """An engine.wasm that says another initial size of its memory, in as many
    bytes as before."""
    at = 8
    while code[at] != 5:  # the memory section
        size, start = read_leb(code, at + 1)
        at = start + size
    _, start = read_leb(code, at + 1)
    start += 2  # one memory; its flags
    _, end = read_leb(code, start)
    digits = [pages >> 7 * i & 127 | 128 for i in range(end - start)]
    digits[-1] &= 127
    return code[:start] + bytes(digits) + code[end:]


class Engine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="torpor-engine-"))
        self.home = self.folder / "some/engines"
        self.environment = {**os.environ, "TORPOR_ENGINE_PATH":
                            f"{self.home}:{self.folder}/second"}
        self.own = next((BUILD / "lib/torpor/engines").glob("*.so"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def engine(self, *words, code=DONE):
        done = subprocess.run([TORPOR, "engine", *map(str, words)], text=True,
                              cwd=self.folder, capture_output=True,
                              stdin=subprocess.DEVNULL, env=self.environment)
        self.assertEqual(done.returncode, code, f"{words}: {done}")
        return done

    def listed(self):
        """Without those beside the command, which a build may have."""
        return [engine for engine in
                json.loads(self.engine("list", "--json").stdout)
                if engine["path"] is None
                or engine["path"].startswith(str(self.folder))]

    def test_list(self):
        own, = self.listed()
        self.assertEqual(own["id"], self.own.stem)
        self.assertEqual((own["builtIn"], own["path"], own["usable"],
                          own["reason"]), (True, None, True, None))
        self.assertRegex(own["quickjs"], r"^\d+\.\d+\.\d+$")
        self.assertGreaterEqual(own["abi"], 2)

    def test_add(self):
        added = self.engine("add", self.own).stdout
        path = self.home / self.own.name
        self.assertIn(str(path), added)
        self.assertEqual(path.read_bytes(), self.own.read_bytes())
        self.assertEqual([file.name for file in self.home.iterdir()],
                         [self.own.name])
        self.assertEqual(self.listed()[1]["path"], str(path))
        other = self.folder / "other"
        said = self.engine("add", self.own, "--to", other, "--json").stdout
        self.assertEqual(json.loads(said)["path"],
                         str(other / self.own.name))

    def test_what_is_no_engine(self):
        for content in (b"", b"nonsense", self.own.read_bytes()[:5000]):
            file = self.folder / "file.so"
            file.write_bytes(content)
            said = self.engine("add", file, code=FILE).stderr
            self.assertIn("not an engine that this Torpor can use", said)
        (self.folder / "file.wasm").write_bytes(b"\0asm")
        said = self.engine("add", "file.wasm", code=FILE).stderr
        self.assertIn("is not an engine.wasm", said)
        (self.folder / "file.wasm").write_bytes(b"\0asm\1\0\0\0")
        self.engine("add", "file.wasm", code=FILE)
        self.engine("add", "missing.so", code=FILE)
        self.assertEqual(list(self.home.iterdir()), [])
        self.assertEqual(len(self.listed()), 1)

    def test_an_engine_that_asks_for_the_impossible(self):
        code = (BUILD / "engine.wasm").read_bytes()
        (self.folder / "file.wasm").write_bytes(with_memory(code, 1))
        said = self.engine("add", "file.wasm", code=FILE).stderr
        self.assertIn("the module is damaged", said)
        self.assertIn("do not fit into 1 pages", said)
        self.assertEqual(list(self.home.iterdir()), [])

    def test_wrong_name(self):
        self.home.mkdir(parents=True)
        shutil.copyfile(self.own, self.home / f"{'a' * 64}.so")
        (self.home / "notes.txt").write_text("no engine")
        own, other = self.listed()
        self.assertEqual(other["id"], "a" * 64)
        self.assertFalse(other["usable"])
        self.assertIn("another engine", other["reason"])

    def test_what_is_missing(self):
        wasm = BUILD / "engine.wasm"
        tools = self.folder / "tools"
        tools.mkdir()
        self.environment["PATH"] = str(tools)
        said = self.engine("build", wasm, code=FILE).stderr
        self.assertIn("python3", said)
        os.symlink(shutil.which("python3"), tools / "python3")
        said = self.engine("build", wasm, code=FILE).stderr
        self.assertIn("wasm2c is not installed", said)
        os.symlink(shutil.which("wasm2c"), tools / "wasm2c")
        said = self.engine("build", wasm, code=FILE).stderr
        self.assertIn("cc is not installed", said)

    def test_folder_that_cannot_be(self):
        (self.folder / "file").write_text("")
        said = self.engine("add", self.own, "--to", self.folder / "file/x",
                           code=FILE).stderr
        self.assertIn("--to", said)

    def test_usage(self):
        for words in ((), ("lst",), ("add",), ("list", "x"), ("build",)):
            self.engine(*words, code=USAGE)
        self.assertIn("torpor engine list | add FILE | build ENGINE.wasm",
                      self.engine(code=USAGE).stderr)
        self.assertIn("did you mean 'list'",
                      self.engine("lst", code=USAGE).stderr)


if __name__ == "__main__":
    unittest.main()
