#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""torpor FILE and torpor eval, as a user meets them: output, errors, exit codes.

Every test runs the real command in a folder of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))

DONE, THROWN, USAGE, INTERRUPTED, TRAPPED, DEADLOCK, FILE = range(7)
PIPE = 141

# Takes seconds within the engine: declarations of one function are compared
# with each other, without a look at the deadline.
LONG_BUILTIN = "eval('let a' + Object.keys('x'.repeat(3e4)).join(';let a'))"


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-cli-"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(path, mode) as file:
            file.write(text)
        return path

    def torpor(self, *words, code=DONE, **more):
        done = subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors="replace", timeout=120, **more)
        self.assertEqual(done.returncode, code,
                         f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def script(self, text, *options, code=DONE, name="main.mjs"):
        self.write(name, text)
        return self.torpor(*options, name, code=code)


class Scripts(Command):
    def test_an_uncaught_error_ends_the_program(self):
        """Whatever else is under way, and soon."""
        begun = time.monotonic()
        done = self.script("""
            setInterval(() => undefined, 10);
            setTimeout(() => console.log("late"), 60000);
            await null;
            await new Promise((resolve) => setTimeout(resolve, 20));
            throw new Error("over");""", code=THROWN)
        self.assertIn("over", done.stderr)
        self.assertLess(time.monotonic() - begun, 30)

    def test_an_uncaught_error_shows_what_it_has(self):
        done = self.script("""
            const full = Object.assign(new Error("full"), { path: "/a" });
            const all = new AggregateError([new TypeError("one"), 2], "all");
            all.cause = full;
            full.cause = all;
            throw all;""", code=THROWN)
        said = [line for line in done.stderr.splitlines()
                if line.startswith("torpor: ") or "{" in line.split("|")[0]]
        self.assertEqual(said, ["torpor: uncaught AggregateError: all",
                                "torpor: error 1 of 2: TypeError: one",
                                "torpor: error 2 of 2: 2",
                                "torpor: caused by Error: full",
                                "    { path: '/a' }",
                                "torpor: caused by an error that is shown "
                                "above"])
        done = self.script("throw { code: 5, msg: 'disk full' }", code=THROWN)
        self.assertIn("uncaught { code: 5, msg: 'disk full' }", done.stderr)
        done = self.script("throw new AggregateError(Array(999).fill(0))",
                           code=THROWN)
        self.assertLess(len(done.stderr.splitlines()), 20)
        done = self.script("""
            const stop = () => { throw 1; };
            const hostile = new Error("hostile", { cause: new Proxy({}, {
              get: stop, ownKeys: stop, getPrototypeOf: stop }) });
            Object.defineProperty(hostile, "stack", { get: stop });
            Object.defineProperty(hostile, "errors", { get: stop });
            throw hostile;""", code=THROWN)
        self.assertIn("uncaught Error: hostile", done.stderr)

    def test_an_error_from_outside_says_where_it_came_to(self):
        done = self.script("""import { readFile } from "torpor:fs";
const load = async (name) => {
  await readFile(name);
};
await load("missing");""", "-A", code=THROWN)
        self.assertIn("main.mjs:3:", done.stderr)
        self.assertIn("3 |   await readFile(name);", done.stderr)
        self.assertIn("{ code: 'ENOENT' }", done.stderr)

    def test_an_import_of_what_is_not_there_says_who_wants_it(self):
        self.write("lib.mjs", "export const there = 1;")
        self.write("good.mjs", 'import { there } from "./lib.mjs";')
        self.write("bad.mjs", '//\nimport { missing } from "./lib.mjs";')
        self.write("worse.mjs", 'export { missing as m } from "./lib.mjs";')
        done = self.script('import "./good.mjs"; import "./bad.mjs";',
                           code=THROWN)
        self.assertRegex(done.stderr, "Could not find export 'missing' in "
                         "module '.*/lib.mjs' [(]imported by '.*/bad.mjs'")
        self.assertIn("bad.mjs:2:10", done.stderr)
        done = self.script('import "./worse.mjs";', code=THROWN)
        self.assertIn("worse.mjs:1:", done.stderr)

    def test_a_deadline_says_where(self):
        """And has one exit code, also where a built-in does not look."""
        done = self.script("let n = 0;\nfunction f() { n++; }\nfor (;;)\n"
                           "  f();", "--deadline=50ms", code=INTERRUPTED)
        self.assertRegex(done.stderr, r"deadline of 50 ms \(.*main.mjs:\d+:")
        done = self.script("Array(5e8).join()", "--deadline=50ms",
                           code=INTERRUPTED)
        self.assertRegex(done.stderr, r"deadline of 50 ms \(.*main.mjs:1:")
        done = self.script(LONG_BUILTIN, "--deadline=50ms",
                           code=INTERRUPTED)
        self.assertIn("deadline of 50 ms inside a built-in", done.stderr)

    def test_marks_of_byte_order(self):
        mark = b"\xef\xbb\xbf"
        self.write("data.json", mark + b'{ "a": 1 }')
        self.write("text.txt", mark + b"text")
        done = self.script(mark + b"""#!/usr/bin/env torpor
import data from "./data.json" with { type: "json" };
import text from "./text.txt" with { type: "text" };
console.log(data.a, text.length);""")
        self.assertEqual(done.stdout, "1 4\n")

    def test_colours(self):
        code = "console.log({ a: 1, b: 'x', c: null }); console.log('plain')"
        plain = "{ a: 1, b: 'x', c: null }\nplain\n"
        painted = ("{ a: \x1b[33m1\x1b[39m, b: \x1b[32m'x'\x1b[39m, "
                   "c: \x1b[1mnull\x1b[22m }\nplain\n")
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("NO_COLOR", "FORCE_COLOR")}
        for more, expected in (({}, plain), ({"FORCE_COLOR": "1"}, painted),
                               ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, plain)):
            done = self.torpor("eval", code, env={**clean, **more})
            self.assertEqual(done.stdout, expected)
        done = subprocess.run(["script", "-qec", f'{TORPOR} eval "{code}"',
                               "/dev/null"], env={**clean, "TERM": "xterm"},
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=True, timeout=60)
        self.assertEqual(done.stdout.replace("\r", ""), painted)

    def test_arguments_and_order_of_output(self):
        self.write("main.mjs", """
            import { args } from "torpor:script";
            console.log(args().join("|"));
            console.error("to stderr");
            setTimeout(() => console.log("later"), 20);
            await null;
            console.log("soon");""")
        done = self.torpor("main.mjs", "a b", "--fuel", "-p")
        self.assertEqual(done.stdout, "a b|--fuel|-p\nsoon\nlater\n")
        self.assertEqual(done.stderr, "to stderr\n")

    def test_both_outputs_in_one_file_keep_their_order(self):
        path = os.path.join(self.folder, "both")
        with open(path, "w") as both:
            subprocess.run([TORPOR, "eval", "console.log(1);"
                            "console.error(2);console.log(3)"], stdout=both,
                           stderr=both, check=True)
        with open(path) as both:
            self.assertEqual(both.read(), "1\n2\n3\n")

    def test_output_appears_before_the_program_waits(self):
        self.write("main.mjs", "console.log('first'); setInterval(()=>{}, 9e9)")
        child = subprocess.Popen([TORPOR, "main.mjs"], cwd=self.folder,
                                 stdout=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "first\n")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(30), -signal.SIGINT)
        child.stdout.close()

    def test_a_signal_loses_no_output(self):
        for text in ["console.log('1'); for (;;);",
                     "console.log('1'); await 0; for (;;) await 0;"]:
            for number in [signal.SIGINT, signal.SIGTERM]:
                self.write("main.mjs", "console.log('ready');"
                           "setTimeout(async () => {" + text + "}, 1);")
                child = subprocess.Popen([TORPOR, "main.mjs"], text=True,
                                         cwd=self.folder,
                                         stdout=subprocess.PIPE)
                self.assertEqual(child.stdout.readline(), "ready\n")
                time.sleep(0.2)
                child.send_signal(number)
                self.assertEqual(child.communicate(timeout=60)[0], "1\n")
                self.assertEqual(child.returncode, -number)

    def test_imports(self):
        self.write("lib/b.mjs", "import '../c.mjs'; export const b = 'b';")
        self.write("c.mjs", "console.log('c');")
        done = self.script("import { b } from './lib/b.mjs'; console.log(b);"
                           "const m = await import('./c.mjs');"
                           "console.log(Object.keys(m).length)")
        self.assertEqual(done.stdout, "c\nb\n0\n")

    def test_names_of_modules_are_not_cut(self):
        self.write("c.mjs", "console.log('c');")
        for text in ["import './c.mjs\\0.txt';", "import './\\0c.mjs';",
                     "await import('./c.mjs\\0');"]:
            done = self.script(text, "--allow-read", code=THROWN)
            self.assertEqual(done.stdout, "")
            self.assertIn("U+0000", done.stderr)

    def test_a_hashbang_is_a_comment(self):
        self.assertEqual(self.script("#!/usr/bin/env torpor\nconsole.log(1)\n")
                         .stdout, "1\n")

    def test_fifty_megabytes(self):
        body = "x += 1; // " + "-" * 1013 + "\n"
        self.write("main.mjs", "let x = 0;\n" + body * 51200 +
                   "console.log(x);\n")
        self.assertGreater(os.path.getsize(f"{self.folder}/main.mjs"), 50 << 20)
        self.assertEqual(self.torpor("main.mjs").stdout, "51200\n")

    def test_a_cyclic_value_is_printed(self):
        done = self.torpor("eval", "-p", "const a = {}; a.self = a; a")
        self.assertIn("self", done.stdout)


