#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=300
"""torpor compile, and modules in C that torpor build links: with what is
installed, as a user has it: the command, headers, libraries and pkg-config."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from build import Build, DONE, FILE, THROWN, USAGE  # noqa: E402

SOURCE = os.environ["TORPOR_SOURCE"]
BUILD = os.environ["TORPOR_BUILD"]
CC = os.environ.get("TORPOR_CC", "cc")
EXAMPLE = os.path.join(SOURCE, "examples/standalone")

# What a host does with the arrays of -c: it answers imports by name.
HOST = """
    #include <string.h>
    #include <torpor-loop.h>
    extern const uint32_t qjsc_app_size, qjsc_more_size;
    extern const uint8_t qjsc_app[], qjsc_more[];
    static torpor_status give(void *user, const torpor_module_request *request,
                              torpor_module_answer *answer) {
      (void)user;
      if (strcmp(request->name, "app:///lib/more.js") != 0)
        return TORPOR_NOT_FOUND;
      return torpor_module_give_compiled(answer, qjsc_more, qjsc_more_size);
    }
    int main(void) {
      torpor_options options = TORPOR_OPTIONS_INIT;
      torpor_vm *vm;
      torpor_value promise;
      options.module = give;
      return torpor_vm_open(&options, &vm) != TORPOR_OK ||
             torpor_bytecode_run(vm, qjsc_app, qjsc_app_size, &promise) !=
                 TORPOR_OK ||
             torpor_await(vm, promise, NULL) != TORPOR_OK;
    }
"""


# What the archive has not: snapshots are stored as they are, and have no keys.
SLEEPER = """
    #include <string.h>
    #include <torpor.h>
    int main(void) {
      static const char fill[] =
          "globalThis.rows = []; for (let i = 0; i < 20000; i++)"
          "  rows.push('row ' + i);";
      static const uint8_t key[TORPOR_KEY_SIZE];
      torpor_save_options options = TORPOR_SAVE_OPTIONS_INIT;
      torpor_bytes asleep, sealed;
      torpor_vm *vm;
      torpor_value size;
      options.packing = TORPOR_PACKED;
      if (torpor_vm_open(NULL, &vm) != TORPOR_OK ||
          torpor_eval(vm, fill, SIZE_MAX, "a.js", TORPOR_SCRIPT, NULL) !=
              TORPOR_OK ||
          torpor_snapshot_save_with(vm, &options, &asleep) != TORPOR_OK)
        return 1;
      torpor_vm_close(vm);
      if (torpor_snapshot_protect(asleep.data, asleep.size, key,
                                  TORPOR_ENCRYPT, NULL, 0, &sealed) !=
              TORPOR_UNSUPPORTED ||
          strstr(torpor_last_error(NULL), "torpor-static") == NULL)
        return 2;
      if (torpor_snapshot_restore(asleep.data, asleep.size, NULL, &vm) !=
              TORPOR_OK ||
          torpor_eval(vm, "rows.length", SIZE_MAX, "b.js", TORPOR_SCRIPT,
                      &size) != TORPOR_OK ||
          torpor_value_number(size) != 20000)
        return 3;
      torpor_bytes_free(&asleep);
      torpor_vm_close(vm);
      return 0;
    }
