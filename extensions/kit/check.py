#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check.py - says in words why a VM would not load a module as an extension.

Usage: check.py [--uninstrumented] [--name NAME] FILE...

  --name            what hosts are told; if not given, what the module says, or
                    the name of the file
  --uninstrumented  modules whose loops do not poll are good as well

Whether code is valid, by the rules of WebAssembly, is known where wasm-validate
(of wabt) is installed.

Says on standard output what a good module is, on standard error everything that
is wrong with another, and exits with 1 then.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

import instrument
import opcodes as op
import signatures
import toolchain
import wasm
from side_module import FUNCTION, GLOBAL, KINDS, MEMORY, TABLE, SideModule
from wasm import show

INTERFACE = 1
VALIDATOR = "wasm-validate"
NAME = re.compile(r"[a-z0-9-]{1,63}")
MEMORY_MAX, TABLE_MAX, ALIGN_MAX = 256 << 20, 1 << 20, 16
# What env has beside functions: kind and, for globals, type.
GIVEN = {"memory": (MEMORY, None), "__indirect_function_table": (TABLE, None),
         "__stack_pointer": (GLOBAL, ("i32", True)),
         "__memory_base": (GLOBAL, ("i32", False)),
         "__table_base": (GLOBAL, ("i32", False)),
         instrument.COUNTER: (GLOBAL, ("i32", False))}
RUN_AT_START = {"__wasm_apply_data_relocs": ((), ()),
                "__wasm_call_ctors": ((), ())}
INIT_TYPE = (("i32", "i32"), ("i32",))
FORBIDDEN = {op.MEMORY_GROW: "grows the memory of the VM; use malloc",
             op.MEMORY_INIT: "places data itself", op.DATA_DROP:
             "places data itself"}
FORBIDDEN.update(dict.fromkeys(
    (op.TABLE_SET, op.TABLE_INIT, op.ELEM_DROP, op.TABLE_COPY, op.TABLE_GROW,
     op.TABLE_FILL), "changes the table of functions of the VM"))
# What a start function may do: set globals of the module.
QUIET = (op.I32_CONST, op.I64_CONST, 0x43, 0x44, op.GLOBAL_GET, op.GLOBAL_SET,
         op.I32_ADD, op.I32_SUB, op.CALL, op.END, 0x01)


def spell(kind):
    return f"{signatures.spell(kind[0])} -> {signatures.spell(kind[1])}"


