#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""What one process does while another stands still at one moment.

The moments are points of run/fault.h, at which the command stops until it is
told to go on: what happens between two calls of the system in one of a million
cases happens here each time.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import HELD, PATIENCE, TAKEN, TESTING, Durable

OLD = """
    import { exportState, signal } from "torpor:run";
    console.log("old begins");
    exportState(() => ({ n: 41 }));
    await signal("never");
    """

NEW = """
    import { onUpgrade } from "torpor:run";
    let n = null;
    onUpgrade((state) => { n = state.n + 1; });
    await null;
    console.log("new", n);
    """


class LockFirst(Durable):
    """A run is read after its lock is taken, not before."""

    def old(self):
        self.detach(OLD)
        self.write("new.mjs", NEW)
        child = self.start("resume", "main", "-q")
        self.wait_for_line("old begins")
        self.wait_until(lambda: self.show()["attempts"] == 0)
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)

    def test_an_upgrade_before_the_lock_is_not_undone_by_resume(self):
        self.old()
        child = self.start_until("claim-before", "resume", "main", "-q")
        self.torpor("upgrade", "main", "new.mjs")
        self.go_on(child)
        self.assertEqual(self.logs(), ["old begins", "new 42"])

    def test_nor_by_a_worker(self):
        self.old()
        self.torpor("signal", "main", "other")  # else it would be let sleep
        child = self.start_until("claim-before", "worker", "-q")
        self.torpor("upgrade", "main", "new.mjs")
        child.send_signal(signal.SIGCONT)
        self.wait_for_state("done")
        child.send_signal(signal.SIGTERM)
        self.go_on(child)
        self.assertEqual(self.logs(), ["old begins", "new 42"])

    def test_a_rewind_before_the_lock_is_not_undone(self):
        self.old()
        self.torpor("upgrade", "main", "new.mjs")
        child = self.start_until("claim-before", "resume", "main", "-q")
        self.torpor("rewind", "main", "0")
        child.send_signal(signal.SIGCONT)
        self.wait_until(lambda: self.show()["step"] == 1)
        child.send_signal(signal.SIGTERM)
        self.go_on(child, code=128 + signal.SIGTERM)
        self.assertEqual(self.logs(), ["old begins", "old begins"])

    def test_with_the_lock_there_is_neither(self):
        self.old()
        child = self.start_until("claim-locked", "resume", "main", "-q")
        self.torpor("upgrade", "main", "new.mjs", code=HELD)
        self.torpor("rewind", "main", "1", code=HELD)
        child.send_signal(signal.SIGCONT)
        self.torpor("cancel", "main", "--kill")
        child.wait(PATIENCE)
        self.assertEqual(self.logs(), ["old begins"])


class Making(Durable):
    """Several processes make one new store."""

    def setUp(self):
        super().setUp()
        self.write("main.mjs", "export default 1;")

    def make(self, run, point=None):
        words = ("run", "main.mjs", "-d", "--id", run)
        return self.start_until(point, *words) if point else self.start(*words)

    def check(self, *runs):
        self.assertEqual({run["id"] for run in json.loads(
            self.torpor("list", "--json").stdout)}, set(runs))

    def test_one_that_has_only_opened_the_file(self):
        first = self.make("a", "store-opened")
        looker = self.start("list")
        self.go_on(self.make("b"))
        self.go_on(looker)
        self.go_on(first)
        self.check("a", "b")

    def test_one_that_has_read_half_of_the_version(self):
        first = self.make("a", "store-marked")
        second = self.make("b")
        time.sleep(0.5)  # as far as it comes
        self.go_on(first)
        self.go_on(second)
        self.check("a", "b")

    def test_one_that_has_found_it_empty(self):
        first = self.make("a", "store-empty")
        self.go_on(self.make("b"))
        self.go_on(first)
        self.check("a", "b")

    def test_one_that_wants_its_lock_back_while_another_holds_it(self):
        first = self.make("a", "store-empty")
        second = self.make("b", "store-made")
        third = self.make("c")
        first.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        self.assertEqual((first.poll(), third.poll()), (None, None))
        for child in [second, first, third]:
            self.go_on(child)
        self.check("a", "b", "c")

    def test_a_reader_in_the_way_of_the_log(self):
        self.go_on(self.make("a"))
        reader = sqlite3.connect(self.path("torpor.db"), isolation_level=None)
        reader.execute("PRAGMA journal_mode = DELETE")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM run").fetchall()
        second = self.make("b")
        time.sleep(0.5)
        self.assertIsNone(second.poll())
        reader.execute("COMMIT")
        self.go_on(second)
        reader.close()
        self.check("a", "b")