class Failures(Command):
    def test_throw_shows_line_stack_and_cause(self):
        done = self.script(
            "function total(order) {\n"
            "  return order.item.x;\n"
            "}\n"
            "try { total({}); }\n"
            "catch (e) { throw new Error('outer', { cause: e }); }\n",
            code=THROWN)
        for text in ["uncaught Error: outer", "     5 | catch (e)",
                     "caused by TypeError", "     2 |   return order.item.x;",
                     "main.mjs:2:"]:
            self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_what_only_a_run_has(self):
        for call in ["input()", "runId()", "step()", "signal('x')",
                     "onUpgrade(() => 1)"]:
            name = call.split("(")[0]
            done = self.script(f"import {{ {name} }} from 'torpor:run';\n"
                               f"await {call};", code=THROWN)
            self.assertIn("start the program with 'torpor run'", done.stderr)
            self.assertIn("main.mjs:2:", done.stderr)
        done = self.script("import { sleep } from 'torpor:run';"
                           "await sleep('20 ms'); console.log('slept');")
        self.assertEqual(done.stdout, "slept\n")

    def test_the_place_of_an_error_behind_wide_characters(self):
        done = self.script("let s = '日本e\u0301', a; a.b;", code=THROWN)
        line, mark = done.stderr.splitlines()[1:3]
        text = line[:line.index("a.b")]
        wide = sum(letter in "日本" for letter in text)
        self.assertEqual(mark.index("^"), len(text) + wide - 1)

    def test_values_that_are_no_errors(self):
        self.assertIn("uncaught 42", self.script("throw 42", code=THROWN).stderr)
        done = self.script("throw { code: 5, msg: 'disk full' }", code=THROWN)
        self.assertIn("uncaught { code: 5, msg: 'disk full' }", done.stderr)
        self.script("throw undefined", code=THROWN)
        self.script("throw { toString() { throw 1 } }", code=THROWN)
        self.script("throw Object.create(null)", code=THROWN)

    def test_not_javascript(self):
        done = self.script("let ok = 1;\nlet x = ;\n", code=THROWN)
        self.assertIn("SyntaxError", done.stderr)
        self.assertIn("     2 | let x = ;", done.stderr)
        self.script(bytes(range(256)) * 10, code=THROWN)

    def test_a_rejection_that_nobody_handles_ends_the_program(self):
        done = self.script("setInterval(() => {}, 1000);\n"
                           "Promise.reject(new RangeError('mine'));\n",
                           code=THROWN)
        self.assertIn("uncaught RangeError: mine", done.stderr)
        self.assertEqual(done.stderr.count("mine')"), 1, done.stderr)

    def test_a_late_throw_ends_the_program(self):
        done = self.script("setInterval(() => {}, 1000);\n"
                           "setTimeout(() => { throw new Error('late'); }, 5);",
                           code=THROWN)
        self.assertIn("late", done.stderr)

    def test_a_main_rejection_is_said_once(self):
        done = self.script("await 0; throw new Error('once');", code=THROWN)
        self.assertEqual(done.stderr.count("uncaught"), 1)

    def test_deadlock(self):
        done = self.script("const settle = [];\n"
                           "async function hang() {\n"
                           "  await new Promise((r) => settle.push(r));\n"
                           "}\n"
                           "await hang();", code=DEADLOCK)
        self.assertIn("nothing can settle", done.stderr)
        self.assertRegex(done.stderr, r"it waits at .*:5:\d+, "
                                      r"hang \(.*:3:\d+\)")

    def test_missing_module(self):
        done = self.script("import './none.mjs';", code=THROWN)
        self.assertIn("none.mjs", done.stderr)
        self.assertIn("main.mjs", done.stderr)
        self.script("import 'torpor:none';", code=THROWN)
        self.script("import 'bare';", code=THROWN)

    def test_files_that_cannot_be_run(self):
        self.assertIn("none.mjs", self.torpor("none.mjs", code=FILE).stderr)
        self.torpor(self.folder, code=FILE)
        self.torpor("/dev/zero", code=FILE)
        os.symlink("loop", os.path.join(self.folder, "loop"))
        self.torpor("loop/x.mjs", code=FILE)


