#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# ctest: timeout=180 nosanitize
"""Runs every code block of README.md, in order, in one empty folder.

  sh    runs with the command on the path; must succeed. Blocks of make targets
        are only looked up in the Makefile (they are what runs this test)
  js    is written to the file that its first line names
  c     is compiled against the library and run
  text  is what the block before it must have printed

A block in another language is an error, so that nothing goes untested.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["TORPOR_SOURCE"])
BUILD = pathlib.Path(os.environ["TORPOR_BUILD"])
COMPILER = os.environ.get("TORPOR_CC", "cc")
LIMIT_S = 100  # for one block


def run(command, folder, **more):
    return subprocess.run(command, cwd=folder, text=True, capture_output=True,
                          timeout=LIMIT_S, check=False, **more)


def must(done, what):
    if done.returncode != 0:
        sys.exit(f"{what} ended with {done.returncode}:\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def look_up_targets(text):
    """True when every command of the block is a make target that exists."""
    commands = [shlex.split(line, comments=True)
                for line in text.splitlines() if line.strip()]
    if any(words[0] != "make" for words in commands):
        return False
    for _, target, *_ in commands:
        must(run(["make", "-n", f"BUILD={BUILD}", target], SOURCE),
             f"make -n {target}")
    return True


def run_shell(text, folder):
    if look_up_targets(text):
        return ""
    command = pathlib.Path(os.environ["TORPOR"]).resolve()
    path = f"{command.parent}:{os.environ['PATH']}"
    return must(run(["sh", "-eu", "-c", text], folder,
                    env={**os.environ, "PATH": path}), f"block:\n{text}\n")


def write_module(text, folder):
    name = re.match(r"// (\S+\.m?js)\n", text)
    if not name:
        sys.exit("a js block must begin with a comment that names its file")
    (folder / name.group(1)).write_text(text, encoding="utf-8")
    return ""


def run_c(text, folder):
    (folder / "first.c").write_text(text, encoding="utf-8")
    must(run([COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror",
              f"-I{SOURCE}/include", "first.c", f"-L{BUILD}", "-ltorpor",
              f"-Wl,-rpath,{BUILD}", "-o", "first"], folder), "compiling")
    return must(run(["./first"], folder), "the first program in C")


def main():
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    ran = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        printed = ""
        for language, block in blocks:
            if language == "text":
                if printed != block:
                    sys.exit(f"README.md promises:\n{block}\nbut it is:\n"
                             f"{printed}")
                continue
            handler = {"sh": run_shell, "js": write_module,
                       "c": run_c}.get(language)
            if handler is None:
                sys.exit(f"README.md has a block in '{language}'")
            printed = handler(block, folder)
            ran += 1
    if ran < 5:
        sys.exit(f"only {ran} blocks of README.md were found")
    print(f"{ran} passed, 0 failed")


if __name__ == "__main__":
    main()
