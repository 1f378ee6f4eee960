#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""What one process does while another stands still at one moment.

The moments are points of run/fault.h, at which the command stops until it is
told to go on: what happens between two calls of the system in one of a million
cases happens here each time.
"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, HELD, PATIENCE, Durable

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


if __name__ == "__main__":
    unittest.main()
