#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow nosanitize timeout=300
"""torpor extension, as an author meets it: the templates build and test themselves
on both hosts, modules are checked in words, native code is found by its hash."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
sys.path.insert(1, os.path.join(os.path.dirname(__file__), "..", "extensions",
                                "kit"))
import new as kit  # noqa: E402
import extension  # noqa: E402
from extension import BUILD, NODE, SOURCE, install_package  # noqa: E402

TORPOR = os.path.abspath(os.environ["TORPOR"])
DONE, USAGE, INTERRUPTED, TRAPPED, FILE = 0, 2, 3, 4, 6
SMALL = """
#include <torpor-extension.h>
TORPOR_EXTENSION("small", "2.5")
static JSValue spin(JSContext *ctx, JSValueConst self, int count,
                    JSValueConst *args) {
  for (volatile int i = 0;; i++);
}
static JSValue recurse(JSContext *ctx, JSValueConst self, int count,
                       JSValueConst *args) {
  volatile char room[100000];
  room[count] = 1;
  JSValue value = recurse(ctx, self, count + 1, args);
  room[count] = 2; /* after the call, which so is none of a loop */
  return value;
}
static JSValue trap(JSContext *ctx, JSValueConst self, int count,
                    JSValueConst *args) {
  __builtin_trap();
}
static const JSCFunctionListEntry functions[] = {
  JS_CFUNC_DEF("spin", 0, spin), JS_CFUNC_DEF("recurse", 0, recurse),
  JS_CFUNC_DEF("trap", 0, trap),
};
TORPOR_EXTENSION_INIT(small) {
  JSValue global = JS_GetGlobalObject(ctx);
  JS_SetPropertyFunctionList(ctx, global, functions, 3);
  JS_FreeValue(ctx, global);
  return 0;
}
"""

# An ES module, named as an import names it.
MODULE = """
#include <torpor-extension.h>
TORPOR_EXTENSION("teas", "1.0")
static int count;
static JSValue pour(JSContext *ctx, JSValueConst self, int n,
                    JSValueConst *args) {
  return JS_NewInt32(ctx, ++count);
}
static const JSCFunctionListEntry exports[] = {
  JS_CFUNC_DEF("pour", 0, pour), JS_PROP_STRING_DEF("kind", "green", 0),
};
static int fill(JSContext *ctx, JSModuleDef *module) {
  return JS_SetModuleExportList(ctx, module, exports, 2);
}
TORPOR_EXTENSION_INIT(teas) {
  JSModuleDef *module = JS_NewCModule(ctx, "teas", fill);
  return module == NULL ? -1
                        : JS_AddModuleExportList(ctx, module, exports, 2);
}
"""


class Test(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="torpor-extension-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.environment = {**os.environ, "XDG_CACHE_HOME":
                            str(self.folder / "cache")}

    def torpor(self, *words, code=DONE, cwd=None):
        done = subprocess.run([TORPOR, *map(str, words)], text=True,
                              cwd=cwd or self.folder, capture_output=True,
                              stdin=subprocess.DEVNULL, env=self.environment)
        self.assertEqual(done.returncode, code, f"{words}: {done}")
        self.assertNotIn("Traceback", done.stderr)
        return done

    def extension(self, *words, code=DONE, cwd=None):
        return self.torpor("extension", *words, code=code, cwd=cwd)

    def make_small(self, *words):
        (self.folder / "small.c").write_text(SMALL)
        self.extension("build", *words, "small.c")
        return self.folder / "small.wasm"


class Usage(Test):
    def test_words(self):
        for words in ((), ("nw",), ("new",), ("new", "a", "b"), ("build",),
                      ("check",), ("check", "--out=x", "a.wasm"),
                      ("new", "--quick", "a"), ("build", "--cpp", "a.c")):
            self.extension(*words, code=USAGE)
        self.assertIn("did you mean 'new'",
                      self.extension("nw", code=USAGE).stderr)
        self.assertIn("'torpor extension check' takes no --out",
                      self.extension("check", "--out=x", "a", code=USAGE).stderr)
        self.assertIn("build FILE... [-- FLAG...]\n",
                      self.extension("--help").stdout)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_is_missing(self):
        tools = self.folder / "tools"
        tools.mkdir()
        (self.folder / "a.c").write_text("")
        self.environment["PATH"] = str(tools)
        said = self.extension("build", "a.c", code=FILE).stderr
        self.assertIn("building an extension needs python3", said)
        os.symlink(shutil.which("python3"), tools / "python3")
        said = self.extension("build", "a.c", code=FILE).stderr
        self.assertIn("clang-22 is not installed; on Debian: apt-get install",
                      said)
        self.environment["PATH"] = os.environ["PATH"]
        self.make_small()
        self.environment["PATH"] = str(tools)
        said = self.extension("build", "small.wasm", code=FILE).stderr
        self.assertIn("wasm2c is not installed", said)

    def test_names(self):
        for why, *names in (
                ("a name is of up to 40 small letters and digits", "Big", "9",
                 "a--b", "-a", "a b", "x" * 41, "é", "../up", ""),
                ("which JavaScript has", "array", "uint8-array", "request"),
                ("ships with Torpor", "crypto", "encoding-legacy")):
            for name in names:
                said = self.extension("new", "--", name, code=FILE).stderr
                self.assertIn(why, said)
        self.extension("new", "a")
        said = self.extension("new", "a", code=FILE).stderr
        self.assertIn("a is there already", said)
        said = self.extension("new", "--out=a/Makefile/b", "b",
                              code=FILE).stderr
        self.assertIn("a/Makefile", said)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["a"])

    def test_no_class_takes_the_place_of_another(self):
        globals_ = self.torpor("eval", "-p", """
            const names = new Set();
            for (let at = globalThis; at; at = Object.getPrototypeOf(at))
              for (const name of Object.getOwnPropertyNames(at)) names.add(name);
            [...names].join(" ")""").stdout.split()
        classes = {name for name in globals_ if name[0].isupper()}
        self.assertEqual(classes - kit.CLASSES, set())


class Templates(Test):
    def check_template(self, name, *words):
        place = self.folder / name
        self.extension("new", *words, name)
        install_package(place)
        os.utime(place / "node_modules")
        done = subprocess.run(
            ["make", "test", f"TORPOR={TORPOR}", f"NODE={NODE}"], cwd=place,
            capture_output=True, text=True, check=False, env=self.environment)
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
        self.assertIn(f"{name}: good in Node", done.stdout)
        code = "throw new Error(String(exampleSize(1)))".replace(
            "example", name.replace("-", "_"))
        said = self.torpor("eval", f"--extension={name}.so", code, code=1,
                           cwd=place).stderr
        self.assertIn("Error: one", said)
        package = json.loads((place / "package.json").read_text())
        self.assertEqual(package["name"], name)
        self.assertIn("./" + name + ".wasm", package["exports"])
        for path in place.rglob("*"):
            if path.is_file() and "node_modules" not in path.parts and \
                    path.suffix not in (".wasm", ".so"):
                self.assertNotIn("example", path.read_text().lower())

    def test_c(self):
        self.check_template("my-list")

    def test_c_plus_plus(self):
        self.check_template("numbers", "--cpp")

    def test_its_test_can_fail(self):
        self.extension("new", "lists")
        place = self.folder / "lists"
        source = place / "lists.c"
        source.write_text(source.read_text().replace("total +=", "total -="))
        done = subprocess.run(["make", "test-native", f"TORPOR={TORPOR}"],
                              cwd=place, capture_output=True, text=True,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("a list adds up its numbers", done.stderr)


class Native(Test):
    def test_limits(self):
        self.make_small()
        self.extension("build", "small.wasm", "--quick")
        load = "--extension=small.wasm"
        for code in ("recurse()", "trap()"):
            said = self.torpor("eval", load, "--fuel=1000000", code,
                               code=TRAPPED)
            self.assertTrue(said.stderr)
        for limit, why in (("--fuel=1000000", "its fuel is used up"),
                           ("--deadline=100ms", "past its deadline of 100 ms")):
            said = self.torpor("eval", load, limit, "spin()", code=INTERRUPTED)
            self.assertIn(why + " inside an extension", said.stderr)

    def test_uninstrumented(self):
        self.make_small("--uninstrumented")
        said = self.extension("check", "small.wasm", code=FILE).stderr
        self.assertIn("small.wasm: it is not instrumented", said)
        said = self.extension("build", "small.wasm", code=FILE).stderr
        self.assertIn("it is not instrumented", said)
        self.extension("check", "--uninstrumented", "small.wasm")
        self.extension("build", "--uninstrumented", "--quick", "small.wasm")
        self.torpor("eval", "--extension=small.wasm", "--deadline=100ms",
                    "spin()", code=INTERRUPTED)

    def test_where_it_goes(self):
        module = self.make_small()
        name = hashlib.sha256(module.read_bytes()).hexdigest() + ".so"
        cache = self.folder / "cache/torpor/extensions"
        self.torpor("eval", "--extension=small.wasm", "1", code=FILE)
        said = self.extension("build", "--quick", "small.wasm").stdout
        self.assertEqual(said,
                         f"small.wasm: native code is in {cache / name}\n")
        self.assertEqual(os.listdir(cache), [name])
        self.torpor("eval", "--extension=small.wasm", "1")
        (cache / name).unlink()
        self.extension("build", "--quick", "-o", "other.so", "small.wasm")
        self.assertEqual((self.folder / "other.so").read_bytes(),
                         (cache / name).read_bytes())
        (cache / name).unlink()
        (self.folder / "own").mkdir()
        self.extension("build", "--quick", "-o", "own", "small.wasm")
        self.assertEqual(os.listdir(self.folder / "own"), [name])
        self.assertEqual(os.listdir(cache), [])
        self.environment["TORPOR_EXTENSION_PATH"] = str(self.folder / "own")
        self.torpor("eval", "--extension=small.wasm", "1")

    def test_no_cache(self):
        self.make_small()
        (self.folder / "cache").write_text("")
        said = self.extension("build", "small.wasm", code=FILE).stderr
        self.assertIn("cache/torpor", said)
        self.assertIn("name a file with --out", said)
        self.extension("build", "--quick", "-o", "small.so", "small.wasm")
        self.torpor("eval", "--extension=small.so", "1")
        for name in ("XDG_CACHE_HOME", "HOME"):
            self.environment.pop(name, None)
        said = self.extension("build", "small.wasm", code=FILE).stderr
        self.assertIn("neither HOME nor XDG_CACHE_HOME is set", said)

    def test_what_cannot_be_translated(self):
        (self.folder / "a.wasm").write_bytes(b"\0asm")
        self.extension("build", "a.wasm", code=FILE)
        module = self.make_small()
        self.assertIn("is made of one module", self.extension(
            "build", "small.wasm", "a.wasm", code=FILE).stderr)
        self.assertIn("takes no flags", self.extension(
            "build", "small.wasm", "--", "-O3", code=FILE).stderr)
        module.write_bytes(module.read_bytes()[:-20])
        self.extension("build", "small.wasm", code=FILE)
        self.assertFalse((self.folder / "cache").exists())


class Node(Test):
    PROGRAM = """
