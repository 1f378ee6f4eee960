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
# What a class of an extension must not be called, since it would take the place of
# one that programs have.
CLASSES = set("""AbortController AbortSignal AggregateError Array ArrayBuffer
    AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Blob
    Boolean ByteLengthQueuingStrategy CountQueuingStrategy Crypto CryptoKey
    CustomEvent DOMException DataView Date DisposableStack Error EvalError
    Event EventTarget File FinalizationRegistry Float16Array Float32Array
    Float64Array FormData Function Headers Infinity Int16Array Int32Array
    Int8Array InternalError Iterator JSON Map Math NaN Number Object Promise
    Proxy RangeError ReadableStream ReadableStreamDefaultController
    ReadableStreamDefaultReader ReferenceError Reflect RegExp Request Response
    Set SharedArrayBuffer String SubtleCrypto SuppressedError Symbol
    SyntaxError TextDecoder TextEncoder TypeError URIError URL URLPattern
    URLSearchParams Uint16Array Uint32Array Uint8Array Uint8ClampedArray
    WeakMap WeakRef WeakSet""".split())
# Those that ship: a VM has no two extensions of one name.
SHIPPED = set("""base64 crypto encoding encoding-legacy headers structured-clone
    url""".split())


def class_of(name):
    return "".join(part.capitalize() for part in name.split("-"))


def words_for(name, ending):
    """What stands in the template, and what for it; the longest first."""
    return [("example-name", name), ("example-source", name + ending),
            ("Example", class_of(name)),
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


def check_name(name):
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name) or \
            len(name) > 40:
        raise toolchain.Failed(
            "a name is of up to 40 small letters and digits, with '-' between "
            f"words that begin with a letter, as 'my-list': not '{name}'")
    if name in SHIPPED:
        raise toolchain.Failed(f"an extension '{name}' ships with Torpor, and a VM "
                               "has only one of a name; choose another")
    if class_of(name) in CLASSES:
        raise toolchain.Failed(f"the class of '{name}' would be {class_of(name)}, "
                               "which JavaScript has; choose another name")


def make(options):
    name = options.name
    check_name(name)
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
