# SPDX-License-Identifier: MIT
"""wasm_sections.py - the parts of a WebAssembly module that matter before
wasm2c sees it: its custom sections, and the names in it.

wasm2c (wabt 1.0.32) writes the names of imports and exports into comments as
they are, so a name with '*/' in it would go on as C. check_names refuses names
of anything but letters, digits and a few signs.
"""

import re

NAME = re.compile(r"[\w.$-]{1,200}", re.ASCII)
CUSTOM, IMPORTS, EXPORTS = 0, 2, 7
FUNCTION, TABLE, MEMORY, GLOBAL = range(4)


class Damaged(Exception):
    """The module is not as it should be; the text says how."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        if self.at >= len(self.data):
            raise Damaged("it ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 35:
                raise Damaged("a number in it is too long")

    def bytes(self):
        size = self.number()
        self.at += size
        if self.at > len(self.data):
            raise Damaged("it ends too early")
        return self.data[self.at - size:self.at]

    def name(self):
        text = self.bytes()
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise Damaged("a name in it is not UTF-8") from error

    def more(self):
        return self.at < len(self.data)


def sections(module):
    """Yields the number of each section and its content."""
    reader = Reader(module)
    reader.at = 8
    while reader.more():
        number = reader.byte()
        yield number, reader.bytes()


def read_custom(module):
    """The custom sections, by name."""
    found = {}
    for number, content in sections(module):
        if number == CUSTOM:
            reader = Reader(content)
            found.setdefault(reader.name(), content[reader.at:])
    return found


def skip_limits(reader):
    if reader.byte() & 1:
        reader.number()
    reader.number()


def skip_import(reader):
    kind = reader.byte()
    if kind == FUNCTION:
        reader.number()
    elif kind == TABLE:
        reader.byte()
        skip_limits(reader)
    elif kind == MEMORY:
        skip_limits(reader)
    elif kind == GLOBAL:
        reader.byte()
        reader.byte()
    else:
        raise Damaged(f"it imports something of unknown kind {kind}")


def names(module):
    """Yields the names of all imports and exports."""
    for number, content in sections(module):
        reader = Reader(content)
        if number == IMPORTS:
            for _ in range(reader.number()):
                yield reader.name()
                yield reader.name()
                skip_import(reader)
        elif number == EXPORTS:
            for _ in range(reader.number()):
                yield reader.name()
                reader.byte()
                reader.number()


def check_names(module):
    for name in names(module):
        if not NAME.fullmatch(name):
            raise Damaged(f"it has the name {name[:60]!r}, which is not of "
                          "letters, digits, and . $ - _ alone")
