#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""The public headers and the libraries say the same.

Every function that a header declares is in the library of that header and
nothing else is; each header compiles alone, as C11 and as C++; the version is
one.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
# What extensions include is no header of a library: it is for the guest.
HEADERS = sorted(path for path in (SOURCE / "include").rglob("*.h")
                 if path.name != "torpor-extension.h")
DECLARED = re.compile(r"^TORPOR_API\b[^;{]*?\b(torpor_\w+)\(", re.MULTILINE)

WALKED = re.compile(r"^  X\((torpor_\w+), ([^,]*),", re.MULTILINE)

# A declaration with the end of the comment before it, and what it returns.
TAGGED = re.compile(
    r"(?:^(?:/\*| \*) (\[.*\]) \*/\n)?^TORPOR_API\b([^;{(]*?)\b(torpor_\w+)\(",
    re.MULTILINE)
TAGS = ["fails", "throws", "runs", "outside", "any thread"]
# What is given something and how much of it there is.
TOLD = re.compile(r"^TORPOR_API torpor_status\s+(torpor_\w+)\("
                  r"([^;]*\bconst\b[^;,]*,\s*size_t [^;]*)\)",
                  re.MULTILINE)
# Any bytes may be told and protected; tables are looked at entry by entry.
UNLIMITED = {"torpor_snapshot_identify", "torpor_snapshot_protect",
             "torpor_function_add_all", "torpor_function_bind_all",
             "torpor_module_add"}
# What test_walk.c says where a declaration has a tag.
FLAGS = {"throws": "THROWS", "runs": "RUNS", "outside": "IDLE"}


def tagged():
    """What each declaration is tagged with, as (tags, what it returns)."""
    found = {}
    for header in HEADERS:
        text = header.read_text(encoding="utf-8")
        for tags, returned, name in TAGGED.findall(text):
            found[name] = (tags, " ".join(returned.split()))
    return found


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


# Which library has the functions of a header: the first whose name it begins
# with.
LIBRARIES = ("torpor-loop", "torpor-run", "torpor")
ELSEWHERE = {"torpor-module.h": "torpor-loop"}
# A static library alone, with the others in it.
STANDALONE = "torpor-standalone"


def library_of(header):
    name = str(header.relative_to(SOURCE / "include"))
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    return next(library for library in (STANDALONE, *LIBRARIES)
                if name.startswith(library))


def declared(library):
    names = set()
    for header in HEADERS:
        if library_of(header) == library:
            text = without_comments(header.read_text(encoding="utf-8"))
            names.update(DECLARED.findall(text))
    return names


def exported(library):
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", BUILD / f"lib{library}.so"],
        capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines()}


# Compilers, as users of the headers may call them.
WARNINGS = ["-fsyntax-only", "-Wall", "-Wextra", "-pedantic", "-Werror"]
C_WARNINGS = [*WARNINGS, "-Wstrict-prototypes", "-Wmissing-prototypes",
              "-Wold-style-definition", "-Wshadow", "-Wundef", "-Wconversion",
              "-Wsign-conversion", "-Wc++-compat", "-x", "c"]
CXX_WARNINGS = [*WARNINGS, "-Wshadow", "-Wundef", "-x", "c++"]
DIALECTS = [
    [os.environ["TORPOR_CC"], "-std=c11", *C_WARNINGS],
    ["clang-22", "-std=gnu17", *C_WARNINGS],
    ["g++", "-std=c++11", *CXX_WARNINGS],
    ["g++", "-std=c++20", *CXX_WARNINGS],
    ["clang-22", "-std=c++14", *CXX_WARNINGS],
]
INITIAL = re.compile(r"#define (TORPOR_\w+_INIT)\s+(?:\\\n\s*)?"
                     r"TORPOR_INIT\((\w+)\)")


def initial(header):
    """{macro: type} of its macros of initial values."""
    return dict(INITIAL.findall(header.read_text(encoding="utf-8")))


