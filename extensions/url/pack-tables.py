#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pack-tables.py - makes code of ada's packed tables of Unicode.

Usage: pack-tables.py ADA.CPP OUT.CPP

What is data of an extension lies in the memory of each VM that has loaded it, and
in each of its snapshots. These 62 KB are read once at most, when a name is not
ASCII; as numbers in a function they are part of the code, and in no VM's memory.
"""

import pathlib
import re
import sys

ARRAY = re.compile(r"constexpr uint8_t compressed\[\] = \{([^}]*)\};")
SIZE = re.compile(r"constexpr size_t compressed_size = (\d+);")


def read_array(source):
    found, size = ARRAY.findall(source), SIZE.findall(source)
    if len(found) != 1 or len(size) != 1:
        sys.exit("pack-tables.py: ada has its tables elsewhere now")
    data = bytes(int(byte, 16) for byte in re.findall(r"0x[0-9a-f]{2}", found[0]))
    if len(data) != int(size[0]):
        sys.exit(f"pack-tables.py: {len(data)} bytes, not {size[0]}")
    return data


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: pack-tables.py ADA.CPP OUT.CPP")
    data = read_array(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    data += bytes(-len(data) % 8)
    lines = ["// Made by pack-tables.py.", "#include \"reserve.h\"", "",
             f"static_assert(torpor::packed_size == {len(data)});", "",
             "void torpor::write_packed(uint64_t *to) {"]
    for at in range(0, len(data), 8):
        word = int.from_bytes(data[at:at + 8], "little")
        lines.append(f"  to[{at // 8}] = {word:#x};")
    lines.append("}")
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
