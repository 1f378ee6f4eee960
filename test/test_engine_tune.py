#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: nosanitize
"""tune.py accepts what wasm2c makes, and refuses what it does not know."""

import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
PARTS = pathlib.Path(os.environ["TORPOR_BUILD"]) / "test/wasm/parts"

# Each changes the generated text as another wasm2c might: (file, old, new).
CHANGES = [
    ("c", '    wasm_asm("" ::"r"(result));', "    keep(result);"),
    ("c", "#define FUNC_PROLOGUE\n", "#define FUNC_START\n"),
    ("c", "i32_load(&instance->w2c_memory, (u64)(w2c_i0));",
     "i32_load(&instance->w2c_memory, (u32)(w2c_i0));"),
    ("c", "(u64)(w2c_i0) + 1000000u", "(u64)(w2c_i0) + 4000000000u"),
    ("c", "  wasm_rt_allocate_memory(&instance->w2c_memory, 4, 64);\n", ""),
    ("h", "  wasm_rt_memory_t w2c_memory;\n", "  wasm_rt_memory_t memory;\n"),
    ("h", '"wasm-rt.h"', '"wasm-rt-impl.h"'),
    ("c", "elem_segment_exprs_w2c_e0, 2, 1u, 0, 2, instance,",
     "elem_segment_exprs_w2c_e0, 2, start, 0, 2, instance,"),
]
# Each is what wasm2c makes of a module that asks for the impossible.
DAMAGES = [
    ("65528u, data_segment_data_w2c_d0, 4)", "65528u, "
     "data_segment_data_w2c_d0, 400000)"),
    ("65528u, data_segment_data_w2c_d0, 4)", "4294967295u, "
     "data_segment_data_w2c_d0, 4)"),
    ("elem_segment_exprs_w2c_e0, 2, 1u,", "elem_segment_exprs_w2c_e0, 2, 4u,"),
    ("2, 1u, 0, 2, instance", "2, 1u, 1, 2, instance"),
]


def tune(texts, out, *options):
    """The exit status and messages for these texts of probe."""
    with tempfile.TemporaryDirectory() as place:
        for ending, text in texts.items():
            (pathlib.Path(place) / f"probe.{ending}").write_text(text)
        return subprocess.run([sys.executable, SOURCE / "engine/tune.py",
                               *options, "probe", "probe", place, out],
                              capture_output=True, text=True, check=False)


def main():
    texts = {ending: (PARTS / f"wasm-probe.{ending}").read_text()
             for ending in "ch"}
    with tempfile.TemporaryDirectory() as out:
        done = tune(texts, out)
        if done.returncode != 0:
            sys.exit(f"what wasm2c makes is refused: {done.stderr}")
        done = tune(texts, out, "--interpreter")
        if done.returncode != 1 or "torpor_control" not in done.stderr:
            sys.exit(f"a module that is no engine is not refused: {done}")
        for ending, old, new in CHANGES:
            if old not in texts[ending]:
                sys.exit(f"the test is out of date: no {old!r}")
            changed = {**texts, ending: texts[ending].replace(old, new, 1)}
            done = tune(changed, out)
            if done.returncode != 1 or "not what wasm2c" not in done.stderr:
                sys.exit(f"{new!r} was not noticed: {done}")
        for old, new in DAMAGES:
            if old not in texts["c"]:
                sys.exit(f"the test is out of date: no {old!r}")
            done = tune({**texts, "c": texts["c"].replace(old, new, 1)}, out)
            if done.returncode != 1 or "the module is damaged" not in done.stderr:
                sys.exit(f"{new!r} was believed: {done}")


if __name__ == "__main__":
    main()