class Copying(Durable):
    """What takes long is done while others can write."""

    COUNTING = """
        import { signal } from "torpor:run";
        const seen = [];
        while (seen.length < 2) {
          seen.push(await signal("go"));
          console.log("seen", seen.length);
        }
        export default seen;
        """

    def counting(self):
        self.detach(self.COUNTING)
        self.torpor("signal", "main", "go", "1")
        worker = self.start("worker", "-q")
        self.wait_for_line("seen 1")
        return worker

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)

    def test_a_run_goes_on_while_it_is_forked(self):
        worker = self.counting()
        fork = self.start_until("fork-read", "fork", "main", "--id", "copy")
        self.torpor("signal", "main", "go", "2")
        self.wait_for_state("done")
        self.go_on(fork)
        self.torpor("signal", "copy", "go", "7")
        self.wait_for_state("done", "copy")
        self.assertEqual((self.show()["value"], self.show("copy")["value"]),
                         ([1, 2], [1, 7]))
        self.stop(worker)

    def test_a_run_that_is_removed_while_it_is_forked(self):
        worker = self.counting()
        fork = self.start_until("fork-read", "fork", "main", "--id", "copy")
        self.torpor("cancel", "main", "--kill")
        self.stop(worker)
        self.torpor("remove", "main")
        self.assertIn("no run has the id 'main'",
                      self.go_on(fork, code=None)[1])
        self.assertEqual(self.torpor("list", "--json").stdout.strip(), "[]")

    def test_a_run_that_is_killed_while_it_is_rewound(self):
        worker = self.counting()
        self.stop(worker)
        rewind = self.start_until("rewind-read", "rewind", "main", "1")
        self.torpor("cancel", "main", "--kill")
        self.go_on(rewind)
        self.assertEqual((self.show()["state"], self.show()["step"]),
                         ("waiting", 1))

    def test_who_removes_is_in_nobodys_way(self):
        """And if it dies, the next one goes on where it was."""
        self.run_program("export default 1;", run="other")
        self.run_program("console.log(1);" * 3, run="gone")
        child = self.start_until("remove-after", "remove", "gone")
        self.assertEqual([run["id"] for run in json.loads(
            self.torpor("list", "--json").stdout)], ["other"])
        self.run_program("export default 2;", run="gone")
        child.kill()
        child.wait()
        self.torpor("remove", "other")
        with sqlite3.connect(self.path("torpor.db")) as store:
            for table in ["removed", "line"]:
                self.assertEqual(store.execute(
                    f"SELECT count(*) FROM {table}").fetchone(), (0,), table)
            self.assertEqual(store.execute(
                "SELECT count(*) FROM source").fetchone(), (1,))
        store.close()
        self.assertEqual(self.show("gone")["value"], 2)


class Sharing(Durable):
    def test_a_run_that_is_taken_over_is_not_said_to_be_done(self):
        self.detach(OLD)
        first = self.start("resume", "main")
        self.wait_for_line("old begins")
        second = self.start("resume", "main", "-q", command=TESTING,
                            environment={"TORPOR_BREAK": "no-lock"})
        output, errors = first.communicate(timeout=PATIENCE)
        self.assertEqual(first.returncode, TAKEN, output + errors)
        self.assertIn("taken over by another process", errors)
        self.torpor("signal", "main", "never")
        self.go_on(second)

    def test_a_store_that_others_hold_for_long_ends_no_worker(self):
        """Longer than a transaction waits: ten seconds."""
        self.detach("""
            import { signal, sleep } from "torpor:run";
            let go = false;
            signal("go").then(() => { go = true; });
            console.log("begins");
            while (!go) await sleep(50);
            """)
        worker = self.start("worker", "-q")
        self.wait_for_line("begins")
        other = sqlite3.connect(self.path("torpor.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        self.assertIn("waiting for them", worker.stderr.readline())
        other.execute("COMMIT")
        other.close()
        self.torpor("signal", "main", "go")
        self.wait_for_state("done")
        worker.send_signal(signal.SIGTERM)
        self.go_on(worker)


if __name__ == "__main__":
    unittest.main()
