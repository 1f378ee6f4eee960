#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-abi.py - writes src/abi.ts: the border and the codes, as the headers say.

Every number comes from clang, compiling for the engine's own target: offsets
of fields are never written by hand. A name that would stand for two things
fails, until RENAMED tells them apart.

Usage: make-abi.py [OUT]       the file that is written (src/abi.ts); it is left
                               alone when it is the same
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent
CLANG = [os.environ.get("CLANG", "clang-22"), "--target=wasm32-wasi",
         "--sysroot=/usr", "-Wno-deprecated", "-std=c11", "-x", "c", f"-I{ROOT / 'include'}",
         f"-I{ROOT}"]
HEADERS = ["torpor.h", "guest/abi.h", "stddef.h"]

# The structs of the border, and what their fields' names begin with.
STRUCTS = {
    "torpor_abi_control": "CONTROL",
    "torpor_abi_operation": "OPERATION",
    "torpor_abi_name": "NAME",
    "torpor_abi_function": "FUNCTION",
}
# What has a name that something else has already: sizes of structs, fields.
RENAMED = {
    "sizeof torpor_abi_name": "NAME_BYTES",
    "torpor_abi_function.class": "FUNCTION_OF_CLASS",
}
UNUSED = {"torpor_abi_function.unused", "torpor_abi_control.host"}

# Public enums: by the name of the type or, where it has none, by the first
# constant. Each becomes an object of this name, without the prefix.
ENUMS = {
    "torpor_status": ("Status", "TORPOR_"),
    "torpor_brand": ("Brand", "TORPOR_BRAND_"),
    "torpor_type": ("Type", "TORPOR_TYPE_"),
    "torpor_promise_state": ("PromiseState", "TORPOR_"),
    "torpor_outcome": ("Outcome", "TORPOR_"),
    "torpor_mode": ("Mode", "TORPOR_"),
    "torpor_module_type": ("ModuleType", "TORPOR_MODULE_"),
    "torpor_clock": ("Clock", "TORPOR_CLOCK_"),
    "torpor_level": ("Level", "TORPOR_LEVEL_"),
    "torpor_wake": ("Wake", "TORPOR_WAKE_"),
    "torpor_save": ("Save", "TORPOR_SAVE_"),
    "torpor_packing": ("Packing", "TORPOR_"),
    "torpor_section": ("Section", "TORPOR_SECTION_"),
    "torpor_protection": ("Protection", "TORPOR_"),
    "torpor_sameness": ("Sameness", "TORPOR_SAME_"),
    "torpor_integrity": ("Integrity", "TORPOR_"),
    "torpor_view": ("View", "TORPOR_VIEW_"),
    "TORPOR_WRITABLE": ("Descriptor", "TORPOR_"),
    "TORPOR_KEYS_STRINGS": ("Keys", "TORPOR_KEYS_"),
}
# What the package exports of these, in a sentence, and an example.
DOCS = {
    "Status": ("The codes of errors, by name.",
               "new LimitError().code === Status.LIMIT // true"),
    "Brand": ("The kinds of objects that the engine makes: what `handle.brand` gives.",
              "vm.newMap().brand === Brand.MAP // true"),
    "PromiseState": ("What `handle.promiseState` gives.",
                     "vm.newPromise().handle.promiseState === PromiseState.PENDING // true"),
}
# Public macros that are numbers.
LIMIT = re.compile(r"TORPOR_((DATA|SOURCE|KIND|SAVE_LEVEL|CHAIN|SNAPSHOT|KEY|"
                   r"REJECTIONS|MEMORY)_(?!INFO|\w*INIT)[A-Z_]+)$")
TAG = re.compile(r"TORPOR_(TAG_\w+|NAN_BITS)$")
ABI = re.compile(r"TORPOR_ABI_(\w+)$")
# Of abi.h: its guard, and the lists of exports and imports.
NO_NUMBER = {"TORPOR_ABI_H", "TORPOR_ABI_EXPORTS", "TORPOR_ABI_IMPORTS",
             "TORPOR_ABI_BAKE"}
# The functions that extensions may call.
EXTENSION_HEADER = "torpor/extension-functions.h"
# What is a bigint in TypeScript, as all 64 bits of a value are.
BIG = {"NAN_BITS"}

TYPES = {"i": "number", "l": "bigint", "d": "number", "v": "void"}
IMPORT_NAMES = {
    "invoke": "index values count", "resolve": "name size importer importerSize",
    "source": "name size type importer importerSize", "clock": "which",
    "zone": "milliseconds", "random": "address size",
    "console": "level address size", "trap": "code address size", "poll": "",
}

