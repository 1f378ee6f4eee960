#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=120
"""The first program of include/torpor.h, as it stands there: compiled, and run
alone, under the address sanitizer with its search for leaks, and under valgrind
with the option that the header names. All of them must be clean."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
HEADER = (SOURCE / "include/torpor.h").read_text(encoding="utf-8")


def first_program():
    """The lines below "A first program:", as a C file."""
    lines = HEADER.split("A first program:\n *\n")[1].split("\n *\n")[0]
    body = "\n".join(line.removeprefix(" *") for line in lines.split("\n"))
    return ("#include <stdio.h>\n#include <torpor.h>\n"
            f"int main(void) {{\n{body}\n  return 0;\n}}\n")


def libraries():
    text = (BUILD / "torpor.pc").read_text(encoding="utf-8")
    return re.search(r"^Libs\.private: (.*)$", text, re.MULTILINE)[1].split()


class FirstProgram(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)

    def compile(self, *flags):
        source = pathlib.Path(self.work.name) / "first.c"
        source.write_text(first_program(), encoding="utf-8")
        program = source.with_suffix("")
        subprocess.run([os.environ["TORPOR_CC"], "-g", "-Wall", "-Werror",
                        *flags, f"-I{SOURCE / 'include'}", str(source), "-o",
                        str(program), str(BUILD / "libtorpor.a"),
                        *libraries()], check=True)
        return str(program)

    def check(self, *command, **environment):
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=100, check=False,
                              env={**os.environ, **environment})
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "42\n", ""))

    def test_alone(self):
        self.check(self.compile())

    def test_address_sanitizer(self):
        self.check(self.compile("-fsanitize=address"),
                   ASAN_OPTIONS="detect_leaks=1")

    def test_valgrind(self):
        option = re.search(r"Under valgrind[^-]+(--\S+)\.", HEADER)[1]
        self.check("valgrind", "-q", option, "--error-exitcode=9",
                   "--leak-check=full",
                   "--errors-for-leak-kinds=definite,indirect,possible",
                   self.compile())


if __name__ == "__main__":
    unittest.main()
