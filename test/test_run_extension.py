#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=300
"""Durable runs with native extensions: a run keeps the side module, so that its
store is all that it needs, and native code is made of it where there is none."""

import glob
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
from durable import (DONE, FILE, PARKED, THROWN, TORPOR,  # noqa: E402
                     Durable)

COUNTER = """
#include <torpor-extension.h>
TORPOR_EXTENSION("%(name)s", "%(version)s")
static int count;
static JSValue next(JSContext *ctx, JSValueConst self, int n,
                    JSValueConst *args) {
  return JS_NewInt32(ctx, count += %(step)s);
}
static const JSCFunctionListEntry functions[] = {JS_CFUNC_DEF("next", 0, next)};
static int fill(JSContext *ctx, JSModuleDef *module) {
  return JS_SetModuleExportList(ctx, module, functions, 1);
}
TORPOR_EXTENSION_INIT(%(name)s) {
  %(begin)s
  JSModuleDef *module = JS_NewCModule(ctx, "%(name)s", fill);
  return module == NULL ? -1
                        : JS_AddModuleExportList(ctx, module, functions, 1);
}
"""

PROGRAM = """
import { next } from "counter";
import { signal, exportState } from "torpor:run";
exportState(() => next());
console.log(`first ${next()}`);
await signal("go");
console.log(`second ${next()}`);
await signal("end");
export default next();
"""

AFTER = """
import { next } from "counter";
import { onUpgrade } from "torpor:run";
let handed;
onUpgrade((state) => { handed = state; });
export default { handed, mine: next() };
"""