def compile_alone(header, dialect):
    """What the compiler tells of a program that has this header alone."""
    uses = "".join(f"  {{ {type_} made = {macro}; (void)made; }}\n"
                   for macro, type_ in initial(header).items())
    program = (f"#include <{header.relative_to(SOURCE / 'include')}>\n"
               f"int main(void) {{\n{uses}  return 0;\n}}\n")
    return subprocess.run(
        [*dialect, f"-I{SOURCE / 'include'}", "-"], input=program, text=True,
        stderr=subprocess.PIPE, check=False).stderr

WALK = (SOURCE / "test/support/walk-table.h").read_text(encoding="utf-8")


class ApiTest(unittest.TestCase):
    def test_tags(self):
        """Known words in their order; what returns a status may fail."""
        self.assertEqual(set(tagged()),
                         set().union(*(map(declared, (STANDALONE, *LIBRARIES)))))
        for name, (tags, returned) in tagged().items():
            with self.subTest(name=name):
                words = re.findall(r"\[([^]]+)\]", tags)
                self.assertEqual(" ".join(f"[{w}]" for w in words), tags)
                self.assertNotEqual(words, [])
                if words == ["-"]:
                    words = []
                self.assertEqual(words, [tag for tag in TAGS if tag in words])
                self.assertEqual("fails" in words,
                                 returned == "torpor_status")

    def test_tags_are_walked(self):
        """test_walk.c shows of each tag that it is true."""
        tags = tagged()
        for name, flags in WALKED.findall(WALK):
            with self.subTest(name=name):
                for tag, flag in FLAGS.items():
                    self.assertEqual(f"[{tag}]" in tags[name][0],
                                     flag in flags.split(" | "), tag)

    def test_lengths_are_walked(self):
        """Each function that is told how much there is has the flag for it."""
        flags = dict(WALKED.findall(WALK))
        for header in HEADERS:
            text = without_comments(header.read_text(encoding="utf-8"))
            for name, arguments in TOLD.findall(text):
                if name in flags and name not in UNLIMITED:
                    with self.subTest(name=name):
                        self.assertIn("LENGTH", flags[name].split(" | "))

    def test_declared_is_exported(self):
        for library in LIBRARIES:
            with self.subTest(library):
                self.assertGreater(len(declared(library)), 20)
                self.assertEqual(declared(library) - exported(library), set(),
                                 "not in the library")

    def test_exported_is_declared(self):
        for library in LIBRARIES:
            with self.subTest(library):
                self.assertEqual(exported(library) - declared(library), set(),
                                 "in no header of the library")

    def test_standalone(self):
        """The archive has what it and the parts in it declare, and shows
        nothing else."""
        listed = subprocess.run(
            ["nm", "--defined-only", "--extern-only",
             BUILD / f"lib{STANDALONE}.a"],
            capture_output=True, text=True, check=True).stdout
        names = {line.split()[-1] for line in listed.splitlines()
                 if len(line.split()) == 3}
        wanted = set().union(*map(declared, (STANDALONE, "torpor",
                                             "torpor-loop")))
        self.assertEqual(names, wanted)

    def test_declared_is_walked(self):
        """test_walk.c calls each in every wrong way."""
        walked = [name for name, _ in WALKED.findall(WALK)]
        self.assertEqual(len(walked), len(set(walked)), "one is there twice")
        self.assertEqual(declared("torpor") - set(walked), set(),
                         "not in walk-table.h")

    def test_headers_stand_alone(self):
        """Each header compiles alone and without warnings; so does a program
        that uses its macros of initial values."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            made = [(header, dialect,
                     pool.submit(compile_alone, header, dialect))
                    for header in HEADERS for dialect in DIALECTS]
            for header, dialect, told in made:
                with self.subTest(header=header, dialect=dialect):
                    self.assertEqual(told.result(), "")

    def test_macros_of_initial_values_are_found(self):
        self.assertIn("TORPOR_OPTIONS_INIT", initial(
            SOURCE / "include/torpor/vm.h"))
        for header in HEADERS:
            text = header.read_text(encoding="utf-8")
            self.assertNotIn("{.size", text.replace(" ", "").replace(
                "TORPOR_INIT(type){.size", ""), f"TORPOR_INIT in {header}")

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
