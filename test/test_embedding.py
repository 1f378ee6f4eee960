#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize timeout=300
"""The examples of docs/embedding.md: compiled, run under the address sanitizer
with its search for leaks, and their output compared.

A C block with a main() is a program as it stands. The block with check() stands
before all other programs: the C blocks of a section, up to the text block with
what they print, are one. Of these, blocks that begin with a definition or
directive (static, typedef, struct, enum, #) stand before main(), the others in
it, in their order. A section without a text block must print nothing; one
without C blocks is not a program.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"(static|typedef|struct|enum|#|/\*)")

def is_outside(block):
    """Whether a block stands before main()."""
    text = re.sub(r"^(/\*.*?\*/\s*)+", "", block, flags=re.DOTALL)
    return bool(OUTSIDE.match(text))


def programs(guide):
    """(name, C source, output) of each program of the guide."""
    sections = re.split(r"^(##+ .*)$", guide, flags=re.MULTILINE)
    (shared,) = (text for kind, text in BLOCK.findall(guide)
                 if kind == "c" and "static void check(" in text)
    for title, content in zip(sections[1::2], sections[2::2]):
        blocks, number = [], 1
        found = [pair for pair in BLOCK.findall(content)
                 if pair[0] in ("c", "text") and pair[1] != shared]
        for kind, text in [*found, ("end", "")]:
            if kind == "c":
                blocks.append(text)
            elif blocks:
                yield (f"{title.strip('# ')} {number}",
                       program(shared, blocks), text)
                blocks, number = [], number + 1


def program(shared, blocks):
    if "int main(" in blocks[0]:
        (whole,) = blocks
        return whole
    outside = "\n".join(block for block in blocks if is_outside(block))
    inside = "\n".join(block for block in blocks if not is_outside(block))
    return (f"{shared}\n{outside}\nint main(void) {{\n"
            f"check(torpor_vm_open(NULL, &vm));\n{inside}\n"
            "torpor_vm_close(vm);\nreturn 0;\n}\n")


def libraries():
    text = (BUILD / "torpor.pc").read_text(encoding="utf-8")
    return re.search(r"^Libs\.private: (.*)$", text, re.MULTILINE)[1].split()


def run(folder, number, source):
    """What the program prints, or what is wrong with it."""
    path = pathlib.Path(folder) / f"example{number}.c"
    path.write_text(source, encoding="utf-8")
    made = subprocess.run(
        [os.environ["TORPOR_CC"], "-std=c11", "-g", "-Wall", "-Wextra",
         "-Werror", "-Wno-unused-parameter", "-Wno-unused-function",
         "-fsanitize=address",
         f"-I{SOURCE / 'include'}",
         str(path), "-o", str(path.with_suffix("")),
         str(BUILD / "libtorpor.a"), *libraries()],
        capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr
    done = subprocess.run([path.with_suffix("")], capture_output=True,
                          text=True, timeout=60, cwd=folder, check=False,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1"})
    code = f"exit code {done.returncode}\n" if done.returncode else ""
    return done.stdout + done.stderr + code


class Examples(unittest.TestCase):
    def test_print_what_they_say(self):
        guide = (SOURCE / "docs/embedding.md").read_text(encoding="utf-8")
        found = list(programs(guide))
        self.assertGreater(len(found), 0)
        with (tempfile.TemporaryDirectory() as folder,
              concurrent.futures.ThreadPoolExecutor(2) as pool):
            printed = [pool.submit(run, folder, number, source)
                       for number, (_, source, _) in enumerate(found)]
            for (name, source, output), ran in zip(found, printed):
                with self.subTest(name):
                    self.assertEqual(ran.result(), output, source)


if __name__ == "__main__":
    unittest.main()
