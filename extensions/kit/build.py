#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""build.py - makes an extension of C or C++.

Usage: build.py [-o NAME.wasm] [--name NAME] [--depfile FILE]
                [--uninstrumented] SOURCE... [-- FLAG...]
       build.py [-o OUT] [--name NAME] [--quick] [--soft-bounds]
                [--uninstrumented] [--quiet] NAME.wasm

  -o, --out          of a module: as the first source, in the current folder, if
                     not given. Of native code: a folder that gets it as
                     <hash>.so, or a file besides the folder where hosts look
  --name             the extension's name; if not given, as it says itself, or as
                     NAME.wasm is called
  --uninstrumented   without polls: limits on time do not hold in its loops
  --quick            compile native code in less time that runs slower
  --quiet            do not say where native code is
  --soft-bounds      native code for a Torpor that checks bounds in software
  FLAG               goes to the compiler, behind those of this program;
                     aes.c:-O3 is the flag -O3 for aes.c only

  SOURCE...   -> objects              clang (toolchain.py)
  objects     -> side module          wasm-ld
  side module -> smaller              compact.py
              -> with polls           instrument.py
              -> NAME.wasm            checked (check.py)
  NAME.wasm   -> <hash>.so            wasm2c and the C compiler

The same sources give the same bytes in any folder. Exits with 1 after saying
what is wrong.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile

import check
import compact
import instrument
import toolchain
import wasm

TRANSLATOR = toolchain.KIT.parent.parent / "engine/translate_extension.py"


def read_arguments():
    words, flags = sys.argv[1:], []
    if "--" in words:
        at = words.index("--")
        words, flags = words[:at], words[at + 1:]
    parser = argparse.ArgumentParser(
        prog="build.py", description="Makes an extension of C or C++, or native code "
        "of one.")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    parser.add_argument("-o", "--out", type=pathlib.Path)
    parser.add_argument("--name")
    parser.add_argument("--depfile", type=pathlib.Path)
    for name in ("--uninstrumented", "--quick", "--soft-bounds", "--quiet"):
        parser.add_argument(name, action="store_true")
    options = parser.parse_args(words)
    options.flags = flags
    options.native = options.sources[0].suffix == ".wasm"
    if options.out is None and not options.native:
        options.out = pathlib.Path(options.sources[0].stem + ".wasm")
    return options


def write_depfile(path, target, files):
    names = " ".join(str(name).replace(" ", "\\ ") for name in files)
    path.write_text(f"{target}: {names}\n")


def strip(code):
    """Without names and notes, which instrumenting leaves out as well."""
    out = bytearray(wasm.MAGIC)
    for number, body in wasm.sections(code):
        content = code[body.at:body.end]
        if number != wasm.CUSTOM or body.name() in instrument.KEPT:
            out += wasm.section(number, content)
    return bytes(out)


def require_good(code, options, file):
    done = check.Check(code, check.load_types(), options.name or file.stem,
                       options.uninstrumented)
    if done.wrong:
        raise toolchain.Failed("\n".join(f"{file}: {text}"
                                         for text in done.wrong))


def make(options):
    for source in options.sources:
        source.open().close()
    with tempfile.TemporaryDirectory(prefix="torpor-extension-") as folder:
        parts = pathlib.Path(folder)
        linked = parts / "linked.wasm"
        files = toolchain.make_module(options.sources, parts, linked,
                                      options.flags)
        code = linked.read_bytes()
    change = strip if options.uninstrumented else instrument.instrument
    code = change(compact.compact(code))
    require_good(code, options, options.out)
    options.out.write_bytes(code)
    if options.depfile:
        write_depfile(options.depfile, options.out, files)


def cache_folder():
    """Where hosts look for native code (list_folders in vm/extensions/extension-find.c); None:
    nobody has said where that is."""
    cache = os.environ.get("XDG_CACHE_HOME")
    home = os.environ.get("HOME")
    if not cache and not home:
        return None
    return pathlib.Path(cache or f"{home}/.cache") / "torpor/extensions"


def native_path(name, out):
    """Where native code goes first; makes the folder."""
    if out is not None and out.is_dir():
        return out / name
    folder = cache_folder()
    try:
        if folder is None:
            raise OSError(0, "neither HOME nor XDG_CACHE_HOME is set", "cache")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name
    except OSError as error:
        if out is not None:
            return out
        raise toolchain.Failed(f"{error.filename}: {error.strerror}; name a file "
                               "with --out") from None


def compile_native(source, place, options):
    program = TRANSLATOR
    if not program.exists():
        raise toolchain.Failed(f"{program} is not installed")
    flags = [flag for flag, given in (("--quick", options.quick),
                                      ("--soft-bounds", options.soft_bounds))
             if given]
    toolchain.run(sys.executable, "-B", program, *flags, source.resolve(),
                  place.resolve())


def translate(options):
    """Native code of a module."""
    source, out = options.sources[0], options.out
    if len(options.sources) > 1 or options.flags:
        raise toolchain.Failed("native code is made of one module, and takes no "
                               "flags")
    code = wasm.load(source)
    require_good(code, options, source)
    if out is not None and out.exists() and not (out.is_file() or out.is_dir()):
        raise toolchain.Failed(f"{out} is neither a file nor a folder")
    place = native_path(f"{hashlib.sha256(code).hexdigest()}.so", out)
    compile_native(source, place, options)
    if out is not None and not out.is_dir() and out != place:
        fresh = out.with_name(f"{out.name}.new-{os.getpid()}")
        shutil.copyfile(place, fresh)
        os.replace(fresh, out)
        place = out
    if not options.quiet:
        print(f"{source}: native code is in {place}")


def main():
    options = read_arguments()
    try:
        if options.native:
            translate(options)
        else:
            make(options)
    except (toolchain.Failed, wasm.Damaged) as error:
        toolchain.say(str(error))
        sys.exit(1)
    except OSError as error:
        toolchain.say(f"{error.filename}: {error.strerror}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
