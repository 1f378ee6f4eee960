#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tune.py - fits the C that wasm2c (wabt 1.0.32) makes to our runtime.

Usage: tune.py [--interpreter] MODULE FILE IN OUT

Reads IN/FILE.c and IN/FILE.h, which wasm2c made of MODULE, writes OUT/FILE.c,
OUT/FILE.h and OUT/FILE-shape.h. Changes:

  memory first   the descriptor of linear memory becomes the first member of an
                 instance (wasm/layout.h)
  our header     "wasm/wasm-rt.h" instead of one that may be installed
  no asm         the empty asm after each load goes: it keeps loads whose result
                 is not used, and keeps the compiler from folding the others.
                 Only traps of dead loads are lost
  loads, stores  are WASM_RT_LOAD and WASM_RT_STORE of wasm-rt.h
  prologue       WASM_RT_PROLOGUE of wasm-rt.h takes the place of a call counter
  dispatch       with --interpreter, for engines: where the interpreters of
                 bytecode and of regular expressions go back to their loop's
                 head, they fetch the next opcode and jump to its code at once,
                 so that the processor predicts each jump on its own

FILE-shape.h tells engine/bind.c what is a number in the generated text: sizes
of memory and table, data segments, initial values of globals; and of an engine
what its memory says about it, the versions of its border and of QuickJS.

Every change says how often its text must occur. A wasm2c that writes anything
else is an error here, not a surprise later.
"""

import pathlib
import re
import sys

import wasm_sections

OFFSET_LIMIT = 16 << 20  # TORPOR__GUARD of wasm/layout.h


class Unexpected(Exception):
    """The generated text does not have the shape that is known here."""


class Damaged(wasm_sections.Damaged):
    """The module cannot be laid out as it says."""


def replace(text, old, new, count):
    """Replaces 'old', which must occur 'count' times."""
    found = text.count(old)
    if found != count:
        raise Unexpected(f"{old!r} occurs {found} times, not {count}")
    return text.replace(old, new)


def find_one(pattern, text):
    """The groups of the one match of 'pattern'."""
    found = re.findall(pattern, text, re.M)
    if len(found) != 1:
        raise Unexpected(f"{pattern!r} matches {len(found)} times, not once")
    return found[0]


def tune_header(header, name):
    """Our runtime's header; linear memory as first member of the instance."""
    member = "  wasm_rt_memory_t w2c_memory;\n"
    header = replace(header, '"wasm-rt.h"', '"wasm/wasm-rt.h"', 1)
    start = f"typedef struct Z_{name}_instance_t {{\n"
    header = replace(header, member, "", 1)
    return replace(header, start, start + member, 1)


def drop_asm(source):
    # Two definitions of loads (little-endian and big-endian), one line each.
    line = re.compile(r'^    wasm_asm\("" ::"r"\(result\)\); +\\\n', re.M)
    source, count = line.subn("", source)
    if count != 2:
        raise Unexpected(f"{count} definitions of loads, not 2")
    return source


def set_accesses(source):
    load = ("    wasm_rt_memcpy(&result, &mem->data[addr], sizeof(t1)); \\\n",
            "    WASM_RT_LOAD(t1, result, mem, addr); \\\n")
    store = ("    wasm_rt_memcpy(&mem->data[addr], &wrapped, sizeof(t1));"
             "            \\\n", "    WASM_RT_STORE(t1, wrapped, mem, addr); \\\n")
    return replace(replace(source, *load, 1), *store, 1)


def set_prologue(source):
    start = source.index("#if WASM_RT_USE_STACK_DEPTH_COUNT\n")
    end = source.index("#endif\n", start) + len("#endif\n")
    old = source[start:end]
    if old.count("#define FUNC_PROLOGUE") != 2 or len(old) > 500:
        raise Unexpected("the definition of FUNC_PROLOGUE")
    new = "#define FUNC_PROLOGUE WASM_RT_PROLOGUE\n#define FUNC_EPILOGUE\n"
    return source[:start] + new + source[end:]