"""


class Installed(Build):
    @classmethod
    def setUpClass(cls):
        cls.prefix = tempfile.mkdtemp(prefix="torpor-prefix-")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix],
                       check=True, stdout=subprocess.DEVNULL)
        if not os.path.exists(cls.prefix + "/lib/libtorpor-standalone.a"):
            raise unittest.SkipTest("a static library was not found")
        cls.environment = {
            **os.environ, "CC": CC,
            "PATH": f"{cls.prefix}/bin:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": f"{cls.prefix}/lib/pkgconfig"}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.prefix)

    def sh(self, line, code=DONE, cwd=""):
        done = subprocess.run(["sh", "-ec", line], cwd=self.path(cwd),
                              env=self.environment, text=True, timeout=120,
                              capture_output=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code,
                         f"{line}\n{done.stdout}\n{done.stderr}")
        return done

    def link(self, *sources):
        """Links ./app as a Makefile does."""
        self.sh(f"{CC} -Wall -Wextra -Werror {' '.join(sources)} -o app "
                "$(pkg-config --cflags --libs torpor-standalone)")


class Compile(Installed):
    def test_a_program(self):
        self.write("lib/more.js", "export const more = 'more';")
        self.write("app.js", """
            import { args } from "torpor:script";
            import { more } from "./lib/more.js";
            console.log(more, args().join("|"), import.meta.url);
        """)
        self.sh("torpor compile -e -m -o x.c app.js")
        self.link("x.c")
        self.assertEqual(self.run_app("-e", "x").stdout,
                         "more -e|x app:///app.js\n")
        text = self.read("x.c").decode()
        self.assertIn("const uint32_t qjsc_app_size = ", text)
        self.assertNotIn(self.folder, text)

    def test_names_in_c(self):
        self.write("my-app.js", "console.log(1);")
        self.sh("torpor compile -e my-app.js")
        self.assertIn(" qjsc_my_app[", self.read("out.c").decode())
        self.sh("torpor compile -e -N main_code -p x_ -o y.c my-app.js")
        self.assertIn(" x_main_code[", self.read("y.c").decode())
        done = self.sh("torpor compile -e -N 1x -p '' my-app.js", USAGE)
        self.assertIn("-N", done.stderr)

    def test_letters_together_and_options_that_change_nothing(self):
        self.write("app.js", "function f() { null.x } f();")
        self.sh("torpor compile -ems -flto -fno-bignum -S200000 -n shop.js "
                "-oapp.c app.js")
        self.link("app.c")
        self.assertNotIn("shop.js", self.run_app(code=THROWN).stderr)
        self.sh("torpor compile -e -n shop.js -o app.c app.js")
        self.link("app.c")
        self.assertIn("app:///shop.js:1:", self.run_app(code=THROWN).stderr)

    def test_stack(self):
        self.write("app.js", "const f = (n) => { try { return f(n + 1) } "
                   "catch { return n } }; console.log(f(0));")
        depths = []
        for size in ["20000", "240000"]:
            self.sh(f"torpor compile -e -S {size} -o app.c app.js")
            self.link("app.c")
            depths.append(int(self.run_app().stdout))
        self.assertLess(depths[0] * 3, depths[1])

    def test_scripts(self):
        self.write("app.js", "var early = typeof late; function late() {}"
                   "console.log(early, this === globalThis);")
        self.sh("torpor compile -e -C -o app.c app.js")
        self.link("app.c")
        self.assertEqual(self.run_app().stdout, "function true\n")

    def test_modules_that_come_later(self):
        self.write("worker.js", "export const n = 5;")
        self.write("app.js", "console.log((await import('./worker.js')).n);")
        self.sh("torpor compile -e -D worker.js -o app.c app.js")
        self.link("app.c")
        self.assertEqual(self.run_app().stdout, "5\n")

    def test_bytecode_alone(self):
        self.write("lib/more.js", "export const more = 'more';")
        self.write("app.js", "import { more } from './lib/more.js';"
                   "console.log(more);")
        self.sh("torpor compile -c -o code.c app.js")
        self.write("host.c", HOST)
        self.link("host.c", "code.c")
        self.assertEqual(self.run_app().stdout, "more\n")

    def test_names_of_several_arrays(self):
        for name in ["app.js", "a/x.js", "b/x.js", "b/app.js"]:
            self.write(name, "export default 1;")
        self.write("app.js", "import './a/x.js'; import './b/x.js';"
                   "import './b/app.js';")
        self.sh("torpor compile -c -o code.c app.js && cc -c code.c")
        names = re.findall(r"uint8_t (\w+)", self.read("code.c").decode())
        self.assertEqual(sorted(names), ["qjsc_app", "qjsc_app_2", "qjsc_x",
                                         "qjsc_x_2"])

    def test_an_executable_at_once(self):
        self.write("app.js", "console.log('at once');")
        self.sh("torpor compile -flto app.js")
        self.assertEqual(self.call([self.path("a.out")]).stdout, "at once\n")

    def test_grants(self):
        self.write("data.txt", "kept\n")
        self.write("app.js", """
            import { readFile } from "torpor:fs";
            console.log((await readFile("data.txt", "utf8")).trim());
        """)
        self.sh("torpor compile -e --allow-read=data.txt -o app.c app.js")
        self.link("app.c")
        self.assertEqual(self.run_app().stdout, "kept\n")

    def test_what_is_wrong(self):
        self.write("app.js", "import './none.js';")
        self.assertIn("none.js", self.sh("torpor compile -e app.js",
                                         FILE).stderr)
        self.write("app.js", "let 5;")
        self.assertIn("app.js:1", self.sh("torpor compile -e app.js",
                                          THROWN).stderr)
        self.sh("torpor compile -e -c app.js", USAGE)
        self.sh("torpor compile -m -C app.js", USAGE)
        self.sh("torpor compile -c -M a,b app.js", USAGE)
        self.sh("torpor compile -e -M 'a b' app.js", USAGE)
        self.sh("torpor compile -x app.js", USAGE)
        self.assertEqual(os.listdir(self.folder), ["app.js"])


class ModulesInC(Installed):
    def setUp(self):
        super().setUp()
        shutil.copytree(EXAMPLE, self.path("example"))

    def test_the_makefile_of_the_example(self):
        done = self.sh("make -s run", cwd="example")
        self.assertRegex(done.stdout, r"^1, 5, 15 minutes: .*\n"
                         r"asked for: in words\n$")
        self.sh("make clean", cwd="example")
        self.assertEqual(sorted(os.listdir(self.path("example"))),
                         sorted(os.listdir(EXAMPLE)))

    def test_one_word_was_changed(self):
        text = self.read("example/Makefile").decode()
        self.assertIn("\nQJSC = torpor compile\n", text)
        self.assertIn("$(QJSC) -flto -e -M load,load -m -o ", text)

    def test_build(self):
        self.sh(f"{CC} -c load.c $(pkg-config --cflags torpor-standalone)",
                cwd="example")
        for module in ["load.o", "load.c", "load=load.o"]:
            self.sh(f"torpor build report.js --module={module} -o app --strip",
                    cwd="example")
            done = self.sh("./app a b", cwd="example")
            self.assertIn("asked for: a b\n", done.stdout)
        self.assertIn("C module  load",
                      self.sh("torpor build --show app", cwd="example").stdout)

    def test_a_name_that_the_library_has(self):
        self.write("example/app.js", """
            import { minutes } from "process";
            import { exec } from "torpor:process";
            console.log(minutes.length, typeof exec);
        """)
        self.sh("torpor compile -e -M process,load -m -o app.c app.js && "
                f"{CC} app.c load.c -o app "
                "$(pkg-config --cflags --libs torpor-standalone)",
                cwd="example")
        self.assertEqual(self.sh("./app", cwd="example").stdout,
                         "3 function\n")

    def test_module_that_is_not_there(self):
        self.sh("torpor build report.js -o app", FILE, cwd="example")
        self.sh("torpor build report.js -o app --module=none.o", FILE,
                cwd="example")
        self.write("example/empty.c", "int nothing;")
        self.sh("torpor build report.js -o app --module=load=empty.c", FILE,
                cwd="example")
        self.assertNotIn("app", os.listdir(self.path("example")))

    def test_a_shared_one_under_a_grant(self):
        self.sh(f"{CC} -shared -fPIC load.c -o load.so "
                "$(pkg-config --cflags torpor-standalone)", cwd="example")
        self.write("example/app.js", """
            const { args } = await import("torpor:script");
            const load = await import(args()[0]);
            console.log(load.minutes.join());
        """)
        for how in ["", "--append"]:
            self.sh(f"torpor build app.js {how} --allow-ffi=load.so "
                    "-o app", cwd="example")
            self.assertEqual(self.sh("./app $PWD/load.so",
                                     cwd="example").stdout, "1,5,15\n")
            self.sh(f"torpor build app.js {how} -o app", cwd="example")
            done = self.sh("./app $PWD/load.so", THROWN, cwd="example")
            self.assertIn("--allow-ffi", done.stderr)


class Prefix(Installed):
    def test_what_it_needs(self):
        """No library is loaded at start but the system's, and it is small."""
        runtime = self.prefix + "/lib/torpor/standalone"
        listed = self.sh(f"ldd {runtime}").stdout
        names = set(re.findall(r"^\s*(?:\S*/)?(\S+)", listed, re.MULTILINE))
        self.assertLessEqual({name.split(".so")[0] for name in names}, {
            "linux-vdso", "libm", "libc", "ld-linux-x86-64", "libpthread",
            "libdl", "ld-linux-aarch64"})
        self.assertLess(os.stat(runtime).st_size, 4_000_000)

    def test_what_it_does_without(self):
        self.write("sleeper.c", SLEEPER)
        self.link("sleeper.c")
        self.run_app()

    def test_hello_world_is_small(self):
        self.write("app.js", "console.log('hello');")
        for how in ["", "--append"]:
            self.sh(f"torpor build --strip {how} app.js -o app")
            self.assertEqual(self.run_app().stdout, "hello\n")
            self.assertLess(os.stat(self.path("app")).st_size, 4_000_000)

    def test_strip_takes_a_program_away(self):
        self.write("app.js", "console.log('hello');")
        self.sh("torpor build --append app.js -o app && strip app")
        self.assertIn("no program", self.run_app(code=FILE).stderr)
        self.sh("torpor build app.js -o app && strip app")
        self.assertEqual(self.run_app().stdout, "hello\n")


if __name__ == "__main__":
    unittest.main()
