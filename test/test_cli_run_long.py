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
from durable import KILLED, PARKED, PATIENCE, Durable

ENDLESS = "for (;;);"
HEALTHY = """
    import { sleep } from "torpor:run";
    let n = 0;
    for (let k = 0; k < 10; k++) {
      for (let i = 0; i < 2e4; i++) n += i;
      await sleep(5);
    }
    """
LONG = """
    import four from "./part.mjs";
    import { input, sleep, step } from "torpor:run";
    const steps = [];
    let n = 0;
    for (let k = 0; k < 4; k++) {
      for (let i = 0; i < 2e6; i++) n += i;
      steps.push(step());
      if (k < 3) await sleep(1);
    }
    const { default: again } = await import("./part.mjs");
    export default [input().n, four, again, steps];
    """


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

    def drive_all(self):
        """A worker for everything."""
        return self.start("worker", "--quiet")

    def stop(self, worker):
        worker.send_signal(signal.SIGTERM)
        began = time.monotonic()
        worker.communicate(timeout=PATIENCE)
        self.assertLess(time.monotonic() - began, PATIENCE / 3)

    def test_an_endless_loop_holds_up_nobody(self):
        """Ten healthy runs beside one take about as long as alone."""
        self.write("healthy.mjs", HEALTHY)
        self.detach(ENDLESS, run="endless")
        names = [f"healthy-{i}" for i in range(10)]
        for name in names:
            self.torpor("run", "healthy.mjs", "--id", name, "-d")
        worker = self.drive_all()
        self.wait_until(
            lambda: all(self.show(name)["state"] == "done" for name in names),
            "the end of healthy runs", PATIENCE / 2)
        run = self.show("endless")
        self.assertEqual((run["state"], run["attempts"]), ("ready", 1))
        self.stop(worker)
        self.assertEqual(self.show("endless")["attempts"], 0)

    def test_long_steps_go_on_beside_many_endless_ones(self):
        """Each long step has a share, however many never end. What they ask of
        the store while they compute is there: modules, input, the step."""
        self.write("part.mjs", "export default 4;")
        self.write("long.mjs", LONG)
        self.write("endless.mjs", ENDLESS)
        for i in range(6):
            self.torpor("run", "endless.mjs", "--id", f"endless-{i}", "-d")
        self.torpor("run", "long.mjs", "--id", "long", "-d",
                    "--input", '{"n": 2}')
        worker = self.drive_all()
        self.wait_until(lambda: self.show("long")["state"] != "ready" and
                        self.show("long")["state"] != "waiting",
                        "the end of a long run", 2 * PATIENCE)
        self.assertEqual(self.show("long")["value"], [2, 4, 4, [1, 2, 3, 4]])
        self.torpor("cancel", "endless-3", "--kill")
        self.assertEqual(self.show("endless-3")["state"], "killed")
        self.stop(worker)
        for i in [0, 1, 2, 4, 5]:
            run = self.show(f"endless-{i}")
            self.assertEqual((run["state"], run["attempts"]), ("ready", 0))

    def test_a_step_past_its_deadline_is_an_attempt(self):
        done = self.run_program(ENDLESS, "--deadline=300ms", code=PARKED)
        self.assertIn("attempt 5 of 5", done.stderr)
        self.assertEqual(done.stderr.count("was rolled back"), 5)
        self.assertIn("5 attempts failed", done.stderr)


if __name__ == "__main__":
    unittest.main()
