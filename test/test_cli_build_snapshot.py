#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""torpor build --snapshot: executables that begin where they slept."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from build import Build, DEADLOCK, DONE, FILE, THROWN

WARM = """
    import { table } from "./lib/table.mjs";
    let counter = 0;
    for (let i = 0; i < 1000; i++) counter += i;
    console.log("starting up");
    export async function main(...args) {
      console.log(++counter, table.get(7), args.join("|"));
    }
"""
TABLE = """
    export const table = new Map();
    for (let i = 0; i < 1000; i++) table.set(i, i * i);
"""


class Snapshots(Build):
    def snapshot(self, text, *options, code=DONE):
        return self.build(text, "--snapshot", *options, code=code)

    def test_warm_state(self):
        self.write("lib/table.mjs", TABLE)
        self.assertEqual(self.snapshot(WARM).stdout, "starting up\n")
        for _ in range(2):  # each one begins where the program slept
            self.assertEqual(self.run_app("a", "--b", "").stdout,
                             "499501 49 a|--b|\n")
        self.assertIn("asleep", self.torpor("build", "--show", "app").stdout)

    def test_linked(self):
        self.write("lib/table.mjs", TABLE)
        self.write("app.mjs", WARM)
        self.torpor("build", "app.mjs", "--snapshot")
        self.assertEqual(self.run_app().stdout, "499501 49 \n")

    def test_timers_go_on(self):
        self.snapshot("""
            let ticks = 0;
            const begun = Date.now();
            const id = setInterval(() => {
              console.log("tick");
              if (++ticks === 3) clearInterval(id);
            }, 30);
            setTimeout(() => console.log("late"), 500);
            export function main() { console.log("main", ticks); }
        """)
        time.sleep(0.6)
        lines = self.run_app().stdout.split()
        self.assertEqual(sorted(lines), sorted(
            ["main", "0", "tick", "tick", "tick", "late"]))
        self.assertEqual(lines[:2], ["main", "0"])

    def test_time_and_chance_are_of_now(self):
        self.snapshot("""
            const built = Date.now(), clock = performance.now();
            const early = Math.random();
            export function main() {
              console.log(Date.now() - built, performance.now() - clock);
              console.log(Math.random(), early);
              console.log(crypto.randomUUID());
              console.log(Math.abs(Date.now() - performance.timeOrigin
                                   - performance.now()) < 1000);
            }
        """)
        time.sleep(1.1)
        first, second = (self.run_app().stdout.split("\n") for _ in range(2))
        wall, clock = map(float, first[0].split())
        self.assertGreater(wall, 1000)
        self.assertGreater(clock, 0)
        self.assertNotEqual(first[1].split()[0], second[1].split()[0])
        self.assertEqual(first[1].split()[1], second[1].split()[1])
        self.assertNotEqual(first[2], second[2])

    def test_arguments(self):
        self.snapshot("""
            import { args } from "torpor:script";
            const early = args().length;
            export const main = (a, b) => {
              console.log(early, a, b, args().join());
            };
        """)
        self.assertEqual(self.run_app("x", "y").stdout, "0 x y x,y\n")

    def test_extensions_and_imports_later(self):
        self.write("more.mjs", "export const more = 'more';")
        self.write("early.mjs", "export const early = 'early';")
        self.snapshot("""
            import { early } from "./early.mjs";
            const url = new URL("https://e.org/a");
            export async function main() {
              console.log(url.host, new Headers({ a: "b" }).get("a"));
              console.log((await import("./more.mjs")).more);
              console.log((await import("./early.mjs")).early === early);
            }
        """, "--include=more.mjs")
        self.assertEqual(self.run_app().stdout, "e.org b\nmore\ntrue\n")

    def test_waits_for_the_module_alone(self):
        self.snapshot("""
            await new Promise((done) => setTimeout(done, 50));
            // It does not keep the build waiting.
            const id = setInterval(() => {}, 10);
            export function main() { clearInterval(id); console.log("done"); }
        """)
        self.assertEqual(self.run_app().stdout, "done\n")

    def test_main_that_throws(self):
        self.snapshot("export function main() { null.x; }")
        done = self.run_app(code=THROWN)
        self.assertIn("TypeError", done.stderr)
        self.assertIn("app:///app.mjs:1:", done.stderr)
        self.snapshot("export async function main() { await new Promise("
                      "() => {}); }")
        self.run_app(code=DEADLOCK)

    def test_what_cannot_be_built(self):
        done = self.snapshot("export const main = 5;", code=FILE)
        self.assertIn("function 'main'", done.stderr)
        self.snapshot("console.log(1);", code=FILE)
        done = self.snapshot("throw new RangeError('no');", code=THROWN)
        self.assertIn("RangeError: no", done.stderr)
        self.snapshot("await 1; throw new RangeError('no');", code=THROWN)
        self.snapshot("await new Promise(() => {});", code=DEADLOCK)
        self.snapshot("Promise.reject(1); export function main() {}",
                      code=THROWN)
        self.assertEqual(os.listdir(self.folder), ["app.mjs"])

    def test_exit_codes_of_its_own(self):
        self.snapshot("""
            import { exit } from "std";
            export function main(code) { exit(Number(code)); }
        """)
        self.run_app("0")
        self.run_app("77", code=77)
        ends = "import { exit } from 'std'; exit(%d); export const main = 1;"
        os.remove(self.path("app"))
        self.snapshot(ends % 5, code=5)
        done = self.snapshot(ends % 0, code=FILE)
        self.assertIn("ended itself", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["app.mjs"])

    def test_grants_hold_when_it_is_built(self):
        self.write("data.txt", "read early\n")
        program = """
            import { readFile } from "torpor:fs";
            const text = await readFile("data.txt", "utf8");
            export function main() { console.log(text.trim()); }
        """
        done = self.snapshot(program, code=THROWN)
        self.assertIn("--allow-read", done.stderr)
        self.snapshot(program, "--allow-read=data.txt")
        os.remove(self.path("data.txt"))
        self.assertEqual(self.run_app().stdout, "read early\n")

    def test_the_library(self):
        """Processes that were started when it was built are lost."""
        self.snapshot("""
            import { exec } from "process";
            const early = await exec("echo", ["early"]);
            const late = exec("sleep", ["1"]).then(() => "done",
                                                   (error) => error.name);
            export async function main() {
              console.log(early.stdout.trim(), await late);
              console.log((await exec("echo", ["now"])).stdout.trim());
            }
        """, "--allow-run=echo,sleep")
        self.assertEqual(self.run_app().stdout, "early LostError\nnow\n")

    def test_a_large_heap(self):
        self.snapshot("""
            const rows = [];
            for (let i = 0; i < 50000; i++) rows.push({ i, text: "row " + i });
            export function main() { console.log(rows[49999].text); }
        """)
        self.assertEqual(self.run_app().stdout, "row 49999\n")


