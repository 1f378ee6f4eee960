#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py - JavaScript as a string of C, as short as it gets without a parser.

Usage: embed.py SOURCE OUT NAME

Lines that begin with // are left out, as are blanks beside punctuation, brackets
around one parameter, and those of 'new' without arguments; 'const' is 'let'. So a
string in SOURCE has no blank beside punctuation, and each statement ends in a
semicolon.

Statements of 'let' that follow one another are one.

Names that begin with $ become short ones that the text does not have, the shortest
for those that stand there most often. An entry is a line with four blanks before it
and what is below it with more. The names before its first '=' are known everywhere;
others are local, so that two which share no entry may have the same short name.
"""

import collections
import itertools
import pathlib
import re
import string
import sys

WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*")
# A statement of 'let' whose brackets are not nested, and the next one's.
LETS = re.compile(r"(let (?:[^;{}()]|\([^;{}()]*\))*);let ")


def short_names(taken):
    letters = string.ascii_letters + "_"
    for size in (1, 2):
        for name in map("".join, itertools.product(letters, repeat=size)):
            if name not in taken:
                yield name


def rename(entries):
    """The entries with short names instead of those that begin with $."""
    names = [re.findall(r"\$\w+", entry) for entry in entries]
    count = collections.Counter(itertools.chain(*names))
    known = set()
    for entry in entries:
        known.update(re.findall(r"\$\w+", entry.split("=")[0].split("(")[0]))
    words = set(WORD.findall(" ".join(entries)))
    short = {}
    for name in sorted(count, key=lambda name: (-count[name], name)):
        beside = set().union(*(found for found in names if name in found))
        taken = {short[other] for other in short
                 if name in known or other in known or other in beside}
        short[name] = next(short_names(words | taken))
    return [re.sub(r"\$\w+", lambda name: short[name[0]], entry)
            for entry in entries]


def shorten(text):
    lines = [line for line in text.splitlines()
             if not line.lstrip().startswith("//")]
    entries = re.split(r"\n(?= {0,4}\S)", "\n".join(lines))
    text = re.sub(r"\s+", " ", " ".join(rename(entries)))
    text = re.sub(r" *([^\w\s$]) *", r"\1", text)
    text = text.replace("const ", "let ")
    text = re.sub(r"(?<![\w$])\((\w+)\)=>", r"\1=>", text)
    text = re.sub(r"\b(new \w+)\(\)(?=[,;)])", r"\1", text)
    while (merged := LETS.sub(r"\1,", text)) != text:
        text = merged
    # A bracket after a comma closes nothing that needs it.
    return re.sub(r",([)\]}])", r"\1", text).replace(";}", "}").strip()


def main():
    source, out, name = sys.argv[1:]
    text = shorten(pathlib.Path(source).read_text(encoding="utf-8"))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    pathlib.Path(out).write_text(f'static const char {name}[] =\n    "{quoted}";\n',
                                 encoding="utf-8")


if __name__ == "__main__":
    main()
