#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-library.py OUT.ts - writes the files of library/ that the package has.

They are modules in JavaScript that a VM asks its host for when a program imports
them. The C library has all; here are those that need nothing of the host but
operations, as texts without comments.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "guest"))
import embed  # noqa: E402

NAMES = ["fs"]

HEAD = """// SPDX-License-Identifier: MIT
//
// library.ts - files of the library that come when a program imports them. Made
// by js/tools/make-library.py.

export const LIBRARY: ReadonlyMap<string, string> = new Map([
"""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = HEAD
    for name in NAMES:
        source = (ROOT / "library" / f"{name}.js").read_text(encoding="utf-8")
        text += f"  [\"torpor:{name}\", {json.dumps(embed.shrink(source))}],\n"
    pathlib.Path(sys.argv[1]).write_text(text + "]);\n", encoding="utf-8")


if __name__ == "__main__":
    main()
