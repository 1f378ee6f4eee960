#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow full nosanitize timeout=240
"""Damaged side modules: reading, checking and changing them ends soon, with a
sentence; and what was a valid module is one afterwards, as Node says.

TORPOR_SEED chooses other damages."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
import extension  # noqa: E402
from extension import NODE, TEMPLATE, build_text  # noqa: E402

import check  # noqa: E402
import compact  # noqa: E402
import instrument  # noqa: E402
import objects  # noqa: E402
import toolchain  # noqa: E402
import wasm  # noqa: E402

ROUNDS = 40000 if os.environ["TORPOR_TIER"] == "full" else 3000
SEED = int(os.environ.get("TORPOR_SEED", "1"))
SLOWEST = 5.0  # seconds for one module, which takes milliseconds
EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x40, 0x10, 0x0b, 0x03, 0xfc]
VALIDATE = """
import { readFileSync } from "node:fs";
const files = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(files.map((file) => WebAssembly.validate(readFileSync(file)))));
"""


def validate(files):
    done = subprocess.run([NODE, "--input-type=module", "-e", VALIDATE],
                          input=json.dumps([str(file) for file in files]),
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def damage(random_, code, others):
    """A changed copy: bytes, parts, numbers, sections of another module."""
    code = bytearray(code)
    for _ in range(random_.choice((1, 1, 1, 2, 5))):
        at = random_.randrange(len(code))
        kind = random_.randrange(7)
        if kind == 0:
            code[at] = random_.randrange(256)
        elif kind == 1:
            code[at] = random_.choice(EDGES)
        elif kind == 2:
            code[at] ^= 1 << random_.randrange(8)
        elif kind == 3:
            del code[at:at + random_.randrange(1, 9)]
        elif kind == 4:
            code[at:at] = bytes(random_.choice(EDGES)
                                for _ in range(random_.randrange(1, 9)))
        elif kind == 5:
            other = random_.choice(others)
            start = random_.randrange(len(other))
            part = other[start:start + random_.randrange(1, 60)]
            code[at:at + len(part)] = part
        else:
            code[at:at + 5] = b"\xff\xff\xff\xff\x0f"
        if not code:
            break
    return bytes(code)


class Fuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.types = check.load_types()
        cls.modules = []
        for kind in ("c", "cpp"):
            text = (TEMPLATE / f"{kind}/example.{kind}").read_text()
            for words in (["--uninstrumented"], []):
                path = build_text(cls.folder, "example", text.replace(
                    "example-name", "example"), *words, ending="." + kind)
                cls.modules.append(path.read_bytes())
        cls.modules.append(cls.link_as_it_is())

    @classmethod
    def link_as_it_is(cls):
        """What the linker makes, with a pointer to be set after the other."""
        linked = cls.folder / "linked.wasm"
        source = cls.folder / "pointers.c"
        source.write_text(
            "#include <torpor-extension.h>\n"
            "static int n[9]; static int *volatile p[] = {n, n + 1, n + 2, n + 3,"
            " n + 4, n + 5, n, n, n, n, n, n};\nTORPOR_EXTENSION_INIT(example) {"
            " for (int i = 0; i < 9; i++) p[i]++; return 0; }\n")
        toolchain.make_module([source], cls.folder, linked)
        code = linked.read_bytes()
        assert len(compact.compact(code)) < len(code)
        return code

    def look(self, code):
        """What the programs make of it: instrumented code or None."""
        started = time.monotonic()
        done = check.Check(code, self.types, "example", True)
        for text in done.wrong:
            self.assertRegex(text, r"^[ -~]{10,400}$")
        try:
            objects.Object(code)
        except wasm.Damaged as error:
            self.assertTrue(str(error))
        try:
            changed = instrument.instrument(compact.compact(code))
        except wasm.Damaged as error:
            self.assertRegex(str(error), r"^[ -~]{10,400}$")
            changed = None
        self.assertLess(time.monotonic() - started, SLOWEST)
        return changed

    def test_damaged_modules(self):
        random_ = random.Random(SEED)
        pairs = []
        for number in range(ROUNDS):
            code = damage(random_, random_.choice(self.modules), self.modules)
            with self.subTest(seed=SEED, number=number):
                changed = self.look(code)
            if changed is not None:
                pairs.append((code, changed))
        self.assertGreater(len(pairs), ROUNDS // 50)
        files = []
        for number, pair in enumerate(pairs):
            for which, code in zip(("before", "after"), pair):
                files.append(self.folder / f"{number}-{which}.wasm")
                files[-1].write_bytes(code)
        valid = validate(files)
        were = sum(valid[::2])
        self.assertGreater(were, ROUNDS // 100)
        for number in range(len(pairs)):
            if valid[2 * number]:
                self.assertTrue(valid[2 * number + 1],
                                f"seed {SEED}, pair {number}")

    def test_every_end(self):
        for code in self.modules:
            for size in range(0, len(code), 7):
                self.look(code[:size])

    def test_many_of_everything(self):
        """Counts that a module can say in few bytes."""
        many = wasm.unsigned(20000)
        head = self.modules[0][:8] + wasm.section(wasm.CUSTOM, wasm.name(
            "dylink.0"))
        types = wasm.section(wasm.TYPE, b"\1\x60\0\0")
        functions = wasm.section(wasm.FUNCTION, many + b"\0" * 20000)
        calls = b"\4\0\x10\0\x0b"
        imports = wasm.section(wasm.IMPORT, many + (
            wasm.name("env") + wasm.name("free") + b"\0\0") * 20000)
        for code in (
                head + types + imports,
                head + types + functions + wasm.section(
                    wasm.CODE, many + calls * 20000),
                head + types + functions + wasm.section(wasm.START, b"\0") +
                wasm.section(wasm.CODE, many + calls * 20000),
                head + types + functions + wasm.section(
                    wasm.ELEMENT, b"\1\0\x41\0\x0b" + many + b"\1" * 20000) +
                wasm.section(wasm.CODE, many + b"\x02\0\x0b" * 20000),
                head + wasm.section(wasm.TYPE, many),
                head + types + functions):
            self.look(code)

    def test_calls_through_pointers_of_many_functions(self):
        """Each may call each: that many ways are not walked one by one."""
        count = 10000
        code = (wasm.MAGIC + wasm.section(wasm.TYPE, b"\1\x60\0\0") +
                wasm.section(wasm.IMPORT, b"\1" + wasm.name("env") + wasm.name(
                    "__indirect_function_table") + b"\1\x70\0\0") +
                wasm.section(wasm.FUNCTION, wasm.unsigned(count) +
                             b"\0" * count) +
                wasm.section(wasm.ELEMENT, b"\1\0\x41\0\x0b" + wasm.unsigned(
                    count) + b"".join(map(wasm.unsigned, range(count)))) +
                wasm.section(wasm.CODE, wasm.unsigned(count) +
                             b"\7\0\x41\0\x11\0\0\x0b" * count))
        self.assertIsNotNone(self.look(code))


if __name__ == "__main__":
    unittest.main()
