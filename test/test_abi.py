#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""What compiled programs rely on is what test/abi/ says (tools/abi), and the
tool notices what would break them. When something was added, changed before its
release or removed before it, 'tools/abi --update' records that."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])

HEADER = """\
#pragma once
#include <stddef.h>
#define TORPOR_VERSION "1.2.0"
#define TORPOR_LIST(X) X(1, ONE, "a sentence")
#define TORPOR_LARGEST 10
typedef enum { TORPOR_ONE = 1, TORPOR_TWO } torpor_number;
struct torpor_point { int x; union { double y; char z[12]; }; };
typedef struct torpor_options {
  size_t size;
  struct { int a, b; } pair;
} torpor_options;
typedef void (*torpor_fn)(void *user, torpor_number number);
typedef struct torpor_vm torpor_vm;
int torpor_open(const torpor_options *options, torpor_vm **out);
extern const int torpor_count;
static inline int torpor_twice(int number) { return 2 * number; }
"""

LIST = """\
+ constant TORPOR_ONE = 1
+ constant TORPOR_TWO = 2
+ function torpor_open = int (const torpor_options *, torpor_vm **)
+ inline torpor_twice = int (int)
+ macro TORPOR_LARGEST = 10
+ struct torpor_options = size 16
+ field torpor_options.size = at 0, size 8: size_t
+ field torpor_options.pair = at 8, size 8: {...}
+ field torpor_options.pair.a = at 8, size 4: int
+ field torpor_options.pair.b = at 12, size 4: int
+ struct torpor_point = size 24
+ field torpor_point.x = at 0, size 4: int
+ field torpor_point.y = at 8, size 8: double
+ field torpor_point.z = at 8, size 12: char[12]
+ type torpor_fn = void (*)(void *, torpor_number)
+ variable torpor_count = const int
"""


