# SPDX-License-Identifier: MIT
"""objects.py - what compiled objects (.o) and archives (.a) of WebAssembly define
and need, and which members of an archive can go into a side module.

The C library of the toolchain is not compiled for side modules. Members whose
code names no address of data or of a function fit all the same: those are taken
one by one, when nothing else has what they define.
"""

import wasm

# Relocations of code that only fit where addresses are known: R_WASM_TABLE_
# INDEX_SLEB, MEMORY_ADDR_LEB, MEMORY_ADDR_SLEB.
FIXED = {1, 3, 4}
WITH_ADDEND = {3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25}
UNDEFINED, WEAK, LOCAL, EXPLICIT_NAME = 0x10, 1, 2, 0x40
FUNCTION, DATA, GLOBAL, SECTION, TAG, TABLE = range(6)


class Object:
    """The names that an object defines and needs, and whether it 'fits' into a
    side module."""

    def __init__(self, data):
        self.data = data
        self.defines, self.needs, self.fits = set(), set(), True
        imported, self.code = {FUNCTION: [], GLOBAL: [], TABLE: []}, None
        for index, (number, body) in enumerate(wasm.sections(data)):
            if number == wasm.IMPORT:
                self._read_imports(body, imported)
            elif number == wasm.CODE:
                self.code = index
            elif number == wasm.CUSTOM:
                title = body.name()
                if title == "linking":
                    self._read_linking(body, imported)
                elif title.startswith("reloc."):
                    self._read_relocations(body)

    @staticmethod
    def _read_imports(body, imported):
        for _ in range(body.count()):
            body.name()
            title, kind = body.name(), body.byte()
            if kind == 0:
                body.unsigned()
                imported[FUNCTION].append(title)
            elif kind == 1:
                body.byte()
                read_limits(body)
                imported[TABLE].append(title)
            elif kind == 2:
                read_limits(body)
            elif kind == 3:
                body.take(2)
                imported[GLOBAL].append(title)
            else:
                body.fail("an import is of no known kind")

    def _read_linking(self, body, imported):
        body.unsigned()
        while body.more():
            kind = body.byte()
            part = body.part(body.unsigned())
            if kind == 8:  # the table of symbols
                for _ in range(part.count()):
                    self._read_symbol(part, imported)

    def _read_symbol(self, part, imported):
        kind, flags = part.byte(), part.unsigned()
        if kind == DATA:
            title = part.name()
            if not flags & UNDEFINED:
                for _ in range(3):
                    part.unsigned()
        elif kind == SECTION:
            part.unsigned()
            return
        else:
            index, title = part.unsigned(), None
            if not flags & UNDEFINED or flags & EXPLICIT_NAME:
                title = part.name()
            elif index < len(imported.get(kind, [])):
                title = imported[kind][index]
        if kind not in (FUNCTION, DATA):
            return
        if not flags & UNDEFINED:
            if not flags & LOCAL:
                self.defines.add(title)
        elif not flags & (WEAK | EXPLICIT_NAME):
            self.needs.add(title)

    def _read_relocations(self, body):
        target = body.unsigned()
        for _ in range(body.count()):
            kind = body.byte()
            body.unsigned(), body.unsigned()
            if kind in WITH_ADDEND:
                body.signed(64)
            if kind in FIXED and target == self.code:
                self.fits = False


def read_limits(body):
    flags = body.unsigned()
    body.unsigned(64)
    if flags & 1:
        body.unsigned(64)


def members(path):
    """The objects in an archive, each in the usual format of ar."""
    data = path.read_bytes()
    if data[:8] != b"!<arch>\n":
        raise wasm.Damaged(f"{path} is not an archive")
    at = 8
    while at + 60 <= len(data):
        title = data[at:at + 16]
        size = int(data[at + 48:at + 58])
        content = data[at + 60:at + 60 + size]
        if title[:2] not in (b"/ ", b"//") and content[:4] == wasm.MAGIC[:4]:
            yield Object(content)
        at += 60 + size + size % 2


class Library:
    """What archives have. A member is taken with all that it needs, or not at
    all."""

    def __init__(self, archives, given):
        self.given, self.having, self.wrong = set(given), {}, {}
        for archive in archives:
            for member in members(archive):
                for title in member.defines:
                    self.having.setdefault(title, member)

    def choose(self, title):
        """The members that define 'title' and what they need, in order; None
        after noting in self.wrong why there is no such set."""
        chosen, done, left = [], set(), [title]
        while left:
            name = left.pop()
            if name in self.given or name in done:
                continue
            member = self.having.get(name)
            if member is None or not member.fits:
                self.wrong[title] = explain(title, name, member)
                return None
            chosen.append(member)
            done |= member.defines
            left += sorted(member.needs - done, reverse=True)
        return chosen


def explain(title, name, member):
    if title == name and member is None:
        return "nothing has it"
    if title == name:
        return "the C library has it, but not compiled for side modules"
    if member is None:
        return f"that of the C library needs {name}, which is nowhere"
    return (f"that of the C library needs {name}, which is not compiled for side "
            "modules")


def choose(needed, given, archives):
    """The members of the archives that are to be linked as well, so that all
    'needed' names are there beside those that are 'given'; and the names that
    cannot be had, each with the reason."""
    library, chosen = Library(archives, given), []
    for title in sorted(needed):
        for member in library.choose(title) or ():
            if member not in chosen:
                chosen.append(member)
    return chosen, library.wrong
