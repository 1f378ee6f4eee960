#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=180
"""Durable programs that go wrong: what is said, the exit code, and that other
runs of the store do not notice."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DEADLOCK, FILE, PARKED, SANITIZED, THROWN, Durable)


class Failing(Durable):
    def setUp(self):
        """A neighbour, which waits in the same store."""
        super().setUp()
        self.detach("""
            import { signal } from "torpor:run";
            console.log(await signal("go"));
            """, name="neighbour.mjs", run="neighbour")
        self.neighbour = self.show("neighbour")

    def tearDown(self):
        self.assertEqual(self.show("neighbour"), self.neighbour)
        self.torpor("signal", "neighbour", "go", '"unharmed"')
        self.assertEqual(self.torpor("resume", "neighbour").stdout,
                         "unharmed\n")
        super().tearDown()

    def fails(self, text, reason, *options, state="failed", code=THROWN):
        done = self.run_program(text, *options, code=code)
        self.assertRegex(done.stderr, f"{state} after \\d+ steps?: ")
        self.assertIn(reason, done.stderr)
        run = self.show()
        self.assertEqual(run["state"], state)
        self.assertIn(reason, run["reason"])
        self.assertEqual(run["operations"], [])
        return run

    def test_throws(self):
        run = self.fails("let x;\n  throw new TypeError('mine', {cause: 5});",
                         f"TypeError: mine ({self.path('main.mjs')}:2:")
        self.assertIn("mine", str(run["value"]))

    def test_throws_later(self):
        self.fails("""
            import { sleep } from "torpor:run";
            await sleep(10);
            null.x;
            """, "main.mjs:4:")

    def test_throws_in_a_timer(self):
        self.fails("setTimeout(() => { throw new Error('late'); }, 10);\n"
                   "await new Promise(() => {});", "Error: late")

    def test_throws_no_error(self):
        self.fails("throw 42", "42")

    def test_throws_an_object(self):
        run = self.fails("throw { code: 5, msg: 'disk full' }",
                         "{ code: 5, msg: 'disk full' }")
        self.assertEqual(run["value"], {"code": 5, "msg": "disk full"})

    def test_throws_what_has_code_of_its_own(self):
        self.fails("throw { toString() { throw 1; } }",
                   "{ toString: [Function: toString] }")

    def test_throws_what_cannot_be_shown(self):
        self.fails("throw ''", "without a text")

    def test_rejects_without_a_handler(self):
        self.fails("""
            import { sleep } from "torpor:run";
            Promise.reject(new RangeError("nobody"));
            await sleep("1 hour");
            """, "unhandled rejection: RangeError: nobody (")

    def test_waits_for_nothing(self):
        self.fails("await new Promise(() => {});",
                   "nothing is left that could wake it", state="deadlock",
                   code=DEADLOCK)

    def test_waits_for_nothing_after_a_while(self):
        self.fails("""
            import { sleep } from "torpor:run";
            const never = new Promise(() => {});
            await sleep(10);
            await never;
            """, "nothing is left that could wake it: the program waits at ",
                   state="deadlock",
                   code=DEADLOCK)

    def test_exports_what_is_no_data(self):
        self.fails("export default () => 1;",
                   "the default export cannot be kept")

    def test_exhausts_memory(self):
        self.fails("const all = [];\nfor (;;) all.push(new Array(999));",
                   "out of memory", "--memory=16M")

    # What waits for one promise, and how many of it have room in 16 MiB, or
    # just not: then the queue of those that are ready has none.
    WAITERS = {
        "gate.then(woken)": (34000, 36000, 38000),
        "(async () => { await gate; woken(); })()": (18000, 20000, 22000),
        "gate.finally(() => {}).catch(woken).then(woken)": (8000, 10000),
        "(async function* () { await gate; woken(); })().next()":
            (12000, 14000),
        "late.push({ then(done) { done(woken()); } })": (44000, 52000),
    }

    def test_loses_no_reaction_without_memory(self):
        program = """
            import { sleep } from "torpor:run";
            let open, woke = 0;
            const gate = new Promise((resolve) => { open = resolve; });
            const woken = () => { woke++; };
            const late = [];
            await sleep(1);
            for (let i = 0; i < COUNT; i++) WAITER;
            open();
            for (const one of late) Promise.resolve(one);
            console.log("this step is not committed");
            await sleep(1);
            if (woke < COUNT) throw new Error(`only ${woke} woke`);
            """
        failed = 0
        for waiter, counts in self.WAITERS.items():
            for count in counts:
                text = program.replace("COUNT", str(count))
                with self.subTest(waiter=waiter, count=count):
                    failed += self.ran_or_told(text.replace("WAITER", waiter))
        self.assertGreater(failed, 1)

    def ran_or_told(self, text):
        """Whether the run failed as OutOfMemory."""
        self.runs = getattr(self, "runs", 0) + 1
        run = f"run-{self.runs}"
        done = self.run_program(text, "--memory=16M", run=run, code=None)
        said = self.show(run)
        if done.returncode == 0:
            return False
        self.assertEqual(done.returncode, THROWN)
        self.assertEqual(said["state"], "failed")
        if said["reason"].startswith("InternalError: out of memory"):
            return False
        self.assertRegex(said["reason"], "^OutOfMemory: .* 16 MiB.*--memory")
        self.assertIn("OUT_OF_MEMORY", str(said["value"]))
        self.assertEqual(done.stdout, "")
        self.assertEqual(said["step"], 2)
        return True

    def test_recurses_without_end(self):
        for text in ["function f() { f(); }\nf();",
                     "const a = { toString() { return `${a}`; } };\n`${a}`;",
                     "let p = {};\nfor (let i = 0; i < 1e5; i++)"
                     " p = new Proxy(p, {});\np.x;"]:
            with self.subTest(text):
                done = self.run_program(text, run="r" + str(len(text)),
                                        code=THROWN)
                self.assertIn("failed after 1 step: ", done.stderr)
                self.assertIn("main.mjs:", done.stderr)

    def test_loops_for_ever(self):
        for name, text in {
                "loop": "for (;;);",
                "jobs": "for (;;) await 0;",
                "then": "const again = () => Promise.resolve().then(again);"
                        "again(); await new Promise(() => {});",
                "regexp": "/^(x+x+)+y$/.test('x'.repeat(40));",
                "join": "new Array(1e9).join('abc');",
                "declarations": "eval('let a' + Object.keys('x'.repeat(3e4))"
                                ".join(';let a'));",
                "catch": "try { for (;;); } catch {} console.log('caught');",
        }.items():
            with self.subTest(name):
                done = self.run_program(text, "--deadline=200ms", run=name,
                                        code=PARKED)
                self.assertEqual(done.stdout, "")
                for attempt in range(1, 6):
                    self.assertIn("step 1 was rolled back "
                                  f"(attempt {attempt} of 5)", done.stderr)
                run = self.show(name)
                self.assertEqual(run["state"], "parked")
                self.assertIn("5 attempts failed", run["reason"])
                self.assertIn("deadline", run["reason"])

    def test_a_parked_run_is_tried_again_when_asked(self):
        self.detach("""
            import { readFile } from "torpor:fs";
            const text = await readFile("slow", "utf8");
            if (text === "yes") for (;;);
            console.log("went on");
            """, "--deadline=100ms", "--allow-read=slow")
        self.write("slow", "yes")
        self.torpor("resume", "main", code=PARKED)
        self.torpor("resume", "main", code=PARKED)
        self.write("slow", "no")
        self.assertEqual(self.torpor("resume", "main").stdout, "went on\n")

    def test_long_work_is_committed_between_jobs(self):
        done = self.run_program("""
            let n = 0;
            for (; n < 20; n++) {
              for (let i = 0; i < 1e5; i++);
              await 0;
            }
            console.log(n);
            """, "--fuel=200000")
        self.assertEqual(done.stdout, "20\n")
        self.assertGreater(self.show()["step"], 5)


class NotMade(Durable):
    """Programs of which no run is made."""

    def refused(self, text, reason, code):
        self.write("main.mjs", text)
        done = self.torpor("run", "main.mjs", "--id", "main", code=code)
        self.assertIn(reason, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("no runs", self.torpor("list").stderr)

    def test_missing_module(self):
        self.refused("import './none.mjs';",
                     f"'{self.path('none.mjs')}' (imported by "
                     f"'{self.path('main.mjs')}')", FILE)

    def test_missing_module_of_the_library(self):
        self.refused("import 'torpor:none';", "torpor:none", THROWN)

    def test_missing_export(self):
        self.refused("import { none } from 'torpor:run';", "none", THROWN)

    def test_not_javascript(self):
        self.refused("let ok = 1;\nlet x = ;\n",
                     f"SyntaxError: unexpected token in expression: ';' at "
                     f"{self.path('main.mjs')}:2:9", THROWN)

    def test_module_that_needs_a_grant(self):
        self.refused("import '/etc/passwd';", "--allow-read=/etc/passwd", FILE)

    def test_files_that_are_no_program(self):
        for path, reason in {"none.mjs": "no such file", "/": "directory",
                             "/dev/zero": "not a regular file"}.items():
            done = self.torpor("run", path, code=FILE)
            self.assertIn(reason, done.stderr)

    @unittest.skipIf(SANITIZED, "takes too long there")
    def test_fifty_megabytes(self):
        body = "x += 1; // " + "-" * 1013 + "\n"
        done = self.run_program("let x = 0;\n" + body * 51200 +
                                "console.log(x);\n")
        self.assertEqual(done.stdout, "51200\n")


class Files(Durable):
    PROGRAM = """
        import { readFile, writeFile } from "torpor:fs";
        import { sleep } from "torpor:run";
        await writeFile("data/out", "text");
        await sleep(10);
        console.log(await readFile("data/out", "utf8"));
        """

    def test_nothing_is_allowed_without_flags(self):
        os.mkdir(self.path("data"))
        done = self.run_program(self.PROGRAM, code=THROWN)
        self.assertIn(f"run with --allow-write={self.path('data/out')}",
                      done.stderr)
        self.assertEqual(os.listdir(self.path("data")), [])

    def test_grants_are_kept_with_the_run(self):
        os.mkdir(self.path("data"))
        self.detach(self.PROGRAM, "--allow-read=data", "--allow-write=data")
        self.assertEqual(self.torpor("resume").stdout, "text\n")
        text = self.torpor("show", "main").stdout
        self.assertIn(f"read {self.path('data')}", text)
        self.assertIn(f"write {self.path('data')}", text)

    def test_files_as_data_are_kept_with_the_run(self):
        self.write("data.json", '{"n": [1, 2]}')
        with open(self.path("data.bin"), "wb") as file:
            file.write(b"\xff\x00a")
        self.detach("""
            import { sleep } from "torpor:run";
            import json from "./data.json" with { type: "json" };
            import text from "./data.json" with { type: "text" };
            import bytes from "./data.bin" with { type: "bytes" };
            await sleep(10);
            const again = await import("./data.json",
                                       { with: { type: "json" } });
            const late = await import("./data.bin",
                                      { with: { type: "text" } });
            console.log(json === again.default, text.length, bytes.join(),
                        late.default.length, import.meta.url);
            await import("./none.mjs");
            """)
        os.remove(self.path("data.json"))
        os.remove(self.path("data.bin"))
        done = self.torpor("resume", code=THROWN)
        self.assertEqual(done.stdout, "true 13 255,0,97 3 "
                         f"file://{self.path('main.mjs')}\n")
        self.assertIn("there is no such module in the run", done.stderr)

    def test_a_file_that_is_not_there(self):
        done = self.run_program("import { readFile } from 'torpor:fs';\n"
                                "await readFile('none');", "--allow-read",
                                code=THROWN)
        self.assertIn("none", done.stderr)
        self.assertIn("no such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
