#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=120
"""What the machine refuses ends in an error, and never in an abort.

Standard streams that are closed, few file descriptors, no threads, and a limit
on the size of files: whatever a command does then, it says so, with an exit
code of its own.
"""

import itertools
import os
import resource
import shutil
import subprocess
import tempfile
import unittest

TORPOR = os.path.abspath(os.environ["TORPOR"])
DONE, THROWN, FILE, HOST = 0, 1, 6, 7
NOBODY = 65534

PROGRAM = """
import { readFile, writeFile } from "torpor:fs";
await writeFile("out.txt", "written");
console.log(await readFile("out.txt", "utf8"));
"""
RUN = """
import { sleep } from "torpor:run";
console.log("before");
await sleep(1);
console.log("after");
"""


class Machine(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-cli-"))
        os.chmod(self.folder, 0o777)
        for name, text in ("main.mjs", PROGRAM), ("run.mjs", RUN):
            with open(os.path.join(self.folder, name), "w",
                      encoding="utf-8") as file:
                file.write(text)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def torpor(self, *words, prepare=None):
        return subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              preexec_fn=prepare, timeout=60, check=False)

    def commands(self):
        shutil.rmtree(os.path.join(self.folder, "store-locks"),
                      ignore_errors=True)
        for name in os.listdir(self.folder):
            if name.startswith("store"):
                os.remove(os.path.join(self.folder, name))
        return (("-A", "main.mjs"), ("eval", "-p", "1 + 1"),
                ("run", "--store", "store", "run.mjs"))

    def test_closed_streams(self):
        """No file, store or socket takes their place."""
        for count in range(1, 4):
            for closed in itertools.combinations(range(3), count):
                def close(closed=closed):
                    for stream in closed:
                        os.close(stream)
                for words in self.commands():
                    with self.subTest(closed=closed, words=words):
                        done = self.torpor(*words, prepare=close)
                        self.assertEqual(done.returncode,
                                         FILE if 1 in closed else DONE,
                                         done.stderr)
                        if 1 in closed and 2 not in closed:
                            self.assertIn("writing output: Bad file descriptor",
                                          done.stderr)
        with open(os.path.join(self.folder, "out.txt"),
                  encoding="utf-8") as file:
            self.assertEqual(file.read(), "written")

    def test_few_descriptors(self):
        done = set()
        for count in range(4, 21):
            def limit(count=count):
                resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
            for words in self.commands():
                with self.subTest(count=count, words=words):
                    ended = self.torpor(*words, prepare=limit)
                    if ended.returncode == DONE:
                        done.add(words)
                    else:
                        self.check_lack(ended, words)
        self.assertEqual(len(done), 3)

    def check_lack(self, ended, words):
        """It says that there were too few; a program may have caught it."""
        if words[0] == "-A" and ended.returncode == THROWN:
            self.assertIn("EMFILE", ended.stderr)
            return
        self.assertEqual(ended.returncode, HOST, ended.stderr)
        self.assertIn("oo many open files", ended.stderr)

    def test_a_store_and_few_descriptors(self):
        """Whatever a command does with a store, it does or says why not."""
        with open(os.path.join(self.folder, "lib.mjs"), "w",
                  encoding="utf-8") as file:
            file.write("export const word = 'go';")
        with open(os.path.join(self.folder, "waits.mjs"), "w",
                  encoding="utf-8") as file:
            file.write("""import { signal } from "torpor:run";
                import { word } from "./lib.mjs";
                for (;;) console.log(await signal(word));""")
        place = ("--store", "kept")
        made = self.torpor("run", *place, "--id", "w", "--detach", "waits.mjs")
        self.assertEqual(made.returncode, DONE, made.stderr)
        commands = (("list",), ("show", "w"), ("logs", "w"),
                    ("signal", "w", "go", "1"), ("fork", "w", "--id", "{}"),
                    ("run", "--id", "{}", "--detach", "waits.mjs"),
                    ("cancel", "--kill", "f{}"), ("prune", "w", "--keep", "1"))
        done = set()
        for count in range(4, 21):
            def limit(count=count):
                resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
            self.torpor("run", *place, "--id", f"f{count}", "--detach",
                        "waits.mjs")
            for at, words in enumerate(commands):
                words = [word.format(f"{count}") if word != "{}"
                         else f"{at}-{count}" for word in words]
                with self.subTest(count=count, words=words):
                    ended = self.torpor(words[0], *place, *words[1:],
                                        prepare=limit)
                    if ended.returncode == DONE:
                        done.add(at)
                    else:
                        self.check_lack(ended, words)
        self.assertEqual(done, set(range(len(commands))))
        states = self.torpor("list", *place, "--json").stdout
        self.assertNotIn("parked", states)

    @unittest.skipIf(os.getuid() != 0, "only root can become somebody else")
    def test_no_threads(self):
        """What needs the pool is refused while there is no thread for it."""
        outcomes = set()
        for count in range(1, 9):
            def limit(count=count):
                resource.setrlimit(resource.RLIMIT_NPROC, (count, count))
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            for words in self.commands():
                with self.subTest(count=count, words=words):
                    ended = self.torpor(*words, prepare=limit)
                    self.assertIn(ended.returncode, (DONE, THROWN, FILE, HOST),
                                  ended.stderr)
                    if words[0] == "-A":
                        outcomes.add(ended.returncode)
                        if ended.returncode == THROWN:
                            self.assertIn("EAGAIN", ended.stderr)
        self.assertEqual(outcomes, {DONE, THROWN})

    def test_size_of_files(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        large = """import { writeFile } from "torpor:fs";
            try { await writeFile("large", "x".repeat(9999)); }
            catch (error) { console.log(error.code); }"""
        with open(os.path.join(self.folder, "large.mjs"), "w",
                  encoding="utf-8") as file:
            file.write(large)
        self.assertEqual(self.torpor("-A", "large.mjs", prepare=limit).stdout,
                         "EFBIG\n")
        ended = self.torpor("run", "--store", "store", "run.mjs", prepare=limit)
        self.assertEqual(ended.returncode, FILE, ended.stderr)


if __name__ == "__main__":
    unittest.main()