class Limits(Command):
    ENDLESS = ["for (;;);", "await 0; for (;;);",
               "async function f() { for (;;) await 0; } f();",
               "const g = () => Promise.resolve().then(g); g();",
               "setTimeout(() => { for (;;); }, 0);",
               "/^(x+x+)+y$/.test('x'.repeat(40));",
               "try { for (;;); } catch {} finally { for (;;); }"]

    def test_endless_programs_reach_their_deadline(self):
        for text in self.ENDLESS:
            with self.subTest(text):
                done = self.script(text, "--deadline=200ms", code=INTERRUPTED)
                self.assertIn("deadline", done.stderr)

    def test_endless_programs_use_up_their_fuel(self):
        for text in self.ENDLESS:
            with self.subTest(text):
                done = self.script(text, "--fuel=100000", code=INTERRUPTED)
                self.assertIn("fuel", done.stderr)

    def test_code_that_cannot_be_interrupted_is_ended(self):
        done = self.script(LONG_BUILTIN, "--deadline=50ms",
                           code=INTERRUPTED)
        self.assertIn("deadline", done.stderr)

    def test_memory(self):
        done = self.script("const a = []; for (;;) a.push(new Array(999))",
                           "--memory=16M", code=THROWN)
        self.assertIn("out of memory", done.stderr)
        done = self.script(
            "let n = 0; try { const a = []; for (;;) a.push('x'.repeat(1e5) +"
            " n++); } catch (e) { console.log(n > 50); }", "--memory=16M")
        self.assertEqual(done.stdout, "true\n")

    def test_recursion_without_end_can_be_caught(self):
        kinds = {
            "calls": "function f() { f(); } f();",
            "parser": "eval('('.repeat(1e6));",
            "nested arrays": "eval('['.repeat(1e6));",
            "JSON": "JSON.parse('['.repeat(1e6));",
            "stringify": "let a = []; for (let i = 0; i < 1e6; i++) a = [a];"
                         "JSON.stringify(a);",
            "regexp": "new RegExp('('.repeat(1e6));",
            "toString": "const a = { toString() { return `${a}`; } }; `${a}`;",
            "getter": "const a = { get x() { return this.x; } }; a.x;",
            "proxy": "let p = {}; for (let i = 0; i < 1e5; i++)"
                     "  p = new Proxy(p, {}); p.x;",
        }
        for kind, text in kinds.items():
            with self.subTest(kind):
                done = self.script(
                    f"try {{ {text} console.log('ended'); }}"
                    "catch (e) { console.log(e instanceof Error); }")
                self.assertIn(done.stdout, ["true\n", "ended\n"])

    def test_recursion_without_end_uncaught(self):
        done = self.script("function f() { f(); }\nf();", code=THROWN)
        self.assertIn("main.mjs:1:", done.stderr)


