# SPDX-License-Identifier: MIT
"""opcodes.py - reads the instructions of WebAssembly that clang makes of C and
C++: the first version with sign extension, conversions that saturate, bulk
memory, several results, and references to functions.

What is not in the tables is an error: code that is only half understood cannot
be rewritten.
"""

import wasm

UNREACHABLE, BLOCK, LOOP, IF, ELSE, END = 0x00, 0x02, 0x03, 0x04, 0x05, 0x0b
CALL, CALL_INDIRECT, REF_FUNC = 0x10, 0x11, 0xd2
LOCAL_GET, LOCAL_SET, LOCAL_TEE = 0x20, 0x21, 0x22
GLOBAL_GET, GLOBAL_SET = 0x23, 0x24
DROP = 0x1a
I32_LOAD, I32_STORE, I32_CONST, I64_CONST = 0x28, 0x36, 0x41, 0x42
I32_LOAD16_U, I32_STORE16, BR_IF, SELECT = 0x2f, 0x3b, 0x0d, 0x1b
I32_EQZ, I32_LT_U, I32_LE_S, I32_ADD, I32_SUB, I32_AND, I32_SHL, I32_SHR_U = (
    0x45, 0x49, 0x4c, 0x6a, 0x6b, 0x71, 0x74, 0x76)
MEMORY_GROW, PREFIX = 0x40, 0xfc
MEMORY_INIT, DATA_DROP, TABLE_INIT, ELEM_DROP, TABLE_COPY, TABLE_GROW, \
    TABLE_SIZE, TABLE_FILL = (PREFIX << 8 | n for n in (8, 9, *range(12, 18)))
TABLE_GET, TABLE_SET = 0x25, 0x26

# What follows an instruction: b a block's type, u a number, s and S signed ones
# of 32 and 64 bits, m the alignment and offset of a memory access, f and F
# floating ones, 0 a byte that is 0, t types, r a reference's type, l labels.
OPERANDS = {0x00: "", 0x01: "", BLOCK: "b", LOOP: "b", IF: "b", ELSE: "",
            END: "", 0x0c: "u", 0x0d: "u", 0x0e: "l", 0x0f: "", CALL: "u",
            CALL_INDIRECT: "uu", 0x1a: "", 0x1b: "", 0x1c: "t", 0x3f: "0",
            MEMORY_GROW: "0", I32_CONST: "s", I64_CONST: "S", 0x43: "f",
            0x44: "F", 0xd0: "r", 0xd1: "", REF_FUNC: "u"}
OPERANDS.update(dict.fromkeys(range(0x20, 0x27), "u"))
OPERANDS.update(dict.fromkeys(range(0x28, 0x3f), "m"))
OPERANDS.update(dict.fromkeys(range(0x45, 0xc5), ""))
OPERANDS.update(dict.fromkeys((PREFIX << 8 | n for n in range(8)), ""))
OPERANDS.update({MEMORY_INIT: "u0", DATA_DROP: "u", PREFIX << 8 | 10: "00",
                 PREFIX << 8 | 11: "0", TABLE_INIT: "uu", ELEM_DROP: "u",
                 TABLE_COPY: "uu", TABLE_GROW: "u", TABLE_SIZE: "u",
                 TABLE_FILL: "u"})
UNKNOWN = {0x06: "exceptions (compile with -fno-exceptions)",
           0x12: "tail calls (compile without -mtail-call)",
           0x13: "tail calls (compile without -mtail-call)",
           0x1f: "exceptions (compile with -fno-exceptions)",
           0xfd: "vector instructions (compile without -msimd128)",
           0xfe: "atomic instructions (compile without -pthread)"}


def read_operand(reader, kind):
    if kind == "u":
        return reader.unsigned()
    if kind == "s":
        return reader.signed(32)
    if kind == "S":
        return reader.signed(64)
    if kind == "b":
        return reader.signed(33)
    if kind == "m":
        if reader.unsigned() >= 64:
            reader.fail("a memory access says more than the one memory")
        return reader.unsigned()
    if kind == "f":
        return reader.take(4)
    if kind == "F":
        return reader.take(8)
    if kind == "0":
        if reader.byte() != 0:
            reader.fail("an instruction names a second memory")
        return 0
    if kind == "t":
        return reader.take(reader.unsigned())
    if kind == "l":
        return [reader.unsigned() for _ in range(reader.count() + 1)]
    return reader.byte()


def instructions(reader):
    """For each instruction up to the end that closes the first level: where it
    starts, its number, its first operand (None if it has none)."""
    depth = 1
    while depth:
        start = reader.at
        number = reader.byte()
        if number == PREFIX:
            number = number << 8 | min(reader.unsigned(), 255)
        operands = OPERANDS.get(number)
        if operands is None:
            reader.at = start
            what = UNKNOWN.get(number, f"an unknown instruction ({number:#x})")
            reader.fail(f"the code has {what}")
        first = None
        for place, kind in enumerate(operands):
            value = read_operand(reader, kind)
            first = value if place == 0 else first
        if number in (BLOCK, LOOP, IF):
            depth += 1
        elif number == END:
            depth -= 1
        yield start, number, first


CONSTANT = (I32_CONST, I64_CONST, 0x43, 0x44, GLOBAL_GET, 0xd0, REF_FUNC,
            I32_ADD, I32_SUB, 0x6c, 0x7c, 0x7d, 0x7e, END)


def constant(reader):
    """The instructions of a constant expression, as pairs, without its end."""
    code = []
    for _, number, operand in instructions(reader):
        if number not in CONSTANT:
            reader.fail("a constant is computed by what is not constant")
        code.append((number, operand))
    return code[:-1]


def emit(number, operand=None):
    """An instruction with one operand or none."""
    code = bytes([number])
    if operand is None:
        return code
    if number == I32_CONST:
        return code + wasm.signed(operand)
    return code + wasm.unsigned(operand)
