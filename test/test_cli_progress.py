#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""A command that takes long says so, on a terminal only, in a line that is gone
when it is done.

What is slow here is what commands wait for: a pipe that fills late, a store that
another process writes to, a program that sleeps. Nothing is said of what takes
less than a second.
"""

import os
import re
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, FILE, PATIENCE, TORPOR, Durable  # noqa: E402
from terminal import on_terminal  # noqa: E402

SLOW = 1.8  # seconds
CLEAR = "\r\033[K"


class Progress(Durable):
    def setUp(self):
        super().setUp()
        self.environment["TERM"] = "xterm"
        self.detach("import { signal, sleep } from 'torpor:run';"
                    "await sleep(1); await signal('go');")

    def on_terminal(self, *words, code=DONE, **more):
        said, found = on_terminal([os.path.abspath(TORPOR), *words],
                                  cwd=self.folder, env=self.environment,
                                  patience=PATIENCE, **more)
        self.assertEqual(found, code, said)
        return said

    def fill_late(self, data, name="pipe"):
        """Makes a pipe that 'data' is written to after a while."""
        path = self.path(name)
        os.mkfifo(path)

        def fill():
            with open(path, "wb") as file:
                time.sleep(SLOW)
                file.write(data)
            os.remove(path)

        threading.Thread(target=fill, daemon=True).start()
        return name

    def lock_for_a_while(self):
        """Another process's transaction in the store."""
        child = subprocess.Popen(
            [sys.executable, "-c", "import sqlite3, time\n"
             "store = sqlite3.connect('torpor.db', isolation_level=None)\n"
             "store.execute('begin immediate')\n"
             f"print(1, flush=True); time.sleep({SLOW}); store.rollback()"],
            cwd=self.folder, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        child.stdout.readline()

    def make_states(self):
        worker = self.start("worker", "-q")
        self.wait_until(lambda: self.show()["step"] == 2)
        worker.kill()
        worker.wait()

    def exported(self):
        self.make_states()
        self.torpor("export", "main", "-o", "file")
        with open(self.path("file"), "rb") as file:
            return file.read()

    def check(self, said, doing, rest):
        """A line, again and again in its place, and then the rest."""
        lines = re.findall(re.escape(CLEAR) + r"torpor: ([^\r]*), (\d+) s\r",
                           said)
        self.assertGreater(len(lines), 0, said)
        for line, seconds in lines:
            self.assertEqual(line, doing)
            self.assertGreaterEqual(int(seconds), 1)
        self.assertEqual(re.sub(r"\033\[\d+m", "", said.split(CLEAR)[-1]),
                         rest)

    def test_a_file_that_comes_slowly(self):
        data = self.exported()
        pipe = self.fill_late(data)
        said = self.on_terminal("import", pipe, "--id=new")
        self.check(said, f"importing {pipe}", "new\n")
        pipe = self.fill_late(data, "other")
        said = self.on_terminal("import", pipe, "--id=newer", "--json")
        self.check(said, f"importing {pipe}", '{"run":"newer"}\n')
        pipe = self.fill_late(b"nothing", "third")
        said = self.on_terminal("import", pipe, code=FILE)
        self.check(said, f"importing {pipe}",
                   "torpor: this is not a Torpor snapshot (bad magic)\n")

    def test_a_store_that_another_process_writes(self):
        self.make_states()
        self.lock_for_a_while()
        said = self.on_terminal("prune", "main", "--keep=1")
        self.check(said, "dropping states, 0 of 1 runs",
                   said.split(CLEAR)[-1])
        self.assertIn("1 state dropped", said)
        self.lock_for_a_while()
        said = self.on_terminal("fork", "main", "--id=two", "--json")
        self.check(said, "forking main", said.split(CLEAR)[-1])
        self.assertIn('{"run":"two",', said)

    def test_a_long_line_is_cut(self):
        pipe = self.fill_late(b"nothing", "x" * 100)
        said = self.on_terminal("import", pipe, code=FILE, columns=40)
        lines = re.findall(r"\033\[K(torpor: [^\r]*)\r", said)
        self.assertGreater(len(lines), 0, said)
        for line in lines:
            self.assertEqual(len(line), 39)

    def test_another_program(self):
        os.mkdir(self.path("bin"))
        self.write("bin/python3", f"#!/bin/sh\nsleep {SLOW}\n")
        os.chmod(self.path("bin/python3"), 0o755)
        self.environment["PATH"] = f"{self.path('bin')}:{os.environ['PATH']}"
        said = self.on_terminal("extension", "check", "x.wasm")
        self.check(said, "checking an extension", "")

    def test_nothing_of_what_is_quick_or_not_on_a_terminal(self):
        data = self.exported()
        self.assertNotIn(CLEAR, self.on_terminal("prune", "main", "--keep=1"))
        done = self.torpor("import", self.fill_late(data), "--id=new")
        self.assertEqual((done.stdout, done.stderr), ("new\n", ""))
        self.environment["TERM"] = "dumb"
        pipe = self.fill_late(data, "other")
        self.assertEqual(self.on_terminal("import", pipe, "--id=dumb"),
                         "dumb\n")


if __name__ == "__main__":
    unittest.main()
