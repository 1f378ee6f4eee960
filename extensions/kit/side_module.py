# SPDX-License-Identifier: MIT
"""side_module.py - reads a WebAssembly side module, strictly: what is not
understood is refused (wasm.Damaged), so that what is read is all there is.

Whether a VM would load it is another question: see check.py.
"""

import opcodes
import wasm

VALUE_TYPES = {0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64",
               0x70: "funcref", 0x6f: "externref"}
KINDS = ["function", "table", "memory", "global"]
FUNCTION, TABLE, MEMORY, GLOBAL = range(4)
LOCALS_MAX = 50000


class Import:
    """'detail' is the number of a function's type, or what follows the kind:
    limits of tables and memories, (type, mutable) of globals."""

    def __init__(self, module, name, kind, detail):
        self.module, self.name = module, name
        self.kind, self.detail = kind, detail


class Segment:
    """A part of data, or of the table: 'offset' is a constant expression or None
    when code places the part itself; 'content' is bytes, or functions' numbers
    (None: null)."""

    def __init__(self, offset, content, target=0):
        self.offset, self.content, self.target = offset, content, target


class Dylink:
    """What dylink.0 says: sizes, and alignments as powers of two."""

    def __init__(self):
        self.memory_size = self.memory_align = 0
        self.table_size = self.table_align = 0
        self.needed = []

    def read(self, body):
        while body.more():
            kind = body.byte()
            part = body.part(body.unsigned())
            if kind == 1:
                self.memory_size = part.unsigned()
                self.memory_align = part.unsigned()
                self.table_size = part.unsigned()
                self.table_align = part.unsigned()
                part.finish("dylink.0 section")
            elif kind == 2:
                self.needed = [part.name() for _ in range(part.count())]
            elif kind not in (3, 4, 5):  # exports, imports, a path: not needed
                body.fail("dylink.0 has a part of no known kind")


