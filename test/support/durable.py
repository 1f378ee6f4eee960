# SPDX-License-Identifier: MIT
"""A folder with a store and programs, and the command that works on them.

Every test runs the real command, in a folder of its own, with the store
'torpor.db' there. Processes that a test leaves running are killed at its end.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

TORPOR = os.environ.get("TORPOR", "build/torpor")
TESTING = os.environ.get("TORPOR_TESTING", "build/testing/torpor")
SANITIZED = "sanitize" in TORPOR

DONE, THROWN, USAGE, INTERRUPTED, TRAPPED, DEADLOCK, FILE = range(7)
HELD, KILLED, PARKED, TAKEN, NOT_FOUND, EXISTS, ENDED = range(8, 15)
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
        if code is not None:
            self.assertEqual(done.returncode, code,
                             f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words, command=TORPOR, environment=None, **more):
        """Starts the command; it goes on while the test does."""
        child = subprocess.Popen([command, *words], cwd=self.folder, text=True,
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE,
                                 env={**self.environment,
                                      **(environment or {})}, **more)
        self.children.append(child)
        return child

    def start_until(self, point, *words, **more):
        """Starts the command, which stops at a point of run/fault.h; go_on()
        lets it live again."""
        child = self.start(*words, command=TESTING,
                           environment={"TORPOR_PAUSE": point}, **more)
        self.wait_until(lambda: self.is_stopped(child), f"point {point}")
        return child

    def is_stopped(self, child):
        found = os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED |
                          os.WNOHANG | os.WNOWAIT)
        if found is None:
            return False
        self.assertEqual(found.si_code, os.CLD_STOPPED, "it has ended")
        return True

    def go_on(self, child, code=DONE):
        """Its output and messages, when it has ended with 'code' (None: with
        any)."""
        # One that runs is left alone: SIGCONT undoes a stop that is on its
        # way, as that by which a sanitizer looks for leaks at the end.
        found = os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED |
                          os.WNOHANG | os.WNOWAIT)
        if found is not None and found.si_code == os.CLD_STOPPED:
            child.send_signal(signal.SIGCONT)
        output, errors = child.communicate(timeout=4 * PATIENCE)
        if code is not None:
            self.assertEqual(child.returncode, code, output + errors)
        return output, errors

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
            if time.monotonic() >= end:
                self.fail(f"{what} did not happen\n{self.what_children_say()}")
            time.sleep(0.02)

    def what_children_say(self):
        """Ends all that were started; what each has written."""
        said = []
        for child in self.children:
            ended = child.poll()
            if ended is None:
                child.kill()
            output, errors = child.communicate()
            said.append(f"{' '.join(child.args)}: "
                        f"{'still at it' if ended is None else ended}\n"
                        f"{output}{errors}")
        return "\n".join(said)

    def wait_for_line(self, line, run="main"):
        self.wait_until(lambda: line in self.logs(run), f"line {line!r}")

    def wait_for_state(self, state, run="main"):
        self.wait_until(lambda: self.show(run)["state"] == state,
                        f"state {state}")
