# SPDX-License-Identifier: MIT
"""A folder with a store and programs, and the command that works on them.

Every test runs the real command, in a folder of its own, with the store
'torpor.db' there. Processes that a test leaves running are killed at its end.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

TORPOR = os.environ.get("TORPOR", "build/torpor")
SANITIZED = "sanitize" in TORPOR

DONE, THROWN, USAGE, INTERRUPTED, TRAPPED, DEADLOCK, FILE = range(7)
HELD, KILLED, PARKED = 8, 9, 10
STOPPED = 130
PATIENCE = 90 if SANITIZED else 30  # seconds for what takes a moment


class Durable(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-run-"))
        self.environment = {name: value for name, value in os.environ.items()
                            if name != "TORPOR_STORE"}
        self.children = []

    def tearDown(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def torpor(self, *words, code=DONE, **more):
        done = subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors="replace", timeout=4 * PATIENCE,
                              env=self.environment, **more)
        self.assertEqual(done.returncode, code,
                         f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words, **more):
        """Starts the command; it goes on while the test does."""
        child = subprocess.Popen([TORPOR, *words], cwd=self.folder, text=True,
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE,
                                 env=self.environment, **more)
        self.children.append(child)
        return child

    def run_program(self, text, *options, code=DONE, name="main.mjs",
                    run="main"):
        """Drives a new run of the program 'text' until it has ended."""
        self.write(name, text)
        return self.torpor("run", name, "--id", run, *options, code=code)

    def detach(self, text, *options, name="main.mjs", run="main"):
        """Makes a run that nobody drives yet."""
        self.write(name, text)
        done = self.torpor("run", name, "--id", run, "--detach", *options)
        self.assertEqual(done.stdout, f"{run}\n")

    def show(self, run="main"):
        return json.loads(self.torpor("show", run, "--json").stdout)

    def show_or_none(self, run="main"):
        done = subprocess.run([TORPOR, "show", run, "--json"],
                              cwd=self.folder, capture_output=True,
                              env=self.environment)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def logs(self, run="main", *options):
        return self.torpor("logs", run, *options).stdout.splitlines()

    def wait_until(self, test, what="it", patience=PATIENCE):
        end = time.monotonic() + patience
        while not test():
            self.assertLess(time.monotonic(), end, f"{what} did not happen")
            time.sleep(0.02)

    def wait_for_line(self, line, run="main"):
        self.wait_until(lambda: line in self.logs(run), f"line {line!r}")

    def wait_for_state(self, state, run="main"):
        self.wait_until(lambda: self.show(run)["state"] == state,
                        f"state {state}")
