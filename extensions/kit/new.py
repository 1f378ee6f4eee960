#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""new.py - writes an extension to begin with.

Usage: new.py [--cpp] [--out FOLDER] NAME

It is in FOLDER, if not given NAME, which must not be there yet, with a Makefile,
a test for both hosts and what a package for npm needs. What is in template/ has
these words for the name: example-name as it is, example in C, Example as a class,
example-source for its file.
"""

import argparse
import pathlib
import re
import shutil
import sys

import toolchain

TEMPLATE = toolchain.KIT / "template"
# Names whose class would take the place of one that the engine has, and those of
# extensions that ship: a VM has no two of a name.
TAKEN = set("""array array-buffer atomics boolean custom-event data-view date
    error event event-target function abort-controller abort-signal iterator map
    math number object promise proxy reflect set string symbol weak-map weak-ref
    weak-set base64 crypto encoding encoding-legacy headers structured-clone
    url""".split())


def words_for(name, ending):
    """What stands in the template, and what for it; the longest first."""
    parts = name.split("-")
    return [("example-name", name), ("example-source", name + ending),
            ("Example", "".join(part.capitalize() for part in parts)),
            ("example", name.replace("-", "_"))]


def replace(text, words):
    """Each word once, so that a name may be like a word of the template."""
    pattern = "|".join(re.escape(word) for word, _ in words)
    return re.sub(pattern, lambda match: dict(words)[match.group()], text)


def copy(source, folder, words):
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            continue
        place = str(path.relative_to(source))
        if place == "gitignore":
            place = ".gitignore"
        stem = "example" + path.suffix
        if place == stem:
            place = words[0][1] + path.suffix
        out = folder / place
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(replace(path.read_text(encoding="utf-8"), words),
                       encoding="utf-8")


def make(options):
    name = options.name
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name) or \
            len(name) > 40 or name in TAKEN:
        raise toolchain.Failed(
            "a name is of up to 40 small letters and digits, with '-' between "
            "words that begin with a letter, and not that of a class of "
            f"JavaScript or of an extension that ships: not '{name}'")
    folder = options.out or pathlib.Path(name)
    if not TEMPLATE.exists():
        raise toolchain.Failed(f"{TEMPLATE} is not installed")
    folder.mkdir(parents=True)
    kind, ending = ("cpp", ".cpp") if options.cpp else ("c", ".c")
    words = words_for(name, ending)
    try:
        copy(TEMPLATE / kind, folder, words)
        copy(TEMPLATE / "common", folder, words)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    print(f"{folder} has an extension; go there, and 'make test'")


def main():
    parser = argparse.ArgumentParser(
        prog="new.py", description="Writes an extension to begin with.")
    parser.add_argument("--cpp", action="store_true")
    parser.add_argument("-o", "--out", type=pathlib.Path)
    parser.add_argument("name")
    try:
        make(parser.parse_args())
    except toolchain.Failed as error:
        toolchain.say(str(error))
        sys.exit(1)
    except FileExistsError as error:
        toolchain.say(f"{error.filename} is there already")
        sys.exit(1)
    except OSError as error:
        toolchain.say(f"{error.filename}: {error.strerror}")
        sys.exit(1)


if __name__ == "__main__":
    main()