class Access(Command):
    def test_nothing_is_allowed_without_flags(self):
        done = self.script("import { readFile } from 'torpor:fs';\n"
                           "await readFile('/etc/passwd');\n", code=THROWN)
        self.assertIn("--allow-read=/etc/passwd", done.stderr)

    def test_flags_grant_what_they_name(self):
        text = """
            import { readFile, writeFile } from "torpor:fs";
            await writeFile("data/out", "text");
            console.log(await readFile("data/out", "utf8"));
            for (const path of ["/etc/passwd", "data/../../x", "data/link"])
              await readFile(path).catch((e) => console.log(e.name));
            """
        os.mkdir(os.path.join(self.folder, "data"))
        os.symlink("/etc/passwd", os.path.join(self.folder, "data/link"))
        done = self.script(text, "--allow-read=nowhere,data",
                           "--allow-write=data/out")
        self.assertEqual(done.stdout, "text\n" + "NotAllowedError\n" * 3)
        self.assertEqual(sorted(os.listdir(f"{self.folder}/data")),
                         ["link", "out"])

    def test_a_flag_without_value_grants_everything(self):
        done = self.script("import { readFile } from 'torpor:fs';"
                           "console.log((await readFile('/etc/passwd')).length"
                           "  > 0);", "--allow-read")
        self.assertEqual(done.stdout, "true\n")

    def test_files_as_data(self):
        self.write("data.json", '{"n": [1, 2]}')
        self.write("data.bin", b"\xff\x00a")
        done = self.script("""
            import json from "./data.json" with { type: "json" };
            import text from "./data.json" with { type: "text" };
            import bytes from "./data.bin" with { type: "bytes" };
            console.log(json.n.length, text.length, bytes.join());
            """)
        self.assertEqual(done.stdout, "2 13 255,0,97\n")
        os.symlink("/etc/passwd", f"{self.folder}/link")
        done = self.script("import t from './link' with { type: 'text' };"
                           "console.log(t)", code=THROWN)
        self.assertIn(f"--allow-read={self.folder}/link", done.stderr)
        done = self.script("await import('./data.json',"
                           "             { with: { type: 'json' } });",
                           code=THROWN)
        self.assertIn(f"--allow-read={self.folder}/data.json", done.stderr)

    def test_modules_have_urls(self):
        self.write("a dir/b.mjs", "export const m = import.meta;")
        done = self.script(f"""
            import {{ m }} from "./a dir/b.mjs";
            import {{ m as same }} from "file://{self.folder}/a%20dir/b.mjs";
            console.log(m.url, m.main, m === same);
            console.log(import.meta.main, m.resolve("../c.mjs"));
            """)
        self.assertEqual(done.stdout,
                         f"file://{self.folder}/a%20dir/b.mjs false true\n"
                         f"true file://{self.folder}/c.mjs\n")
        for url in ["file://elsewhere/x", "file:x", "file:///a%2fb", "file:"]:
            done = self.script(f"import '{url}'", code=THROWN)
            self.assertIn("names no file of this machine", done.stderr)

    def test_errors_say_who_imports(self):
        self.write("a.mjs", "import './b.mjs';")
        done = self.script("import './a.mjs';", code=THROWN)
        self.assertIn(f"'{self.folder}/b.mjs' (imported by "
                      f"'{self.folder}/a.mjs', imported by "
                      f"'{self.folder}/main.mjs'): there is no such module",
                      done.stderr)

    def test_imports_from_outside_need_a_grant(self):
        self.write("out.mjs", "export default 5;")
        self.write("program/main.mjs", "import x from '../out.mjs';"
                   "console.log(x);")
        done = self.torpor("program/main.mjs", code=THROWN)
        self.assertIn(f"--allow-read={self.folder}/out.mjs", done.stderr)
        done = self.torpor("--allow-read=out.mjs", "program/main.mjs")
        self.assertEqual(done.stdout, "5\n")
        os.symlink("../out.mjs", os.path.join(self.folder, "program/in.mjs"))
        self.write("program/main.mjs", "import './in.mjs';")
        self.torpor("program/main.mjs", code=THROWN)

    def test_what_import_names_needs_a_grant(self):
        """Else its syntax error would tell what is in any file nearby."""
        self.write("password", "hunter2 is the word\n")
        self.write("plugin.mjs", "import './part.mjs'; export default 1;")
        self.write("part.mjs", "export const part = 1;")
        text = "await import('./%s').then((m) => console.log(m.default))"
        done = self.script(text % "password", code=THROWN)
        self.assertNotIn("hunter2", done.stderr + done.stdout)
        self.assertIn(f"--allow-read={self.folder}/password", done.stderr)
        self.script(text % "nothing", code=THROWN)
        self.script(text % "plugin.mjs", code=THROWN)
        done = self.script(text % "plugin.mjs", "--allow-read=plugin.mjs",
                           code=THROWN)
        self.assertIn(f"--allow-read={self.folder}/part.mjs", done.stderr)
        done = self.script(text % "plugin.mjs", "--allow-read=.")
        self.assertEqual(done.stdout, "1\n")
        done = self.script("import './plugin.mjs';" + text % "plugin.mjs")
        self.assertEqual(done.stdout, "1\n")

    def test_source_lines_of_other_files_are_not_shown(self):
        path = self.write("secret/file", "the secret line\n")
        done = self.script("const e = new Error('x');"
                           f"e.stack = '    at f ({path}:1:1)\\n'; throw e;",
                           code=THROWN)
        self.assertNotIn("secret line", done.stderr)


