#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""The checks of 'make check' find what they are there to find.

Each test plants one violation in a small tree and expects it to be named with
its file and line, and the tree without it to pass.
"""

import os
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.environ.get("TORPOR_SOURCE", "."), "tools")
LICENCE = "/* SPDX-License-Identifier: MIT */\n"
SCRIPT = "// SPDX-License-Identifier: MIT\n"

# A tree that keeps every rule.
GOOD = {
    "include/torpor.h": LICENCE,
    "include/torpor-loop.h": LICENCE + '#include "torpor.h"\n',
    "include/torpor-run.h": LICENCE + "#include <torpor.h>\n",
    "guest/abi.h": LICENCE,
    "guest/engine.c": LICENCE + '#include "abi.h"\n#include "quickjs.c"\n',
    "wasm/runtime.h": LICENCE,
    "vm/engines/engine.h": LICENCE + '#include "guest/abi.h"\n'
                             '#include "wasm/runtime.h"\n',
    "vm/vm.c": LICENCE + '#include "torpor.h"\n#include "vm/engines/engine.h"\n',
    "engine/bind.c": LICENCE + '#include "vm/engines/engine.h"\n'
                               '#include "engine.wasm.h"\n',
    "loop/timer.c": LICENCE + '#include "torpor-loop.h"\n#include <uv.h>\n',
    "run/database/database.h": LICENCE,
    "run/database/database-sqlite.c": LICENCE + '#include "database.h"\n'
                                    "#include <sqlite3.h>\n",
    "cli/main.c": LICENCE + '#include "torpor-run.h"\n#include <stdio.h>\n',
    "js/src/errors.ts": SCRIPT + 'import { Status } from "./abi.js";\n',
    "js/src/engine.ts": SCRIPT + 'import { IoError } from "./errors.js";\n'
                                 'import type { VM } from "./vm.js";\n',
    "js/src/vm.ts": SCRIPT + 'import { engine } from "./engine.js";\n'
                             'export const { a } = { a: "./a.js" };\n',
    "docs/format.md": "# The format\n\n## Its bytes\n",
    "README.md": "See [the bytes](docs/format.md#its-bytes).\n",
}


def write_tree(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def run_check(tool, changes):
    """Exit code and output of 'tool' on the good tree with 'changes'."""
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, {**GOOD, **changes})
        subprocess.run(["git", "init", "-q", root], check=True)
        done = subprocess.run(
            [sys.executable, os.path.join(TOOLS, tool), root],
            stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout


class CheckTest(unittest.TestCase):
    def assert_good(self, tool):
        self.assertEqual(run_check(tool, {}), (0, ""))

    def assert_found(self, tool, name, text, line, words):
        code, output = run_check(tool, {name: text})
        self.assertEqual(code, 1, output)
        self.assertEqual(len(output.splitlines()), 1, output)
        self.assertTrue(output.startswith(f"{name}:{line}: "), output)
        self.assertIn(words, output)


class ArrowsTest(CheckTest):
    FORBIDDEN = [
        ("cli/main.c", "vm/engines/engine.h"),
        ("cli/main.c", "run/database/database.h"),
        ("run/worker/worker.c", "vm/engines/engine.h"),
        ("loop/timer.c", "torpor-run.h"),
        ("loop/timer.c", "run/database/database.h"),
        ("vm/vm.c", "torpor-loop.h"),
        ("vm/vm.c", "engine.wasm.h"),
        ("vm/vm.c", "guest/engine.c"),
        ("wasm/trap.c", "torpor.h"),
        ("wasm/trap.c", "vm/engines/engine.h"),
        ("guest/value.c", "torpor-loop.h"),
        ("guest/value.c", "../vm/engines/engine.h"),
        ("engine/bind.c", "torpor.h"),
        ("include/torpor.h", "vm/engines/engine.h"),
        ("run/worker/worker.c", "sqlite3.h"),
        ("vm/vm.c", "uv.h"),
        ("run/worker/worker.c", "uv.h"),
    ]

    def test_good_tree(self):
        self.assert_good("check-arrows")

    def test_forbidden_arrows(self):
        for name, header in self.FORBIDDEN:
            with self.subTest(name=name, header=header):
                text = f'{LICENCE}\n#  include "{header}"\n'
                self.assert_found("check-arrows", name, text, 3,
                                  header.lstrip("./"))

    def test_library_in_angle_brackets(self):
        self.assert_found("check-arrows", "cli/list.c",
                          LICENCE + "#include <sqlite3.h>\n", 2, "sqlite3.h")


class CirclesTest(CheckTest):
    """Files of one folder that call each other."""

    LOW = LICENCE + "int torpor__low(int n) {\n  return n;\n}\n"
    CALLING = LICENCE + "\nint torpor__high(int n) { return torpor__low(n); }\n"

    def find(self, low, high):
        return run_check("check-arrows", {"vm/low.c": low, "vm/high.c": high})

    def assert_ladder(self, low, high):
        self.assertEqual(self.find(low, high), (0, ""))

    def test_a_ladder(self):
        self.assert_ladder(self.LOW, self.CALLING)

    def test_a_circle(self):
        low = self.LOW.replace("return n;", "return torpor__high(n);")
        code, output = self.find(low, self.CALLING)
        self.assertEqual(code, 1)
        self.assertEqual(output, (
            "vm/high.c:3: calls in a circle: torpor__low in vm/low.c, which "
            "calls torpor__high in vm/high.c\n"))

    def test_a_circle_of_three(self):
        code, output = run_check("check-arrows", {
            "run/a.c": LICENCE + "int a_do(void) { return b_do(); }\n",
            "run/b.c": LICENCE + "int b_do(void) { return c_do(); }\n",
            "run/c.c": LICENCE + "int c_do(void) { return a_do(); }\n"})
        self.assertEqual(code, 1)
        self.assertEqual(output.count("calls"), 3)
        self.assertEqual(len(output.splitlines()), 1)

    def test_a_circle_of_folders(self):
        files = {"vm/a/one.c": "int one(void) { return two(); }\n",
                 "vm/b/two.c": "int two(void) { return 2; }\n",
                 "vm/b/three.c": "int three(void) { return four(); }\n",
                 "vm/a/four.c": "int four(void) { return 4; }\n",
                 "vm/top.c": "int top(void) { return one(); }\n",
                 "vm/b/five.c": "int five(void) { return 5; }\n"}
        files = {path: LICENCE + text for path, text in files.items()}
        code, output = run_check("check-arrows", files)
        self.assertEqual((code, output), (1, (
            "vm/a/one.c:2: calls two of vm/b/two.c: folders call in a "
            "circle: vm/a, vm/b\n")))
        for path, text in (("vm/b/three.c", "int three(void) { return 3; }\n"),
                           ("vm/a/one.c", "int one(void) { return 1; }\n")):
            with self.subTest(path=path):
                self.assertEqual(run_check("check-arrows", {
                    **files, path: LICENCE + text}), (0, ""))

    def test_what_is_taken_in_an_address_counts(self):
        low = self.LOW.replace("return n;", "use(&torpor__high);\n  return n;")
        self.assertEqual(self.find(low, self.CALLING)[0], 1)

    def test_what_does_not_count(self):
        for text in ("/* torpor__high */", "// torpor__high",
                     'puts("torpor__high");', "x.torpor__high(n);",
                     "x->torpor__high(n);"):
            with self.subTest(text=text):
                self.assert_ladder(
                    self.LOW.replace("return n;", text + "\n  return n;"),
                    self.CALLING)

    def test_a_list_of_a_ladder(self):
        files = {"vm/low.c": self.LOW, "vm/high.c": self.CALLING}
        for names, said in (
                (("vm.c", "high.c", "low.c"), None),
                (("vm.c", "low.c", "high.c"), "vm/high.c:3: calls torpor__low"),
                (("vm.c", "high.c", "low.c", "old.c"), "there is no vm/old.c"),
                ((), "vm/vm.h:1: lists no files"),
                (("vm.c", "high.c"), "does not list vm/low.c")):
            with self.subTest(names=names):
                lines = "".join(f" *     {name}  does it\n" for name in names)
                header = f"{LICENCE}/* vm.h\n{lines} */\n"
                code, output = run_check("check-arrows",
                                         {**files, "vm/vm.h": header})
                self.assertEqual(code, 1 if said else 0, output)
                self.assertIn(said or "", output)

    def test_a_list_with_folders(self):
        files = {"vm/low/low.c": self.LOW, "vm/high.c": self.CALLING}
        for lines, code in (
                (" *     high.c  does it\n *   low/: what is low\n"
                 " *     low.c  as well\n", 0),
                (" *     high.c  does it\n *     low.c  as well\n", 1),
                (" *   low/: what is low\n *     low.c  as well\n"
                 " *     high.c  does it\n", 1)):
            with self.subTest(lines=lines):
                header = (f"{LICENCE}/* vm.h\n *     vm.c  begins\n"
                          f"{lines} */\n")
                self.assertEqual(run_check("check-arrows", {
                    **files, "vm/vm.h": header})[0], code)

    def test_a_list_of_a_part_of_a_ladder(self):
        files = {"wasm/low.c": self.LOW, "wasm/high.c": self.CALLING,
                 "wasm/other.c": LICENCE}
        for names, code in ((("high.c", "low.c"), 0), (("low.c", "high.c"), 1)):
            lines = "".join(f" *     {name}  does it\n" for name in names)
            header = f"{LICENCE}/* region.h\n{lines} */\n"
            found = run_check("check-arrows",
                              {**files, "wasm/region.h": header})
            self.assertEqual(found[0], code, found[1])

    def test_static_functions_of_one_name(self):
        for head in ("static int help(void)", "static int\nhelp(void)"):
            with self.subTest(head=head):
                own = head + " {\n  return 1;\n}\n"
                self.assert_ladder(self.LOW + own + "int torpor__x(void) {\n"
                                   "  return help();\n}\n",
                                   self.CALLING + own)


class ImportsTest(CheckTest):
    """What the files of the npm package import."""

    def assert_wrong(self, name, text, line, words):
        self.assert_found("check-imports", f"js/src/{name}", SCRIPT + text, line,
                          words)

    def test_good_tree(self):
        self.assert_good("check-imports")

    def test_what_is_not_in_the_package(self):
        for text in ('import { readFile } from "node:fs/promises";',
                     'import "left-pad";', 'import { load } from "#file";', 'const a = await import("a");',
                     'export * from "other";',
                     'import {\n  a,\n  b,\n} from "other";'):
            with self.subTest(text=text):
                self.assert_wrong("vm.ts", text + "\n", 2, "may import")

    def test_names_of_files(self):
        self.assert_wrong("vm.ts", 'import { a } from "./engine";\n', 2, ".js")
        self.assert_wrong("vm.ts", 'import { a } from "./gone.js";\n', 2,
                          "no gone.ts")

    def test_folders(self):
        self.assert_wrong("data/read.ts", 'import { a } from "../vm.js";\n', 2,
                          "data/ may not import vm.ts")
        self.assert_wrong("errors.ts", '\nimport type { A } from "./vm.js";\n', 3,
                          "lies above it")

    def test_a_circle(self):
        self.assert_wrong("engine.ts", 'import { a, type B } from "./vm.js";\n',
                          2, "engine.ts -> vm.ts -> engine.ts")

    def test_types_may_be_imported_in_a_circle(self):
        text = SCRIPT + 'import { type A, type B } from "./vm.js";\n'
        self.assertEqual(run_check("check-imports", {
            "js/src/engine.ts": text}), (0, ""))

    def test_comments_do_not_count(self):
        text = SCRIPT + '// import "a";\n/*\nimport "b";\n*/\n'
        self.assertEqual(run_check("check-imports", {"js/src/vm.ts": text}),
                         (0, ""))


class LinksTest(CheckTest):
    def test_good_tree(self):
        self.assert_good("check-links")

    def test_missing_file(self):
        self.assert_found("check-links", "README.md", "\n[a](other/b.md)\n", 2,
                          "no other/b.md")

    def test_names_of_sources(self):
        for name, text, line in (
                ("vm/vm.c", LICENCE + "/* See\n * old.h. */\n", 3),
                ("vm/vm.c", LICENCE + "/* run/engine.c does it. */\n", 2),
                ("docs/format.md", "# The format\n\n## Its bytes\n\n"
                                   "`vm/old.c` writes them.\n", 5)):
            with self.subTest(text=text):
                self.assert_found("check-links", name, text, line,
                                  "there is no ")

    def test_names_that_are_there(self):
        text = (LICENCE + "/* engine.c, vm/engines/engine.h, <gone.h> */\n"
                'const char *name = "gone.c"; /* cli/NAME.c */\n')
        self.assertEqual(run_check("check-links", {"vm/vm.c": text}), (0, ""))

    def test_missing_heading(self):
        self.assert_found("check-links", "README.md",
                          "[a](docs/format.md#its-bits)\n", 1, "#its-bits")

    def test_mention_in_source(self):
        self.assert_found("check-links", "vm/a.c",
                          LICENCE + "/* see docs/gone.md */\n", 2, "gone.md")

    def test_code_block_and_web(self):
        text = "```\n[a](b.md)\n```\n[c](https://example.org/d.md)\n"
        self.assertEqual(run_check("check-links", {"a.md": text}), (0, ""))


class TextTest(CheckTest):
    def test_good_tree(self):
        self.assert_good("check-text")

    def test_no_licence(self):
        self.assert_found("check-text", "vm/a.c", "int a;\n", 1, "SPDX")

    def test_long_line(self):
        self.assert_found("check-text", "vm/a.c",
                          LICENCE + "/* " + "x" * 75 + " */\n", 2, "columns")

    def test_long_line_of_a_script(self):
        for code, line in ((1, "// " + "x" * 98), (0, "// " + "x" * 97),
                           (0, f'throw new Error("{"x" * 200}");'),
                           (0, f"const a = `\n{'x' * 200}\n`;"),
                           (1, f"const a = `\nx\n`;\n// {'x' * 98}")):
            found = run_check("check-text",
                              {"js/src/a.ts": SCRIPT + line + "\n"})
            self.assertEqual(found[0], code, found[1])

    def test_long_file(self):
        self.assert_found("check-text", "vm/a.c", LICENCE + "\n" * 800, 800,
                          "801 lines")

    def test_left_for_later(self):
        self.assert_found("check-text", "vm/a.c",
                          LICENCE + "/* TODO: think */\n", 2, "TODO")

    def test_the_command_prints_plain_text(self):
        for line in ['printf("%s\\n", name);', "puts(name);",
                     "fputs(name, stderr);", "fwrite(name, 1, 2, stdout);"]:
            self.assert_found("check-text", "cli/a.c", LICENCE + line + "\n",
                              2, "cli_print")
        self.assertEqual(run_check("check-text", {
            "cli/a.c": LICENCE + 'puts("text");\nsnprintf(a, 1, "%s", b);\n',
            "vm/a.c": LICENCE + "puts(name);\n"})[0], 0)

    def test_tab_and_blank(self):
        self.assert_found("check-text", "vm/a.c", LICENCE + "\tint a;\n", 2,
                          "tab")
        self.assert_found("check-text", "a.md", "a \n", 1, "blanks")

    def test_generated_file(self):
        self.assert_found("check-text", "engine.wasm", "\0asm", 1, "generated")


if __name__ == "__main__":
    unittest.main()