def check_offsets(source):
    """Accesses must stay below 4 GiB plus the guard behind it."""
    access = r"^.*\b[if](?:32|64)_(?:load|store)\w*\(&instance->w2c_memory, "
    known = access + r"\(u64\)\(\w+\)(?: \+ (\d+)u?)?[,)]"
    every = re.findall(access, source, re.M)
    offsets = re.findall(known, source, re.M)
    if not every or len(every) != len(offsets):
        raise Unexpected(f"{len(every) - len(offsets)} accesses of a new form")
    largest = max(int(offset or 0) for offset in offsets)
    if largest >= OFFSET_LIMIT:
        raise Unexpected(f"constant offset {largest} reaches beyond the guard")


# The head of an interpreter's loop: an opcode is fetched, one is subtracted,
# and a switch of gotos follows. Groups: label, fetch, cases, default.
LOOP_HEAD = re.compile(
    r"^ +(w2c_L\d+): \n"
    r"((?: +w2c_\w+ \+?= [^\n]*;\n){5,40}"
    r" +w2c_i0 = i32_load8_u\(&instance->w2c_memory, \(u64\)\(w2c_i0\)\);\n"
    r"(?: +w2c_l\d+ = w2c_i0;\n)?"
    r" +w2c_i1 = 4294967295u;\n +w2c_i0 \+= w2c_i1;\n)"
    r" +switch \(w2c_i0\) \{\n"
    r"((?: +case \d+: goto w2c_[BL]\d+;\n){40,255})"
    r" +default: goto (w2c_B\d+);\n +\}\n", re.M)


def thread_loop(source, head):
    """Gives every way back to a loop's head a fetch and jump of its own."""
    label, fetch, cases, default = head.groups()
    targets = re.findall(r"case (\d+): goto (w2c_[BL]\d+);", cases)
    if [int(number) for number, _ in targets] != list(range(len(targets))):
        raise Unexpected("an interpreter's cases are not 0, 1, 2, ...")
    # An opcode is one byte: opcode 0 is entry 255, which is no opcode either.
    names = [name for _, name in targets]
    names += [default] * (256 - len(names))
    table = ", ".join(f"&&{name}" for name in names)
    statements = " ".join(line.strip() for line in fetch.splitlines())
    jump = f"{{ {statements} goto *opcodes[(u8)w2c_i0]; }}"
    start = source.rindex("\n}\n", 0, head.start())
    end = source.index("\n}\n", head.end())
    body = source[head.end():end]
    back = f"goto {label};"
    ways = body.count(back)
    if ways < 30 or source[start:head.start()].count(back) != 0:
        raise Unexpected(f"{ways} ways back to an interpreter")
    # In an if they are written as {goto L;}: the braces may stay.
    return (source[:head.start()]
            + f"static const void *const opcodes[256] = {{{table}}};\n"
            + f"{label}:;\n{jump}\n"
            + body.replace(back, jump) + source[end:]), ways


def thread_dispatch(source):
    """The same for the loops of both interpreters."""
    heads = list(LOOP_HEAD.finditer(source))
    if len(heads) != 2:
        raise Unexpected(f"{len(heads)} interpreter loops, not 2")
    ways = []
    for head in reversed(heads):  # so that the places of the first stay
        source, count = thread_loop(source, head)
        ways.append(count)
    if max(ways) < 200:
        raise Unexpected(f"{max(ways)} ways back to the interpreter")
    return source


def check_data(segments, pages):
    """wasm2c lets through data that lies outside of memory."""
    for start, _, size in segments:
        if int(start) + int(size) > pages << 16:
            raise Damaged(f"{size} bytes of data at {start} do not fit into "
                          f"{pages} pages")


def check_elements(source, table):
    """Elements that do not fit would be a trap outside of any entry."""
    known = re.findall(
        r"^  funcref_table_init\(&instance->(\w+), \w+, (\d+), (\d+)u, (\d+), "
        r"(\d+), instance, func_types\);", source, re.M)
    calls = re.findall(r"^  \w+_table_init\(&instance->", source, re.M)
    if len(calls) != len(known):
        raise Unexpected("elements of a new form")
    room = {member: int(size) for member, size, _ in table}
    for member, given, at, first, count in known:
        if (int(first) + int(count) > int(given) or
                int(at) + int(count) > room.get(member, 0)):
            raise Damaged(f"{count} elements at {at} do not fit into their "
                          "table")


