#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""Timers and AbortSignal of scripts, beside Node's.

One difference is meant: a delay of 0 is 0 here, as in browsers, and 1 in Node,
so that setTimeout(f, 1) before setTimeout(g, 0) calls g first here.
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import Durable
from scripts import PATIENCE, Scripts

NODE = os.environ["TORPOR_NODE"]

PROGRAM = """
    const lines = [];
    const log = (...words) => lines.push(words.join(" "));
    const micro = (name) => {
      queueMicrotask(() => {
        log(name, "microtask");
        queueMicrotask(() => log(name, "nested"));
      });
      Promise.resolve().then(() => log(name, "then"));
    };

    // By due time, then in order; microtasks between two.
    setTimeout(() => { log("zero"); micro("zero"); }, 0);
    setTimeout(() => log("zero again"), 0);
    for (const odd of [undefined, null, -1, NaN, "", "no", {}])
      setTimeout(() => log("odd", String(odd)), odd);
    setTimeout(() => log("one"), 1);
    setTimeout(function (...args) { log("args", args.length, ...args); }, 1,
               "a", undefined, 3);
    setTimeout(() => { log("five"); micro("five"); }, 50);
    setTimeout(() => log("five again"), 50);
    setTimeout(() => log("text"), "40");
    micro("main");

    // Cleared by itself, by one before, twice, by the other function.
    const self = setTimeout(() => { log("self"); clearTimeout(self); }, 60);
    const first = setTimeout(() => { log("first"); clearTimeout(second); }, 60);
    const second = setTimeout(() => log("never"), 60);
    const third = setTimeout(() => log("third"), 60);
    const fourth = setTimeout(() => log("never"), 30);
    clearInterval(fourth);
    clearTimeout(fourth);
    queueMicrotask(() => clearTimeout(setTimeout(() => log("never"), 1)));
    for (const odd of [undefined, null, -1, NaN, {}, "no", 1e9])
      clearTimeout(odd);

    // Intervals: cleared inside, from outside, and new ones that begin there.
    let beats = 0;
    const beat = setInterval((name) => {
      log(name, ++beats);
      if (beats === 3) clearInterval(beat);
    }, 250, "beat");
    const outside = setInterval(() => log("never"), 500);
    setTimeout(() => clearInterval(outside), 380);
    let inner = 0;
    const outer = setInterval(() => {
      clearInterval(outer);
      const again = setInterval(() => {
        log("inner", ++inner);
        if (inner === 2) clearTimeout(again);
      }, 5);
    }, 130);

    // Signals.
    const aborted = new AbortController();
    aborted.signal.onabort = () => log("abort", aborted.signal.reason.name);
    setTimeout(() => { aborted.abort(); log("after abort"); }, 620);
    const timeout = AbortSignal.timeout(870);
    timeout.addEventListener("abort", () => log(timeout.reason.name));
    const any = AbortSignal.any([aborted.signal, timeout]);
    any.onabort = () => log("any", any.reason === aborted.signal.reason);

    setTimeout(() => console.log(lines.join("\\n")), 1000);
"""


class BesideNode(Scripts):
    def agree(self, program):
        """Runs it here and in Node until both print the same: where a process
        is held up between two lines, the timers of the second are later. Gives
        what was printed."""
        for _ in range(8):
            ours = self.script(program)
            done = subprocess.run([NODE, "main.mjs"], cwd=self.folder,
                                  text=True, capture_output=True,
                                  timeout=PATIENCE, check=True)
            if ours == done.stdout:
                break
        self.assertEqual(ours, done.stdout)
        return ours

    def test_timers_come_in_the_same_order(self):
        ours = self.agree(PROGRAM)
        self.assertIn("TimeoutError", ours)
        self.assertNotIn("never", ours)

    def test_many_come_by_due_time_and_then_in_order(self):
        self.agree("""
            const seen = [];
            for (let i = 0; i < 500; i++)
              setTimeout(() => {
                seen.push(i);
                if (seen.length === 500) console.log(seen.join());
              }, 100 + i % 10 * 30);
            """)


class Kept(Scripts):
    def test_the_timer_of_a_signal_keeps_no_program_running(self):
        """One whose timer were waited for would never end."""
        self.assertEqual(self.script("""
            const signal = AbortSignal.timeout(1e10);
            signal.onabort = () => console.log("never");
            await new Promise((resolve) => setTimeout(resolve, 5));
            console.log("done");
            """), "done\n")

    def test_a_program_may_wait_for_it(self):
        self.assertEqual(self.script("""
            const signal = AbortSignal.timeout(20);
            await new Promise((resolve) => (signal.onabort = resolve));
            console.log(signal.reason.name);
            """), "TimeoutError\n")


class KeptRuns(Durable):
    def test_the_timer_of_a_signal_keeps_no_run_alive(self):
        self.write("main.mjs", """
            AbortSignal.timeout(1e10);
            export default "done";
            """)
        done = self.torpor("run", "main.mjs", "--json")
        self.assertIn('"done"', done.stdout)


if __name__ == "__main__":
    unittest.main()