class Check:
    """Collects what is wrong with 'data' in self.wrong."""

    def __init__(self, data, types, name="", uninstrumented=False):
        self.data, self.types, self.wrong = data, types, []
        self.name, self.version, self.interface = name, "", INTERFACE
        self.instrumented = False
        try:
            self.module = SideModule(data)
        except wasm.Damaged as error:
            self.wrong.append(str(error))
            return
        if self.module.dylink is None:
            self.wrong.append("it is not a side module (it has no section "
                              "dylink.0); build it with 'torpor extension "
                              "build'")
            return
        self.instrumented = instrument.MARK in self.module.customs
        self._description()
        self._sizes()
        for one in self.module.imports:
            self._import(one)
        self._own()
        self._functions_at_start()
        if self._instructions():
            self._start()
        if not (self.instrumented or uninstrumented):
            self.wrong.append("it is not instrumented, so limits on time do not "
                              "hold in its loops; build it with 'torpor extension "
                              "build', or allow that with --uninstrumented")

    # ---- What it says about itself ------------------------------------------

    def _description(self):
        content = self.module.customs.get("torpor.extension")
        if content is None:
            return
        try:
            lines = content.decode("ascii").splitlines()
        except UnicodeDecodeError:
            lines = []
        said = dict(line.split("=", 1) for line in lines if "=" in line)
        if not re.fullmatch(r"[1-9][0-9]{0,8}", said.get("interface", "")):
            self.wrong.append("its section torpor.extension does not say an "
                              "interface; use TORPOR_EXTENSION of "
                              "torpor-extension.h")
            return
        self.interface = int(said["interface"])
        if self.interface > INTERFACE:
            self.wrong.append(
                f"it is for interface {self.interface} of extensions, and this "
                f"Torpor has {INTERFACE}; use a newer Torpor, or build it with "
                "this one's headers")
        if not NAME.fullmatch(said.get("name", "")):
            self.wrong.append(f"its name, '{show(said.get('name', ''))}', is not "
                              "of 1 to 63 small letters, digits and '-'; give it "
                              "another in TORPOR_EXTENSION")
            self.name = ""
            return
        self.name, self.version = said["name"], said.get("version", "")
        if not re.fullmatch(r"[ -~]{0,63}", self.version):
            self.wrong.append("its version is longer than 63 characters, or has "
                              "others than those of ASCII")

    def _sizes(self):
        dylink = self.module.dylink
        if dylink.needed:
            self.wrong.append("it needs other modules "
                              f"({show(', '.join(dylink.needed))}); link them "
                              "into it")
        if dylink.memory_size > MEMORY_MAX or dylink.table_size > TABLE_MAX:
            self.wrong.append("dylink.0 asks for more memory or table than an "
                              "extension may have")
        if max(dylink.memory_align, dylink.table_align) > ALIGN_MAX:
            self.wrong.append("dylink.0 asks for an alignment of more than "
                              "64 KiB")

    # ---- What it imports and has --------------------------------------------

    def _import(self, one):
        title = show(one.name)
        if one.module == "env" and one.kind == FUNCTION:
            self._function(one, title)
        elif one.module == "env" and one.name in GIVEN:
            kind, detail = GIVEN[one.name]
            if one.kind != kind or detail not in (None, one.detail):
                self.wrong.append(f"it imports {title} as something else than it "
                                  "is")
            elif kind in (MEMORY, TABLE):
                self._limits(one, title)
        elif one.module == "GOT.func":
            if one.name not in self.types or one.kind != GLOBAL or \
                    one.detail != ("i32", True):
                self.wrong.append(f"it takes the address of {title}, which is not "
                                  "a function of the engine; if it is its own, "
                                  "link with -Bsymbolic")
        elif one.module == "GOT.mem":
            self.wrong.append(f"it looks for the address of its own data {title} "
                              "elsewhere; link with -Bsymbolic")
        elif one.module.startswith("wasi"):
            self.wrong.append(f"it calls the operating system ({title}), which "
                              "there is none of in a VM")
        else:
            self.wrong.append(f"it imports {KINDS[one.kind]} "
                              f"{show(one.module)}.{title}, which no VM has")

    def _function(self, one, title):
        if one.name in self.module.exports:
            self.wrong.append(f"it imports its own function {title}; link with "
                              "-Bsymbolic")
        elif one.name not in self.types:
            self.wrong.append(f"it calls {title}, which the engine does not have "
                              "(torpor/extension-functions.h lists what it has); "
                              "link it into the module, or use a newer Torpor")
        elif self.module.types[one.detail] != self.types[one.name]:
            self.wrong.append(
                f"it calls {title} as {spell(self.module.types[one.detail])}, and "
                f"the engine has it as {spell(self.types[one.name])}; include the "
                "header that declares it")

    def _limits(self, one, title):
        kind, limits = (one.detail if one.kind == TABLE
                        else ("funcref", one.detail))
        if kind != "funcref" or limits[1] is not None:
            self.wrong.append(f"it imports {title} of another type, or with a "
                              "largest size")

    def _own(self):
        if self.module.memories or self.module.tables:
            self.wrong.append("it has a memory or a table of its own; link with "
                              "-shared")
        self._parts(self.module.segments, "__memory_base",
                    self.module.dylink.memory_size, "data")
        self._parts(self.module.elements, "__table_base",
                    self.module.dylink.table_size, "functions")

    def _parts(self, parts, base, size, what):
        if len(parts) > 1:
            self.wrong.append(f"it has {what} in several parts; link with "
                              "wasm-ld-22 -shared")
        for part in parts:
            at = self._place(part, base)
            if at is None:
                self.wrong.append(f"it has {what} that do not lie at {base}; "
                                  "compile with -fPIC, link with -shared")
            elif at + len(part.content) > size:
                self.wrong.append(f"it has more {what} than dylink.0 says")

    def _place(self, part, base):
        """Where a part lies, from 'base'; None: not there."""
        if part.offset is None or part.target != 0 or not part.offset:
            return None
        variables = self.module.imported(GLOBAL)
        kind, number = part.offset[0]
        if kind != op.GLOBAL_GET or number >= len(variables) or \
                variables[number].name != base:
            return None
        if len(part.offset) == 1:
            return 0
        if [code[0] for code in part.offset[1:]] != [op.I32_CONST, op.I32_ADD]:
            return None
        return part.offset[1][1] if part.offset[1][1] >= 0 else None

    # ---- Its code -----------------------------------------------------------

    def init_function(self):
        return f"qjs_ext_{self.name.replace('-', '_')}_init"

    def _functions_at_start(self):
        wanted = {**RUN_AT_START, self.init_function(): INIT_TYPE}
        for title, kind in wanted.items():
            found = self.module.exports.get(title)
            if found is None:
                continue
            if found[0] != FUNCTION or \
                    self.module.function_type(found[1]) != kind:
                self.wrong.append(f"its {title} is not a function of type "
                                  f"{spell(kind)}")
        if self.name and self.init_function() not in self.module.exports:
            self._no_init()

    def _no_init(self):
        others = [show(title) for title in self.module.exports
                  if re.fullmatch(r"qjs_ext_\w+_init", title)]
        where = (f", but {others[0]}, and its name is '{self.name}'" if others
                 else ", by which hosts begin")
        self.wrong.append(f"it has no function {self.init_function()}{where}; "
                          "write TORPOR_EXTENSION_INIT("
                          f"{self.name.replace('-', '_')}) {{ ... }}, or tell "
                          "hosts another name of that function")

    def _start(self):
        if self.module.start is not None and \
                not self._is_quiet(self.module.start):
            self.wrong.append("its start function does more than set its globals, "
                              "also in a VM that wakes; compile with "
                              "-fno-zero-initialized-in-bss")

    def _body(self, number):
        _, body = self.module.code[number]
        return wasm.Reader(body.data, body.at, body.end)

    def _is_quiet(self, start):
        """Whether this function, and those that it calls, only set globals."""
        first = len(self.module.imported(FUNCTION))
        seen, left = {start}, [start]
        while left:
            number = left.pop() - first
            if not 0 <= number < len(self.module.code):
                return False
            for _, kind, operand in op.instructions(self._body(number)):
                if kind not in QUIET:
                    return False
                if kind == op.CALL and operand not in seen:
                    seen.add(operand)
                    left.append(operand)
        return True

    def _instructions(self):
        """Looks for what code may not do; whether it is code at all."""
        found = set()
        try:
            for number in range(len(self.module.code)):
                body = self._body(number)
                for _, kind, _ in op.instructions(body):
                    if kind in FORBIDDEN:
                        found.add(FORBIDDEN[kind])
                body.finish("code of a function")
        except wasm.Damaged as error:
            self.wrong.append(str(error))
            return False
        self.wrong += [f"its code {what}" for what in sorted(found)]
        return True


