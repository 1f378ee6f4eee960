# SPDX-License-Identifier: MIT
"""toolchain.py - from C and C++ to a side module, with clang and wasm-ld.

The same sources give the same bytes in any folder: paths do not get into what
is compiled, and nothing depends on the time.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import objects
import wasm

KIT = pathlib.Path(__file__).resolve().parent
INCLUDE = KIT / "include"
CLANG, LINKER = "clang-22", "wasm-ld-22"
ARCHIVES = [pathlib.Path("/usr/lib/wasm32-wasi/libc.a"),
            pathlib.Path("/usr/lib/llvm-22/lib/clang/22/lib/wasi/"
                         "libclang_rt.builtins-wasm32.a")]

TARGET = ["--target=wasm32-wasi", "--sysroot=/usr", "-Wno-deprecated"]
# Without -fno-zero-initialized-in-bss the module's start function would zero
# memory, also that of a VM that wakes.
COMPILE = ["-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections",
           "-fdata-sections", "-fno-zero-initialized-in-bss", "-DNDEBUG"]
LANGUAGES = {
    ".c": ["-x", "c", "-std=gnu11"],
    ".cpp": ["-x", "c++", "-std=gnu++20", "-fno-exceptions", "-fno-rtti",
             "-fno-c++-static-destructors",
             "-D_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
             "-fvisibility-global-new-delete=force-hidden"],
}
LANGUAGES[".cc"] = LANGUAGES[".cxx"] = LANGUAGES[".cpp"]
LINK = ["-shared", "--no-entry", "--experimental-pic", "-Bsymbolic",
        "--export-if-defined=__wasm_call_ctors",
        "--export-if-defined=__wasm_apply_data_relocs",
        "--compress-relocations", "--strip-debug"]
# What the linker itself defines.
LINKED = {"__dso_handle", "__memory_base", "__table_base", "__stack_pointer",
          "__wasm_call_ctors", "__indirect_function_table", "__heap_base",
          "__data_end"}


class Failed(Exception):
    """A step failed; the text, if there is one, says why."""


def say(text):
    """A line or more, each with what says who speaks, on standard error."""
    for line in text.splitlines():
        print(f"torpor: {line}", file=sys.stderr, flush=True)


def run(*command):
    """Runs a program, whose messages go where ours go."""
    command = [str(part) for part in command]
    if shutil.which(command[0]) is None:
        raise Failed(f"{command[0]} is not installed; on Debian: apt-get install "
                     "clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32, and "
                     "for C++ libc++-22-dev-wasm32")
    if subprocess.run(command, check=False).returncode != 0:
        raise Failed("")


def engine_functions(include):
    """The names of what an engine has for extensions."""
    path = include / "torpor/extension-functions.h"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}") from None
    return re.findall(r"^\s*X\((\w+)\)", text, re.MULTILINE)


def compile_source(source, out, flags, depfile):
    language = LANGUAGES.get(source.suffix)
    if language is None:
        raise Failed(f"{source}: a source is named .c, .cc, .cpp or .cxx")
    folder = source.resolve().parent
    run(CLANG, *TARGET, *COMPILE, *language, f"-I{INCLUDE}", *flags,
        f"-ffile-prefix-map={KIT}=kit", f"-ffile-prefix-map={folder}=.",
        "-fdebug-compilation-dir=.", "-MD", "-MF", depfile, "-c",
        source.resolve(), "-o", out)


def read_object(path):
    """None: the compiler was told to write something else."""
    try:
        return objects.Object(path.read_bytes())
    except (OSError, wasm.Damaged):
        raise Failed(f"{path.name} was not compiled to an object; check the "
                     "flags that you gave") from None


def readable(title):
    """A name of C++ as it is written, where there is a program for that."""
    for program in ("llvm-cxxfilt-22", "c++filt"):
        if title.startswith("_Z") and shutil.which(program):
            done = subprocess.run([program, title], capture_output=True,
                                  text=True, check=False)
            return done.stdout.strip() or title
    return title


# What to do about names that side modules cannot have.
HINTS = (
    (r"_Z.*St3__2.*", "Of C++'s library there are strings, containers and "
     "algorithms, but no streams, threads, files or regular expressions."),
    (r"f?printf|f?puts|putchar|std(out|err|in)|f(open|read|write|close)",
     "There are no files and no console in C: make text with snprintf, and give "
     "it to JavaScript."),
)


def complain_missing(missing, compiled):
    lines = []
    for title, reason in sorted(missing.items()):
        users = [source.name for source, read in compiled
                 if title in read.needs]
        where = f" ({', '.join(users)})" if users else ""
        lines.append(f"{readable(title)}{where} is not a function of the engine, "
                     f"and {reason}")
    lines += [hint for pattern, hint in HINTS
              if any(re.fullmatch(pattern, title) for title in missing)]
    lines.append("Write what is missing, or add a source that has it; "
                 "torpor/extension-functions.h lists what the engine has.")
    raise Failed("\n".join(lines))


def link(compiled, parts, out):
    """Links the compiled objects (pairs of a source and an Object)."""
    functions = engine_functions(INCLUDE)
    defined, needed = set(), set()
    for _, read in compiled:
        defined |= read.defines
        needed |= read.needs
    chosen, missing = objects.choose(
        needed - defined, defined | LINKED | set(functions),
        [archive for archive in ARCHIVES if archive.exists()])
    if missing:
        complain_missing(missing, compiled)
    files = []
    for number, read in enumerate([read for _, read in compiled] + chosen):
        files.append(parts / f"link-{number}.o")
        files[-1].write_bytes(read.data)
    allowed = parts / "functions.txt"
    allowed.write_text("".join(f"{title}\n" for title in functions))
    run(LINKER, *LINK, f"--allow-undefined-file={allowed}", *files, "-o", out)


def flags_of(source, flags, sources):
    """The flags of one source: without those for others (NAME.c:FLAG)."""
    own, names = [], {other.name for other in sources}
    for flag in flags:
        name, colon, rest = flag.partition(":")
        if not colon or name not in names:
            own.append(flag)
        elif name == source.name:
            own.append(rest)
    return own


def make_module(sources, parts, out, flags=()):
    """Compiles, several at once, and links; gives the files that were read.
    'parts' is a folder for what lies between."""
    sources = list(sources)
    if any(source.suffix != ".c" for source in sources):
        sources.append(KIT / "runtime.cpp")
    places = [parts / f"{source.name}-{number}.o"
              for number, source in enumerate(sources)]

    def compile_one(source, place):
        own = [] if source.parent == KIT else flags_of(source, flags, sources)
        compile_source(source, place, own, place.with_suffix(".d"))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, places))
    link([(source, read_object(place))
          for source, place in zip(sources, places)], parts, out)
    return sorted({name for place in places
                   for name in read_depfile(place.with_suffix(".d"))})


def read_depfile(path):
    text = path.read_text().split(":", 1)[1].replace("\\\n", " ").strip()
    return [name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", text)]
