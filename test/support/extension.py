# SPDX-License-Identifier: MIT
"""extension.py - building extensions in tests, and running them in Node."""

import atexit
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
NODE = os.environ["TORPOR_NODE"]
KIT = BUILD / "share/torpor/extensions/kit"
TEMPLATE = SOURCE / "extensions/kit/template"
sys.dont_write_bytecode = True
sys.path.insert(0, str(KIT))

# Native code that tests make goes into a cache of their own.
CACHE = tempfile.mkdtemp(prefix="torpor-extension-cache-")
os.environ["XDG_CACHE_HOME"] = CACHE
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

# A module that computes: instances of it need no engine.
PLAIN = """
#include <stdint.h>
#define EXPORT __attribute__((visibility("default")))
"""

# Runs files in Node with an 'env' of functions that do nothing; prints what the
# calls of an exported function give. 'polls' counts those of torpor_extension_
# poll, which resets the counter to 10,000; it throws when 'most' are over.
RUNNER = """
import { readFileSync } from "node:fs";
const { files, calls, most } = JSON.parse(readFileSync(0, "utf8"));
const global = (value, mutable) => new WebAssembly.Global({ value: "i32", mutable }, value);
for (const file of files) {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const counter = 1024;
  const reset = () => (new Int32Array(memory.buffer)[counter / 4] = 10000);
  reset();
  let polls = 0;
  const env = {
    memory,
    __indirect_function_table: new WebAssembly.Table({ initial: 64, element: "anyfunc" }),
    __stack_pointer: global(1 << 20, true),
    __memory_base: global(1 << 20, false),
    __table_base: global(1, false),
    __torpor_poll_counter: global(counter, false),
    torpor_extension_poll() {
      reset();
      if (++polls > most) throw new Error("polled enough");
    },
  };
  const module = new WebAssembly.Module(readFileSync(file));
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (from === "env" && kind === "function") env[name] ??= () => 0;
  }
  const { exports } = new WebAssembly.Instance(module, { env });
  exports.__wasm_apply_data_relocs?.();
  exports.__wasm_call_ctors?.();
  const said = calls.map(([name, ...args]) => {
    try {
      return String(exports[name](...args.map((a) => (typeof a === "string" ? BigInt(a) : a))));
    } catch (error) {
      return error.message;
    }
  });
  console.log(JSON.stringify({ said, polls }));
}
"""


def build(out, sources, *words, flags=(), code=0, cwd=None):
    """Runs build.py; gives what it said on standard error."""
    done = subprocess.run([sys.executable, "-B", KIT / "build.py", "-o", out,
                           *words, *sources, *(["--", *flags] if flags else [])],
                          capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def build_text(folder, name, text, *words, flags=(), code=0, ending=".c"):
    """Builds a source; gives the path of the module, or what was said."""
    source = folder / (name + ending)
    source.write_text(text)
    out = folder / (name + ".wasm")
    said = build(out, [source], *words, flags=flags, code=code)
    return out if code == 0 else said


def run_plain(files, calls, most=1 << 30):
    """What each file gives: {said, polls}."""
    given = json.dumps({"files": [str(file) for file in files], "calls": calls,
                        "most": most})
    done = subprocess.run([NODE, "--input-type=module", "-e", RUNNER],
                          input=given, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def install_package(folder):
    """The npm package, as in a project of its users."""
    package, = (BUILD / "npm").glob("torpor-vm-*.tgz")
    place = folder / "node_modules/torpor-vm"
    place.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", package, "-C", place,
                    "--strip-components=1"], check=True)