class SideModule:
    """types: pairs of tuples; functions: types of those that are defined;
    code: for each a pair of its locals and a Reader of its instructions."""

    def __init__(self, data):
        self.data = data
        self.by_kind = [[], [], [], []]  # imports
        self.types, self.imports, self.functions, self.code = [], [], [], []
        self.tables, self.memories, self.globals = [], [], []
        self.exports, self.elements, self.segments = {}, [], []
        self.start = self.dylink = self.data_count = None
        self.customs, self.sections = {}, []
        readers = {wasm.CUSTOM: self._custom, wasm.TYPE: self._types,
                   wasm.IMPORT: self._imports, wasm.FUNCTION: self._functions,
                   wasm.TABLE: self._tables, wasm.MEMORY: self._memories,
                   wasm.GLOBAL: self._globals, wasm.EXPORT: self._exports,
                   wasm.START: self._start, wasm.ELEMENT: self._elements,
                   wasm.CODE: self._code, wasm.DATA: self._segments,
                   wasm.DATA_COUNT: self._data_count}
        for number, body in wasm.sections(data):
            if number not in readers:
                body.fail("the module has exceptions; compile with "
                          "-fno-exceptions")
            self.sections.append((number, data[body.at:body.end]))
            readers[number](body)
            body.finish(f"{wasm.NAMES[number]} section")
        if len(self.code) != len(self.functions):
            raise wasm.Damaged("it does not have as much code as functions")

    def imported(self, kind):
        return self.by_kind[kind]

    def function_type(self, index):
        """The pair of parameters and results of function 'index'."""
        before = self.imported(FUNCTION)
        if index < len(before):
            return self.types[before[index].detail]
        return self.types[self.functions[index - len(before)]]

    # ---- Sections, in their order -------------------------------------------

    def _custom(self, body):
        title = body.name()
        content = body.take(body.end - body.at)
        if title == "dylink.0":
            if len(self.sections) > 1:
                body.fail("dylink.0 is not the first section")
            self.dylink = Dylink()
            self.dylink.read(wasm.Reader(content))
        if title.startswith("torpor.") and title in self.customs:
            body.fail(f"there are two sections {title}")
        self.customs.setdefault(title, content)

    @staticmethod
    def _value_type(body):
        kind = VALUE_TYPES.get(body.byte())
        if kind is None:
            body.fail("there is a type of values that is not known")
        return kind

    def _types(self, body):
        for _ in range(body.count()):
            if body.byte() != 0x60:
                body.fail("a type is not one of functions")
            sides = [tuple(self._value_type(body) for _ in range(body.count()))
                     for _ in range(2)]
            self.types.append(tuple(sides))

    def _type_number(self, body):
        number = body.unsigned()
        if number >= len(self.types):
            body.fail("a type that is named is not there")
        return number

    @staticmethod
    def _limits(body):
        flags = body.byte()
        if flags > 1:
            body.fail("a memory or table is shared or of 64 bits")
        least = body.unsigned()
        return least, body.unsigned() if flags else None

    def _table_type(self, body):
        return self._value_type(body), self._limits(body)

    def _global_type(self, body):
        kind, mutable = self._value_type(body), body.byte()
        if mutable > 1:
            body.fail("a global is neither constant nor variable")
        return kind, mutable == 1

    def _imports(self, body):
        details = [self._type_number, self._table_type, self._limits,
                   self._global_type]
        for _ in range(body.count()):
            module, title, kind = body.name(), body.name(), body.byte()
            if kind >= len(details):
                body.fail(f"import {module}.{title} is of no known kind")
            self.imports.append(Import(module, title, kind,
                                       details[kind](body)))
            self.by_kind[kind].append(self.imports[-1])

    def _functions(self, body):
        self.functions = [self._type_number(body) for _ in range(body.count())]

    def _tables(self, body):
        self.tables = [self._table_type(body) for _ in range(body.count())]

    def _memories(self, body):
        self.memories = [self._limits(body) for _ in range(body.count())]

    def _globals(self, body):
        for _ in range(body.count()):
            kind = self._global_type(body)
            self.globals.append((kind, opcodes.constant(body)))

    def count_of(self, kind):
        own = [self.functions, self.tables, self.memories, self.globals][kind]
        return len(self.imported(kind)) + len(own)

    def _exports(self, body):
        for _ in range(body.count()):
            title, kind, index = body.name(), body.byte(), body.unsigned()
            if kind >= len(KINDS) or index >= self.count_of(kind):
                body.fail(f"export {title} is of what is not there")
            if title in self.exports:
                body.fail(f"there are two exports {title}")
            self.exports[title] = (kind, index)

    def _function_number(self, body):
        number = body.unsigned()
        if number >= self.count_of(FUNCTION):
            body.fail("a function that is named is not there")
        return number

    def _start(self, body):
        self.start = self._function_number(body)

    def _elements(self, body):
        for _ in range(body.count()):
            flags = body.unsigned()
            if flags > 7:
                body.fail("a part of the table is of no known kind")
            active, explicit, expressions = (not flags & 1, flags & 2,
                                             flags & 4)
            target = body.unsigned() if active and explicit else 0
            offset = opcodes.constant(body) if active else None
            if flags & 3 and body.byte() != (0x70 if expressions else 0):
                body.fail("a part of the table is not of functions")
            content = [self._element(body) if expressions else
                       self._function_number(body)
                       for _ in range(body.count())]
            self.elements.append(Segment(offset, content, target))

    def _element(self, body):
        code = opcodes.constant(body)
        if len(code) == 1 and code[0][0] == 0xd0:
            return None
        if len(code) != 1 or code[0][0] != opcodes.REF_FUNC:
            body.fail("an entry of the table is not a function")
        if code[0][1] >= self.count_of(FUNCTION):
            body.fail("a function that is named is not there")
        return code[0][1]

    def _data_count(self, body):
        self.data_count = body.unsigned()

    def _code(self, body):
        if body.count() != len(self.functions):
            body.fail("it does not have as much code as functions")
        for _ in self.functions:
            part = body.part(body.unsigned())
            local, total = [], 0
            for _ in range(part.count()):
                count = part.unsigned()
                total += count
                if total > LOCALS_MAX:
                    part.fail("a function has too many variables")
                local.append((count, self._value_type(part)))
            self.code.append((local, part))

    def _segments(self, body):
        for _ in range(body.count()):
            flags = body.unsigned()
            if flags > 2:
                body.fail("a part of the data is of no known kind")
            target = body.unsigned() if flags == 2 else 0
            offset = None if flags == 1 else opcodes.constant(body)
            content = body.take(body.unsigned())
            self.segments.append(Segment(offset, content, target))
