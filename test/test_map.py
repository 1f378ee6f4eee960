#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""Keys of Map and Set spread over their table: numbers and objects, whose bits
are alike, cost no more than texts."""

import json
import os
import subprocess
import unittest

TORPOR = os.path.abspath(os.environ.get("TORPOR", "build/torpor"))

PROGRAM = """
    const kinds = {
      text: (i) => "key " + i,
      whole: (i) => i,
      object: () => ({}),
    };
    const best = {};
    for (let turn = 0; turn < 7; turn++)
      for (const kind in kinds) {
        const keys = Array.from({ length: 20000 }, (_, i) => kinds[kind](i));
        const map = new Map();
        const begun = performance.now();
        for (const key of keys) map.set(key, key);
        for (const key of keys) if (map.get(key) !== key) throw key;
        const took = performance.now() - begun;
        best[kind] = Math.min(best[kind] ?? took, took);
      }
    JSON.stringify(best)
"""


class Keys(unittest.TestCase):
    def test_no_kind_of_key_is_many_times_as_slow(self):
        """Lists of 128 keys made whole numbers 10 times as slow."""
        done = subprocess.run([TORPOR, "eval", "-p", PROGRAM], text=True,
                              capture_output=True, timeout=100, check=True)
        best = json.loads(done.stdout)
        for kind in "whole", "object":
            self.assertLess(best[kind], 4 * best["text"], best)


if __name__ == "__main__":
    unittest.main()
