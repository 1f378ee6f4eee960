#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-engine-id.py - writes engine-id.ts: which engine a package carries.

The id of an engine is the SHA-256 of its file; its fingerprint is the content
of the custom section "torpor", which an engine may lack.

Usage: make-engine-id.py ENGINE.wasm OUT.ts
"""

import hashlib
import pathlib
import sys

TEXT = """\
// SPDX-License-Identifier: MIT
//
// engine-id.ts - the engine that this package carries. Written by
// js/tools/make-engine-id.py.

/** The SHA-256 of engine.wasm. */
export const ENGINE_ID =
  "{id}";

/** The content of its section "torpor" in hexadecimal; empty: it has none. */
export const ENGINE_FINGERPRINT =
  "{fingerprint}";
"""


def read_number(data, place):
    """An unsigned LEB128 number, and the place behind it."""
    number = shift = 0
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return number, place


def custom_section(data, name):
    """The content of a custom section; empty when there is none."""
    place = 8
    while place < len(data):
        kind = data[place]
        size, start = read_number(data, place + 1)
        place = start + size
        if kind == 0:
            length, start = read_number(data, start)
            if data[start:start + length] == name:
                return data[start + length:place]
    return b""


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    engine, out = map(pathlib.Path, arguments)
    data = engine.read_bytes()
    if data[:8] != b"\0asm\1\0\0\0":
        sys.exit(f"make-engine-id.py: {engine} is not a WebAssembly module")
    text = TEXT.format(id=hashlib.sha256(data).hexdigest(),
                       fingerprint=custom_section(data, b"torpor").hex())
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