class Eval(Command):
    def test_prints_nothing_unless_asked(self):
        self.assertEqual(self.torpor("eval", "1 + 2").stdout, "")
        self.assertEqual(self.torpor("eval", "-p", "1 + 2").stdout, "3\n")
        self.assertEqual(self.torpor("eval", "--print", "'a'").stdout, "a\n")

    def test_waits_for_promises(self):
        done = self.torpor("eval", "-p", "new Promise((f) => setTimeout(f, 10,"
                           " 7))")
        self.assertEqual(done.stdout, "7\n")

    def test_modules(self):
        self.write("lib.mjs", "export const x = 8;")
        done = self.torpor("eval", "-m", "-p", "--allow-read=lib.mjs",
                           "import { x } from './lib.mjs';"
                           "export default await x;")
        self.assertEqual(done.stdout, "8\n")

    def test_errors(self):
        done = self.torpor("eval", "throw new Error('mine')", code=THROWN)
        self.assertIn("     1 | throw new Error('mine')", done.stderr)
        self.torpor("eval", ")", code=THROWN)
        self.torpor("eval", "-p", "Promise.reject(1)", code=THROWN)

    def test_arguments(self):
        done = self.torpor("eval", "-p",
                           "import('torpor:script').then((m) => m.args())",
                           "x", "--y")
        self.assertEqual(done.stdout, "[ 'x', '--y' ]\n")


