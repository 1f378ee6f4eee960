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
from durable import (DONE, FILE, PATIENCE, THROWN, TORPOR, USAGE,
                     Durable)

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


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"),
                     "only root may be somebody else")
class Others(Durable):
    """Another user looks at a store, and leaves nothing that is in the way."""

    OWNER, OTHER = 65533, 65534

    def setUp(self):
        super().setUp()
        self.command = shutil.copy(TORPOR, self.path("command"))
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("store"))
        os.chown(self.path("store"), self.OWNER, self.OWNER)
        self.environment["TORPOR_STORE"] = self.path("store/torpor.db")
        self.write("main.mjs", WAITING)
        self.write("end.mjs", "console.log('one'); export default 1;")

    def words(self, user, *words):
        return ["setpriv", f"--reuid={user}", f"--regid={user}",
                "--clear-groups", self.command, *words]

    def by(self, user, *words, code=DONE):
        done = subprocess.run(self.words(user, *words), cwd=self.folder,
                              text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=4 * PATIENCE,
                              env=self.environment)
        self.assertEqual(done.returncode, code,
                         f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def make(self):
        self.by(self.OWNER, "run", "end.mjs", "--id", "ended", "-q")
        self.by(self.OWNER, "run", "main.mjs", "--id", "main", "-d")

    def files(self):
        return {name: (os.stat(self.path(f"store/{name}")).st_uid,
                       os.stat(self.path(f"store/{name}")).st_mode)
                for name in os.listdir(self.path("store"))}

    def look(self, user):
        runs = json.loads(self.by(user, "list", "--json").stdout)
        self.assertEqual([run["id"] for run in runs], ["ended", "main"])
        self.assertEqual(json.loads(
            self.by(user, "show", "ended", "--json").stdout)["value"], 1)
        self.assertEqual(self.by(user, "logs", "ended").stdout, "one\n")
        self.by(user, "show", "main")

    def test_looking_leaves_no_trace(self):
        """Also where others may make files."""
        self.make()
        for mode in [0o777, 0o755, 0o555]:
            os.chmod(self.path("store"), mode)
            before = self.files()
            self.look(self.OTHER)
            self.assertEqual(self.files(), before)
        os.chmod(self.path("store"), 0o755)
        self.look(0)
        for name, (owner, _) in self.files().items():
            self.assertEqual(owner, self.OWNER, name)
        self.by(self.OWNER, "cancel", "main", "--kill")

    def test_a_store_that_nobody_may_write(self):
        self.make()
        os.chmod(self.path("store/torpor.db"), 0o444)
        os.chmod(self.path("store"), 0o555)
        self.look(self.OTHER)
        done = self.by(self.OTHER, "signal", "main", "go", code=FILE)
        self.assertIn("cannot be written", done.stderr)

    def test_looking_while_the_owner_works(self):
        self.make()
        self.by(self.OWNER, "run", "end.mjs", "--id", "early", "-q")
        follower = subprocess.Popen(
            self.words(self.OTHER, "logs", "main", "-f"), text=True,
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE)
        self.children.append(follower)
        worker = subprocess.Popen(self.words(self.OWNER, "worker", "-q"),
                                  cwd=self.folder, env=self.environment,
                                  stdout=subprocess.DEVNULL)
        self.children.append(worker)
        self.assertEqual(follower.stdout.readline(), "waiting\n")
        before = self.files()
        self.by(self.OTHER, "list")
        self.assertEqual(self.files(), before)
        self.by(self.OWNER, "signal", "main", "go", "5")
        self.assertEqual(follower.communicate(timeout=PATIENCE)[0], "got 5\n")
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
        self.by(self.OTHER, "list")

    def test_taking_a_run_elsewhere(self):
        self.make()
        worker = subprocess.Popen(self.words(self.OWNER, "worker", "-q"),
                                  cwd=self.folder, env=self.environment,
                                  stdout=subprocess.PIPE)
        self.children.append(worker)
        self.assertEqual(worker.stdout.readline(), b"waiting\n")
        os.chmod(self.folder, 0o777)
        for name in ["while it runs", "afterwards"]:
            self.by(self.OTHER, "inspect", "main")
            self.by(self.OTHER, "export", "main", "-o", name)
            self.by(self.OTHER, "import", name, "--id", name[:5],
                    "--store", "own.db")
            worker.send_signal(signal.SIGTERM)
            worker.wait(PATIENCE)
        self.by(self.OWNER, "cancel", "main", "--kill")

    def test_a_log_whose_writer_died(self):
        self.make()
        worker = subprocess.Popen(self.words(self.OWNER, "worker", "-q"),
                                  cwd=self.folder, env=self.environment,
                                  stdout=subprocess.PIPE)
        self.children.append(worker)
        self.assertEqual(worker.stdout.readline(), b"waiting\n")
        worker.kill()
        worker.wait()
        self.by(self.OTHER, "list")  # by way of what it has left
        os.unlink(self.path("store/torpor.db-shm"))
        before = self.files()
        done = self.by(self.OTHER, "list", code=FILE)
        self.assertIn("let its owner list it once", done.stderr)
        self.assertEqual(self.files(), before)
        self.by(self.OWNER, "list")
        self.by(self.OTHER, "list")

    def test_one_that_may_not_be_read_is_there_all_the_same(self):
        self.make()
        os.chmod(self.path("store/torpor.db"), 0o600)
        for words in [("list",), ("show", "main"), ("worker",),
                      ("run", "main.mjs")]:
            done = self.by(self.OTHER, *words, code=FILE)
            self.assertIn("may not be read by this user", done.stderr)
            self.assertNotIn("no store", done.stderr)
        os.chmod(self.path("store"), 0o700)
        done = self.by(self.OTHER, "list", code=FILE)
        self.assertIn("may not be read by this user", done.stderr)

    def test_what_root_makes_is_the_owners(self):
        self.make()
        for name in os.listdir(self.path("store")):
            if name != "torpor.db":
                os.unlink(self.path(f"store/{name}"))
        self.by(0, "cancel", "main", "--kill")
        for name, (owner, mode) in self.files().items():
            self.assertEqual(owner, self.OWNER, name)
        self.by(self.OWNER, "remove", "main")

    @unittest.skipUnless(shutil.which("mount"), "nothing can be mounted")
    def test_a_medium_that_is_read_only(self):
        self.make()
        os.chown(self.path("store"), 0, 0)
        store = self.path("store")
        if subprocess.run(["mount", "--bind", store, store],
                          capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody mount")
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", store],
                           check=True, capture_output=True)
            for user in [0, self.OWNER, self.OTHER]:
                self.look(user)
                done = self.by(user, "signal", "main", "go", code=FILE)
                self.assertIn("cannot be written", done.stderr)
        finally:
            subprocess.run(["umount", store], check=True)


if __name__ == "__main__":
    unittest.main()
