#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""The public headers and the library say the same.

Every function that a header declares is in libtorpor.so and nothing else is;
each header compiles alone, as C11 and as C++; the version is one.
"""

import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
HEADERS = sorted((SOURCE / "include").rglob("*.h"))
DECLARED = re.compile(r"^TORPOR_API\b[^;{]*?\b(torpor_\w+)\(", re.MULTILINE)

WALKED = re.compile(r"^  X\((torpor_\w+),", re.MULTILINE)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def declared():
    names = set()
    for header in HEADERS:
        text = without_comments(header.read_text(encoding="utf-8"))
        names.update(DECLARED.findall(text))
    return names


def exported():
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", BUILD / "libtorpor.so"],
        capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines()}


class ApiTest(unittest.TestCase):
    def test_declared_is_exported(self):
        self.assertGreater(len(declared()), 50)
        self.assertEqual(declared() - exported(), set(), "not in the library")

    def test_exported_is_declared(self):
        self.assertEqual(exported() - declared(), set(), "in no header")

    def test_declared_is_walked(self):
        """test_walk.c calls each in every wrong way."""
        walked = WALKED.findall(
            (SOURCE / "test/test_walk.c").read_text(encoding="utf-8"))
        self.assertEqual(len(walked), len(set(walked)), "one is there twice")
        names = set()
        for header in HEADERS:
            if header.name in ("torpor-loop.h", "torpor-run.h"):
                continue
            text = header.read_text(encoding="utf-8")
            names.update(DECLARED.findall(without_comments(text)))
        self.assertEqual(names - set(walked), set(), "not in test_walk.c")

    def test_headers_stand_alone(self):
        dialects = [[os.environ["TORPOR_CC"], "-std=c11", "-x", "c"],
                    ["clang-22", "-std=c++14", "-x", "c++"]]
        for header in HEADERS:
            for dialect in dialects:
                with self.subTest(header=header.name, dialect=dialect):
                    subprocess.run(
                        [*dialect, "-fsyntax-only", "-Wall", "-Wextra",
                         "-Wpedantic", "-Werror", f"-I{SOURCE}/include", "-"],
                        input=f"#include <{header.relative_to(SOURCE / 'include')}>\n", text=True,
                        check=True)

    def test_one_version(self):
        text = (SOURCE / "include/torpor.h").read_text(encoding="utf-8")
        parts = [re.search(rf"TORPOR_VERSION_{part} (\d+)", text).group(1)
                 for part in ("MAJOR", "MINOR", "PATCH")]
        whole = re.search(r'define TORPOR_VERSION "(.*)"', text).group(1)
        self.assertEqual(whole, ".".join(parts))
        changes = (SOURCE / "CHANGELOG.md").read_text(encoding="utf-8")
        self.assertIn(f"\n## {whole}\n", changes)
        said = subprocess.run([os.environ["TORPOR"], "--version"], text=True,
                              capture_output=True, check=True).stdout
        self.assertIn(whole, said)


if __name__ == "__main__":
    unittest.main()
