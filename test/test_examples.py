#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=300
"""The C programs of examples/: compiled, run, and their output compared with
what examples/README.md shows: as each example says how to compile it, with the
shared library, and under the address sanitizer with its search for leaks. Times
differ from run to run; sizes may by half."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
SECTION = re.compile(r"^## `(\S+\.c)`$.*?^```text\n(.*?)^```$",
                     re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^ \*   cc (\S+) -o \S+ "
                     r"\$\(pkg-config --cflags --libs (torpor\S*)\)(.*)$",
                     re.MULTILINE)
TIME = re.compile(r"\d+\.\d+(?= us)")
SIZE = re.compile(r"\d+(?:\.\d+)?(?= (?:MB|bytes))")


# Each with those below it.
LIBRARIES = {"torpor": ["torpor"], "torpor-loop": ["torpor-loop", "torpor"]}


def private(library):
    """What the static library needs besides."""
    text = (BUILD / f"{library}.pc").read_text(encoding="utf-8")
    return re.search(r"^Libs\.private: (.*)$", text, re.MULTILINE)[1].split()


def libraries(name, flags):
    source = (SOURCE / "examples" / name).read_text(encoding="utf-8")
    named, package, besides = COMMAND.search(source).groups()
    assert named == name, f"{name} says how to compile {named}"
    used = LIBRARIES[package]
    if flags:
        return [*(str(BUILD / f"lib{library}.a") for library in used),
                *(word for library in used for word in private(library))]
    return [f"-L{BUILD}", f"-Wl,-rpath,{BUILD}",
            *(f"-l{library}" for library in used), *besides.split()]


def run(folder, name, *flags):
    """What the example prints, or what is wrong with it."""
    program = pathlib.Path(folder) / (name + ".".join(("", *flags)))
    made = subprocess.run(
        [os.environ["TORPOR_CC"], "-std=c11", "-g", "-Wall", "-Wextra",
         "-Werror", *flags, f"-I{SOURCE / 'include'}",
         str(SOURCE / "examples" / name), "-o", str(program),
         *libraries(name, flags)],
        capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr
    done = subprocess.run([program], capture_output=True, text=True,
                          timeout=120, cwd=folder, check=False,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1"})
    code = f"exit code {done.returncode}\n" if done.returncode else ""
    return done.stdout + done.stderr + code


def without_numbers(text):
    return SIZE.sub("N", TIME.sub("N", text))


class Examples(unittest.TestCase):
    def setUp(self):
        self.readme = (SOURCE / "examples/README.md").read_text(
            encoding="utf-8")
        self.shown = dict(SECTION.findall(self.readme))

    def test_all_are_shown(self):
        there = {path.name for path in (SOURCE / "examples").iterdir()}
        there.remove("README.md")
        self.assertEqual({name for name in there if name.endswith(".c")},
                         set(self.shown))
        for name in there:
            self.assertIn(f"`{name}`", self.readme)

    def compare(self, *flags):
        with (tempfile.TemporaryDirectory() as folder,
              concurrent.futures.ThreadPoolExecutor(2) as pool):
            printed = {name: pool.submit(run, folder, name, *flags)
                       for name in self.shown}
            for name, ran in printed.items():
                with self.subTest(name):
                    self.same(ran.result(), self.shown[name])

    def same(self, printed, shown):
        self.assertEqual(without_numbers(printed), without_numbers(shown))
        for size, expected in zip(SIZE.findall(printed), SIZE.findall(shown)):
            self.assertAlmostEqual(float(size), float(expected),
                                   delta=float(expected) / 2)

    def test_as_they_say(self):
        self.compare()

    def test_address_sanitizer(self):
        self.compare("-fsanitize=address")


if __name__ == "__main__":
    unittest.main()
