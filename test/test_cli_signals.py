#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""What waits in a run's mailbox: sending, listing, removing."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import DONE, HELD, USAGE, Durable

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

    def test_dropping(self):
        self.detach(GO)
        for n in range(3):
            self.torpor("signal", "main", "go", str(n))
        self.torpor("signals", "main", "--drop=1")
        self.assertEqual([one["number"] for one in self.signals()], [2, 3])
        said = self.torpor("signals", "main", "--drop=1", code=USAGE)
        self.assertIn("no signal with the number 1", said.stderr)
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], 1)
        self.assertEqual([one["number"] for one in self.signals()], [3])
        self.torpor("signals", "nobody", code=USAGE)

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


if __name__ == "__main__":
    unittest.main()
