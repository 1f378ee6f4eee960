# SPDX-License-Identifier: MIT
"""A folder with programs, and the command that builds executables of them."""

import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))
DONE, THROWN, USAGE, INTERRUPTED, TRAPPED, DEADLOCK, FILE = range(7)
FOOT = 32
HEAD = 96


class Build(unittest.TestCase):
    command = TORPOR

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="torpor-build-"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def skip_unless_linked(self):
        if not os.path.exists(os.path.join(os.path.dirname(TORPOR),
                                           "libtorpor-standalone.a")):
            self.skipTest("this command has nothing to link")

    def leave_alone(self):
        """From now on builds are made of the command itself."""
        self.command = self.path("alone/torpor")
        os.mkdir(os.path.dirname(self.command))
        shutil.copy(TORPOR, self.command)

    def call(self, words, code=DONE, **more):
        done = subprocess.run(words, cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors="replace", timeout=120, **more)
        if code is not None:
            self.assertEqual(done.returncode, code,
                             f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def torpor(self, *words, code=DONE, **more):
        return self.call([self.command, *words], code, **more)

    def build(self, text, *options, name="app.mjs", code=DONE):
        """Builds 'app' of a program, without a C compiler."""
        self.write(name, text)
        return self.torpor("build", name, "-o", "app", "--append", *options,
                           code=code)

    def run_app(self, *words, code=DONE, **more):
        return self.call([self.path("app"), *words], code, **more)

    def outcome(self, text, *options, code=DONE):
        """What a program prints once it is built."""
        self.build(text, *options)
        return self.run_app(code=code).stdout


def payload(data):
    """Where the bundle of an executable begins, and ends."""
    size, = struct.unpack_from("<Q", data, len(data) - FOOT)
    return len(data) - FOOT - size, len(data) - FOOT


def with_sum(bundle):
    """The same bundle with the checksum that belongs to it."""
    bundle = bytearray(bundle)
    bundle[12:16] = bytes(4)
    bundle[12:16] = struct.pack("<I", zlib.crc32(bytes(bundle)))
    return bytes(bundle)


def with_bundle(data, bundle):
    """The executable with another bundle."""
    start, end = payload(data)
    return (data[:start] + bundle + struct.pack("<Q", len(bundle))
            + data[end + 8:])
