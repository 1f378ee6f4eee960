#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fit-builtins.py - fits compiled builtins of one engine source to an older one.

Usage: fit-builtins.py QUICKJS NEWER OUT

QuickJS-NG has a few builtins that are written in JavaScript; quickjs.c includes
them as bytecode, builtin-*.h. The source package of 0.16.2 was made without
these headers. That of 0.17.0 has them, and both versions have the same opcodes
and atoms; the formats differ in three places:

  version    27 instead of 28
  atoms      a predefined one is byte 0 and its number in four bytes, instead of
             one or two bytes with the highest bit set
  checksum   left out here (all ones), which both readers allow

OUT gets each header that QUICKJS includes and does not have, made from that of
NEWER. Anything that is not as said above is an error.
"""

import pathlib
import re
import sys

OLD_VERSION, NEW_VERSION = 27, 28
NO_CHECKSUM = b"\xff\xff\xff\xff"
SAME = ("quickjs-atom.h", "quickjs-opcode.h")


class Unexpected(Exception):
    """The sources are not those that are known here."""


def read_number(code, at):
    """A LEB128 number: its value, and where it ends."""
    value = shift = 0
    while True:
        byte = code[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fit_atom(code, at):
    """The entry of one atom, as the older format has it, and where it ends."""
    kind = code[at]
    if kind & 0x80:
        high, end = read_number(code, at + 1) if kind & 0x40 else (0, at + 1)
        return b"\0" + ((high << 6) | (kind & 0x3f)).to_bytes(4, "little"), end
    size, end = read_number(code, at + 1)
    end += (size >> 1) << (size & 1)  # characters; the last bit: two bytes each
    return code[at:end], end


def fit_bytecode(code):
    if code[0] != NEW_VERSION:
        raise Unexpected(f"bytecode of version {code[0]}")
    count, at = read_number(code, 5)
    parts = [bytes([OLD_VERSION]), NO_CHECKSUM, code[5:at]]
    for _ in range(count):
        part, at = fit_atom(code, at)
        parts.append(part)
    return b"".join(parts) + code[at:]


def fit_header(text):
    """The text of a header with the bytecode of an older engine."""
    name = re.search(r"^const uint8_t (\w+)\[(\d+)\]", text, re.M)
    numbers = re.findall(r"\b0x([0-9a-f]{2})\b", text)
    if name is None or len(numbers) != int(name.group(2)):
        raise Unexpected("a header that is not one array of bytes")
    code = fit_bytecode(bytes.fromhex("".join(numbers)))
    rows = [", ".join(str(byte) for byte in code[at:at + 16])
            for at in range(0, len(code), 16)]
    body = ",\n".join(rows)
    return ("/* Made by engine/fit-builtins.py. */\n#include <stdint.h>\n"
            f"static const uint8_t {name.group(1)}[{len(code)}] = {{\n{body}}};\n")


def missing_headers(quickjs):
    text = (quickjs / "quickjs.c").read_text()
    names = re.findall(r'^#include "(builtin-[\w-]+\.h)"', text, re.M)
    return [name for name in names if not (quickjs / name).exists()]


def check_version(folder, version):
    text = (folder / "quickjs.c").read_text()
    if f"#define BC_VERSION {version}\n" not in text:
        raise Unexpected(f"{folder} does not read bytecode {version}")


def fit(quickjs, newer, out):
    names = missing_headers(quickjs)
    if not names:
        return
    check_version(quickjs, OLD_VERSION)
    check_version(newer, NEW_VERSION)
    for name in SAME:
        if (quickjs / name).read_bytes() != (newer / name).read_bytes():
            raise Unexpected(f"{name} differs")
    for name in names:
        (out / name).write_text(fit_header((newer / name).read_text()))


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: fit-builtins.py QUICKJS NEWER OUT")
    try:
        fit(*(pathlib.Path(name) for name in sys.argv[1:]))
    except (Unexpected, OSError, IndexError) as error:
        sys.exit(f"fit-builtins.py: {sys.argv[1]} lacks compiled builtins, and "
                 f"those of {sys.argv[2]} do not fit: {error}")


if __name__ == "__main__":
    main()