class CommandLine(Command):
    def test_wrong_command_lines(self):
        self.write("x.mjs", "console.log('ran')")
        cases = {
            ("evla", "1"): "did you mean 'eval'",
            ("frobnicate",): "frobnicate",
            ("help", "evil"): "did you mean 'eval'",
            ("eval", "--prnt", "1"): "did you mean '--print'",
            ("--alow-read", "x.mjs"): "did you mean '--allow-read'",
            ("--zzz", "x.mjs"): "unknown option",
            ("-z", "x.mjs"): "unknown option '-z'",
            ("eval",): "missing",
            (): "which file",
            ("--fuel",): "needs a value",
            ("--fuel=x", "x.mjs"): "a number",
            ("--fuel=-1", "x.mjs"): "a number",
            ("--fuel=99999999999999999999", "x.mjs"): "a number",
            ("--memory=5Q", "x.mjs"): "such as 64M",
            ("--memory=1K", "x.mjs"): "from 4M",
            ("--memory=99999999999G", "x.mjs"): "64M",
            ("--deadline=5", "x.mjs"): "such as 5s",
            ("--allow-read=", "x.mjs"): "no path",
            ("eval", "--print=1", "1"): "takes no value",
            ("--store", "x", "list"): "behind the name of one",
            ("--id=5",): "as in 'torpor run --id'",
        }
        for words, text in cases.items():
            with self.subTest(words):
                done = self.torpor(*words, code=USAGE)
                self.assertIn(text, done.stderr)
                self.assertNotIn("ran", done.stdout)

    def test_forms_of_options(self):
        self.write("-odd.mjs", "console.log('odd')")
        self.assertEqual(self.torpor("--", "-odd.mjs").stdout, "odd\n")
        self.torpor("--fuel", "1000000", "--memory=64MB", "--deadline", "1m",
                    "./-odd.mjs")

    def test_a_reader_that_goes_away(self):
        child = subprocess.Popen(
            [TORPOR, "eval", "for (;;) console.log('x'.repeat(1000))"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.read(10)
        child.stdout.close()
        self.assertEqual(child.wait(60), PIPE)
        self.assertEqual(child.stderr.read(), b"")
        child.stderr.close()

    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([TORPOR, "eval", "console.log(1)"],
                                  stdout=full, stderr=subprocess.PIPE,
                                  text=True)
        self.assertEqual(done.returncode, FILE)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv[:1] + sys.argv[1:])
