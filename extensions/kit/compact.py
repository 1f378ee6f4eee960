# SPDX-License-Identifier: MIT
"""compact.py - makes a side module smaller.

The linker exports a function that calls constructors even when there are none:
one that does nothing is not exported.

Each pointer in the data of a module is set by an instruction sequence of its own
in __wasm_apply_data_relocs, 15 bytes for 4:

  *(memory_base + 68) = memory_base + 10

Here 10 goes into the data, and a table says by which base the word at 68 grows,
in 2 bytes: the distance from the word before, in words, and whether its base is
that of the table. It lies where the data end in zeros, or behind them, and is
zero again afterwards. A loop does the rest:

  for (;;) {
    entry = *(uint16_t *)t;
    *(uint16_t *)t = 0;
    p += (entry & ~1) << 1;
    *(int *)p += entry & 1 ? table_base : memory_base;
    if ((t += 2) >= end) break;
  }

What is of another form stays code, behind the loop. A module where this does not
fit, or is not worth it, is given back as it is.
"""

import opcodes as op
import wasm
from opcodes import emit
from side_module import FUNCTION, GLOBAL, SideModule

RELOCATE, CONSTRUCT = "__wasm_apply_data_relocs", "__wasm_call_ctors"
LEAST = 10  # pointers that are worth a loop
GAP = 0x7fff  # words between two pointers, at most
# A store: const global.get add global.get const add store.
STORE = [op.I32_CONST, op.GLOBAL_GET, op.I32_ADD, op.GLOBAL_GET, op.I32_CONST,
         op.I32_ADD, op.I32_STORE]
WORD, HALF = b"\x02\0", b"\x01\0"  # accesses of 32 and 16 bits


class Bases:
    """The numbers of the globals __memory_base and __table_base."""

    def __init__(self, module):
        names = [(one.module, one.name) for one in module.imported(GLOBAL)]
        self.memory = find(names, "__memory_base")
        self.table = find(names, "__table_base")


def find(names, title):
    return names.index(("env", title)) if ("env", title) in names else None


def read_stores(module, bases):
    """The pointers {place: (base is the table's, number)} that the function sets,
    and the code of what else it does; None when it is of another form."""
    kind, number = module.exports.get(RELOCATE, (None, 0))
    number -= len(module.imported(FUNCTION))
    if kind != FUNCTION or number < 0 or module.code[number][0]:
        return None
    body = module.code[number][1]
    reader = wasm.Reader(body.data, body.at, body.end)
    pointers, others, run, start = {}, bytearray(), [], reader.at
    for _, what, operand in op.instructions(reader):
        run.append((what, operand))
        if what in (op.I32_STORE, op.END):
            store = take_store(run, bases)
            if store is not None and store[0] not in pointers:
                pointers[store[0]] = store[1:]
            elif what != op.END:
                others += body.data[start:reader.at]
            elif len(run) > 1:
                return None
            run, start = [], reader.at
    return (pointers, bytes(others), number) if not reader.more() else None


def take_store(run, bases):
    """(place, base is the table's, number) of a store of the usual form."""
    if [what for what, _ in run] != STORE or run[1][1] != bases.memory or \
            run[3][1] not in (bases.memory, bases.table):
        return None
    return run[0][1], run[3][1] == bases.table, run[4][1]


def make_table(pointers):
    """The table of these pointers; None: they are too far from each other, or
    do not lie at words."""
    table, before = bytearray(), 0
    for place in sorted(pointers):
        gap, rest = divmod(place - before, 4)
        if rest or not 0 <= gap <= GAP:
            return None
        table += (gap << 1 | pointers[place][0]).to_bytes(2, "little")
        before = place
    return bytes(table)


def loop_code(bases, start, end):
    place, at, entry = range(3)
    return b"".join((
        emit(op.GLOBAL_GET, bases.memory), emit(op.LOCAL_TEE, place),
        emit(op.I32_CONST, start), emit(op.I32_ADD), emit(op.LOCAL_SET, at),
        emit(op.LOOP) + b"\x40",
        emit(op.LOCAL_GET, place), emit(op.LOCAL_GET, at),
        emit(op.I32_LOAD16_U) + HALF, emit(op.LOCAL_TEE, entry),
        emit(op.LOCAL_GET, at), emit(op.I32_CONST, 0),
        emit(op.I32_STORE16) + HALF,
        emit(op.I32_CONST, -2), emit(op.I32_AND), emit(op.I32_CONST, 1),
        emit(op.I32_SHL), emit(op.I32_ADD), emit(op.LOCAL_TEE, place),
        emit(op.LOCAL_GET, place), emit(op.I32_LOAD) + WORD,
        emit(op.GLOBAL_GET, bases.table), emit(op.GLOBAL_GET, bases.memory),
        emit(op.LOCAL_GET, entry), emit(op.I32_CONST, 1), emit(op.I32_AND),
        emit(op.SELECT), emit(op.I32_ADD), emit(op.I32_STORE) + WORD,
        emit(op.LOCAL_GET, at), emit(op.I32_CONST, 2), emit(op.I32_ADD),
        emit(op.LOCAL_TEE, at), emit(op.GLOBAL_GET, bases.memory),
        emit(op.I32_CONST, end), emit(op.I32_ADD), emit(op.I32_LT_U),
        emit(op.BR_IF, 0), emit(op.END)))


