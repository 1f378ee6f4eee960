#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=900
"""What CONTRIBUTING.md shows works: its shell blocks run in a copy of the tree.

They add a command, an operation with its driver and an entry of the guest, so
an engine is made here: once, since the blocks that only write files run first.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def copy_tree(folder):
    """The files that git tracks or would, and what setup has fetched."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=SOURCE, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, names):
        source = SOURCE / os.fsdecode(name)
        if source.is_file():
            target = folder / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    # Nothing of this is written to.
    for name in ("build/deps", "js/node_modules"):
        if (SOURCE / name).is_dir():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(SOURCE / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)


class ContributingTest(unittest.TestCase):
    def run_block(self, folder, text):
        environment = {**os.environ, "TORPOR_OFFLINE": "1"}
        done = subprocess.run(["sh", "-eu", "-c", text], cwd=folder,
                              env=environment, text=True, timeout=800,
                              stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}")
        return done.stdout

    def test_its_commands(self):
        blocks = BLOCK.findall(
            (SOURCE / "CONTRIBUTING.md").read_text(encoding="utf-8"))
        self.assertGreater(len(blocks), 5)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            copy_tree(folder)
            blocks.sort(key=lambda text: "build" in text)
            said = [self.run_block(folder, block) for block in blocks]
        building = [text for text in said if text]
        self.assertIn("\n3\n", building[0])
        self.assertIn("Hello, you.\n{ a: [ 1, 2 ] }", building[-1])
        self.assertIn("100% tests passed", building[-1])


if __name__ == "__main__":
    unittest.main()
