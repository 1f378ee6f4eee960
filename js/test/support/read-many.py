#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""read-many - what tools/read-snapshot says of many chains, one after another.

Usage: read-many.py ENGINE < CHAINS

First it says what of the memory no snapshot keeps: the size of the stack, which
comes first, and where the host's part of the control block starts and ends.

Each line names the files of a chain, with spaces between them. The answer is a
line: OK and the SHA-256 of the memory that the VM wakes with, or the name of
the status with which it is refused. Before the answer, 'lists' if the sections
that are CBOR are well-formed, else 'none'.
"""

import hashlib
import importlib.machinery
import importlib.util
import os
import sys

SOURCE = os.environ.get("TORPOR_SOURCE", os.path.join(os.path.dirname(__file__),
                                                      "../../.."))


def load_reader():
    path = os.path.join(SOURCE, "tools/read-snapshot")
    loader = importlib.machinery.SourceFileLoader("read_snapshot", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("read_snapshot", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def wake(reader, engine, paths):
    try:
        chain = [reader.Snapshot(read_file(path), 512 << 20) for path in paths]
        for piece in chain:
            for kind in (reader.GLOBALS, reader.EXTENSIONS, reader.MEMORY):
                if kind in piece.sections:
                    piece.sections[kind].content()
        reader.check_chain(chain)
        memory = reader.build_memory(engine, chain)
        if reader.read_extensions(chain[-1]):
            return "EXTENSION"
        return "OK " + hashlib.sha256(memory).hexdigest()
    except reader.Refused as refused:
        return refused.status


def has_lists(reader, path):
    try:
        piece = reader.Snapshot(read_file(path), 4095 << 20)
        for kind, section in piece.sections.items():
            if kind == reader.EXTENSIONS:
                reader.read_extensions(piece)
            elif kind == reader.RUN:
                reader.read_cbor(section.content(), dict)
            elif kind in (reader.OPERATIONS, reader.WAITING):
                reader.read_cbor(section.content(), list)
        return "lists"
    except reader.Refused:
        return "none"


def main():
    reader = load_reader()
    engine = reader.Engine(sys.argv[1])
    print(engine.stack_size, engine.host, engine.host_end, flush=True)
    for line in sys.stdin:
        paths = line.split()
        print(has_lists(reader, paths[-1]), wake(reader, engine, paths),
              flush=True)


if __name__ == "__main__":
    main()
