#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""torpor remove, torpor prune --older-than and --keep-lines: what goes from a
store that is used for years, and how the command says so."""

import json
import os
import signal
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import TORPOR, USAGE, Durable

ENDING = "console.log('one'); export default 1;"

WAITING = """
    import { signal } from "torpor:run";
    await signal("go");
    """

# Writes more lines than a pipe holds, and then commits a large state again and
# again.
COMMITTING = """
    import { sleep } from "torpor:run";
    const line = "x".repeat(100);
    for (let i = 0; i < 2000; i++) console.log(i, line);
    const words = new Uint32Array(1 << 18);
    for (let i = 0; i < 45; i++) {
      for (let j = 0; j < words.length; j++) words[j] = Math.random() * 2 ** 32;
      await sleep(1);
    }
    """


class Removing(Durable):
    def ids(self):
        return [run["id"] for run in json.loads(
            self.torpor("list", "--json").stdout)]

    def test_runs_that_have_ended(self):
        for run in "abc":
            self.run_program(ENDING, run=run)
        self.detach(WAITING, run="waits")
        self.assertIn("'torpor cancel --kill waits'",
                      self.torpor("remove", "a", "waits", code=USAGE).stderr)
        self.assertIn("did you mean 'waits'",
                      self.torpor("remove", "a", "wait", code=None).stderr)
        self.assertEqual(self.ids(), ["a", "b", "c", "waits"])
        self.assertEqual(self.torpor("remove", "a", "b").stdout,
                         "2 runs removed\n")
        self.torpor("cancel", "waits", "--kill")
        self.assertEqual(json.loads(
            self.torpor("remove", "waits", "--json").stdout)["runs"], 1)
        self.assertEqual(self.ids(), ["c"])
        self.run_program(ENDING, run="a")

    def test_a_parked_run_has_not_ended(self):
        self.detach(WAITING)
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE head SET status = 5")
        store.commit()
        store.close()
        self.assertIn("it is parked",
                      self.torpor("remove", "main", code=USAGE).stderr)

    def test_old_ones(self):
        for run in "abc":
            self.run_program(ENDING, run=run)
        self.detach(WAITING, run="w")
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE head SET changed_ms = changed_ms - 86400000 * 3 "
                      "WHERE run IN (1, 2, 4)")
        store.commit()
        store.close()
        self.assertEqual(
            self.torpor("prune", "--older-than", "4d").stdout,
            "0 runs removed\n")
        self.assertEqual(
            self.torpor("prune", "--older-than=2d", "--dry-run").stdout,
            "2 runs would be removed\n")
        self.assertEqual(self.ids(), ["a", "b", "c", "w"])
        self.assertEqual(json.loads(self.torpor(
            "prune", "--older-than=2d", "--json").stdout)["runs"], 2)
        self.assertEqual(self.ids(), ["c", "w"])

    def test_what_does_not_go_together(self):
        self.run_program(ENDING)
        for words in [("--older-than=1d", "main"), ("--older-than=1d", "--all"),
                      ("--older-than=1d", "--keep=1"), ("--older-than=0s",),
                      ("--older-than=soon",)]:
            self.torpor("prune", *words, code=USAGE)
        self.torpor("remove", code=USAGE)
        self.assertEqual(self.ids(), ["main"])

    def test_space_is_given_back(self):
        self.write("main.mjs", "export default 'x'.repeat(4 << 20);")
        self.torpor("run", "main.mjs", "--id", "large", "-q")
        self.run_program(ENDING)
        before = os.stat(self.path("torpor.db")).st_size
        self.torpor("remove", "large")
        self.assertLess(os.stat(self.path("torpor.db")).st_size,
                        before - (3 << 20))
        self.assertEqual(self.show()["value"], 1)

    def test_many_runs_of_a_large_program(self):
        """Its sources are there once."""
        self.write("main.mjs", "export default 1;" + " " * 200_000)
        for number in range(20):
            self.torpor("run", "main.mjs", "--id", f"r{number}", "-d")
        self.torpor("fork", "r0", "--id", "copy")
        self.assertLess(os.stat(self.path("torpor.db")).st_size, 1 << 20)


class Lines(Durable):
    def test_earlier_ones_are_dropped(self):
        self.run_program("for (let i = 0; i < 25; i++) console.log(i);",
                         "--keep-lines=10")
        done = self.torpor("logs", "main")
        self.assertEqual(done.stdout.split(), [str(i) for i in range(15, 25)])
        self.assertIn("15 earlier lines were dropped", done.stderr)

    def test_none_are_while_there_are_few(self):
        self.run_program("for (let i = 0; i < 25; i++) console.log(i);")
        done = self.torpor("logs", "main")
        self.assertEqual(len(done.stdout.split()), 25)
        self.assertEqual(done.stderr, "")

    def test_all(self):
        self.run_program("for (let i = 0; i < 11000; i++) console.log(i);",
                         "--keep-lines=all", "-q")
        self.assertEqual(len(self.logs()), 11000)

    def test_what_is_no_count(self):
        self.write("main.mjs", ENDING)
        for value in ["0", "-1", "some", ""]:
            self.torpor("run", "main.mjs", f"--keep-lines={value}", code=USAGE)


class Log(Durable):
    def test_who_does_not_read_on_does_not_let_the_log_grow(self):
        self.detach(COMMITTING)
        # Its own output goes where it is always taken.
        worker = self.start("-c", 'exec "$0" worker -q >lines', TORPOR,
                            command="/bin/sh")
        self.wait_until(lambda: self.show()["step"] >= 1)
        reader = self.start("logs", "main")  # fills the pipe, and stands still
        time.sleep(0.3)
        self.assertIsNone(reader.poll())
        self.wait_for_state("done")
        size = os.stat(self.path("torpor.db-wal")).st_size
        self.assertLess(size, 28 << 20)
        self.assertIsNone(reader.poll())
        self.assertEqual(len(reader.communicate()[0].splitlines()), 2000)
        worker.send_signal(signal.SIGTERM)
        self.go_on(worker)


if __name__ == "__main__":
    unittest.main()
