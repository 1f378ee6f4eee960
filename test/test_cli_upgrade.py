#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""torpor upgrade: a run goes on with a new program."""

import json
import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, ENDED, FILE, HELD, NOT_FOUND, PATIENCE, SANITIZED,
                     USAGE, Durable)

EXAMPLES = os.path.join(os.path.abspath(os.environ.get("TORPOR_SOURCE", ".")),
                        "examples")

NEW = """
    import { onUpgrade, signal } from "torpor:run";
    let state, from;
    onUpgrade((given, before) => { state = given; from = before.step; });
    export default { state, from, told: await signal("go") };
    """


class Upgrading(Durable):
    def until_waiting(self, run="main", line=None):
        child = self.start("resume", run, "-q")
        if line is not None:
            self.wait_for_line(line, run)
        self.wait_for_state("waiting", run)
        self.wait_until(lambda: self.show(run)["attempts"] == 0)
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)

    def old(self, text="exportState(() => ({ n: 41 }));"):
        self.detach(f"""
            import {{ exportState, signal }} from "torpor:run";
            {text}
            await signal("never");
            """)
        self.until_waiting()
        self.write("new.mjs", NEW)

    def test_the_example(self):
        self.torpor("run", f"{EXAMPLES}/reminders-1.mjs", "--id", "main", "-d")
        for text in ["water the plants", "pay the rent"]:
            self.torpor("signal", "main", "add", json.dumps(text))
        self.until_waiting(line="2: pay the rent")
        new = f"{EXAMPLES}/reminders-2.mjs"
        before = self.show()
        dry = self.torpor("upgrade", "main", new, "--dry-run").stdout
        self.assertIn("pay the rent", dry)
        self.assertIn("nothing was changed", dry)
        self.assertEqual(self.show(), before)
        self.torpor("upgrade", "main", new)
        self.torpor("signal", "main", "done", "1")
        self.torpor("signal", "main", "done", "2")
        self.torpor("resume", "-q")
        self.assertEqual(self.logs()[2:],
                         [f"took over 2 reminders at step {before['step']}",
                          "done: water the plants", "done: pay the rent"])
        self.assertEqual(self.show()["value"],
                         [{"text": "water the plants", "done": True},
                          {"text": "pay the rent", "done": True}])

    def test_the_report(self):
        self.old()
        self.torpor("signal", "main", "go", "1")
        found = json.loads(self.torpor("upgrade", "main", "new.mjs",
                                       "--json").stdout)
        self.assertEqual(found["state"], {"n": 41})
        self.assertTrue(found["changed"])
        self.assertTrue(found["from_file"].endswith("/main.mjs"))
        self.assertTrue(found["to_file"].endswith("/new.mjs"))
        self.assertEqual([each["topic"] for each in found["dropped"]],
                         ["never"])
        self.assertEqual((found["modules"], found["signals"]), (1, 1))
        self.assertEqual(found["to_branch"], self.show()["branch"])
        versions = self.show()["versions"]
        self.assertEqual([(each["number"], each["file"], each["start"])
                          for each in versions],
                         [(0, found["from_file"], 0),
                          (1, found["to_file"], found["step"])])
        self.assertEqual(versions[1]["engine"], found["to_engine"])
        self.assertRegex(self.torpor("show", "main").stdout,
                         r"(?m)^versions   /.*/main\.mjs, engine .*\n"
                         r"           /.*/new\.mjs, after step \d, engine ")
        self.torpor("resume", "-q")
        self.assertEqual(self.show()["value"],
                         {"state": {"n": 41}, "from": found["step"],
                          "told": 1})

    def test_an_exporter(self):
        self.old("globalThis.hidden = new Map([['a', 1]]);")
        done = self.torpor("upgrade", "main", "new.mjs", code=USAGE)
        self.assertIn("exportState", done.stderr)
        self.write("out.mjs", "export default () => [...hidden];")
        self.torpor("upgrade", "main", "new.mjs", "--exporter=out.mjs")
        self.torpor("signal", "main", "go", "2")
        self.torpor("resume", "-q")
        self.assertEqual(self.show()["value"]["state"], [["a", 1]])

    def test_what_is_refused_changes_nothing(self):
        self.old("globalThis.f = () => {};")
        self.write("throws.mjs", "throw new Error('no way');")
        self.write("waits.mjs", "await new Promise(() => {});")
        self.write("no-data.mjs", "export default () => f;")
        self.write("no.mjs", "export default 1; let let;")
        before = self.show()
        for words in [("main", "missing.mjs"), ("main", "no.mjs"),
                      ("main", "new.mjs"), ("nobody", "new.mjs"),
                      *(("main", "new.mjs", f"--exporter={name}.mjs")
                        for name in ["throws", "waits", "no-data", "no",
                                     "missing"])]:
            with self.subTest(words):
                done = self.start("upgrade", *words)
                output, errors = done.communicate(timeout=PATIENCE)
                self.assertNotEqual(done.returncode, DONE, output)
                self.assertTrue(errors.startswith("torpor: "), errors)
                self.assertEqual(self.show(), before)
        self.torpor("upgrade", "main", code=USAGE)
        self.torpor("upgrade", "main", "missing.mjs", code=FILE)
        self.torpor("upgrade", "nobody", "new.mjs", code=NOT_FOUND)

    def test_a_run_that_is_driven_or_has_ended(self):
        self.old()
        worker = self.start("resume", "main", "-q")
        self.wait_until(lambda: self.show()["worked"])
        self.torpor("upgrade", "main", "new.mjs", code=HELD)
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE)
        self.torpor("cancel", "main", "--kill")
        self.torpor("upgrade", "main", "new.mjs", code=ENDED)

    def test_kill_nine_at_any_moment(self):
        """The run is of the old program or of the new one, and goes on."""
        self.old()
        for _ in range(5 if SANITIZED else 30):
            child = self.start("upgrade", "main", "new.mjs")
            time.sleep(random.uniform(0, 0.03))
            child.kill()
            child.wait()
            run = self.show()
            if run["file"].endswith("new.mjs"):
                break
            self.assertEqual((run["state"], run["branch"]), ("waiting", 0))
        else:
            self.torpor("upgrade", "main", "new.mjs")
        self.torpor("signal", "main", "go", "3")
        self.torpor("resume", "-q")
        self.assertEqual(self.show()["value"]["state"], {"n": 41})
        self.assertEqual(self.show()["value"]["told"], 3)


if __name__ == "__main__":
    unittest.main()
