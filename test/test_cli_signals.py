#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""What waits in a run's mailbox: sending, listing, removing."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, FILE, HELD, NOT_FOUND, PATIENCE, TORPOR, USAGE,
                     Durable)

GO = """
    import { signal } from "torpor:run";
    export default await signal("go");
    """


class Mailbox(Durable):
    def signals(self, *words):
        return json.loads(
            self.torpor("signals", "main", "--json", *words).stdout)

    def test_the_last_of_a_name_counts(self):
        self.detach(GO)
        self.torpor("signal", "main", "go",
                    '{"a": 1, "b": {"c": 1, "c": [2]}, "a": {"d": 3}}')
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], {"a": {"d": 3},
                                                "b": {"c": [2]}})

    def test_names_twice_in_the_input(self):
        done = self.run_program("""
            import { input } from "torpor:run";
            console.log(JSON.stringify(input()));
            """, "--input", '{"a": 1, "a": 2}')
        self.assertEqual(done.stdout, '{"a":2}\n')

    def test_listing(self):
        self.detach(GO)
        said = self.torpor("signals", "main")
        self.assertEqual((said.stdout, said.stderr), (
            "", "torpor: no signal waits in the mailbox\n"))
        self.assertEqual(self.signals(), [])
        self.torpor("signal", "main", "went", '{"n": 1}')
        self.torpor("signal", "main", "a\x1b[1mb")
        first, second = self.signals()
        self.assertEqual((first["number"], first["name"], first["value"]),
                         (1, "went", {"n": 1}))
        self.assertGreater(first["bytes"], 3)
        self.assertRegex(first["sent"], r"^20\d\d-.*Z$")
        self.assertEqual((second["number"], second["name"]), (2, "a\x1b[1mb"))
        table = self.torpor("signals", "main").stdout
        self.assertRegex(table, r"^ *NUMBER +SENT +BYTES +NAME, VALUE\n"
                         r" *1 .* went \{\"n\":1\}\n *2 .*\n$")
        self.assertNotIn("\x1b", table)

    def test_long_values_are_cut(self):
        self.detach(GO)
        self.torpor("signal", "main", "go", json.dumps("\u00e9" * 5000))
        table = self.torpor("signals", "main").stdout
        self.assertRegex(table, r"\u00e9\.\.\.\n$")
        self.assertLess(len(table), 400)
        self.assertEqual(len(self.signals()[0]["value"]), 5000)

    def test_dropping(self):
        self.detach(GO)
        for n in range(3):
            self.torpor("signal", "main", "go", str(n))
        self.torpor("signals", "main", "--drop=1")
        self.assertEqual([one["number"] for one in self.signals()], [2, 3])
        said = self.torpor("signals", "main", "--drop=1", code=NOT_FOUND)
        self.assertIn("no signal with the number 1", said.stderr)
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], 1)
        self.assertEqual([one["number"] for one in self.signals()], [3])
        self.torpor("signals", "nobody", code=NOT_FOUND)

    def test_not_while_it_is_driven(self):
        self.detach(GO)
        self.torpor("signal", "main", "other", "1")
        child = self.start("resume", "main")
        self.wait_until(lambda: self.show()["worked"], "driven")
        said = self.torpor("signals", "main", "--drop=1", code=HELD)
        self.assertIn("stop it first", said.stderr)
        self.assertEqual(len(self.signals()), 1)
        self.torpor("signal", "main", "go", "7")
        self.assertEqual(child.wait(timeout=60), DONE)

    def test_one_damaged_run_among_others(self):
        import sqlite3
        self.detach(GO, run="bad")
        self.detach(GO)
        store = sqlite3.connect(self.path("torpor.db"))
        store.execute("UPDATE head SET status = 99, step = -1 WHERE run = 1")
        store.commit()
        store.close()
        listed = json.loads(self.torpor("list", "--json").stdout)
        self.assertEqual([(run["id"], run["state"]) for run in listed],
                         [("bad", "damaged"), ("main", "ready")])
        self.assertIn("restore", listed[0]["reason"])
        self.assertRegex(self.torpor("list").stdout, r"(?m)^bad +damaged ")
        for words in (["show", "bad"], ["resume", "bad"], ["signals", "bad"]):
            self.assertIn("damaged", self.torpor(*words, code=6).stderr)
        self.torpor("signal", "main", "go", "1")
        worker = self.start("worker")
        self.wait_until(lambda: self.show()["state"] == "done", "done")
        worker.terminate()
        worker.wait(timeout=60)


