#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""Steps that compute for long: what stops them, and what that costs the run."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import KILLED, PATIENCE, Durable

ENDLESS = "for (;;);"


class Long(Durable):
    def start_computing(self, *words, run="main", **more):
        """Starts the command; returns when a step of the run is under way."""
        child = self.start(*words, **more)
        self.wait_until(lambda: self.show(run)["attempts"] > 0, "a step")
        time.sleep(0.2)
        return child

    def test_signals_count_as_no_attempt(self):
        self.detach(ENDLESS)
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGQUIT]:
            for _ in range(2):
                child = self.start_computing("resume", "main")
                child.send_signal(number)
                errors = child.communicate(timeout=PATIENCE)[1]
                self.assertEqual(child.returncode, 128 + number)
                self.assertIn("torpor resume main", errors)
                run = self.show()
                self.assertEqual((run["state"], run["attempts"]), ("ready", 0))

    def test_nohup_is_respected(self):
        self.detach(ENDLESS)
        child = self.start_computing(
            "resume", "main",
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        child.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(child.poll())

    def test_kill_ends_a_step_at_once(self):
        self.detach(ENDLESS)
        child = self.start_computing("resume", "main")
        self.torpor("cancel", "main", "--kill")
        began = time.monotonic()
        errors = child.communicate(timeout=PATIENCE)[1]
        self.assertLess(time.monotonic() - began, PATIENCE / 6)
        self.assertEqual(child.returncode, KILLED)
        self.assertIn("killed by request", errors)
        self.assertNotIn("attempt", errors)


if __name__ == "__main__":
    unittest.main()