HEAD = """\
// SPDX-License-Identifier: MIT
//
// abi.ts - the border between the engine and its host, and the codes that both
// share: what guest/abi.h and include/torpor/*.h say. js/tools/make-abi.py wrote
// it; those headers are where it is changed, and explained.

"""


def fail(text):
    sys.exit(f"make-abi.py: {text}")


def clang(options, text):
    """What clang prints about 'text' below the headers."""
    text = "".join(f"#include \"{header}\"\n" for header in HEADERS) + text
    done = subprocess.run([*CLANG, *options, "-"], input=text, text=True,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        fail(f"{CLANG[0]} could not read the headers; see above")
    return done.stdout


def parse(text=""):
    """The declarations in it."""
    return json.loads(clang(["-fsyntax-only", "-Xclang", "-ast-dump=json"],
                            text))["inner"]


def answers(expressions):
    """The value of each constant expression."""
    lines = [f"  ANSWER_{number} = (long long)({expression}),\n"
             for number, expression in enumerate(expressions)]
    found = []
    for constant in parse(f"enum answers {{\n{''.join(lines)}}};\n")[-1]["inner"]:
        expression = constant
        while "value" not in expression:
            expression = expression["inner"][0]
        found.append(int(expression["value"]))
    return found


def fields_of(record, prefix=""):
    """The path of each field, also of the structs inside."""
    inner = None
    for node in record.get("inner", []):
        if node["kind"] == "RecordDecl":
            inner = node
        elif node["kind"] == "FieldDecl":
            yield prefix + node["name"]
            if inner is not None:
                yield from fields_of(inner, f"{prefix}{node['name']}.")
            inner = None


class Facts:
    """What the headers declare, in their order."""

    def __init__(self):
        self.flat = []    # (TypeScript name, what it is, C expression)
        self.enums = {}   # {TypeScript name: [(constant, C name)]}
        self.texts = {}   # {TypeScript name: string}

    def add_struct(self, node):
        name = node["name"]
        prefix = STRUCTS[name]
        for path in fields_of(node):
            what = f"{name}.{path}"
            if what in UNUSED:
                continue
            short = path.upper().replace(".", "_")
            if not short.startswith("HOST_"):
                short = f"{prefix}_{short}"
            self.flat.append((RENAMED.get(what, short), what,
                              f"offsetof({name}, {path})"))
        what = f"sizeof {name}"
        self.flat.append((RENAMED.get(what, f"{prefix}_SIZE"), what,
                          f"sizeof({name})"))

    def add_enum(self, node, named):
        constants = [constant["name"] for constant in node.get("inner", [])
                     if constant["kind"] == "EnumConstantDecl"]
        if not constants:
            return
        entry = ENUMS.get(named or constants[0])
        if entry is not None:
            name, prefix = entry
            self.enums[name] = [(constant.removeprefix(prefix), constant)
                                for constant in constants]
        elif ABI.match(constants[0]):
            before = "OP_" if constants[0] == "TORPOR_ABI_GET" else ""
            for constant in constants:
                self.flat.append((before + ABI.match(constant).group(1),
                                  constant, constant))

    def add_macro(self, name, text):
        match = ABI.match(name) or LIMIT.match(name) or TAG.match(name)
        if match is None or name in NO_NUMBER:
            return
        short = "ABI_VERSION" if name == "TORPOR_ABI_VERSION" else match.group(1)
        if text.startswith('"'):
            self.texts[short] = json.loads(text)
        elif text:
            self.flat.append((short, name, name))


def facts_of():
    facts = Facts()
    for node in parse():
        kind, name = node["kind"], node.get("name", "")
        if kind == "EnumDecl":
            facts.add_enum(node, name)
        elif (kind == "RecordDecl" and name in STRUCTS
              and node.get("completeDefinition")):
            facts.add_struct(node)
            control = name == "torpor_abi_control"
            if control:
                facts.flat.append(("HOST_START", "torpor_abi_control.host",
                                   "offsetof(torpor_abi_control, host)"))
    for line in sorted(clang(["-E", "-dM"], "").splitlines()):
        match = re.match(r"#define (\w+) (.*)", line)
        if match:
            facts.add_macro(match.group(1), match.group(2))
    return facts


def listed(macro):
    """[(return, name, parameters)] of one of the lists of functions."""
    text = clang(["-E"], f"#define X(r, n, p) @r@n@p@\n{macro}(X)\n")
    text = text[text.index("@"):]
    return re.findall(r"@(\w)@(\w+)@(\w+)@", text)


def extension_functions():
    """Their names, in the order of the engine's table."""
    text = clang(["-E"], f"#include <{EXTENSION_HEADER}>\n"
                         "#define X(n) @n@\nTORPOR_EXTENSION_FUNCTIONS(X)\n")
    return re.findall(r"@(\w+)@", text[text.index("@"):])


def statuses():
    """[(name, sentence)] of the status codes."""
    text = clang(["-E"], "#define X(number, name, text) @name@text@\n"
                         "TORPOR_STATUS_LIST(X)\n")
    text = text[text.index("@"):]
    found = []
    for name, strings in re.findall(r"@(\w+)@([^@]*)@", text):
        found.append((name, "".join(json.loads(part) for part in
                                    re.findall(r'"(?:\\.|[^"\\])*"', strings))))
    return found


# ---- writing -----------------------------------------------------------------

def write_flat(facts):
    seen = {}
    for name, what, _ in facts.flat:
        if name in seen:
            fail(f"{name} would be {seen[name]} and {what}; see RENAMED")
        seen[name] = what
    values = answers([expression for _, _, expression in facts.flat])
    for (name, _, _), value in zip(facts.flat, values):
        if name in BIG:
            yield f"export const {name} = {value & 0xffffffffffffffff:#x}n;\n"
        else:
            yield f"export const {name} = {value};\n"
    for name, text in facts.texts.items():
        yield f"export const {name} = {json.dumps(text)};\n"


def write_enums(facts):
    missing = {name for name, _ in ENUMS.values()} - facts.enums.keys()
    if missing:
        fail(f"the headers have no enum for {', '.join(sorted(missing))}")
    asked = [constant for pairs in facts.enums.values() for _, constant in pairs]
    values = dict(zip(asked, answers(asked)))
    for name, pairs in facts.enums.items():
        said = ""
        if name in DOCS:
            what, example = DOCS[name]
            said = f"/**\n * {what}\n * @example {example}\n */\n"
        yield f"\n{said}export const {name} = {{\n"
        for short, constant in pairs:
            key = f'"{short}"' if short[0].isdigit() else short
            yield f"  {key}: {values[constant]},\n"
        yield ("} as const;\n"
               f"export type {name} = (typeof {name})[keyof typeof {name}];\n")


def write_statuses():
    yield "\n/** What each code means and what to do, by its number. */\n"
    yield "export const STATUS_TEXT: Readonly<Record<number, string>> = {\n"
    for name, text in statuses():
        yield f"  [Status.{name}]:\n    {json.dumps(text)},\n"
    yield "};\n"


def signature(parameters, result, names):
    kinds = "" if parameters == "v" else parameters
    if len(names) != len(kinds):
        names = [f"p{number}" for number in range(len(kinds))]
    listed_ = ", ".join(f"{name}: {TYPES[kind]}"
                        for name, kind in zip(names, kinds))
    return f"({listed_}): {TYPES[result]}"


def write_functions():
    yield "\n/** What an engine's module exports. */\n"
    yield "export interface EngineExports {\n"
    yield "  readonly memory: WebAssembly.Memory;\n"
    yield "  readonly __indirect_function_table: WebAssembly.Table;\n"
    yield "  readonly __stack_pointer: WebAssembly.Global;\n"
    yield "  readonly torpor_control: WebAssembly.Global;\n"
    exports = listed("TORPOR_ABI_EXPORTS")
    for result, name, parameters in exports:
        yield f"  {name}{signature(parameters, result, [])};\n"
    yield "}\n"
    yield "\n/** The exports of an engine of this version, in their order. */\n"
    yield "export const EXPORT_NAMES = [\n"
    yield from (f'  "{name}",\n' for _, name, _ in exports)
    yield "] as const;\n"
    yield '\n/** What it imports from the module "torpor". */\n'
    yield "export interface EngineImports {\n"
    for result, name, parameters in listed("TORPOR_ABI_IMPORTS"):
        names = IMPORT_NAMES.get(name, "").split()
        result = signature(parameters, result, names)
        yield f"  {name}{result};\n"
    yield "}\n"


def write_extension_functions():
    lines = textwrap.wrap(" ".join(extension_functions()), 90)
    yield "\n/** What extensions may call, in the order of an engine's table of them. */\n"
    yield "export const EXTENSION_FUNCTIONS = (\n"
    yield " +\n".join(f'  "{line} "' for line in lines)
    yield "\n).trim().split(\" \");\n"


def main(arguments):
    out = pathlib.Path(arguments[0]) if arguments else PACKAGE / "src/abi.ts"
    facts = facts_of()
    text = "".join([HEAD, *write_flat(facts), *write_enums(facts),
                    *write_statuses(), *write_functions(),
                    *write_extension_functions()])
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
