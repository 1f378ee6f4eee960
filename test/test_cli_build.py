#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow timeout=300
"""torpor build: executables that do what their program does, by themselves.

Every test builds with the real command and starts what came out.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from build import (Build, DEADLOCK, DONE, FILE, INTERRUPTED, THROWN, TORPOR,
                   USAGE)

HELLO = 'console.log("hello");\n'
ARGUMENTS = """
    import { args } from "torpor:script";
    console.log(args().join("|"));
"""


class Executables(Build):
    def test_hello(self):
        self.assertEqual(self.outcome(HELLO), "hello\n")
        self.assertEqual(sorted(os.listdir(self.folder)), ["app", "app.mjs"])
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("app")).st_mode),
                         0o777 & ~mask)

    def test_name_without_option(self):
        self.write("shop.js", HELLO)
        self.torpor("build", "shop.js")
        self.assertEqual(self.call([self.path("shop")]).stdout, "hello\n")
        self.write("shop", HELLO)
        done = self.torpor("build", "shop", code=USAGE)
        self.assertIn("-o", done.stderr)

    def test_linked_and_stripped(self):
        self.write("app.mjs", HELLO)
        self.torpor("build", "app.mjs", "--strip")
        self.assertEqual(self.run_app().stdout, "hello\n")
        if shutil.which("strip"):
            subprocess.run(["strip", self.path("app")], check=False)

    def test_without_compiler(self):
        self.write("app.mjs", HELLO)
        environment = {**os.environ, "PATH": self.folder, "CC": ""}
        self.torpor("build", "app.mjs", env=environment)
        self.assertEqual(self.run_app().stdout, "hello\n")
        environment["CC"] = "no-such-compiler"
        self.torpor("build", "app.mjs", env=environment)
        self.assertEqual(self.run_app().stdout, "hello\n")

    def test_compiler_that_fails(self):
        self.skip_unless_linked()
        self.write("app.mjs", HELLO)
        done = self.torpor("build", "app.mjs", code=FILE,
                           env={**os.environ, "CC": "false"})
        self.assertIn("the C compiler false failed", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["app.mjs"])

    def test_behind_the_command_itself(self):
        self.leave_alone()
        self.build(ARGUMENTS)
        self.assertEqual(self.run_app("--version", "run", "-h").stdout,
                         "--version|run|-h\n")
        # It builds nothing itself, and one more program has no place in it.
        self.assertEqual(self.run_app("build", "app.mjs").stdout,
                         "build|app.mjs\n")

    def test_all_words_are_the_programs(self):
        self.build(ARGUMENTS)
        words = ["--help", "--allow-read", "-V", "--", "ü", ""]
        self.assertEqual(self.run_app(*words).stdout, "|".join(words) + "\n")
        self.assertEqual(self.run_app().stdout, "\n")

    def test_moved_and_linked_to(self):
        self.build(HELLO)
        os.mkdir(self.path("bin"))
        os.rename(self.path("app"), self.path("bin/tool"))
        os.remove(self.path("app.mjs"))
        os.symlink("bin/tool", self.path("app"))
        self.assertEqual(self.run_app().stdout, "hello\n")

    def test_same_bytes_again(self):
        self.write("lib/a.mjs", "export const a = 1;")
        program = 'import { a } from "./lib/a.mjs"; console.log(a);'
        self.build(program)
        first = self.read("app")
        os.mkdir(self.path("elsewhere"))
        for name in ["app.mjs", "lib"]:
            os.rename(self.path(name), self.path("elsewhere/" + name))
        self.torpor("build", "elsewhere/app.mjs", "-o", "app", "--append")
        self.assertEqual(self.read("app"), first)
        self.assertNotIn(self.folder.encode(), first)


class Modules(Build):
    def test_imports_of_every_kind(self):
        self.write("data/shop.json", '{"price": [1, 2]}')
        self.write("data/text.txt", "grüße\n")
        self.write("data/raw.bin", bytes(range(256)))
        self.write("lib/deep/a.mjs",
                   'import { b } from "../b.mjs"; export const a = b + 1;')
        self.write("lib/b.mjs", "export const b = 40;")
        self.assertEqual(self.outcome("""
            import { a } from "./lib/../lib/deep/a.mjs";
            import shop from "./data/shop.json" with { type: "json" };
            import text from "./data/text.txt" with { type: "text" };
            import raw from "./data/raw.bin" with { type: "bytes" };
            import same from "./lib/b.mjs" with { type: "text" };
            console.log(a, shop.price[1], text, raw.length, raw[255]);
            console.log(same);
        """), "41 2 grüße\n 256 255\nexport const b = 40;\n")

    def test_names_inside(self):
        self.write("lib/a.mjs", "export const url = import.meta.url;"
                   "export const main = import.meta.main;")
        self.assertEqual(self.outcome("""
            import { url, main } from "./lib/a.mjs";
            console.log(url, main, import.meta.url, import.meta.main);
            console.log(import.meta.resolve("./lib/a.mjs"));
        """), "app:///lib/a.mjs false app:///app.mjs true\n"
            "app:///lib/a.mjs\n")

    def test_circle_and_order(self):
        self.write("a.mjs", 'import { b } from "./b.mjs";'
                   'export const a = () => "a"; console.log("a", b());')
        self.write("b.mjs", 'import { a } from "./a.mjs";'
                   'export const b = () => "b"; console.log("b");')
        self.write("wait.mjs", 'console.log("before"); await 1;'
                   'console.log("after");')
        self.assertEqual(self.outcome("""
            import "./wait.mjs"; import "./a.mjs"; console.log("main");
        """), "before\nb\na b\nafter\nmain\n")

    def test_outside_of_the_folder(self):
        self.write("shared/a.mjs", 'export { b } from "./b.mjs";')
        self.write("shared/b.mjs", "export const b = 7;")
        self.write("bin/app.mjs",
                   'import { b } from "../shared/a.mjs"; console.log(b);')
        done = self.torpor("build", "bin/app.mjs", "-o", "app", code=FILE)
        self.assertIn("--allow-import", done.stderr)
        self.assertFalse(os.path.exists(self.path("app")))
        self.torpor("build", "bin/app.mjs", "-o", "app", "--append",
                    "--allow-import=shared")
        self.assertEqual(self.run_app().stdout, "7\n")
        self.assertIn("option    none", self.torpor("build", "--show",
                                                    "app").stdout)

    def test_above_the_folder_and_back(self):
        self.write("in/x.mjs", "export const x = 3;")
        self.write("in/app.mjs",
                   'import { x } from "../in/x.mjs"; console.log(x);')
        self.torpor("build", "in/app.mjs", "-o", "app", "--append")
        self.assertEqual(self.run_app().stdout, "3\n")

    def test_absolute_names(self):
        path = self.write("x.mjs", "export const x = 5;")
        self.assertEqual(self.outcome(f"""
            import {{ x }} from "{path}";
            import {{ x as y }} from "file://{path}";
            console.log(x, y);
        """), "5 5\n")

    def test_strange_names(self):
        self.write("what? #1/50%\".mjs", "export const x = 8;")
        self.assertEqual(self.outcome(
            'import { x } from "./what? #1/50%\\".mjs"; console.log(x);'),
            "8\n")

    def test_names_of_imports_are_found_in_the_text(self):
        self.write("lib/page.mjs", """
            const { deep } = await import("../deep.js");
            export default deep;
            """)
        self.write("deep.js", "export const deep = 7;")
        self.write("data.json", '{ "a": 5 }')
        self.write("folder.mjs/x", "")
        self.build("""
            const page = await import ( './lib/page.mjs' );
            const data = await import(`./data.json`,
                                      { with: { type: "json" } });
            console.log(page.default, data.default.a);
            // import("./none.mjs") import("./folder.mjs") import("./deep.js
            try { await import("./none.mjs"); } catch (e) {
              console.log(e.name, e.message.includes("--include"));
            }
            """)
        for name in "lib/page.mjs", "deep.js", "data.json":
            os.remove(self.path(name))
        self.assertEqual(self.run_app().stdout, "7 5\nReferenceError true\n")
        done = self.build('await import("./broken.js");', code=DONE)
        self.write("broken.js", "let 1")
        done = self.build('await import("./broken.js");', code=THROWN)
        self.assertIn("SyntaxError", done.stderr)

    def test_workers_are_modules_of_the_executable(self):
        self.write("lib/work.mjs", """
            import * as os from "os";
            import { twice } from "./twice.mjs";
            const { more } = await import("../more.mjs");
            os.Worker.parent.postMessage([twice(4), more]);
            """)
        self.write("lib/twice.mjs", "export const twice = (n) => 2 * n;")
        self.write("more.mjs", "export const more = 9;")
        program = """
            import * as os from "os";
            const work = (name) => new Promise((resolve, reject) => {
              const worker = new os.Worker(name);
              worker.onmessage = ({ data }) => {
                worker.onmessage = null;
                resolve(data.join());
              };
              worker.onerror = (error) => {
                worker.onmessage = null;
                reject(error);
              };
            });
            // new Worker("./lib/work.mjs")
            console.log(await work("./lib/work.mjs"));
            const url = new URL("./lib/work.mjs", import.meta.url);
            console.log(await work(url.href));
            for (const name of ["./none.mjs", "/etc/hostname"])
              await work(name).catch((error) => console.log(error.name));
            """
        self.build(program)
        for name in "lib/work.mjs", "lib/twice.mjs", "more.mjs":
            os.remove(self.path(name))
        self.assertEqual(self.run_app().stdout,
                         "8,9\n8,9\nReferenceError\nNotAllowedError\n")

    def test_dynamic_imports(self):
        self.write("more.mjs", "export const more = 1;")
        self.write("extra.json", "[1, 2]")
        program = """
            const name = (word) => "./" + word;
            const { more } = await import(name("more.mjs"));
            const extra = await import(name("extra.json"),
                                       { with: { type: "json" } });
            console.log(more, extra.default.length);
        """
        self.build(program, "--include=more.mjs", "--include=extra.json")
        self.assertEqual(self.run_app().stdout, "1 2\n")
        self.build(program)
        self.assertIn("--include", self.run_app(code=THROWN).stderr)
        self.assertIn("no such file",
                      self.build(program, "--include=none.mjs",
                                 code=FILE).stderr)

    def test_files_of_the_machine_need_a_grant(self):
        self.write("plug.mjs", "export const x = 'plugged';")
        program = """
            import { args } from "torpor:script";
            console.log((await import(args()[0])).x);
        """
        self.build(program)
        done = self.run_app(self.path("plug.mjs"), code=THROWN)
        self.assertIn("--allow-read", done.stderr)
        self.build(program, "--allow-read=plug.mjs")
        self.assertEqual(self.run_app(self.path("plug.mjs")).stdout,
                         "plugged\n")

    def test_missing_module(self):
        done = self.build('import "./none.mjs";', code=FILE)
        self.assertIn("none.mjs", done.stderr)
        self.assertIn("app.mjs", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["app.mjs"])
        done = self.torpor("build", "none.mjs", code=FILE)
        self.assertIn("none.mjs", done.stderr)

    def test_missing_export_and_library(self):
        self.write("a.mjs", "export const a = 1;")
        done = self.build('import { b } from "./a.mjs";', code=THROWN)
        self.assertIn("'b'", done.stderr)
        done = self.build('import "torpor:none";', code=THROWN)
        self.assertIn("torpor:none", done.stderr)

    def test_syntax_error(self):
        self.write("a.mjs", "export const a = 1;\nlet 5;\n")
        done = self.build('import "./a.mjs";', code=THROWN)
        self.assertIn("SyntaxError", done.stderr)
        self.assertIn("a.mjs:2", done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.mjs", "app.mjs"])

    def test_nothing_runs_when_it_is_built(self):
        self.assertEqual(self.build('console.log("now");').stdout, "")


class Outcomes(Build):
    def test_uncaught_error(self):
        self.build("function f() { null.x; }\nf();\n")
        done = self.run_app(code=THROWN)
        self.assertIn("app: uncaught TypeError", done.stderr)
        self.assertIn("at f (app:///app.mjs:1:", done.stderr)
        self.build("function f() { null.x; }\nf();\n", "--strip")
        done = self.run_app(code=THROWN)
        self.assertIn("TypeError", done.stderr)
        self.assertNotIn("app.mjs:1", done.stderr)

    def test_rejection_and_deadlock(self):
        self.build("Promise.reject(new RangeError('late'));")
        self.assertIn("RangeError: late", self.run_app(code=THROWN).stderr)
        self.build("await new Promise(() => {});")
        self.run_app(code=DEADLOCK)

    def test_limits_are_kept(self):
        self.build("for (;;);", "--fuel=1000")
        self.run_app("--fuel=100000000", code=INTERRUPTED)
        self.build("for (;;);", "--deadline=50ms")
        self.run_app(code=INTERRUPTED)

    def test_grants_are_kept(self):
        program = """
            import { readFile } from "torpor:fs";
            try {
              console.log((await readFile("data.txt", "utf8")).trim());
            } catch (error) { console.log(error.name); }
        """
        self.write("data.txt", "kept\n")
        self.build(program)
        self.assertEqual(self.run_app("--allow-read").stdout,
                         "NotAllowedError\n")
        self.build(program, "--allow-read=data.txt")
        self.assertEqual(self.run_app().stdout, "kept\n")
        self.assertIn("--allow-read=data.txt",
                      self.torpor("build", "--show", "app").stdout)

    def test_a_relative_grant_is_where_it_runs(self):
        self.write("data.txt", "outer\n")
        self.write("sub/data.txt", "inner\n")
        self.build("""
            import { readFile } from "torpor:fs";
            console.log((await readFile("data.txt", "utf8")).trim());
        """, "--allow-read=data.txt")
        done = subprocess.run([self.path("app")], cwd=self.path("sub"),
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.stdout, "inner\n", done.stderr)

    def test_extensions_that_ship(self):
        self.assertEqual(self.outcome(
            "console.log(new URL('/b?c=d', 'https://e.org')"
            ".searchParams.get('c'), new TextEncoder().encode('x').length)"),
            "d 1\n")

    def test_exit_code_of_its_own(self):
        self.build("import { exit } from 'std'; console.log('x'); exit(77);")
        self.assertEqual(self.run_app(code=77).stdout, "x\n")
        self.build("import { exit } from 'std'; setInterval(() => {}, 9);"
                   "console.log('y'); exit(0);")
        self.assertEqual(self.run_app().stdout, "y\n")

    def test_the_library(self):
        program = """
            import { exec } from "process";
            import * as os from "os";
            console.log((await exec("echo", ["hi"])).stdout.trim(),
                        typeof os.setReadHandler);
        """
        self.build(program)
        self.assertIn("--allow-run", self.run_app(code=THROWN).stderr)
        self.build(program, "--allow-run=echo")
        self.assertEqual(self.run_app().stdout, "hi function\n")

    def test_reader_that_goes_away(self):
        self.build("for (let i = 0; i < 100000; i++) console.log(i);")
        child = subprocess.Popen([self.path("app")], stdout=subprocess.PIPE)
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(60), 141)

    def test_interrupted(self):
        self.build("console.log('up'); setInterval(() => {}, 50);")
        child = subprocess.Popen([self.path("app")], stdout=subprocess.PIPE)
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(60), -signal.SIGINT)
        child.stdout.close()


class Outputs(Build):
    def test_only_regular_files_are_replaced(self):
        self.write("app.mjs", HELLO)
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("pipe"))
        os.symlink("app.mjs", self.path("link"))
        os.symlink("nowhere", self.path("dangling"))
        for name in ["folder", "pipe", "link", "dangling", "/dev/null"]:
            done = self.torpor("build", "app.mjs", "-o", name, code=FILE)
            self.assertIn("regular file", done.stderr)
        self.assertEqual(self.read("app.mjs").decode(), HELLO)
        self.write("old", "old")
        self.torpor("build", "app.mjs", "-o", "old")
        self.assertEqual(self.call([self.path("old")]).stdout, "hello\n")

    def test_nothing_is_left_of_a_failure(self):
        self.write("app.mjs", "let 5;")
        self.write("app", "old")
        self.torpor("build", "app.mjs", code=THROWN)
        self.assertEqual(self.read("app"), b"old")
        self.assertEqual(sorted(os.listdir(self.folder)), ["app", "app.mjs"])
        self.write("app.mjs", HELLO)
        done = self.torpor("build", "app.mjs", "-o", "no/app", code=FILE)
        self.assertIn("no/app", done.stderr)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_that_is_closed(self):
        os.mkdir(self.path("closed"), 0o500)
        self.write("app.mjs", HELLO)
        self.torpor("build", "app.mjs", "-o", "closed/app", code=FILE)

    def test_replaced_while_it_runs(self):
        self.build("console.log('old'); setTimeout(() => {}, 20000);")
        child = subprocess.Popen([self.path("app")], stdout=subprocess.PIPE)
        child.stdout.readline()
        self.build(HELLO)
        self.assertEqual(self.run_app().stdout, "hello\n")
        child.kill()
        child.communicate()

    def test_show(self):
        self.write("a.json", "{}")
        self.build('import a from "./a.json" with { type: "json" };',
                   "--memory=64M")
        shown = self.torpor("build", "--show", "app").stdout
        for line in ["main      app:///app.mjs", "option    --memory=67108864",
                     "module    app:///app.mjs", "file      app:///a.json (2"]:
            self.assertIn(line, shown)
        self.write("app.mjs", HELLO)
        self.torpor("build", "app.mjs")
        self.assertIn("main      app:///app.mjs",
                      self.torpor("build", "--show", "app").stdout)
        shown = json.loads(self.torpor("build", "--show", "--json",
                                       "app").stdout)
        self.assertEqual(shown["main"], "app:///app.mjs")
        self.assertEqual([module["name"] for module in shown["modules"]],
                         ["app:///app.mjs"])
        self.assertEqual((shown["options"], shown["asleep_bytes"]), ([], 0))
        self.torpor("build", "--json", "app.mjs", code=USAGE)
        for other in [TORPOR, "app.mjs", "none"]:
            self.torpor("build", "--show", other, code=FILE)

    def test_words(self):
        self.write("app.mjs", HELLO)
        done = self.torpor("build", code=USAGE)
        self.assertIn("missing argument: FILE", done.stderr)
        done = self.torpor("build", "app.mjs", "--snapshott", code=USAGE)
        self.assertIn("--snapshot", done.stderr)
        done = self.torpor("build", "app.mjs", "--snapshot", "--module=a.o",
                           code=FILE)
        self.assertIn("C compiler", done.stderr)
        done = self.torpor("build", "app.mjs", "--module=a b.o", code=USAGE)
        self.assertIn("NAME=FILE", done.stderr)
        done = self.torpor("build", "app.mjs", "--module=a.o", "--append",
                           code=FILE)
        self.assertIn("linked", done.stderr)
        self.assertIn("Usage: torpor build",
                      self.torpor("build", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