import { readFileSync } from "node:fs";
import { ExtensionError, QuickJS, TrappedError } from "torpor-vm";
const wasm = readFileSync(process.argv[2]);
const uninstrumented = process.argv[3] === "uninstrumented";
const limits = { fuel: 1_000_000, deadline: 20_000 };
try {
  const vm = await QuickJS.create({ ...limits, extensions: [{ name: "small", wasm, uninstrumented }] });
  vm.evalCode(process.argv[4]);
  console.log("it ended");
} catch (error) {
  const kind = [TrappedError, ExtensionError].find((kind) => error instanceof kind);
  console.log(kind?.name, error.message);
}
"""

    def run_program(self, module, *words):
        (self.folder / "a.mjs").write_text(self.PROGRAM)
        done = subprocess.run([NODE, "a.mjs", module, *words], text=True,
                              cwd=self.folder, capture_output=True, timeout=60,
                              check=True)
        return done.stdout

    def test_limits(self):
        install_package(self.folder)
        module = self.make_small()
        said = self.run_program(module, "", "spin()")
        self.assertRegex(said, "^TrappedError .*interrupted")
        for code in ("recurse()", "trap()"):
            self.assertRegex(self.run_program(module, "", code),
                             "^TrappedError ")

    def test_uninstrumented(self):
        install_package(self.folder)
        module = self.make_small("--uninstrumented")
        said = self.run_program(module, "", "1")
        self.assertRegex(said, "^ExtensionError .*instrument")
        self.assertEqual(self.run_program(module, "uninstrumented", "1"),
                         "it ended\n")


class Modules(Test):
    NATIVE = """