def fill(content, pointers):
    """The data with the pointers' numbers in them; None: they are not there."""
    content = bytearray(content)
    for place, (_, number) in pointers.items():
        if place + 4 > len(content):
            return None
        content[place:place + 4] = (number & 0xffffffff).to_bytes(4, "little")
    return bytes(content)


# ---- Sections ----------------------------------------------------------------


def rewrite_dylink(content, size):
    """dylink.0 with another size of its memory."""
    out, reader = bytearray(), wasm.Reader(content)
    while reader.more():
        kind = reader.byte()
        part = reader.take(reader.unsigned())
        if kind == 1:
            inner = wasm.Reader(part)
            inner.unsigned()
            part = wasm.unsigned(size) + part[inner.at:]
        out += bytes([kind]) + wasm.unsigned(len(part)) + part
    return bytes(out)


def rewrite_code(body, number, code):
    """A code section in which function 'number' is another one."""
    reader = wasm.Reader(body)
    parts = []
    for index in range(reader.count()):
        part = reader.take(reader.unsigned())
        parts.append(code if index == number else part)
    return wasm.many([wasm.unsigned(len(part)) + part for part in parts])


def does_nothing(module, export):
    kind, number = export
    number -= len(module.imported(FUNCTION))
    if kind != FUNCTION or number < 0:
        return False
    local, body = module.code[number]
    return not local and body.data[body.at:body.end] == emit(op.END)


def rewrite_exports(module):
    parts = []
    for title, export in module.exports.items():
        if title not in (RELOCATE, CONSTRUCT) or \
                not does_nothing(module, export):
            parts.append(wasm.name(title) + bytes([export[0]]) +
                         wasm.unsigned(export[1]))
    return wasm.many(parts)


def rewrite_data(body, content):
    """A data section of one segment, with other content."""
    reader = wasm.Reader(body)
    reader.unsigned(), reader.unsigned(), op.constant(reader)
    return body[:reader.at] + wasm.unsigned(len(content)) + content


def plan(module):
    """What is to be changed: the number of the function, its code, the data and
    the size of memory. None: nothing."""
    bases = Bases(module)
    if module.dylink is None or bases.memory is None or bases.table is None or \
            len(module.segments) != 1 or \
            module.segments[0].offset != [(op.GLOBAL_GET, bases.memory)]:
        return None
    stores = read_stores(module, bases)
    if stores is None or len(stores[0]) < LEAST:
        return None
    pointers, others, number = stores
    table, content = (make_table(pointers),
                      fill(module.segments[0].content, pointers))
    if table is None or content is None:
        return None
    # A pointer may be zero until it is set.
    content = content.rstrip(b"\0").ljust(max(pointers) + 4, b"\0")
    start = len(content) + len(content) % 2
    end = start + len(table)
    code = (b"\1\3\x7f" + loop_code(bases, start, end) + others +
            emit(op.END))
    return (number, code, content.ljust(start, b"\0") + table,
            max(end, module.dylink.memory_size))


def compact(data):
    """The module, smaller if that is possible."""
    module = SideModule(data)
    planned = plan(module)
    out = bytearray(wasm.MAGIC)
    for kind, body in module.sections:
        if kind == wasm.EXPORT:
            body = rewrite_exports(module)
        elif planned is not None:
            body = rewrite(kind, body, *planned)
        out += wasm.section(kind, body)
    return bytes(out)


def rewrite(kind, body, number, code, content, size):
    """A section, as it was planned."""
    if kind == wasm.CUSTOM:
        reader = wasm.Reader(body)
        if reader.name() == "dylink.0":
            return body[:reader.at] + rewrite_dylink(body[reader.at:], size)
    if kind == wasm.CODE:
        return rewrite_code(body, number, code)
    return rewrite_data(body, content) if kind == wasm.DATA else body