HEADERS = os.path.abspath(os.path.join(os.path.dirname(__file__), "../include"))
MODULE = """
    #include <torpor-module.h>

    static torpor_status count(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
      static int calls;
      (void)vm, (void)arguments, (void)user;
      *result = torpor_number(++calls);
      return TORPOR_OK;
    }

    static torpor_status start(torpor_module *module) {
      return torpor_module_add_function(module, "count", 0, count);
    }

    TORPOR_MODULE_DEFINE(counter, start, 0)
"""
COUNTS = """
    import { count } from "counter";
    const early = [count(), count()];
    export function main() { console.log(early.join(), count()); }
"""


class ModulesInC(Build):
    """The program is run with them when it is built, and goes on with those of
    the executable, whose own memory is as new."""

    def setUp(self):
        super().setUp()
        self.skip_unless_linked()
        self.write("counter.c", MODULE)
        self.write("app.mjs", COUNTS)

    def check(self, *options):
        self.torpor("build", "app.mjs", "--snapshot", *options)
        self.assertEqual(self.run_app().stdout, "1,2 1\n")

    def test_of_source(self):
        self.check("--module=counter.c")

    def test_of_an_archive(self):
        self.call(["cc", "-fPIC", "-I" + HEADERS, "-c", "counter.c"])
        self.call(["ar", "rc", "counter.a", "counter.o"])
        self.check("--module=counter.a")

    def test_that_cannot_be_loaded(self):
        self.write("none.c", "int none;")
        done = self.torpor("build", "app.mjs", "--snapshot",
                           "--module=counter=none.c", code=FILE)
        self.assertIn("torpor_module_init_counter", done.stderr)
        self.assertNotIn("app", os.listdir(self.folder))


if __name__ == "__main__":
    unittest.main()
