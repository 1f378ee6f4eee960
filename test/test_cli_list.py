#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""What torpor list tells: what runs wait for, those of a state or a program, in
pages, and in columns that fit."""

import json
import os
import re
import shlex
import sqlite3
import sys
import unicodedata
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (NOT_FOUND, PATIENCE, TORPOR, USAGE,  # noqa: E402
                     Durable)
from terminal import on_terminal  # noqa: E402

WAITING = """
    import { signal, sleep } from "torpor:run";
    const soon = signal("decision", { timeout: "3 days" });
    await Promise.all([soon, signal("forever"), sleep("2 h"), sleep("5 h")]);
    """
DONE = "export default 1;"
FAILS = "throw new Error('no');"


def columns(text):
    """What a terminal gives it, as Python's own tables have it."""
    return sum(0 if unicodedata.category(letter) in ("Mn", "Me", "Cf")
               else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
               for letter in text)


class Listing(Durable):
    def drive(self, *runs):
        """Until none of them is ready."""
        worker = self.start("worker", "-q")
        for run in runs:
            self.wait_until(lambda: self.show(run)["state"] != "ready", run)
        worker.terminate()
        worker.communicate(timeout=PATIENCE)

    def some(self):
        """Runs a to e: waiting, done, waiting, failed, ready."""
        for run, text, name in [("a", WAITING, "w.mjs"), ("b", DONE, "d.mjs"),
                                ("c", WAITING, "w.mjs"), ("d", FAILS, "f.mjs")]:
            self.detach(text, name=name, run=run)
        self.drive(*"abcd")
        self.detach(DONE, name="d.mjs", run="e")

    def ids(self, *words):
        return "".join(run["id"] for run in self.list(*words))

    def list(self, *words):
        return json.loads(self.torpor("list", "--json", *words).stdout)

    def test_what_runs_wait_for(self):
        self.some()
        runs = {run["id"]: run for run in self.list()}
        waits = runs["a"]["waits"]
        self.assertEqual([(wait["kind"], wait["topic"]) for wait in waits],
                         [("signal", "decision"), ("signal", "forever"),
                          ("timer", None)])
        self.assertEqual(runs["a"]["operations"], 4)
        due = {wait["id"]: wait["due"] for wait in self.show("a")["operations"]}
        self.assertEqual([wait["due"] for wait in waits],
                         [due[number] for number in sorted(due)][:3])
        self.assertIsNone(waits[1]["due"])
        self.assertEqual([runs[run]["waits"] for run in "bde"], [[], [], []])
        lines = self.torpor("list").stdout.splitlines()
        self.assertRegex(lines[0], r"^RUN  STATE    STEP +BYTES  CHANGED +"
                         r"PROGRAM  WAITS FOR$")
        when = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
        self.assertRegex(lines[1], r"^a    waiting     1 +\d+  " + when +
                         r"  w\.mjs    signal decision until " + when +
                         ", signal forever, timer until " + when +
                         " and 1 more$")
        self.assertRegex(lines[2], r"^b    done +1 +\d+  " + when +
                         r"  d\.mjs$")
        self.assertRegex(lines[5], r"^e    ready +0 +0 .* a worker$")

    def test_some_of_them(self):
        self.some()
        os.symlink(self.path("w.mjs"), self.path("link.mjs"))
        for words, ids in [([], "abcde"), (["--state=waiting"], "ac"),
                           (["--state=done,failed"], "bd"),
                           (["-s", "ready,waiting"], "ace"),
                           (["-s", "killed"], ""),
                           (["--program=w.mjs"], "ac"),
                           (["--program=./link.mjs"], "ac"),
                           (["-p", self.path("d.mjs")], "be"),
                           (["-p", "d.mjs", "-s", "ready"], "e"),
                           (["-p", "none.mjs"], ""),
                           (["--after=b"], "cde"), (["--after=e"], ""),
                           (["--limit=2"], "ab"), (["-n", "99"], "abcde"),
                           (["-n", "1", "--after=a", "-s", "waiting"], "c"),
                           (["--limit=all"], "abcde")]:
            self.assertEqual(self.ids(*words), ids, words)
        os.remove(self.path("w.mjs"))
        self.assertEqual(self.ids("--program=w.mjs"), "ac")
        done = self.torpor("list", "--state=killed")
        self.assertEqual((done.stdout, done.stderr),
                         ("", "torpor: no run of the store is such a one\n"))
        for words, code, said in [
                (["--state=wating"], USAGE, "did you mean 'waiting'"),
                (["--state=done,"], USAGE, "never ''"),
                (["--state=sleepy"], USAGE, "--help"),
                (["--limit=0"], USAGE, "at least 1"),
                (["--limit=-1"], USAGE, "takes a number or 'all'"),
                (["--after=nobody"], NOT_FOUND, "no run has the id 'nobody'"),
                (["--after=#x"], None, "")]:
            done = self.torpor("list", *words, code=code)
            self.assertIn(said, done.stderr)

    def multiply(self, count):
        """Makes runs r001 and so on of the run r000, faster than one by one."""
        store = sqlite3.connect(self.path("torpor.db"))
        for table, key in [("run", "number"), ("head", "run"),
                           ("edition", "run")]:
            names = [row[1] for row in
                     store.execute(f"PRAGMA table_info({table})")]
            values = ["?" if name in (key, "id") else name for name in names]
            for number in range(1, count):
                store.execute(
                    f"INSERT INTO {table}({', '.join(names)}) SELECT "
                    f"{', '.join(values)} FROM {table} WHERE {key} = 1",
                    [number + 1 if name == key else f"r{number:03}"
                     for name in names if name in (key, "id")])
        store.commit()
        store.close()

    def test_page_by_page(self):
        self.detach(DONE, run="r000")
        self.multiply(130)
        every = [run["id"] for run in self.list()]
        self.assertEqual(every, [f"r{number:03}" for number in range(130)])
        first = self.torpor("list")
        self.assertEqual(len(first.stdout.splitlines()), 101)
        self.assertEqual(first.stderr,
                         "torpor: there are more: torpor list --after=r099\n")
        rest = self.torpor("list", "--after=r099")
        self.assertEqual((len(rest.stdout.splitlines()), rest.stderr), (31, ""))
        self.assertEqual(
            len(self.torpor("list", "--limit=all").stdout.splitlines()), 131)
        self.assertEqual(self.torpor("list", "--limit=130").stderr, "")
        os.symlink(self.path("main.mjs"), self.path("it's $a.mjs"))
        words, got = ["list", "--limit=50", "--store", "torpor.db",
                      "--state=ready", "-p", "it's $a.mjs"], []
        while words:
            done = self.torpor(*words)
            got += re.findall(r"(?m)^(r\d+) ", done.stdout)
            words = shlex.split(done.stderr)[5:] if done.stderr else []
            self.assertEqual(words[:1], ["list"] if words else [])
        self.assertEqual(got, every)

    def test_columns_are_as_wide_as_what_is_in_them(self):
        long = "a" * 64
        self.detach(DONE, run="b")
        self.detach(DONE, name=f"{'ü' * 30}.mjs", run=long)
        self.detach(DONE, run="c")
        lines = self.torpor("list").stdout.splitlines()
        at = lines[0].index("STATE")
        self.assertEqual(at, 66)
        self.assertEqual({line.index("ready") for line in lines[1:]}, {at})
        self.assertEqual({line.index("a worker") for line in lines[1:]},
                         {lines[0].index("WAITS FOR")})

    def test_columns_of_characters_that_are_wide_or_have_no_width(self):
        for number, name in enumerate(["a", "日本語のプログラム", "한국어", "😀",
                                       "e\u0301e\u0301", "ＦＵＬＬ", "ｶﾅ",
                                       "a\u202eb\u200bc"]):
            self.detach(DONE, name=f"{name}.mjs", run=f"r{number}")
        lines = self.torpor("list").stdout.splitlines()
        self.assertEqual({columns(line[:line.index("a worker")])
                          for line in lines[1:]},
                         {lines[0].index("WAITS FOR")})
        self.assertNotIn("\u202e", "".join(lines))
        for most in range(40, 80):
            for line in self.on_a_terminal(most, "list"):
                self.assertLessEqual(columns(line), most)

    def on_a_terminal(self, width, *words):
        """The lines there, without their colours."""
        text, code = on_terminal([TORPOR, *words], columns=width,
                                 stderr=None, cwd=self.folder,
                                 env={**self.environment, "NO_COLOR": "1"})
        self.assertEqual(code, 0, text)
        return re.sub("\x1b\\[[0-9;]*m", "", text).splitlines()

    def test_lines_end_at_the_edge_of_a_terminal(self):
        self.detach(WAITING, name="w.mjs", run="a")
        self.drive("a")
        whole = self.torpor("list").stdout.splitlines()
        self.assertEqual(self.on_a_terminal(400, "list"), whole)
        self.assertEqual(self.on_a_terminal(0, "list"), whole)
        for width in [len(whole[1]) - 1, 80, 40, 5, 1]:
            lines = self.on_a_terminal(width, "list")
            self.assertEqual(len(lines), 2, (width, lines))
            for line, full in zip(lines, whole):
                self.assertLessEqual(len(line), width)
                kept = line.rstrip(".").rstrip()
                self.assertTrue(full.startswith(kept), line)
        self.assertTrue(self.on_a_terminal(80, "list")[1].endswith("..."))


if __name__ == "__main__":
    unittest.main()
