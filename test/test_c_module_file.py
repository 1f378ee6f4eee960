#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""C modules in shared objects: the example, what is granted, files that are no
modules, and modules in durable runs. They are compiled here, with the headers
alone, and loaded by the command."""

import http.server
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
TORPOR = os.path.abspath(os.environ["TORPOR"])
CC = os.environ["TORPOR_CC"]

SUM = """
#include <torpor-module.h>

static torpor_status sum(torpor_vm *vm, const torpor_arguments *arguments,
                         torpor_value *result, void *user) {
  double total = 0;
  for (size_t i = 0; i < arguments->count; i++)
    total += torpor_value_number(arguments->args[i]);
  (void)vm, (void)user;
  *result = torpor_number(total);
  return TORPOR_OK;
}

static torpor_status start(torpor_module *module) {
  return torpor_module_add_function(module, "sum", 2, sum);
}

TORPOR_MODULE_DEFINE(sum, start, FLAGS)
"""


class Chunks(http.server.BaseHTTPRequestHandler):
    """Sends four lines, with a pause before each."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        for number in range(4):
            time.sleep(0.3)
            self.wfile.write(f"{self.path[1:]}{number}\n".encode())
            self.wfile.flush()

    def log_message(self, *_):
        pass


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()
        os.environ["TORPOR_STORE"] = str(self.folder / "store.db")

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def compile(self, name, source, *flags, compiler=CC, suffix="c"):
        self.write(f"{name}.{suffix}", source)
        subprocess.run(
            [compiler, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
             f"-I{SOURCE / 'include'}", f"{name}.{suffix}", "-o", f"{name}.so",
             *flags], cwd=self.folder, check=True)

    def torpor(self, *words, **named):
        return subprocess.run([TORPOR, *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=60, check=False,
                              **named)

    def prints(self, expected, *words):
        done = self.torpor(*words)
        self.assertEqual((done.stdout, done.returncode), (expected, 0),
                         done.stderr)

    def refuses(self, words, *arguments):
        done = self.torpor(*arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(words, done.stderr)

    def imports(self, what, words=None, *, allow="--allow-ffi"):
        """Whether a program may import 'what', or why not."""
        self.write("main.mjs", f"await import({what!r}); console.log('there')")
        if words is None:
            self.prints("there\n", allow, "main.mjs")
        else:
            self.refuses(words, allow, "main.mjs")


class Grants(Case):
    def setUp(self):
        super().setUp()
        self.compile("sum", SUM, "-DFLAGS=0")
        self.write("sum.mjs", "import { sum } from './sum.so';"
                   "console.log(sum(1, 2, 3))")

    def test_only_with_a_grant(self):
        path = self.folder / "sum.so"
        for allow in ("--allow-read", "--allow-read=.", "--allow-write"):
            self.refuses(f"loading {path} is not allowed; run with "
                         f"--allow-ffi={path}", allow, "sum.mjs")
        for allow in ("--allow-ffi", "--allow-ffi=.", "--allow-ffi=sum.so",
                      f"--allow-ffi=/usr,{path}"):
            self.prints("6\n", allow, "sum.mjs")

    def test_links_are_followed(self):
        (self.folder / "granted").mkdir()
        (self.folder / "granted/link.so").symlink_to("../sum.so")
        self.imports("./granted/link.so",
                     f"granted/link.so, which is {self.folder}/sum.so is not "
                     "allowed", allow="--allow-ffi=granted")
        self.imports("./granted/../sum.so", "is not allowed",
                     allow="--allow-ffi=granted")
        self.imports("./granted/link.so", allow="--allow-ffi=sum.so")

    def test_two_names_are_one_module(self):
        (self.folder / "link.so").symlink_to("sum.so")
        self.write("main.mjs", "import { sum } from './sum.so';"
                   "import { sum as other } from './link.so';"
                   "console.log(sum(1, 1), other(2, 2))")
        self.prints("2 4\n", "--allow-ffi", "main.mjs")

    def test_a_name_is_one_module(self):
        shutil.copy(self.folder / "sum.so", self.folder / "copy.so")
        self.write("main.mjs", "import './sum.so'; import './copy.so';")
        self.refuses(f"there is a C module 'sum' already, which is loaded from "
                     f"{self.folder}/sum.so", "--allow-ffi", "main.mjs")

    def test_as_bytes_it_is_a_file(self):
        self.write("main.mjs", "import b from './sum.so' with {type: 'bytes'};"
                   "console.log(b[1], b[2], b[3])")
        self.prints("69 76 70\n", "main.mjs")

    def test_code_of_the_command_line(self):
        self.prints("3\n", "eval", "--allow-ffi", "--module",
                    "import { sum } from './sum.so'; console.log(sum(1, 2))")


class Files(Case):
    def test_no_file(self):
        self.imports("./none.so", "there is no such module")
        (self.folder / "folder.so").mkdir()
        self.imports("./folder.so", "loading")

    def test_no_shared_object(self):
        self.write("text.so", "console.log('no')" * 1000)
        self.imports("./text.so", "invalid ELF header")
        self.write("short.so", "")
        self.imports("./short.so", "file too short")

    def test_no_module(self):
        self.compile("foreign", "int answer(void);\nint answer(void) "
                     "{ return 42; }\n")
        self.imports("./foreign.so", "it is no C module of Torpor: it has no "
                     "function torpor_module_init")

    def test_another_interface(self):
        self.compile("newer", SUM.replace(
            "TORPOR_MODULE_DEFINE", "#undef TORPOR_MODULE_INTERFACE\n"
            "#define TORPOR_MODULE_INTERFACE 7\nTORPOR_MODULE_DEFINE"),
            "-DFLAGS=0")
        self.imports("./newer.so", "it was made for version 7 of the module "
                     "interface, and this Torpor")
        self.compile("nothing", "#include <stddef.h>\n"
                     "void *torpor_module_init(void);\n"
                     "void *torpor_module_init(void) { return NULL; }\n")
        self.imports("./nothing.so", "gives is no definition of a module")

    def test_a_function_that_is_not_there(self):
        self.compile("missing", SUM.replace(
            "static torpor_status start", "torpor_status torpor_moon(void);\n"
            "static torpor_status start").replace(
            "  return torpor_module_add", "  torpor_moon();\n"
            "  return torpor_module_add"), "-DFLAGS=0")
        self.imports("./missing.so", "undefined symbol: torpor_moon; it uses a "
                     "function that this Torpor")

    def test_one_that_does_not_start(self):
        self.compile("sad", SUM.replace(
            "  return torpor_module_add_function(module, \"sum\", 2, sum);",
            "  (void)sum;\n"
            "  return torpor_module_fail(module, \"no %s\", \"printer\");"),
            "-DFLAGS=0")
        self.imports("./sad.so", f"starting C module 'sum' of {self.folder}"
                     "/sad.so: no printer")

    def test_cxx(self):
        self.compile("sum", SUM, "-DFLAGS=0", compiler="g++", suffix="cc")
        self.write("main.mjs", "import { sum } from './sum.so';"
                   "console.log(sum(4, 5))")
        self.prints("9\n", "--allow-ffi", "main.mjs")

    @unittest.skipIf("sanitize" in TORPOR, "the libraries are not sanitized")
    def test_linked_with_the_library(self):
        """That is not needed, and does not bring a second Torpor to life."""
        self.compile("sum", SUM, "-DFLAGS=0", f"-L{BUILD}",
                     f"-Wl,-rpath,{BUILD}", "-Wl,--no-as-needed",
                     "-ltorpor-loop", "-ltorpor")
        self.write("main.mjs", "import { sum } from './sum.so';"
                   "console.log(sum(4, 5))")
        self.prints("9\n", "--allow-ffi", "main.mjs")


class Runs(Case):
    PROGRAM = ("import { sum } from './sum.so';"
               "console.log('first', sum(1, 2));"
               "await new Promise(done => setTimeout(done, 400));"
               "console.log('second', sum(3, 4));")

    def test_only_pure_ones(self):
        self.compile("sum", SUM, "-DFLAGS=0")
        self.write("main.mjs", self.PROGRAM)
        self.refuses("it is not declared TORPOR_MODULE_PURE, and a durable run "
                     "would do again, after a crash, what it does outside",
                     "run", "--allow-ffi", "main.mjs")
        self.write("main.mjs", "const name = './sum.so'; await import(name)")
        self.refuses("not declared TORPOR_MODULE_PURE", "run", "--allow-ffi",
                     "main.mjs")

    def test_pure_ones_sleep_and_wake(self):
        self.compile("sum", SUM, "-DFLAGS=TORPOR_MODULE_PURE")
        self.write("main.mjs", self.PROGRAM)
        self.refuses("is not allowed; run with --allow-ffi", "run", "main.mjs")
        self.prints("first 3\nsecond 7\n", "run", "--allow-ffi=.", "main.mjs")

    def begin(self, name):
        """A run that was killed while it waited."""
        self.torpor("run", "--allow-ffi=.", f"--id={name}", "--detach",
                    "main.mjs")
        with subprocess.Popen([TORPOR, "resume", name], cwd=self.folder,
                              stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "first 3\n")
            process.kill()

    def test_a_run_goes_on_in_another_process(self):
        self.compile("sum", SUM, "-DFLAGS=TORPOR_MODULE_PURE")
        self.write("main.mjs", self.PROGRAM)
        self.begin("there")
        self.prints("second 7\n", "resume", "there")
        self.begin("gone")
        (self.folder / "sum.so").unlink()
        self.refuses(f"LostError: C module 'sum' is lost, which the program "
                     f"had: loading {self.folder}/sum.so: no such file",
                     "resume", "gone")


class Example(Case):
    """examples/process-module, as its Makefile makes it."""

    def setUp(self):
        super().setUp()
        for path in (SOURCE / "examples/process-module").iterdir():
            shutil.copy(path, self.folder)
        self.write("torpor-loop.pc", "Name: torpor-loop\nDescription: it\n"
                   f"Version: 1\nCflags: -I{SOURCE / 'include'}\n")
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.folder),
                            "TORPOR": TORPOR, "CC": CC,
                            "CFLAGS": "-Wall -Wextra -Werror"}
        self.make("process.so")

    def make(self, target):
        return subprocess.run(
            ["make", "--silent", target], cwd=self.folder, text=True,
            env=self.environment, capture_output=True, timeout=60, check=True)

    def test_prints_what_it_says(self):
        readme = (SOURCE / "examples/README.md").read_text(encoding="utf-8")
        shown = re.search(r"^## `process-module`$.*?^```text\n(.*?)^```$",
                          readme, re.MULTILINE | re.DOTALL).group(1)
        self.assertEqual(self.make("run").stdout, shown)

    def test_downloads_interleave(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chunks)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.write("main.mjs", """
import { open } from "./process.so";
const decoder = new TextDecoder();
const url = "http://127.0.0.1:%d/";
async function download(name) {
  const stream = open(`curl -sN ${url}${name}`, "r");
  for (let data; (data = await stream.read()) !== null;)
    console.log(decoder.decode(data).trim());
  return stream.close();
}
const all = Promise.all(["a", "b", "c"].map(download));
console.log("started");
console.log(...await all);
""" % server.server_address[1])
        done = self.torpor("--allow-ffi", "main.mjs")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.split("\n")
        self.assertEqual((lines[0], lines[-2]), ("started", "0 0 0"))
        chunks = lines[1:-2]
        self.assertEqual(sorted(chunks), [f"{name}{number}" for name in "abc"
                                          for number in range(4)])
        first = [chunks.index(f"{name}3") for name in "abc"]
        begun = [chunks.index(f"{name}0") for name in "abc"]
        self.assertLess(max(begun), min(first), "they do not run at once")

    def test_much_and_slow(self):
        self.write("main.mjs", """
import { open } from "./process.so";
const stream = open("head -c 20000000 /dev/zero", "r");
let size = 0;
for (let data; (data = await stream.read()) !== null;) size += data.length;
console.log(size, await stream.close());
for (let i = 0; i < 100; i++) {
  const one = open(`exit ${i}`, "r");
  if (await one.read() !== null || await one.close() !== i) throw i;
}
""")
        self.prints("20000000 0\n", "--allow-ffi", "main.mjs")

    def test_errors(self):
        self.write("main.mjs", """
import { open } from "./process.so";
const bad = { toString() { throw new RangeError("bad"); } };
const stream = open("cat", "w");
const { read } = stream;
for (const wrong of [() => open(bad), () => open("cat", bad), () => read(),
                     () => stream.write(bad)])
  try { wrong(); console.log("no error"); }
  catch (error) { console.log(error.name); }
const closed = stream.close();
for (const name of ["close", "read"])
  try { stream[name](); } catch (error) { console.log(error.message); }
console.log(await closed);
for (const name of ["close", "read"])
  try { stream[name](); } catch (error) { console.log(error.message); }
console.log(stream.write("late"));
""")
        self.prints("RangeError\nRangeError\nTypeError\nRangeError\n"
                    "it is waited for\nit is closed\n0\nit is closed\n"
                    "it is closed\n0\n", "--allow-ffi", "main.mjs")

    def test_ended_while_it_is_read(self):
        self.write("main.mjs", """
import { open } from "./process.so";
const busy = open("exec sleep 1000", "r");
busy.read();
try { busy.close(); } catch (error) { console.log(error.message); }
setTimeout(() => { throw new Error("enough"); }, 50);
""")
        done = self.torpor("--allow-ffi", "main.mjs")
        self.assertEqual((done.stdout, done.returncode),
                         ("it is waited for\n", 1))
        self.assertIn("uncaught Error: enough", done.stderr)

    def test_nothing_is_left(self):
        """Processes of a program that ends, or is thrown out, end with it."""
        for end in ("", "throw new Error('out');"):
            self.write("main.mjs", f"""
import {{ open }} from "./process.so";
const stream = open("echo $$; exec sleep 1000", "r");
console.log(new TextDecoder().decode(await stream.read()).trim());
{end}
""")
            done = self.torpor("--allow-ffi", "main.mjs")
            process = int(done.stdout)
            with self.assertRaises(ProcessLookupError):
                os.kill(process, 0)


if __name__ == "__main__":
    unittest.main()