def describe(source, name):
    """The text of FILE-shape.h."""
    pages, pages_max = find_one(
        r"^  wasm_rt_allocate_memory\(&instance->w2c_memory, (\d+), (\d+)\);",
        source)
    table = re.findall(
        r"^  wasm_rt_allocate_funcref_table\(&instance->(\w+), (\d+), (\d+)\);",
        source, re.M)
    segments = re.findall(
        r"^  LOAD_DATA\(instance->w2c_memory, (\d+)u, (\w+), (\d+)\);", source,
        re.M)
    check_data(segments, int(pages))
    check_elements(source, table)
    globals_ = re.findall(r"^  instance->(w2c_\w+) = (\d+)u;$", source, re.M)
    key = name.upper()
    lines = ["/* Made by engine/tune.py. */", f"#define {key}_PAGES {pages}u",
             f"#define {key}_PAGES_MAX {pages_max}u"]
    if len(table) > 1:
        raise Unexpected(f"{len(table)} tables")
    for member, size, size_max in table:
        lines += [f"#define {key}_TABLE {member}",
                  f"#define {key}_TABLE_SIZE {size}u",
                  f"#define {key}_TABLE_MAX {size_max}u"]
    lines.append(f"#define {key}_SEGMENTS(X) \\")
    lines += [f"  X({start}u, {size}u, {data}) \\" for start, data, size
              in segments]
    lines.append("")
    lines += [f"#define {key}_INITIAL_{member} {value}u" for member, value
              in globals_]
    return "\n".join(lines) + "\n"


def read_memory(source, address, size):
    """'size' bytes of the memory that an instance begins with."""
    memory = bytearray(size)
    for start, data, length in re.findall(
            r"^  LOAD_DATA\(instance->w2c_memory, (\d+)u, (\w+), (\d+)\);",
            source, re.M):
        start, length = int(start), int(length)
        if start >= address + size or start + length <= address:
            continue
        text = find_one(rf"^static const u8 {data}\[\] = \{{\n([^}}]*)\}};",
                        source)
        for at, byte in enumerate(re.findall(r"0x(\w\w)", text), start):
            if address <= at < address + size:
                memory[at - address] = int(byte, 16)
    return bytes(memory)


def describe_engine(source, name, shape):
    """The part of FILE-shape.h that engines have besides."""
    key = name.upper()
    if f"#define {key}_TABLE " not in shape:
        raise Damaged("it has no table")
    control = int(find_one(r"^  instance->w2c_torpor_control = (\d+)u;$", source))
    version = int(find_one(
        r"^static u32 w2c_JS_GetVersion\(Z_\w+\* instance\) \{\n"
        r"(?:  \w+;\n|  u32 w2c_i0;\n)*"
        r"  w2c_i0 = (\d+)u;\n", source))
    abi = int.from_bytes(read_memory(source, control, 4), "little")
    quickjs = read_memory(source, version, 32).split(b"\0")[0].decode("ascii")
    if abi == 0 or not re.fullmatch(r"[0-9][\w.+-]{0,30}", quickjs):
        raise Unexpected(f"versions {abi} and {quickjs!r}")
    return (f"#define {key}_ABI {abi}u\n"
            f"#define {key}_QUICKJS \"{quickjs}\"\n")


def tune(name, file, folder_in, folder_out, interpreter):
    source = (folder_in / f"{file}.c").read_text()
    header = (folder_in / f"{file}.h").read_text()
    shape = describe(source, name)
    check_offsets(source)
    source = set_prologue(set_accesses(drop_asm(source)))
    if interpreter:
        shape += describe_engine(source, name, shape)
        source = thread_dispatch(source)
    header = tune_header(header, name)
    folder_out.mkdir(parents=True, exist_ok=True)
    (folder_out / f"{file}-shape.h").write_text(shape)
    (folder_out / f"{file}.h").write_text(header)
    (folder_out / f"{file}.c").write_text(source)


def main():
    arguments = sys.argv[1:]
    interpreter = arguments[:1] == ["--interpreter"]
    if len(arguments) != 4 + interpreter:
        sys.exit("usage: tune.py [--interpreter] MODULE FILE IN OUT")
    name, file, folder_in, folder_out = arguments[interpreter:]
    try:
        tune(name, file, pathlib.Path(folder_in), pathlib.Path(folder_out),
             interpreter)
    except Damaged as error:
        sys.exit(f"tune.py: the module is damaged: {error}")
    except (Unexpected, ValueError) as error:
        sys.exit(f"tune.py: {file}.c is not what wasm2c 1.0.32 makes: "
                 f"{error}")


if __name__ == "__main__":
    main()
