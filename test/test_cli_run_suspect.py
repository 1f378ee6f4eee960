#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""Runs that end their worker: each hurts only itself.

The workers die for real, by signals of the system: of computing for too long
(SIGXCPU), of nobody knows what (SIGKILL). Workers are started again until one
lives, as an init system would do it."""

import http.server
import json
import os
import resource
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import PATIENCE, SANITIZED, Durable

HEALTHY = """
    import { sleep } from "torpor:run";
    for (let i = 0; i < 20; i++) await sleep(20);
    export default "well";
    """
# Its operation ends the worker, whenever it is begun again.
DEADLY = """
    await fetch("http://127.0.0.1:%d/");
    """
# Its step does.
ENDLESS = "import { sleep } from 'torpor:run'; await sleep(30); for (;;);"


def limit_time():
    seconds = 4 if SANITIZED else 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


class Deadly(http.server.BaseHTTPRequestHandler):
    """Whoever asks is killed."""

    def do_GET(self):
        self.server.kill()

    def log_message(self, *arguments):
        pass


class Suspects(Durable):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deadly)
        self.server.kill = lambda: self.children[-1].kill()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.deadly = DEADLY % self.server.server_address[1]

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        super().tearDown()

    def states(self):
        listed = json.loads(self.torpor("list", "--json").stdout)
        return {run["id"]: (run["state"], run["attempts"]) for run in listed}

    def add(self, culprits, text, *options):
        self.write("healthy.mjs", HEALTHY)
        for name in culprits:
            self.detach(text, *options, run=name)
        for i in range(10):
            self.torpor("run", "healthy.mjs", "--id", f"healthy-{i}", "-d")

    def is_over(self):
        return all(state not in ("ready", "waiting")
                   for state, attempts in self.states().values())

    def live(self, number, **more):
        """Starts workers until one has brought all to its end; the number of
        those that died."""
        for deaths in range(16):
            worker = self.start("worker", "--quiet", **more)
            self.wait_until(lambda: worker.poll() is not None or
                            self.is_over(), "an end", 2 * PATIENCE)
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
                worker.communicate(timeout=PATIENCE)
                return deaths
            worker.communicate()
            self.assertEqual(worker.returncode, -number)
        self.fail("workers die for ever")

    def expect(self, culprits):
        for name, (state, attempts) in self.states().items():
            wanted = "parked" if name in culprits else "done"
            self.assertEqual((name, state), (name, wanted))

    def test_an_operation_that_ends_the_worker(self):
        self.add(["deadly"], self.deadly, "--allow-net")
        deaths = self.live(signal.SIGKILL)
        self.assertLessEqual(deaths, 6)
        self.expect(["deadly"])
        self.assertIn("crashed its worker", self.show("deadly")["reason"])

    def test_steps_that_end_the_worker(self):
        self.add(["endless"], ENDLESS)
        deaths = self.live(signal.SIGXCPU, preexec_fn=limit_time)
        self.assertLessEqual(deaths, 6)
        self.expect(["endless"])

    def test_a_parked_run_is_told_by_resume(self):
        self.detach(self.deadly, "--allow-net")
        for _ in range(5):
            child = self.start("resume", "main")
            child.communicate(timeout=PATIENCE)
            self.assertEqual(child.returncode, -signal.SIGKILL)
        self.assertEqual(self.show()["attempts"], 5)
        child = self.start("worker")
        self.wait_for_state("parked")
        child.send_signal(signal.SIGTERM)
        errors = child.communicate(timeout=PATIENCE)[1]
        self.assertRegex(errors, "main: parked after .*crashed its worker")

    def test_dying_by_others_hands_costs_healthy_runs_nothing(self):
        """Killed at once again and again, while everything is read."""
        self.write("waits.mjs", """
            import { signal } from "torpor:run";
            export default await signal("go");""")
        names = [f"waits-{i}" for i in range(10)]
        for name in names:
            self.torpor("run", "waits.mjs", "--id", name, "-d")
        for i in range(8):
            worker = self.start("worker", "--quiet")
            time.sleep(0.05 + 0.02 * i)
            worker.kill()
            worker.communicate()
        for name in names:
            self.torpor("signal", name, "go", "1")
        self.assertEqual(self.live(signal.SIGKILL), 0)
        self.expect([])


if __name__ == "__main__":
    unittest.main()