def load_tool():
    loader = importlib.machinery.SourceFileLoader(
        "abi", str(SOURCE / "tools/abi"))
    spec = importlib.util.spec_from_loader("abi", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
ABI = load_tool()


def run_abi(*arguments):
    """Its exit code, and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = ABI.main([str(argument) for argument in arguments])
    return code, printed.getvalue()


class OurAbi(unittest.TestCase):
    def test_is_what_is_recorded(self):
        self.assertEqual(run_abi(), (0, ""))

    def test_has_every_library(self):
        for name in ("torpor", "torpor-loop", "torpor-run"):
            text = (SOURCE / f"test/abi/{name}.txt").read_text("utf-8")
            self.assertGreater(text.count(" function "), 20)
            self.assertGreater(text.count(" field "), 5)


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "include").mkdir()
        self.write(HEADER)

    def write(self, text):
        (self.root / "include/torpor.h").write_text(text, "utf-8")

    def lists(self):
        return {path.name: path.read_text("utf-8")
                for path in (self.root / "test/abi").iterdir()}

    def release(self):
        self.assertEqual(run_abi("--update", self.root)[0], 0)
        self.assertEqual(run_abi("--release", self.root)[0], 0)
        self.assertEqual(run_abi(self.root), (0, ""))

    def change(self, old, new):
        self.assertIn(old, HEADER)
        self.write(HEADER.replace(old, new))

    def expect_break(self, old, new, *told):
        with self.subTest(new):
            before = self.lists()
            self.change(old, new)
            for arguments in ([self.root], ["--update", self.root]):
                code, output = run_abi(*arguments)
                self.assertEqual(code, 1)
                self.assertIn("programs of that would break", output)
                for text in told:
                    self.assertIn(text, output)
            self.assertEqual(self.lists(), before)

    def expect_growth(self, old, new, *told):
        with self.subTest(new):
            self.change(old, new)
            code, output = run_abi(self.root)
            self.assertEqual(code, 1)
            self.assertIn("tools/abi --update", output)
            self.assertNotIn("would break", output)
            for text in told:
                self.assertIn(text, output)
            self.assertEqual(run_abi("--update", self.root)[0], 0)
            self.assertEqual(run_abi(self.root), (0, ""))

    def test_lists(self):
        (self.root / "include/torpor-loop.h").write_text(
            '#include "torpor.h"\nvoid torpor_loop(torpor_vm *vm);\n', "utf-8")
        self.assertEqual(run_abi(self.root)[0], 1)
        self.assertEqual(run_abi("--update", self.root)[0], 0)
        lists = self.lists()
        self.assertEqual(set(lists), {"torpor.txt", "torpor-loop.txt"})
        self.assertTrue(lists["torpor.txt"].endswith(
            f"released 1.2.0\n{LIST}"), lists)
        self.assertTrue(lists["torpor-loop.txt"].endswith(
            "released 1.2.0\n+ function torpor_loop = void (torpor_vm *)\n"),
            lists)

    def test_not_released_may_change(self):
        self.assertEqual(run_abi("--update", self.root)[0], 0)
        self.expect_growth("int torpor_open", "long torpor_open",
                           "changed: function torpor_open")

    def test_breaks(self):
        self.release()
        self.expect_break("int torpor_open", "int torpor_begin",
                          "removed: function torpor_open",
                          "added: function torpor_begin")
        self.expect_break("torpor_options *options", "torpor_options options",
                          "changed: function torpor_open")
        self.expect_break("int a, b;", "int b, a;",
                          "changed: field torpor_options.pair.a")
        self.expect_break("double y;", "float y;", "was at 8, size 8: double")
        self.expect_break("int x;", "int x, w;",
                          "added: field torpor_point.w")
        self.expect_break("ONE = 1, ", "ONE, ", "constant TORPOR_TWO = 1")
        self.expect_break("LARGEST 10", "LARGEST 9", "macro TORPOR_LARGEST")
        self.expect_break("void *user, ", "", "changed: type torpor_fn")
        # A struct without its size may not grow.
        self.expect_break("char z[12]; };", "char z[12]; }; int w[8];",
                          "changed: struct torpor_point = size")

    def test_growth(self):
        self.release()
        self.expect_growth("} pair;", "} pair; void *more;",
                           "added: field torpor_options.more",
                           "changed: struct torpor_options = size 24")
        self.expect_growth("TORPOR_TWO", "TORPOR_TWO, TORPOR_THREE",
                           "added: constant TORPOR_THREE")
        self.expect_growth("static", "void torpor_close(torpor_vm *vm);\nstatic",
                           "added: function torpor_close")

    def test_what_was_added_can_change_until_it_is_released(self):
        self.release()
        self.change("static", "void torpor_close(torpor_vm *vm);\nstatic")
        self.assertEqual(run_abi("--update", self.root)[0], 0)
        self.expect_growth("static", "int torpor_close(torpor_vm *vm);\nstatic",
                           "changed: function torpor_close")

    def test_a_change_can_be_allowed(self):
        self.release()
        self.change("LARGEST 10", "LARGEST 11")
        self.assertEqual(run_abi("--update", self.root)[0], 1)
        code, _ = run_abi("--update", "--allow", "macro TORPOR_LARGEST",
                          self.root)
        self.assertEqual(code, 0)
        self.assertEqual(run_abi(self.root), (0, ""))

    def test_major_version(self):
        self.release()
        self.write(HEADER.replace("1.2.0", "2.0.0").replace(
            "int torpor_open", "int torpor_begin"))
        code, output = run_abi(self.root)
        self.assertEqual(code, 1)
        self.assertNotIn("would break", output)
        self.assertEqual(run_abi("--release", self.root)[0], 0)
        self.assertEqual(run_abi(self.root), (0, ""))

    def test_a_release_is_recorded(self):
        self.release()
        self.change("1.2.0", "1.3.0")
        code, output = run_abi(self.root)
        self.assertEqual(code, 1)
        self.assertIn("tools/abi --release", output)
        self.assertEqual(run_abi("--release", self.root)[0], 0)
        self.assertEqual(run_abi(self.root), (0, ""))


if __name__ == "__main__":
    unittest.main()
