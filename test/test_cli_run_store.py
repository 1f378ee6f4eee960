#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""Stores that are full, read-only, newer, damaged or shared, and workers that
are killed."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, ENDED, EXISTS, FILE, NOT_FOUND, PATIENCE, SANITIZED,
                     USAGE, TORPOR, Durable)

WAITING = """
    import { signal } from "torpor:run";
    console.log("waiting");
    console.log("got", await signal("go"));
    """

# Counts to 'n' in a variable, a commit for each, and says so in its log.
COUNTING = """
    import { input, sleep } from "torpor:run";
    for (let i = 1; i <= input().n; i++) {
      console.log(i);
      await sleep(5);
    }
    """


def limit_files(size):
    """What a child does so that no file of it grows over 'size' bytes: a write
    that would is refused, as on a full disk."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


class Many(Durable):
    """torpor run --many: a run of each line."""

    PROGRAM = """
        import { input, signal, sleep } from "torpor:run";
        if (input().wait) await signal("go");
        await sleep(20);
        console.log(input().n);
        export default input().n;
        """

    def write_lines(self, *lines):
        self.write("job.mjs", self.PROGRAM)
        self.write("lines", "".join(f"{line}\n" for line in lines))

    def runs(self):
        return json.loads(self.torpor("list", "--json").stdout)

    def test_all_are_driven_to_their_ends(self):
        self.write_lines(*(f'{{"n": {i}}}' for i in range(300)), "", "  ")
        done = self.torpor("run", "job.mjs", "--many", "lines")
        self.assertEqual(sorted(map(int, done.stdout.split())),
                         list(range(300)))
        self.assertIn("300 runs in", done.stderr)
        runs = self.runs()
        self.assertEqual({run["state"] for run in runs}, {"done"})
        self.assertEqual(len({run["id"] for run in runs}), 300)

    def test_they_are_left_to_a_worker(self):
        self.write_lines('{"n": 1, "wait": true}', '{"n": 2, "wait": true}')
        done = self.torpor("run", "job.mjs", "--many", "lines", "-d", "--id=a")
        self.assertEqual(done.stdout, "a-1\na-2\n")
        done = self.torpor("run", "job.mjs", "--many", "lines", "-d", "--json")
        made = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["event"] for event in made], ["made"] * 2)
        self.start("worker", "-q")
        self.torpor("signal", "a-2", "go")
        self.wait_for_state("done", "a-2")
        self.assertEqual(self.show("a-2")["value"], 2)
        self.assertEqual(self.show("a-1")["state"], "waiting")

    def test_what_is_wrong_is_named_and_what_was_made_said(self):
        good = ['{"n": 1}'] * 1000
        for bad, code, said in [("{", USAGE, "line 1002: not JSON"),
                                ("\0", USAGE, "line 1002: not JSON")]:
            self.write_lines(*good, '{"n": 1}', bad)
            done = self.torpor("run", "job.mjs", "--many", "lines", "-d",
                               code=code)
            self.assertIn(said, done.stderr)
            self.assertIn("1000 runs were made", done.stderr)
            self.assertEqual(len(done.stdout.split()), 1000)
        self.assertEqual(len(self.runs()), 2000)
        self.write_lines(*good[:3])
        for _ in range(2):
            done = self.torpor("run", "job.mjs", "--many", "lines", "-d",
                               "--id", "b", code=None)
        self.assertEqual(done.returncode, EXISTS)
        self.assertIn("no run was made", done.stderr)
        self.torpor("run", "job.mjs", "--many", "none", code=FILE)
        self.torpor("run", "none.mjs", "--many", "lines", code=FILE)
        self.torpor("run", "job.mjs", "--many", "lines", "--input", "1",
                    code=USAGE)
        self.assertEqual(len(self.runs()), 2003)


class Disks(Durable):
    def test_a_full_disk_stops_the_worker_and_loses_nothing(self):
        self.detach(COUNTING, "--input", '{"n": 60}')
        size = os.path.getsize(self.path("torpor.db"))
        done = self.torpor("resume", "main", code=FILE,
                           preexec_fn=limit_files(size + (64 << 10)))
        self.assertIn("torpor.db", done.stderr)
        self.assertRegex(done.stderr, "full|disk")
        shown = done.stdout.splitlines()
        run = self.show()
        self.assertEqual(run["state"], "waiting")
        self.assertEqual(self.logs(), shown)
        self.assertGreater(len(shown), 0)
        self.torpor("resume", "main")
        self.assertEqual(self.logs(), [str(i) for i in range(1, 61)])

    def test_no_room_for_a_store(self):
        self.write("main.mjs", "console.log('ran')")
        done = self.torpor("run", "main.mjs", code=FILE,
                           preexec_fn=limit_files(1 << 10))
        self.assertIn("torpor.db", done.stderr)
        self.assertNotIn("ran", done.stdout)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"),
                         "only root may mount")
    def test_a_file_system_that_is_full(self):
        os.mkdir(self.path("small"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m",
                                  "none", self.path("small")],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("this machine lets nobody mount")
        try:
            self.environment["TORPOR_STORE"] = "small/torpor.db"
            self.detach(WAITING)
            with open(self.path("small/rest"), "wb", buffering=0) as rest:
                try:
                    while True:
                        rest.write(b"x" * 4096)
                except OSError:
                    pass
            done = self.torpor("signal", "main", "go", '"%s"' % ("x" * 50000),
                               code=FILE)
            self.assertRegex(done.stderr, "full|disk")
            os.remove(self.path("small/rest"))
            self.torpor("signal", "main", "go", "1")
            self.assertEqual(self.torpor("resume").stdout,
                             "waiting\ngot 1\n")
        finally:
            subprocess.run(["umount", self.path("small")])

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"),
                     "root may write everything")
    def test_a_store_that_cannot_be_written(self):
        self.detach(WAITING)
        os.chmod(self.folder, 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534",
                  "--clear-groups"] if os.geteuid() == 0 else []
        if subprocess.run([*nobody, os.path.abspath(TORPOR), "--version"],
                          capture_output=True).returncode != 0:
            self.skipTest("others may not run the command where it lies")
        for name in os.listdir(self.folder):
            os.chmod(self.path(name), 0o444)
        os.chmod(self.folder, 0o555)
        for words in [("signal", "main", "go"), ("cancel", "main"),
                      ("resume", "main"), ("worker",),
                      ("run", "main.mjs")]:
            with self.subTest(words):
                done = subprocess.run([*nobody, os.path.abspath(TORPOR),
                                       *words], cwd=self.folder, text=True,
                                      capture_output=True, timeout=PATIENCE,
                                      env=self.environment)
                self.assertEqual(done.returncode, FILE, done.stderr)
                self.assertIn("cannot be written", done.stderr)
        os.chmod(self.folder, 0o755)
        self.assertEqual(self.show()["state"], "ready")


class Damage(Durable):
    def each_command(self, code, reason):
        self.write("main.mjs", "console.log('ran')")
        for words in [("list",), ("list", "--json"), ("show", "main"),
                      ("logs", "main"), ("signal", "main", "go"),
                      ("cancel", "main"), ("resume",), ("worker",),
                      ("run", "main.mjs")]:
            with self.subTest(words):
                done = self.torpor(*words, code=code)
                self.assertIn(reason, done.stderr)
                self.assertNotIn("ran", done.stdout)

    def test_a_store_of_a_newer_version(self):
        self.detach(WAITING)
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("PRAGMA user_version = 999")
        store.commit()
        store.close()
        self.each_command(FILE, "newer Torpor")

    def test_a_database_of_something_else(self):
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("CREATE TABLE mine (x)")
        store.commit()
        store.close()
        self.each_command(FILE, "something else")
        store = sqlite3.connect(self.path("torpor.db"))
        self.assertEqual(store.execute("SELECT name FROM sqlite_schema")
                         .fetchall(), [("mine",)])
        store.close()

    def test_a_file_that_is_no_database(self):
        text = "this is a text, and no database\n" * 200
        self.write("torpor.db", text)
        self.each_command(FILE, "torpor.db")
        with open(self.path("torpor.db")) as file:
            self.assertEqual(file.read(), text)

    def test_a_damaged_store_is_refused_or_read_but_never_worse(self):
        """Overwrites bytes at random places; the command must end with a code
        of its own, whatever it finds."""
        self.detach(WAITING)
        self.torpor("signal", "main", "other", "[1, 2, 3]")
        with open(self.path("torpor.db"), "rb") as file:
            whole = file.read()
        for seed in range(10 if SANITIZED else 40):
            chance = random.Random(seed)
            damaged = bytearray(whole)
            for _ in range(chance.choice([1, 10, 500])):
                damaged[chance.randrange(100, len(damaged))] = \
                    chance.randrange(256)
            for name in os.listdir(self.folder):
                if name.startswith("torpor.db"):
                    os.remove(self.path(name))
            with open(self.path("torpor.db"), "wb") as file:
                file.write(damaged)
            for words in [("list",), ("show", "main"), ("logs", "main"),
                          ("cancel", "main"), ("resume", "main")]:
                done = subprocess.run([TORPOR, *words], cwd=self.folder,
                                      capture_output=True, timeout=PATIENCE,
                                      env=self.environment)
                self.assertIn(done.returncode, [0, 1, 2, 5, 6, 10],
                              (seed, words, done.stderr))
                if done.returncode != 0:
                    self.assertTrue(done.stderr.startswith(b"torpor: "),
                                    (seed, words, done.stderr))

    def test_a_snapshot_that_is_damaged_parks_its_run_only(self):
        self.detach(WAITING)
        child = self.start("resume", "main")
        self.wait_for_state("waiting")
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        store = sqlite3.connect(self.path("torpor.db"))
        (snapshot,), = store.execute("SELECT snapshot FROM state").fetchall()
        damaged = bytearray(snapshot)
        damaged[len(damaged) // 2] ^= 0x10
        store.execute("UPDATE state SET snapshot = ?", (bytes(damaged),))
        store.commit()
        store.close()
        self.torpor("signal", "main", "go", "1")
        done = self.torpor("resume", "main", code=10)
        self.assertIn("checksum", done.stderr)
        self.assertEqual(self.show()["state"], "parked")
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE state SET snapshot = ?", (snapshot,))
        store.commit()
        store.close()
        self.assertEqual(self.torpor("resume", "main").stdout, "got 1\n")


    def test_a_row_that_is_damaged_is_told_once(self):
        self.detach(WAITING)
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE run SET access = 'everything'")
        store.commit()
        store.close()
        for words in ("resume", "main"), ("resume", "main", "--json"):
            done = self.torpor(*words, code=6)
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr.count("access"), 1, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertEqual(self.show()["state"], "parked")


class Engines(Durable):
    def test_a_run_of_another_engine_is_left_to_others(self):
        self.detach(WAITING)
        child = self.start("resume", "main")
        self.wait_for_state("waiting")
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE state SET engine = ?", (b"0" * 64,))
        store.commit()
        store.close()
        self.torpor("signal", "main", "go", "1")
        done = self.torpor("resume", "main", code=NOT_FOUND)
        self.assertIn("TORPOR_ENGINE_PATH", done.stderr)
        worker = self.start("worker")
        self.detach("console.log('mine')", name="mine.mjs", run="mine")
        self.wait_for_state("done", "mine")
        self.detach("", name="next.mjs", run="next")
        self.wait_for_state("done", "next")
        worker.send_signal(signal.SIGTERM)
        output, errors = worker.communicate(timeout=PATIENCE)
        self.assertEqual(output, "mine\n")
        self.assertEqual(errors.count("TORPOR_ENGINE_PATH"), 1)
        run = self.show()
        self.assertEqual((run["state"], run["attempts"]), ("waiting", 0))


class Sharing(Durable):
    def test_a_worker_drives_what_others_make(self):
        worker = self.start("worker", "--json")
        self.wait_until(lambda: os.path.exists(self.path("torpor.db")))
        for run in ["a", "b"]:
            self.detach(WAITING, run=run)
        for run in ["a", "b"]:
            self.wait_for_state("waiting", run)
        self.torpor("signal", "a", "go", '"a"')
        self.torpor("cancel", "b")
        self.wait_for_state("done", "a")
        self.wait_for_state("failed", "b")
        worker.send_signal(signal.SIGTERM)
        output, errors = worker.communicate(timeout=PATIENCE)
        self.assertEqual((worker.returncode, errors), (DONE, ""))
        ends = {event["run"]: event["state"] for event in
                map(json.loads, output.splitlines())
                if event["event"] == "ended"}
        self.assertEqual(ends, {"a": "done", "b": "failed"})

    def test_a_run_is_driven_by_one_worker_and_taken_over_when_it_dies(self):
        workers = [self.start("worker", "-q") for _ in range(2)]
        runs = [f"r{i}" for i in range(4)]
        for run in runs:
            self.detach(COUNTING, "--input", '{"n": 400}', run=run)
        self.wait_until(lambda: all(len(self.logs(run)) > 3 for run in runs))
        workers[0].kill()
        self.wait_until(lambda: all(self.show(run)["state"] == "done"
                                    for run in runs), patience=3 * PATIENCE)
        workers[1].send_signal(signal.SIGTERM)
        self.assertEqual(workers[1].wait(PATIENCE), DONE)
        for run in runs:
            self.assertEqual(self.logs(run), [str(i) for i in range(1, 401)])

    def test_resume_waits_for_a_run_that_is_driven(self):
        self.detach(WAITING)
        first = self.start("resume", "main", "-q")
        self.assertEqual(first.stdout.readline(), "waiting\n")
        second = self.start("resume", "main")
        self.assertIn("driven by another process", second.stderr.readline())
        first.kill()
        self.torpor("signal", "main", "go", "2")
        output, _ = second.communicate(timeout=PATIENCE)
        self.assertEqual((output, second.returncode), ("got 2\n", DONE))

    def test_kill_nine_again_and_again(self):
        self.detach(COUNTING, "--input", '{"n": 150}')
        chance = random.Random(1)
        for _ in range(5):
            child = self.start("resume", "main", "-q")
            time.sleep(chance.uniform(0.05, 0.4))
            child.kill()
            child.wait()
        if self.show()["state"] != "done":
            self.torpor("resume", "main")
        self.assertEqual(self.logs(), [str(i) for i in range(1, 151)])

    def test_death_during_a_long_wait_is_no_attempt(self):
        self.detach(WAITING)
        for _ in range(6):
            child = self.start("resume", "main", "-q")
            self.wait_for_state("waiting")
            self.wait_until(lambda: self.show()["worked"])
            self.wait_until(lambda: self.show()["attempts"] == 0)
            child.kill()
            child.wait()
        self.assertEqual(self.show()["state"], "waiting")
        self.torpor("signal", "main", "go", "3")
        self.assertEqual(self.torpor("resume", "-q").stdout, "got 3\n")

    def test_death_at_each_delivery_parks_the_run(self):
        self.detach("""
            import { sleep } from "torpor:run";
            await sleep(10);
            for (;;);
            """)
        for _ in range(6):
            child = self.start("resume", "main")
            self.wait_until(lambda: self.show()["attempts"] > 0 or
                            child.poll() is not None)
            time.sleep(0.7)
            child.kill()
            child.wait()
        self.assertEqual(self.show()["state"], "parked")
        self.assertIn("5 attempts failed", self.show()["reason"])

    @unittest.skipIf(SANITIZED, "measures time")
    def test_an_idle_worker_uses_hardly_any_time(self):
        for i in range(20):
            self.detach(WAITING, run=f"r{i}")
        worker = self.start("worker", "-q")
        for i in range(20):
            self.wait_for_state("waiting", f"r{i}")
        time.sleep(1)

        def used():
            with open(f"/proc/{worker.pid}/stat") as file:
                words = file.read().rsplit(")", 1)[1].split()
            return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")
        before = used()
        time.sleep(4)
        self.assertLess(used() - before, 0.1)

    def test_many_runs_at_once(self):
        for i in range(30):
            self.detach(COUNTING, "--input", '{"n": 5}', run=f"r{i}")
        self.torpor("resume", "--all", "-q")
        for run in json.loads(self.torpor("list", "--json").stdout):
            self.assertEqual((run["state"], run["operations"]), ("done", 0))
        self.torpor("signal", "r1", "go", code=ENDED)


if __name__ == "__main__":
    unittest.main()