def load_types():
    """What the engine has, as the build found it, or as clang says now."""
    path = toolchain.KIT / "functions.txt"
    if path.exists():
        return signatures.load(path)
    return signatures.find(toolchain.INCLUDE)


def find_invalid(path):
    """What the validator of wabt says of the code, as a list; empty where there
    is no such program."""
    if shutil.which(VALIDATOR) is None:
        return []
    done = subprocess.run([VALIDATOR, path], capture_output=True, text=True,
                          errors="replace", check=False)
    if done.returncode == 0:
        return []
    said = done.stderr.replace(str(path), "").lstrip(":").splitlines()
    return [f"its code is not valid: {show((said or ['?'])[0], 200)}"]


def describe(check):
    """One line that says what a good module is."""
    dylink = check.module.dylink
    words = [f"{check.name}{' ' if check.version else ''}{show(check.version)}",
             f"interface {check.interface}", f"{len(check.data)} bytes",
             f"{dylink.memory_size} bytes of data",
             f"{dylink.table_size} functions in the table",
             "instrumented" if check.instrumented else "not instrumented",
             f"sha256 {hashlib.sha256(check.data).hexdigest()}"]
    return ", ".join(words)


def main():
    parser = argparse.ArgumentParser(
        prog="check.py",
        description="Says why a VM would not load a module as an extension.")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--uninstrumented", action="store_true")
    parser.add_argument("--name")
    options = parser.parse_args()
    failed = False
    try:
        types = load_types()
        for path in options.files:
            check = Check(wasm.load(path), types, options.name or path.stem,
                          options.uninstrumented)
            check.wrong = check.wrong or find_invalid(path)
            for text in check.wrong:
                toolchain.say(f"{path}: {text}")
            if not check.wrong:
                print(f"{path}: {describe(check)}")
            failed = failed or bool(check.wrong)
    except (toolchain.Failed, wasm.Damaged) as error:
        toolchain.say(str(error))
        failed = True
    except OSError as error:
        toolchain.say(f"{error.filename}: {error.strerror}")
        failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
