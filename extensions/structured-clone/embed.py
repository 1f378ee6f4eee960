#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py - JavaScript as a string of C, as short as it gets without a parser.

Usage: embed.py SOURCE OUT NAME

Lines that begin with // are left out, as are blanks beside punctuation; 'const' is
'let', and names that begin with $ are the shortest ones that the text does not have. So a string in
SOURCE has no blank beside punctuation, and each statement ends in a semicolon.
"""

import itertools
import pathlib
import re
import string
import sys

WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*")


def short_names(taken):
    letters = string.ascii_letters + "_"
    for size in (1, 2):
        for name in map("".join, itertools.product(letters, repeat=size)):
            if name not in taken:
                yield name


def shorten(text):
    lines = (line.strip() for line in text.splitlines())
    text = " ".join(line for line in lines if not line.startswith("//"))
    text = re.sub(r" *([^\w\s$]) *", r"\1", text)
    text = text.replace("const ", "let ")
    # A bracket after a comma closes nothing that needs it.
    text = re.sub(r",([)\]}])", r"\1", text).replace(";}", "}")
    names = re.findall(r"\$\w+", text)
    often = sorted(set(names), key=lambda name: (-names.count(name), name))
    short = dict(zip(often, short_names(set(WORD.findall(text)))))
    return re.sub(r"\$\w+", lambda found: short[found[0]], text).strip()


def main():
    source, out, name = sys.argv[1:]
    text = shorten(pathlib.Path(source).read_text(encoding="utf-8"))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    pathlib.Path(out).write_text(f'static const char {name}[] =\n    "{quoted}";\n',
                                 encoding="utf-8")


if __name__ == "__main__":
    main()
