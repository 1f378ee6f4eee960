#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=120
"""The README does what it says.

Its programs in C and in TypeScript are compiled and run, the latter with the
npm package, and print what the text block after them shows. Its JavaScript files (blocks that begin with a comment naming the file)
are written down, and the torpor commands of its shell blocks run in order in
that folder, on one store. The make targets that it names exist.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks():
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    return BLOCK.findall(text)


def commands(text):
    """The command lines of a shell block, without their comments."""
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if line:
            yield line


class ReadmeTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.work = pathlib.Path(holder.name)
        self.environment = {
            **os.environ,
            "PATH": f"{BUILD}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": str(BUILD),
            "TORPOR_STORE": str(self.work / "store.db"),
        }

    def run_in_work(self, command):
        done = subprocess.run(command, cwd=self.work, env=self.environment,
                              shell=isinstance(command, str), text=True,
                              stdin=subprocess.DEVNULL, timeout=60,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0,
                         f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_c_programs(self):
        blocks = read_blocks()
        programs = [index for index, (kind, _) in enumerate(blocks)
                    if kind == "c"]
        self.assertTrue(programs, "the README has no C program")
        for index in programs:
            (self.work / "first.c").write_text(blocks[index][1])
            self.run_in_work([os.environ["TORPOR_CC"], "-std=c11", "-Wall",
                              "-Wextra", "-Werror", f"-I{SOURCE}/include",
                              "-o", "first", "first.c", f"-L{BUILD}",
                              "-ltorpor"])
            said = self.run_in_work(["./first"])
            kind, expected = blocks[index + 1]
            self.assertEqual(kind, "text", "no text block with the output")
            self.assertEqual(said, expected)

    def test_typescript_programs(self):
        blocks = read_blocks()
        programs = [index for index, (kind, _) in enumerate(blocks)
                    if kind == "ts"]
        self.assertTrue(programs, "the README has no TypeScript program")
        node = os.environ["TORPOR_NODE"]
        compiler = SOURCE / "js/node_modules/typescript/bin/tsc"
        [package] = (BUILD / "npm").glob("torpor-vm-*.tgz")
        place = self.work / "node_modules/torpor-vm"
        place.mkdir(parents=True)
        self.run_in_work(["tar", "-xzf", str(package), "-C", str(place),
                          "--strip-components=1"])
        for index in programs:
            (self.work / "first.mts").write_text(blocks[index][1])
            self.run_in_work([node, str(compiler), "--strict", "--target",
                              "es2022", "--module", "nodenext", "--lib",
                              "es2022,esnext.disposable,dom", "first.mts"])
            said = self.run_in_work([node, "first.mjs"])
            kind, expected = blocks[index + 1]
            self.assertEqual(kind, "text", "no text block with the output")
            self.assertEqual(said, expected)

    def test_commands(self):
        ran = 0
        for kind, text in read_blocks():
            named = re.match(r"// ([\w.-]+)\n", text)
            if kind == "js" and named:
                (self.work / named.group(1)).write_text(text)
            if kind != "sh":
                continue
            if "kill -9" in text:
                self.run_and_kill(text)
                ran += 1
                continue
            for line in commands(text):
                if line.startswith("torpor "):
                    self.run_in_work(line)
                    ran += 1
        self.assertGreater(ran, 0, "the README shows no command")

    def run_and_kill(self, text):
        """Runs a block as a whole; the kill comes when the run waits, which
        takes longer than the README says on a machine that is busy."""
        waits = "until torpor list | grep -q decision; do sleep 0.1; done;"
        self.assertIn("sleep 1; kill -9 $!", text)
        script = text.replace("sleep 1;", waits)
        done = subprocess.run(["bash", "-e", "-c", script], cwd=self.work,
                              env=self.environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "asked for 120\napproved\n")

    def test_make_targets(self):
        targets = set(re.findall(r"^([a-z-]+):",
                                 (SOURCE / "Makefile").read_text(),
                                 re.MULTILINE))
        text = (SOURCE / "README.md").read_text(encoding="utf-8")
        named = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", text,
                           re.MULTILINE)
        names = {one or other for one, other in named}
        self.assertTrue(names)
        self.assertLessEqual(names, targets)


if __name__ == "__main__":
    unittest.main()