class Values(Durable):
    """What is sent, and what input() gives: JSON or a text, from the command
    line, a file or standard input."""

    MOST = 1 << 20  # bytes of a signal's value

    def setUp(self):
        super().setUp()
        self.detach(GO)

    def values(self):
        return [one["value"] for one in json.loads(
            self.torpor("signals", "main", "--json").stdout)]

    def send(self, *words, code=DONE, given=None):
        """Sends a value; what is said when that fails, and nothing is sent."""
        before = self.values()
        done = subprocess.run([TORPOR, "signal", "main", "go", *words],
                              cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL if given is None
                              else None, input=given, capture_output=True,
                              timeout=4 * PATIENCE)
        self.assertEqual(done.returncode, code, done.stderr)
        after = self.values()
        if code == DONE:
            self.assertEqual(after[:-1], before)
            return after[-1]
        self.assertEqual(after, before)
        return done.stderr.decode()

    def test_negative_numbers(self):
        for word, value in [("-5", -5), ("-1e3", -1000), ("-0.5", -0.5),
                            ("-0", 0)]:
            self.assertEqual(self.send(word), value)
            self.assertEqual(self.send("--", word), value)
            self.assertEqual(self.send("--text", word), word)
        self.assertIn("unknown option '-x'", self.send("-x", code=USAGE))
        self.assertIn("'--ext'; did you mean '--text'",
                      self.send("--ext", code=USAGE))
        self.assertIn("is not JSON", self.send("-.5", code=USAGE))
        self.assertIn("is not JSON", self.send("--", "-x", code=USAGE))

    def test_as_input(self):
        program = """
            import { input } from "torpor:run";
            export default input();
            """
        self.write("program.mjs", program)
        self.write("value", ' [1, "\u00e4"]\n')
        for run, (words, value) in enumerate([
                (["--input", "-5"], -5), (["-i-1e3"], -1000),
                (["--input=@value"], [1, "\u00e4"]),
                (["--text", "-i", "@value"], ' [1, "\u00e4"]\n'),
                (["--text", "--input="], "")]):
            self.torpor("run", "program.mjs", f"--id=r{run}", *words)
            self.assertEqual(self.show(f"r{run}")["value"], value)
        for words in [["-i", "@none"], ["--text", "-i", "@none"]]:
            self.torpor("run", "program.mjs", "--id=none", *words, code=FILE)
        self.torpor("show", "none", code=NOT_FOUND)

    def test_more_than_a_command_line_holds(self):
        program = """
            import { input } from "torpor:run";
            export default input().length;
            """
        long = "x" * (self.MOST - 5)  # and five bytes of CBOR
        self.write("text", long)
        self.write("json", json.dumps(long))
        self.write("more", json.dumps(long + "x"))
        self.assertEqual(self.send("@json"), long)
        self.assertEqual(self.send("-", given=json.dumps(long).encode()), long)
        self.assertEqual(self.send("--text", "@text"), long)
        self.assertEqual(self.send("-", "--text", given=long.encode()), long)
        for words, given in [(["@more"], None),
                             (["-"], json.dumps(long + "x").encode()),
                             (["--text", "-"], (long + "x").encode())]:
            self.assertIn("at most 1048576 bytes, and this one 1048577",
                          self.send(*words, code=USAGE, given=given))
        self.run_program(program, "--input=@more", run="larger")
        self.assertEqual(self.show("larger")["value"], self.MOST - 4)
        spaces = b" " * (9 << 20) + b"1"
        self.assertIn("is too large: at most 8.0 MB",
                      self.send("-", code=USAGE, given=spaces))

    def test_texts(self):
        for word, text in [("plain", "plain"), ("", ""), ('"q"', '"q"'),
                           ("@@name", "@name"), ("@@", "@"), ("a@b", "a@b"),
                           ("\u00fc\n", "\u00fc\n"), ("null", "null")]:
            self.assertEqual(self.send("--text", word), text)
        for given in ["", "one\ntwo\n", "\u20ac", "a\0b", "\ufeffx"]:
            self.assertEqual(self.send("--text", "-", given=given.encode()),
                             given)
        for given in [b"\xff", b"ab\xc3", b"\xed\xa0\x80"]:
            self.assertIn("is not UTF-8", self.send("--text", "-", code=USAGE,
                                                    given=given))
        self.assertEqual(self.send("-", given=b"\xef\xbb\xbf[1]"), [1])

    def test_what_is_no_value(self):
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("pipe"))
        self.write("empty", "")
        self.write("bad", "{'a': 1}")
        for word, code, said in [
                ("text", USAGE, "--text"), ("", USAGE, "is empty"),
                ("@", USAGE, "names no file"), ("@@1", USAGE, "is not JSON"),
                ("@none", FILE, "'none' cannot be read: No such file"),
                ("@folder", FILE, "'folder' cannot be read: Is a directory"),
                ("@/dev/zero", USAGE, "too large"),
                ("@/dev/null", USAGE, "is empty"),
                ("@empty", USAGE, "'empty' is empty"),
                ("@bad", USAGE, "'bad' is not JSON"),
                ("@pipe", FILE, "'pipe' is a pipe that nobody writes to")]:
            with self.subTest(word):
                self.assertIn(said, self.send(word, code=code))
        self.assertIn("nobody writes", self.send("--text", "@pipe", code=FILE))
        self.assertIn("standard input is empty", self.send("-", code=USAGE))

    def test_a_pipe_that_is_written_to(self):
        for words in ["@<(sleep 0.2; echo 7)", "- < <(sleep 0.2; echo 7)"]:
            subprocess.run(["bash", "-c", f'"$0" signal main go {words}',
                            os.path.abspath(TORPOR)], cwd=self.folder,
                           env=self.environment, check=True, timeout=PATIENCE)
        self.assertEqual(self.values(), [7, 7])


if __name__ == "__main__":
    unittest.main()
