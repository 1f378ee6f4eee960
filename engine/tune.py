#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tune.py - fits the C that wasm2c (wabt 1.0.32) makes to our runtime.

Usage: tune.py MODULE FILE IN OUT

Reads IN/FILE.c and IN/FILE.h, which wasm2c made of MODULE, writes OUT/FILE.c,
OUT/FILE.h and OUT/FILE-shape.h. Changes:

  memory first   the descriptor of linear memory becomes the first member of an
                 instance (wasm/runtime.h)
  our header     "wasm/wasm-rt.h" instead of one that may be installed
  no asm         the empty asm after each load goes: it keeps loads whose result
                 is not used, and keeps the compiler from folding the others.
                 Only traps of dead loads are lost
  prologue       WASM_RT_PROLOGUE of wasm-rt.h takes the place of a call counter

FILE-shape.h tells engine/bind.c what is a number in the generated text: sizes
of memory and table, data segments, initial values of globals.

Every change says how often its text must occur. A wasm2c that writes anything
else is an error here, not a surprise later.
"""

import pathlib
import re
import sys

OFFSET_LIMIT = 16 << 20  # TORPOR__GUARD of wasm/runtime.h


class Unexpected(Exception):
    """The generated text does not have the shape that is known here."""


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


def tune(name, file, folder_in, folder_out):
    source = (folder_in / f"{file}.c").read_text()
    header = (folder_in / f"{file}.h").read_text()
    shape = describe(source, name)
    check_offsets(source)
    source = set_prologue(drop_asm(source))
    header = tune_header(header, name)
    folder_out.mkdir(parents=True, exist_ok=True)
    (folder_out / f"{file}-shape.h").write_text(shape)
    (folder_out / f"{file}.h").write_text(header)
    (folder_out / f"{file}.c").write_text(source)


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: tune.py MODULE FILE IN OUT")
    name, file, folder_in, folder_out = sys.argv[1:]
    try:
        tune(name, file, pathlib.Path(folder_in), pathlib.Path(folder_out))
    except (Unexpected, ValueError) as error:
        sys.exit(f"tune.py: {file}.c is not what wasm2c 1.0.32 makes: "
                 f"{error}")


if __name__ == "__main__":
    main()
