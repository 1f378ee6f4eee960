#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""list-api.py - names what an engine exports for extensions.

Usage: list-api.py QUICKJS_H LIBC_TXT OUT

Writes OUT, options for the linker: an --export for each function that quickjs.h
declares with JS_EXTERN, and for each name in LIBC_TXT (one a line, # starts a
comment). Every JS_EXTERN must be understood, whatever attributes stand
in front of the name; one that is not is an error.
"""

import pathlib
import re
import sys

# Declared in quickjs.h, defined in the engine's command-line library only.
ELSEWHERE = {"js_std_cmd"}


def read_functions(header):
    """The names of the functions declared with JS_EXTERN."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header, flags=re.S)
    names = []
    for declaration in re.findall(r"^JS_EXTERN\b(.*?)[;{]", text, re.M | re.S):
        plain = re.sub(r"\b\w*ATTR\w*\s*\([^()]*\)", " ", declaration)
        match = re.match(r"[\w\s*]*?(\w+)\s*\(", plain)
        if match is None:
            sys.exit(f"list-api.py: not understood: JS_EXTERN{declaration}")
        names.append(match.group(1))
    declared = len(re.findall(r"^JS_EXTERN\b", text, re.M))
    if declared == 0 or declared != len(names) or declared != len(set(names)):
        sys.exit(f"list-api.py: {declared} declarations, {len(names)} names")
    return sorted(set(names) - ELSEWHERE)


def read_list(text):
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: list-api.py QUICKJS_H LIBC_TXT OUT")
    header, libc, out = (pathlib.Path(name) for name in sys.argv[1:])
    names = read_functions(header.read_text()) + read_list(libc.read_text())
    out.write_text("".join(f"--export={name}\n" for name in names))


if __name__ == "__main__":
    main()
