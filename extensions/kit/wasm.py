# SPDX-License-Identifier: MIT
"""wasm.py - the bytes of WebAssembly modules: numbers, names, sections.

What is read may be anything, so every reader checks where it is, and raises
Damaged, whose text says what is wrong and at which byte.
"""

MAGIC = b"\0asm\1\0\0\0"
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, \
    ELEMENT, CODE, DATA, DATA_COUNT, TAG = range(14)
LARGEST = 64 << 20  # bytes of a module
NAMES = ["custom", "type", "import", "function", "table", "memory", "global",
         "export", "start", "element", "code", "data", "data count", "tag"]
# The order that sections have in a module; custom ones may be anywhere.
ORDER = [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, TAG, GLOBAL, EXPORT, START,
         ELEMENT, DATA_COUNT, CODE, DATA]


class Damaged(Exception):
    """The bytes are no module; the text says why."""


def load(path):
    """The bytes of a file, which may be anything."""
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Damaged(f"{path}: more than {LARGEST >> 20} MiB are no module")
    return data


def show(text, most=80):
    """Text out of a module, safe to print."""
    text = "".join(c if " " <= c <= "~" else "?" for c in text)
    return text if len(text) <= most else text[:most - 3] + "..."


class Reader:
    """Reads data[at:end] from the front."""

    def __init__(self, data, at=0, end=None):
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def fail(self, text):
        raise Damaged(f"{show(text, 200)} at byte {self.at}")

    def more(self):
        return self.at < self.end

    def byte(self):
        if self.at >= self.end:
            self.fail("it ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self, bits=32):
        """A number in LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift >= bits:
                self.fail("a number is too long")
        if value >> bits:
            self.fail("a number is too large")
        return value

    def signed(self, bits=32):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift >= bits:
                self.fail("a number is too long")
        if byte & 64:
            value -= 1 << shift
        if not -1 << (bits - 1) <= value < 1 << (bits - 1):
            self.fail("a number is too large")
        return value

    def take(self, size):
        """The next 'size' bytes."""
        if size > self.end - self.at:
            self.fail("it ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def name(self):
        try:
            return self.take(self.unsigned()).decode("utf-8")
        except UnicodeDecodeError:
            self.fail("a name is not UTF-8")

    def part(self, size):
        """A reader of the next 'size' bytes."""
        start = self.at
        self.take(size)
        return Reader(self.data, start, start + size)

    def count(self):
        """How many things follow; each has one byte at least."""
        count = self.unsigned()
        if count > self.end - self.at:
            self.fail("it says more entries than it can have")
        return count

    def finish(self, what):
        if self.more():
            self.fail(f"the {what} has bytes behind its end")


def unsigned(value):
    """'value' in LEB128."""
    out = bytearray()
    while True:
        byte = value & 127
        value >>= 7
        out.append(byte | (128 if value else 0))
        if not value:
            return bytes(out)


def signed(value):
    """'value' in signed LEB128."""
    out = bytearray()
    while True:
        byte = value & 127
        value >>= 7
        if value == (-1 if byte & 64 else 0):
            out.append(byte)
            return bytes(out)
        out.append(byte | 128)


def name(text):
    data = text.encode("utf-8")
    return unsigned(len(data)) + data


def many(parts):
    return unsigned(len(parts)) + b"".join(parts)


def append(body, entries):
    """A section's body with more entries behind its own."""
    reader = Reader(body)
    count = reader.unsigned()
    return (unsigned(count + len(entries)) + body[reader.at:] +
            b"".join(entries))


def section(number, body):
    return bytes([number]) + unsigned(len(body)) + body


def custom(title, body):
    return section(CUSTOM, name(title) + body)


def sections(data):
    """Pairs of a section's number and a reader of its body, in their order."""
    if data[:4] != MAGIC[:4]:
        raise Damaged("it is not a WebAssembly module (bad magic)")
    if data[:8] != MAGIC:
        raise Damaged("it is not a module of WebAssembly's version 1")
    reader, last = Reader(data, 8), -1
    while reader.more():
        number = reader.byte()
        if number >= len(NAMES):
            reader.fail(f"there is no section of number {number}")
        if number != CUSTOM:
            if ORDER.index(number) <= last:
                reader.fail(f"the {NAMES[number]} section is out of order")
            last = ORDER.index(number)
        yield number, reader.part(reader.unsigned())
