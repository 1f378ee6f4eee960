#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: slow full timeout=300
"""Executables whose program was damaged, cut short, made up, or of another
version: they say so, and never crash.

TORPOR_SEED: of the first; TORPOR_DAMAGES: how many of each kind.
"""

import os
import random
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

from build import (Build, DONE, FILE, FOOT, HEAD, payload, with_bundle,
                   with_sum, TORPOR)

# Under the sanitizers what reads damaged programs is sanitized as well.
SANITIZED = "sanitize" in TORPOR
FULL = os.environ.get("TORPOR_TIER") == "full"
COUNT = int(os.environ.get("TORPOR_DAMAGES", "3000" if FULL else
                           "15" if SANITIZED else "150"))
SEED = int(os.environ.get("TORPOR_SEED", "1"))
PROGRAM = """
    import { b } from "./b.mjs";
    import c from "./c.json" with { type: "json" };
    console.log(b, c.length);
    export function main() { console.log("main", b); }
"""


def change(data, place, chance):
    """'data' with one or a few bytes changed, added or taken out."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(*place)
        how = chance.randrange(5)
        if how == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at] = chance.choice([0, 1, 127, 128, 255])
        elif how == 2 and len(data) - at > 8:
            data[at:at + 4] = struct.pack("<I", chance.choice(
                [0, 1, 0x7fffffff, 0xffffffff, len(data)]))
        elif how == 3:
            del data[at:at + chance.randrange(1, 16)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 16))
        place = (place[0], max(place[0] + 1, min(place[1], len(data))))
    return bytes(data)


class Damage(Build):
    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.leave_alone()
        self.write("b.mjs", "export const b = 'b';")
        self.write("c.json", "[1, 2]")

    def start(self, data):
        """Starts these bytes: the exit code and what was complained of."""
        path = self.write("broken", data)
        os.chmod(path, 0o755)
        done = subprocess.run([path, "eval", "1"], capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL,
                              cwd=self.folder)
        words = done.stderr.decode(errors="replace")
        self.assertGreaterEqual(done.returncode, 0,
                                f"it crashed by {done.returncode}: {words}")
        return done.returncode, words

    def refused(self, data, words=""):
        code, said = self.start(data)
        self.assertEqual(code, FILE, said)
        self.assertIn(words, said)
        self.assertNotIn("\n    at ", said)

    def each_kind(self):
        """Executables without and with a snapshot."""
        for options in [], ["--snapshot"]:
            self.build(PROGRAM, *options)
            yield self.read("app")

    def test_damaged_programs_are_refused(self):
        chance = random.Random(SEED)
        for data in self.each_kind():
            start, end = payload(data)
            for _ in range(COUNT):
                bundle = data[start:end]
                broken = change(bundle, (0, len(bundle)), chance)
                if broken != bundle:
                    self.refused(with_bundle(data, broken))

    def test_made_up_programs_never_crash(self):
        chance = random.Random(SEED + 1)
        for data in self.each_kind():
            start, end = payload(data)
            for _ in range(COUNT):
                bundle = bytearray(change(data[start:end], (HEAD, end - start),
                                          chance))
                bundle[16:24] = struct.pack("<Q", len(bundle))
                self.start(with_bundle(data, with_sum(bundle)))

    def test_damaged_feet(self):
        chance = random.Random(SEED + 2)
        self.build(PROGRAM)
        data = self.read("app")
        for _ in range(COUNT // 3):
            foot = change(data[-FOOT:], (0, FOOT), chance)
            if foot != data[-FOOT:]:
                self.refused(data[:-FOOT] + foot)

    def test_cut_short(self):
        self.build(PROGRAM)
        data = self.read("app")
        start, end = payload(data)
        chance = random.Random(SEED + 3)
        for size in [end, end - 1, start + 1, start + 31, start + 32,
                     len(data) - 1,
                     *(chance.randrange(start + 1, len(data))
                       for _ in range(COUNT // 5))]:
            self.refused(data[:size], "damaged")
        code, words = self.start(data[:start])
        if not SANITIZED:  # what is left is the runtime, and else the command
            self.assertEqual(code, FILE)
            self.assertIn("no program", words)
        self.refused(data + b"\n", "damaged")

    def test_bytes_of_others_behind_the_command(self):
        path = self.write("torpor-more", self.read(TORPOR) + b"signature" * 9)
        os.chmod(path, 0o755)
        self.call([path, "eval", "-p", "6 * 7"])

    def test_other_versions(self):
        self.build(PROGRAM)
        data = self.read("app")
        start, end = payload(data)
        bundle = data[start:end]
        self.assertEqual(with_sum(bundle), bundle)
        newer = with_sum(bundle[:8] + struct.pack("<I", 2) + bundle[12:])
        self.refused(with_bundle(data, newer), "format 2")
        other = with_sum(bundle[:24] + b"0" * 64 + bundle[88:])
        self.refused(with_bundle(data, other), "000000000000")
        foot = data[-FOOT:-FOOT + 8] + struct.pack("<I", 9) + data[-FOOT + 12:]
        self.refused(data[:-FOOT] + foot, "another version")
        self.assertEqual(self.start(data)[0], DONE)

    def test_options_that_nobody_knows(self):
        self.build(PROGRAM, "--memory=64M")
        data = self.read("app")
        start, end = payload(data)
        bundle = data[start:end].replace(b"--memory", b"--mammon")
        self.refused(with_bundle(data, with_sum(bundle)), "--mammon")


if __name__ == "__main__":
    unittest.main()
