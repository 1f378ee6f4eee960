#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=120
"""The wake event of durable runs: a copy learns of it before anything else,
however it was made and whatever came for it meanwhile."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import PATIENCE, Durable

PROGRAM = """
    import { exportState, input, signal, sleep } from "torpor:run";
    let name = "original";
    const say = (what) => console.log(what, "as", name);
    torpor.onwake = (event) => {
      name = event.clone ? "copy" : "woken";
      say("wake");
    };
    exportState(() => name);
    globalThis.tellName = () => name;
    setTimeout(() => say("timeout"), 100);
    const beat = setInterval(() => { say("beat"); clearInterval(beat); }, 110);
    let b;
    if (input().signals) {
      signal("a", { timeout: 120 }).then(say, () => say("no a"));
      b = signal("b", { timeout: 130 }).catch(() => "no b");
    }
    await sleep(140);
    say(await b);
    """

NEW = """
    import { onUpgrade } from "torpor:run";
    export default onUpgrade((state) => state);
    """


class Waking(Durable):
    """By timers alone."""

    SIGNALS = False

    def setUp(self):
        """A run that wrote down a state, its first, in which all was pending,
        and that is left until all of it is due."""
        super().setUp()
        self.detach(PROGRAM, "--input",
                    json.dumps({"signals": self.SIGNALS}))
        child = self.start("resume", "main", "-q")
        self.wait_until(lambda: self.show()["step"] > 0)
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE)
        time.sleep(0.2)

    def check_told_first(self, run, name, signals):
        for topic in signals:
            self.torpor("signal", run, topic, f'"{topic} came"')
        lines = self.torpor("resume", run, "-q").stdout.splitlines()
        results = ["timeout", "beat"]
        if self.SIGNALS:
            results += [f"{topic} came" if topic in signals else f"no {topic}"
                        for topic in "ab"]
        else:
            results.append("undefined")
        self.assertEqual(lines[0], f"wake as {name}")
        self.assertEqual(sorted(lines[1:]),
                         sorted(f"{what} as {name}" for what in results))

    def test_forked(self):
        for signals in ["", "a", "b", "ab", "ba"][:5 if self.SIGNALS else 1]:
            run = f"copy-{signals}"
            self.torpor("fork", "main", "--step", "1", "--id", run)
            self.check_told_first(run, "copy", signals)

    def test_forked_from_a_fork(self):
        self.torpor("fork", "main", "--step", "1", "--id", "b")
        self.torpor("fork", "b", "--id", "c")
        self.check_told_first("c", "copy", "")

    def test_imported(self):
        self.torpor("export", "main", "--step", "1", "-o", "file")
        self.torpor("import", "file", "--id", "b")
        self.check_told_first("b", "copy", "")

    def test_rewound(self):
        for signals in ["", "ab"][:2 if self.SIGNALS else 1]:
            self.torpor("rewind", "main", "1")
            self.check_told_first("main", "woken", signals)

    def check_handed_over(self, *options):
        """Before the old program hands over, it learns what it is."""
        self.torpor("fork", "main", "--step", "1", "--id", "b")
        self.write("new.mjs", NEW)
        self.torpor("upgrade", "b", "new.mjs", *options)
        self.torpor("resume", "b")
        self.assertEqual(self.show("b")["value"], "copy")

    def test_upgraded(self):
        self.check_handed_over()

    def test_upgraded_by_an_exporter(self):
        self.write("exporter.mjs", "export default tellName();")
        self.check_handed_over("--exporter=exporter.mjs")

    def test_ended_waits_take_no_message(self):
        """What a listener aborts eats no signal that had come."""
        self.detach("""
            import { signal, sleep } from "torpor:run";
            const controller = new AbortController();
            torpor.onwake = () => controller.abort();
            const first = signal("a", controller).catch((e) => e.name);
            await sleep(1);
            console.log(await first, await signal("a"));
            """, name="other.mjs", run="other")
        child = self.start("resume", "other", "-q")
        self.wait_until(lambda: self.show("other")["step"] > 1)
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE)
        self.torpor("signal", "other", "a", '"kept"')
        self.assertEqual(self.torpor("resume", "other", "-q").stdout,
                         "AbortError kept\n")


class WakingBySignals(Waking):
    """Also by signals, which come or time out."""

    SIGNALS = True


if __name__ == "__main__":
    unittest.main()
