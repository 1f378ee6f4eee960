#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""A store is its file, whatever path leads there, and only as long as it does."""

import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, FILE, PATIENCE, THROWN, USAGE, Durable

WAITING = """
    import { signal } from "torpor:run";
    console.log("waiting");
    console.log("got", await signal("go"));
    """

# Ends by itself, after some time.
TICKING = """
    import { sleep } from "torpor:run";
    for (let i = 0; i < 40; i++) { console.log("tick", i); await sleep(50); }
    """


class Paths(Durable):
    def test_every_path_to_a_file_is_one_store(self):
        os.mkdir(self.path("real"))
        os.symlink("real", self.path("folder"))
        os.symlink("real/torpor.db", self.path("link.db"))
        os.symlink("link.db", self.path("second link.db"))
        self.environment["TORPOR_STORE"] = "link.db"  # leads nowhere yet
        self.detach(WAITING)
        self.assertEqual(sorted(os.listdir(self.path("real"))),
                         ["torpor.db", "torpor.db-locks"])
        first = self.start("resume", "main", "-q")
        self.assertEqual(first.stdout.readline(), "waiting\n")
        for path in ["real/torpor.db", self.path("real/torpor.db"),
                     "folder/torpor.db", "second link.db",
                     "folder/../real/./torpor.db", "file:real/torpor.db",
                     "file:" + self.path("link.db"),
                     "file://" + self.path("link.db"),
                     "file://localhost" + self.path("real/torpor.db"),
                     "file:second%20link.db"]:
            with self.subTest(path):
                run, = json.loads(self.torpor("list", "--json", "--store",
                                              path).stdout)
                self.assertEqual((run["id"], run["worked"]), ("main", True))
                self.torpor("rewind", "main", "0", "--store", path, code=8)
                second = self.start("resume", "main", "--store", path)
                self.assertIn("driven by another process",
                              second.stderr.readline())
                second.kill()
        self.assertEqual([name for name in os.listdir(self.folder)
                          if "locks" in name], [])
        self.torpor("signal", "main", "go", "1", "--store", "folder/torpor.db")
        self.assertEqual(first.communicate(timeout=PATIENCE)[0], "got 1\n")

    def test_what_is_no_path_of_a_file(self):
        self.write("main.mjs", "console.log('ran')")
        for path in [":memory:", "file::memory:", "file:", "file:x.db?mode=memory", "file:x.db?nolock=1",
                     "file:x.db?vfs=memdb", "file:x.db#x", "file://host/x.db",
                     "file:x%00.db", "file:%3Amemory%3A"]:
            for words in [("run", "main.mjs"), ("worker",), ("list",)]:
                with self.subTest(path, words=words):
                    done = self.torpor(*words, "--store", path, code=USAGE)
                    self.assertEqual(done.stdout, "")
                    self.assertRegex(done.stderr, "give (its|the) path")
        self.assertEqual(os.listdir(self.folder), ["main.mjs"])

    def test_names_that_only_look_like_it(self):
        self.write("main.mjs", "console.log('ran')")
        for path in ["./:memory:", "./file:x", "file:file:y", "a?mode=memory"]:
            self.torpor("run", "main.mjs", "--store", path)
        self.assertLessEqual({":memory:", "file:x", "file:y", "a?mode=memory"},
                             set(os.listdir(self.folder)))

    def test_a_file_with_two_names_has_two_logs(self):
        self.detach(WAITING)
        os.link(self.path("torpor.db"), self.path("other.db"))
        for path in ["torpor.db", "other.db"]:
            for words in [("list",), ("resume", "main")]:
                done = self.torpor(*words, "--store", path, code=USAGE)
                self.assertIn("2 names", done.stderr)
        os.unlink(self.path("other.db"))
        self.torpor("list")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"),
                         "only root may mount")
    def test_a_file_that_is_mounted_by_itself(self):
        self.detach(WAITING)
        self.write("there.db", "")
        if subprocess.run(["mount", "--bind", self.path("torpor.db"),
                           self.path("there.db")],
                          capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody mount")
        try:
            done = self.torpor("list", "--store", "there.db", code=USAGE)
            self.assertIn("mount its folder", done.stderr)
        finally:
            subprocess.run(["umount", self.path("there.db")], check=True)


TOUCHING = """
    import { readFile, writeFile } from "torpor:fs";
    const names = %s;
    const found = [];
    for (const name of names) {
      const read = await readFile(name).then(() => "read", (e) => e.name);
      const wrote = await writeFile(name, "x").then(() => "wrote",
                                                    (e) => e.name);
      found.push([name, read, wrote]);
    }
    console.log(JSON.stringify(found));
    """


class Kept(Durable):
    """No program is ever granted a file of a store."""

    def setUp(self):
        super().setUp()
        self.detach(WAITING)
        self.detach(WAITING, "--store", "b.db", run="other")
        self.write("notes.txt", "notes")
        self.write("notes.txt-wal", "no store has this name without -wal")
        self.worker = self.start("worker", "--store", "torpor.db", "-q")
        self.assertEqual(self.worker.stdout.readline(), "waiting\n")
        os.symlink("torpor.db", self.path("link"))
        os.symlink("b.db", self.path("to-b"))
        os.symlink(".", self.path("here"))
        for ending in ["wal", "shm", "locks"]:
            os.link(self.path(f"torpor.db-{ending}"), self.path(ending))
        self.kept = [f"{store}{ending}" for store in
                     ["torpor.db", "b.db", "here/torpor.db", self.path("b.db")]
                     for ending in ["", "-wal", "-shm", "-locks", "-journal"]]
        self.kept += ["link", "to-b"]
        self.free = ["notes.txt", "notes.txt-wal"]
        self.before = set(os.listdir(self.folder))

    def touch(self, text, kept, *words):
        self.write("touch.mjs", text % json.dumps(kept + self.free))
        done = self.torpor(*words, "--allow-read=.", "--allow-write=.",
                           "touch.mjs")
        self.assertEqual(json.loads(done.stdout), [
            [name, "NotAllowedError", "NotAllowedError"] for name in kept
        ] + [[name, "read", "wrote"] for name in self.free])
        self.assertLessEqual(set(os.listdir(self.folder)), self.before | {
            "touch.mjs", "own.db", "own.db-locks"})

    def check_stores(self):
        self.torpor("signal", "main", "go", "1")
        self.wait_for_state("done")
        self.assertEqual(self.torpor("list", "--store",
                                     "b.db").stdout.count("other"), 1)

    def test_a_run_of_another_store(self):
        self.touch(TOUCHING, self.kept, "run", "-q", "--store", "own.db")
        self.check_stores()

    def test_a_script_beside_a_store(self):
        self.touch(TOUCHING, self.kept)
        self.check_stores()

    def test_a_run_of_the_store_itself(self):
        kept = self.kept + ["wal", "shm", "locks"]
        self.touch(TOUCHING, kept, "run", "-q")
        self.check_stores()

    def test_no_module_is_read_from_one(self):
        for name in ["torpor.db", "b.db", "link"]:
            for words in [(), ("run",)]:
                self.write("main.mjs", f'import "./{name}";')
                done = self.torpor(*words, "main.mjs",
                                   code=FILE if words else THROWN)
                self.assertRegex(done.stderr, "never allowed" if words
                                 else "cannot load module")
                self.assertNotIn("--allow-read", done.stderr)
                self.assertNotIn("SQLite", done.stderr)


class Gone(Durable):
    """Whoever has a store open that is not there any more says so."""

    def remove(self):
        os.unlink(self.path("torpor.db"))

    def replace(self):
        shutil.copy(self.path("torpor.db"), self.path("new.db"))
        os.rename(self.path("new.db"), self.path("torpor.db"))

    def move(self):
        os.mkdir(self.path("old"))
        for name in os.listdir(self.folder):
            if name.startswith("torpor.db"):
                os.rename(self.path(name), self.path(f"old/{name}"))

    def remove_log(self):
        os.unlink(self.path("torpor.db-wal"))

    def remove_locks(self):
        os.unlink(self.path("torpor.db-locks"))

    def each_way(self):
        return [self.remove, self.replace, self.move, self.remove_log,
                self.remove_locks]

    def clear(self):
        for name in os.listdir(self.folder):
            path = self.path(name)
            (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)

    def test_a_run_under_way_is_not_said_to_be_done(self):
        for way in self.each_way():
            with self.subTest(way.__name__):
                self.clear()
                self.detach(TICKING)
                child = self.start("resume", "main")
                self.assertEqual(child.stdout.readline(), "tick 0\n")
                way()
                output, errors = child.communicate(timeout=PATIENCE)
                self.assertEqual(child.returncode, FILE, output + errors)
                self.assertIn("removed, renamed or replaced", errors)
                self.assertNotIn("tick 39", output)
                self.assertNotIn("done", errors)

    def test_a_worker_with_nothing_to_do(self):
        for way in self.each_way():
            with self.subTest(way.__name__):
                self.clear()
                self.detach(WAITING)
                child = self.start("worker")
                self.assertEqual(child.stdout.readline(), "waiting\n")
                way()
                output, errors = child.communicate(timeout=PATIENCE)
                self.assertEqual(child.returncode, FILE, output + errors)
                self.assertIn("removed, renamed or replaced", errors)

    def test_one_who_follows_the_output(self):
        self.detach(WAITING)
        child = self.start("logs", "main", "--follow")
        driver = self.start("resume", "main", "-q")
        self.assertEqual(child.stdout.readline(), "waiting\n")
        driver.send_signal(signal.SIGTERM)
        driver.wait(PATIENCE)
        self.remove()
        output, errors = child.communicate(timeout=PATIENCE)
        self.assertEqual(child.returncode, FILE, output + errors)

    def test_what_others_do_to_a_store_is_no_removal(self):
        self.detach(WAITING)
        child = self.start("resume", "main", "-q")
        self.assertEqual(child.stdout.readline(), "waiting\n")
        for run in range(3):
            self.detach(WAITING, run=f"r{run}")
        self.torpor("prune", "--all", "--keep=1")
        self.torpor("signal", "main", "go", "1")
        self.assertEqual(child.communicate(timeout=PATIENCE)[0], "got 1\n")
        self.assertEqual(child.returncode, DONE)


if __name__ == "__main__":
    unittest.main()