class Extensions(Durable):
    @classmethod
    def setUpClass(cls):
        """Modules, and native code of them, made once."""
        cls.made = tempfile.mkdtemp(prefix="torpor-run-extension-")
        cls.cache = os.path.join(cls.made, "cache")
        cls.addClassCleanup(shutil.rmtree, cls.made, ignore_errors=True)
        cls.make("counter", "1.0", 1)
        cls.make("counter-ten", "2.0", 10, name="counter")
        cls.make("failing", "1.0", 1, begin='JS_ThrowTypeError(ctx, '
                 '"not today"); if (ctx != NULL) return -1;')

    @classmethod
    def make(cls, title, version, step, name=None, begin=""):
        text = COUNTER % {"name": name or title, "version": version,
                          "step": step, "begin": begin}
        with open(os.path.join(cls.made, f"{title}.c"), "w") as file:
            file.write(text)
        for words in (["-o", f"{title}.wasm", f"{title}.c"],
                      ["--quick", f"{title}.wasm"]):
            subprocess.run([TORPOR, "extension", "build", *words], check=True,
                           cwd=cls.made, capture_output=True,
                           env={**os.environ, "XDG_CACHE_HOME": cls.cache})

    def setUp(self):
        super().setUp()
        self.environment["XDG_CACHE_HOME"] = self.path("cache")
        shutil.copytree(self.cache, self.path("cache"))
        for name in ("counter", "counter-ten", "failing"):
            shutil.copy(os.path.join(self.made, f"{name}.wasm"), self.folder)
        self.write("a.mjs", PROGRAM)

    def native(self):
        return glob.glob(self.path("cache/torpor/extensions/*.so"))

    def forget_native(self):
        """As on a machine that never saw the extension."""
        for path in self.native():
            os.remove(path)

    def make_run(self, *words, **more):
        return self.torpor("run", "a.mjs", "--id=main", "--detach",
                           "--extension=counter.wasm", *words, **more)

    def command_alone(self):
        """The command where nothing is installed with it."""
        os.makedirs(self.path("alone/bin"), exist_ok=True)
        return shutil.copy(TORPOR, self.path("alone/bin/torpor"))

    def drive_and_kill(self, line):
        """Drives the run until it has written 'line', and kills its worker."""
        child = self.start("resume", "main")
        self.wait_for_line(line)
        child.kill()
        child.wait()

    def test_it_needs_its_store_alone(self):
        self.make_run()
        os.remove(self.path("counter.wasm"))
        os.remove(self.path("a.mjs"))
        self.drive_and_kill("first 1")
        self.forget_native()
        self.torpor("signal", "main", "go", "1")
        self.drive_and_kill("second 2")
        self.assertEqual(len(self.native()), 1)
        self.forget_native()
        self.torpor("signal", "main", "end", "1")
        worker = self.start("worker")
        self.wait_for_state("done")
        worker.kill()
        self.assertEqual(self.show()["value"], 3)
        self.assertEqual(self.logs(), ["first 1", "second 2"])

    def test_without_a_compiler(self):
        self.make_run()
        self.drive_and_kill("first 1")
        before = self.show()
        self.forget_native()
        os.mkdir(self.path("tools"))
        tools = self.environment["PATH"]
        self.environment["PATH"] = self.path("tools")
        said = self.torpor("resume", "main", code=FILE).stderr
        self.assertIn("run 'main', extension 'counter': there is no native "
                      "code", said)
        self.assertIn("needs python3", said)
        for words in (["inspect", "main"], ["export", "main"],
                      ["fork", "main", "--id=b"], ["upgrade", "main", "a.mjs"]):
            said = self.torpor(*words, code=FILE).stderr
            self.assertIn("extension 'counter': there is no native", said,
                          words)
        # A worker leaves it alone, and no attempt is counted.
        worker = self.start("worker")
        time.sleep(1)
        self.assertIsNone(worker.poll())
        worker.kill()
        self.assertEqual(self.show(), before)
        self.environment["PATH"] = tools
        self.torpor("signal", "main", "go", "1")
        self.drive_and_kill("second 2")

    def test_forks_exports_and_upgrades(self):
        self.make_run()
        self.drive_and_kill("first 1")
        os.remove(self.path("counter.wasm"))
        self.torpor("fork", "main", "--id=b")
        with open(self.path("a.torpor"), "wb") as file:
            subprocess.run([TORPOR, "export", "main"], cwd=self.folder,
                           check=True, stdout=file, env=self.environment)
        self.assertIn("extension  counter 1.0, SHA-256",
                      self.torpor("inspect", "b").stdout)
        with open(os.path.join(self.made, "counter.wasm"), "rb") as module:
            id = hashlib.sha256(module.read()).hexdigest()
        said = json.loads(self.torpor("inspect", "b", "--json").stdout)
        self.assertEqual(said["extensions"], [
            {"name": "counter", "version": "1.0", "hash": id}])
        # On another machine, with another store.
        self.forget_native()
        other = "--store=other.db"
        said = self.torpor("import", "a.torpor", other, code=FILE).stderr
        self.assertIn("'counter'", said)
        self.assertIn("--make-extensions", said)
        self.assertEqual(self.native(), [])
        self.torpor("import", "a.torpor", other, "--make-extensions")
        self.torpor("import", "a.torpor", other, "--id=again")
        for name in ("go", "end"):
            self.torpor("signal", "main", name, "1", other)
        self.torpor("resume", "main", other)
        shown = json.loads(self.torpor("show", "main", "--json", other).stdout)
        self.assertEqual(shown["value"], 3)
        # The new program has the extension of the old one, or another.
        self.write("after.mjs", AFTER)
        self.torpor("upgrade", "main", "after.mjs")
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], {"handed": 2, "mine": 1})
        self.torpor("upgrade", "b", "after.mjs",
                    "--extension=counter-ten.wasm")
        self.torpor("resume", "b")
        self.assertEqual(self.show("b")["value"], {"handed": 2, "mine": 10})

    def test_many(self):
        self.write("inputs", "1\n2\n3\n")
        self.write("a.mjs", 'import { next } from "counter";\n'
                            'import { input } from "torpor:run";\n'
                            "export default input() * 10 + next();\n")
        self.torpor("run", "a.mjs", "--many=inputs", "--id=m",
                    "--extension=counter.wasm")
        self.assertEqual([self.show(f"m-{number}")["value"]
                          for number in (1, 2, 3)], [11, 21, 31])

    def test_those_that_ship_have_names(self):
        """They are kept as others are, also for a new program."""
        installed = os.environ["TORPOR_BUILD"] + "/lib/torpor/extensions"
        self.environment["TORPOR_EXTENSION_PATH"] = installed
        self.write("a.mjs", """
            import { signal, exportState } from "torpor:run";
            exportState(() => "ni");
            const decoder = new TextDecoder("shift_jis");
            const bytes = new Uint8Array([0x93, 0xfa]);
            console.log(decoder.decode(bytes));
            await signal("go");
            export default decoder.decode(bytes) + decoder.encoding;
        """)
        names = ["--extension=encoding", "--extension=encoding-legacy"]
        self.torpor("run", "a.mjs", "--id=main", "--detach", *names)
        del self.environment["TORPOR_EXTENSION_PATH"]
        self.drive_and_kill("\u65e5")
        self.torpor("fork", "main", "--id=b")
        self.torpor("signal", "main", "go", "1")
        self.torpor("resume", "main")
        self.assertEqual(self.show()["value"], "\u65e5shift_jis")
        with open(self.path("a.torpor"), "wb") as file:
            subprocess.run([TORPOR, "export", "b"], cwd=self.folder,
                           check=True, stdout=file, env=self.environment)
        self.torpor("import", "a.torpor", "--store=other.db")
        self.write("after.mjs", 'export default new Headers({ a: "1" })'
                                '.get("a");')
        said = self.torpor("upgrade", "b", "after.mjs", "--extension=headers",
                           executable=self.command_alone(), code=FILE).stderr
        self.assertIn("the module of extension 'headers' is not installed",
                      said)
        self.environment["TORPOR_EXTENSION_PATH"] = installed
        self.torpor("upgrade", "b", "after.mjs", "--extension=headers")
        self.torpor("resume", "b")
        self.assertEqual(self.show("b")["value"], "1")

    def test_what_is_refused(self):
        self.write("text.wasm", "no module")
        cases = [("none.wasm", "No such file"),
                 ("text.wasm", "is no side module"),
                 ("./cache", "cannot be read"),
                 ("nothing", "no extension 'nothing' ships"),
                 ("encoding", "is not installed: "),
                 (self.native()[0], "a run keeps NAME.wasm"),
                 ("failing.wasm", "not today")]
        for name, why in cases:
            done = self.torpor("run", "a.mjs", "--detach",
                               f"--extension={name}", code=None,
                               executable=self.command_alone())
            self.assertIn(done.returncode, (THROWN, FILE), done.stderr)
            self.assertIn(why, done.stderr, name)
        done = self.make_run("--extension=counter.wasm", code=None)
        self.assertNotEqual(done.returncode, DONE)
        self.assertIn("has an extension 'counter' already", done.stderr)
        self.assertEqual(self.torpor("list", "--json").stdout.strip(), "[]")

    def test_a_module_that_was_changed_in_the_store(self):
        """A snapshot names a hash: another module is not taken for it."""
        self.make_run()
        self.drive_and_kill("first 1")
        self.forget_native()
        with open(self.path("counter-ten.wasm"), "rb") as file:
            other = file.read()
        store = sqlite3.connect(self.path("torpor.db"))
        hash = hashlib.sha256(other).digest()
        with store:
            store.execute("INSERT INTO source(hash, bytes) VALUES(?, ?)",
                          (hash, other))
            changed = store.execute("UPDATE file SET hash = ? WHERE name = "
                                    "'extension:1'", (hash,))
        store.close()
        self.assertEqual(changed.rowcount, 1)
        self.torpor("signal", "main", "go", "1")
        done = self.torpor("resume", "main", code=PARKED)
        self.assertIn("counter", done.stderr)
        self.assertEqual(self.logs(), ["first 1"])

    def test_a_module_that_is_missing_in_the_store(self):
        """The one after it is not left out for that, as if it were the last."""
        headers = os.environ["TORPOR_BUILD"] + "/extensions/headers.wasm"
        self.make_run(f"--extension={headers}")
        self.drive_and_kill("first 1")
        store = sqlite3.connect(self.path("torpor.db"))
        with store:
            store.execute("DELETE FROM file WHERE name = 'extension:1'")
        store.close()
        done = self.torpor("upgrade", "main", "a.mjs", code=None)
        self.assertEqual(done.returncode, FILE, done.stderr)
        missing = "it keeps 1 extensions of the run, but not number 1"
        self.assertIn(missing, done.stderr)
        done = self.torpor("resume", "main", code=FILE)
        self.assertIn(missing, done.stderr)
        self.assertEqual(self.logs(), ["first 1"])
        self.assertIn(missing, self.show()["reason"])

    def test_a_module_that_is_missing_before_the_start(self):
        """A program does not begin without it."""
        headers = os.environ["TORPOR_BUILD"] + "/extensions/headers.wasm"
        self.make_run(f"--extension={headers}")
        store = sqlite3.connect(self.path("torpor.db"))
        with store:
            store.execute("DELETE FROM file WHERE name = 'extension:2'")
            store.execute("UPDATE file SET name = 'extension:3' "
                          "WHERE name = 'extension:1'")
        store.close()
        done = self.torpor("resume", "main", code=FILE)
        self.assertIn("it keeps 1 extensions of the run, but not number 1",
                      done.stderr)
        self.assertEqual(self.logs(), [])


if __name__ == "__main__":
    unittest.main()