import { kind, pour } from "teas";
const { default: none, pour: same } = await import("teas");
export default [kind, pour(), same(), pour === same, none].join();
"""
    SLEEPING = """
import { readFileSync } from "node:fs";
import { QuickJS } from "torpor-vm";
const extensions = [{ name: "teas", wasm: readFileSync("teas.wasm") }];
const run = async (vm, code) => {
  await vm.evalModule(code, "a.mjs");
  return vm.dump(vm.evalCode("said"));
};
// Asleep before the module was linked, and after that.
let vm = await QuickJS.create({ extensions });
for (const line of ["kind", "pour()", "[kind, pour()].join()"]) {
  vm = await QuickJS.restore(vm.snapshot().bytes, { extensions });
  console.log(await run(vm, `import { kind, pour } from "teas"; globalThis.said = ${line};`));
}
"""

    def test_they_are_imported(self):
        (self.folder / "teas.c").write_text(MODULE)
        self.extension("build", "teas.c")
        self.extension("build", "--quick", "teas.wasm")
        said = self.torpor("eval", "-m", "-p", "--extension=teas.wasm",
                           self.NATIVE).stdout
        self.assertEqual(said, "green,1,2,true,\n")
        self.assertIn("there is no such module", self.torpor(
            "eval", "-m", "--extension=teas.wasm", "import 'tea'",
            code=1).stderr)
        install_package(self.folder)
        (self.folder / "a.mjs").write_text(self.SLEEPING)
        done = subprocess.run([NODE, "a.mjs"], cwd=self.folder, text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.stdout, "green\n1\ngreen,2\n", done.stderr)


class Check(Test):
    def test_any_version(self):
        """What is good to see in one host is good in all."""
        module = self.make_small()
        code = module.read_bytes()
        self.assertIn(b"version=2.5", code)
        module.write_bytes(code.replace(b"version=2.5", b'version="\\ '))
        self.assertIn('small "\\ , interface 1, ',
                      self.extension("check", module).stdout)
        self.extension("build", "--quick", "small.wasm")
        self.assertEqual(self.torpor("eval", "-p", "--extension=small.wasm",
                                     "1 + 1").stdout, "2\n")

    def test_a_good_one(self):
        module = self.make_small()
        said = self.extension("check", module).stdout
        self.assertIn("small 2.5, interface 1, ", said)
        self.assertIn(hashlib.sha256(module.read_bytes()).hexdigest(), said)

    def refused(self, code, words):
        (self.folder / "bad.wasm").write_bytes(code)
        said = self.extension("check", "bad.wasm", code=FILE).stderr
        self.assertIn("torpor: bad.wasm: " + words, said)
        return said

    def test_others(self):
        code = self.make_small().read_bytes()
        said = b"interface=1\nname=small"
        self.assertIn(said, code)
        self.refused(b"", "it is not a WebAssembly module (bad magic)")
        self.refused(b"\0asm\2\0\0\0", "it is not a module of WebAssembly's "
                                       "version 1")
        self.refused(b"\0asm\1\0\0\0", "it is not a side module")
        self.refused((BUILD / "engine.wasm").read_bytes(),
                     "it is not a side module")
        self.refused(code[:200], "it ends too early")
        self.refused(code.replace(said, b"interface=9\nname=small"),
                     "it is for interface 9 of extensions, and this Torpor has 1; "
                     "use a newer Torpor")
        self.refused(code.replace(said, b"interface=1\nname=other"),
                     "it has no function qjs_ext_other_init, but "
                     "qjs_ext_small_init, and its name is 'other'; write "
                     "TORPOR_EXTENSION_INIT(other)")
        self.refused(code.replace(b"qjs_ext_small_init", b"qjs_ext_small_code"),
                     "it has no function qjs_ext_small_init, by which")
        said = self.refused(code.replace(said, b"interface=1\nname=SMALL"),
                            "its name, 'SMALL', is not of 1 to 63 small letters")
        self.assertEqual(said.count("\n"), 1, said)
        self.refused(code.replace(
            b"JS_GetGlobalObject", b"JS_GetGlobalFuture"),
            "it calls JS_GetGlobalFuture, which the engine does not have")
        self.refused(code.replace(b"torpor.instrumented",
                                  b"torpor.instrumentee"),
                     "it is not instrumented")
        # A store becomes a drop, so a value is left over.
        store, drop = b"\x36\x02\x00", b"\x1a\x01\x01"
        self.assertIn(store, code)
        self.refused(code.replace(store, drop, 1), "its code is not valid: ")
        for verb in ("check", "build"):
            os.symlink("/dev/zero", self.folder / f"{verb}.wasm")
            said = self.extension(verb, f"{verb}.wasm", code=FILE).stderr
            self.assertIn("more than 64 MiB are no module", said)
        said = self.extension("check", "none.wasm", code=FILE).stderr
        self.assertIn("none.wasm: No such file", said)

    def test_several(self):
        self.make_small()
        (self.folder / "bad.wasm").write_bytes(b"")
        done = self.extension("check", "small.wasm", "bad.wasm", code=FILE)
        self.assertIn("small.wasm: small 2.5", done.stdout)
        self.assertIn("torpor: bad.wasm: ", done.stderr)


class Kit(Test):
    def test_it_has_what_it_needs(self):
        """All that the source tree has of it, besides what is made."""
        source = SOURCE / "extensions/kit"
        for path in source.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                copy = extension.KIT / path.relative_to(source)
                self.assertEqual(copy.read_bytes(), path.read_bytes(), path)
        self.assertTrue((extension.KIT / "include/quickjs.h").exists())


if __name__ == "__main__":
    unittest.main()
