# SPDX-License-Identifier: MIT
"""tune_extension.py - fits the C that wasm2c makes of an extension to our
runtime.

tune_extension(module, IN, OUT, native) reads IN/extension.c and .h, which wasm2c
made of the side module whose bytes are 'module', and writes OUT/extension.c, .h,
extension-shape.h, extension-imports.h and extension-native.h. What tune.py says
of our header, the asm and the prologue holds here; besides:

  memory         is imported, so each function takes its address once
  constants      where the extension lies and what else it imports as numbers
                 are members of its instance, not pointers to them
  one file       everything is static: bind-extension.c includes it all
  native         each function that 'native' names is called w2c_NAME_translated;
                 w2c_NAME asks native_NAME first, which is written by hand

extension-shape.h tells bind-extension.c what the module says of itself, what it
imports and exports, and its data.
"""

import json
import re

import tune
from tune import Damaged, Unexpected, find_one, replace
from wasm_sections import Reader, read_custom

LETTERS = {"u32": "i", "u64": "l", "f32": "f", "f64": "d", "void": ""}
DEFAULT_VERSION = {"interface": "1", "name": "", "version": ""}


# ---- The module itself ------------------------------------------------------

def read_placing(dylink):
    """Size and alignment (powers of two) of memory, then of the table."""
    reader = Reader(dylink)
    while reader.more():
        kind, part = reader.number(), Reader(reader.bytes())
        if kind == 1:
            return [part.number() for _ in range(4)]
    return [0, 0, 0, 0]


def read_facts(module):
    """What the module says of itself."""
    custom = read_custom(module)
    if "dylink.0" not in custom:
        raise Damaged("it is not a side module: it has no section dylink.0")
    said = dict(DEFAULT_VERSION)
    for line in custom.get("torpor.extension", b"").decode().splitlines():
        key, _, value = line.partition("=")
        said[key] = value
    if not re.fullmatch(r"[0-9]{1,6}", said["interface"]):
        raise Damaged("its interface has no version")
    if not re.fullmatch(r"[a-z0-9-]{0,63}", said["name"]):
        raise Damaged("its name is not of small letters, digits and '-'")
    if not re.fullmatch(r"[ -~]{0,63}", said["version"]):
        raise Damaged("its version is longer than 63 characters, or has others "
                      "than those of ASCII")
    return said, read_placing(custom["dylink.0"]), "torpor.instrumented" in custom


# ---- The C ------------------------------------------------------------------

FUNCTION = re.compile(
    r"^(\w+) Z_envZ_(\w+)\(struct Z_env_instance_t\*((?:, \w+)*)\);$", re.M)
NUMBER = re.compile(r"^  u32 \*(Z_(?:env|GOTZ2Efunc)Z_(\w+));$", re.M)
EXPORT = re.compile(
    r"^/\* export: '([^'\n]+)' \*/\n(\w+) (Z_extensionZ_\w+)"
    r"\(Z_extension_instance_t\* instance((?:, \w+ \w+)*)\) \{", re.M)
KNOWN_IMPORTS = re.compile(
    r"^  (?:wasm_rt_funcref_table_t \*Z_envZ___indirect_function_table|"
    r"wasm_rt_memory_t \*Z_envZ_memory|u32 \*Z_\w+|"
    r"struct Z_(?:env|GOTZ2Efunc)_instance_t\* \w+|u32 w2c_\w+);$")


def letters(parameters, result):
    """A signature: parameters, ':', result."""
    types = [word for word in parameters.replace(",", " ").split()]
    return "".join(LETTERS[word] for word in types) + ":" + LETTERS[result]


def check_members(header):
    body = find_one(r"^typedef struct Z_extension_instance_t \{\n((?:.*\n)*?)\}",
                    header)
    for line in body.splitlines():
        if not line.startswith("  /*") and not KNOWN_IMPORTS.match(line):
            raise Damaged(f"it imports what no engine has: {line.strip()}")


def numbers_as_members(header, source):
    """Imported numbers become members; but for the stack pointer."""
    names = [pair for pair in NUMBER.findall(header)
             if pair[1] != "__stack_pointer"]
    for member, _ in names:
        header = replace(header, f"  u32 *{member};\n", f"  u32 {member};\n", 1)
        source = source.replace(f"(*instance->{member})", f"instance->{member}")
    return header, source, names


def no_externs(header):
    """Without declarations of functions: bind-extension.c has static ones."""
    return re.sub(r"^(?:extern )?[\w*]+ Z_\w+\([^\n]*\);\n", "", header,
                  flags=re.M)


def all_static(source):
    return re.sub(r"^(\w+\*? Z_extension\w*\((?:Z_extension|void))", r"static \1",
                  source, flags=re.M)


def local_memory(source):
    """Loads and stores go by a local variable that the prologue sets."""
    source = source.replace("(instance->Z_envZ_memory, ", "(memory, ")
    if "wasm_rt_grow_memory(" in source:
        raise Damaged("it grows memory by itself; malloc is the way to do that")
    if re.search(r"^  .*funcref_table_(?!init)\w*\(", source, re.M):
        raise Damaged("it changes the function table, which only loading may")
    return source


def set_prologue(source):
    return replace(source, "#define FUNC_PROLOGUE WASM_RT_PROLOGUE\n",
                   "#define FUNC_PROLOGUE \\\n"
                   "  wasm_rt_memory_t *const memory = "
                   "instance->Z_envZ_memory; \\\n"
                   "  (void)memory; \\\n"
                   "  WASM_RT_PROLOGUE_AT(memory)\n", 1)


def check_offsets(source):
    """Accesses must stay below 4 GiB plus the guard behind it."""
    access = r"^.*\b[if](?:32|64)_(?:load|store)\w*\(memory, "
    known = access + r"\(u64\)\(\w+\)(?: \+ (\d+)u?)?[,)]"
    every = re.findall(access, source, re.M)
    offsets = re.findall(known, source, re.M)
    if len(every) != len(offsets):
        raise Unexpected(f"{len(every) - len(offsets)} accesses of a new form")
    if max((int(offset or 0) for offset in offsets),
           default=0) >= tune.OFFSET_LIMIT:
        raise Unexpected("a constant offset reaches beyond the guard")


def find_start(source):
    """The module's start function, which may only set globals; or None."""
    end = find_one(r"^void Z_extension_instantiate\([^;{]*\) \{\n"
                   r"((?:.*\n)*?)\}", source)
    calls = re.findall(r"^  (w2c_\w+)\(instance\);", end, re.M)
    if not calls:
        return None
    body = find_one(rf"^static void {calls[0]}\(Z_extension_instance_t\* "
                    r"instance\) \{\n((?:.*\n)*?)\}", source)
    plain = re.compile(r"  (?:FUNC_\w+|u32 [\w, ]+|w2c_\w+ \+?= [^()]*|"
                       r"w2c_\w+ = \(\*instance->\w+\)|"
                       r"instance->w2c_\w+ = w2c_\w+);")
    for line in body.splitlines():
        if not plain.fullmatch(line):
            raise Damaged("its start function does more than set globals; "
                          "compile with -fno-zero-initialized-in-bss")
    return calls[0]


def find_data(source, size):
    """Name and size of its data, or None."""
    found = re.findall(
        r"^  LOAD_DATA\(\(\*instance->Z_envZ_memory\), "
        r"\(\*instance->Z_envZ___memory_base\), (\w+), (\d+)\);", source, re.M)
    calls = re.findall(r"^  LOAD_DATA\(\(\*instance", source, re.M)
    if len(found) > 1 or len(calls) != len(found):
        raise Unexpected(f"{len(calls)} segments of data")
    if found and int(found[0][1]) > size:
        raise Damaged("its data does not fit into the memory that it asks for")
    return found[0] if found else None


def check_elements(source, size):
    known = re.findall(
        r"^  funcref_table_init\(instance->Z_envZ___indirect_function_table, "
        r"\w+, (\d+), \(\*instance->Z_envZ___table_base\), (\d+), (\d+), "
        r"instance, func_types\);", source, re.M)
    calls = re.findall(r"^  \w+_table_init\(instance->", source, re.M)
    if len(known) > 1 or len(calls) != len(known):
        raise Unexpected("elements of a new form")
    for given, first, count in known:
        if int(first) + int(count) > int(given) or int(count) > size:
            raise Damaged("its elements do not fit into the table that it "
                          "asks for")


def wrapper(number, name, parameters, result):
    """The function that stands for one of the engine's."""
    types = [word for word in parameters.replace(",", " ").split()]
    named = "".join(f", {word} p{i}" for i, word in enumerate(types))
    passed = "".join(f", p{i}" for i in range(len(types)))
    pointer = f"{result} (*)(void *{''.join(', ' + word for word in types)})"
    back = "" if result == "void" else "return "
    return (f"static inline {result} Z_envZ_{name}"
            f"(struct Z_env_instance_t *env{named}) {{\n"
            f"  {back}(({pointer})env->functions[{number}])"
            f"(env->engine{passed});\n}}\n")


def number_getter(member, name, number):
    got = member.startswith("Z_GOT")
    struct = "Z_GOTZ2Efunc_instance_t" if got else "Z_env_instance_t"
    value = {"__memory_base": "memory_base", "__table_base": "table_base",
             "__torpor_poll_counter": "poll_counter"}
    if not got and name not in value:
        raise Damaged(f"it imports a number that no engine has: {name}")
    field = f"pointers[{number}]" if got else value[name]
    return (f"static inline u32 {member}(struct {struct} *env) {{\n"
            f"  return ((const struct Z_env_instance_t *)env)->{field};\n}}\n")


def list_macro(name, entries):
    return "\n".join([f"#define EXTENSION_{name}(X) \\"]
                     + [f"  X({entry}) \\" for entry in entries] + ["", ""])


def find_steps(source, start):
    """The functions that make an instance ready, in their order."""
    steps = [name for name in ("init_globals", "init_tables")
             if f"static void {name}(Z_extension_instance_t* instance) {{"
             in source]
    return steps + ([start] if start else [])


def write_shape(facts, steps, data, functions, numbers, exports, imported):
    said, placing, instrumented = facts
    pointers = [name for member, name in numbers if member.startswith("Z_GOT")]
    lines = ["/* Made by engine/tune_extension.py. */",
             f"#define EXTENSION_INTERFACE {said['interface']}u",
             f"#define EXTENSION_NAME \"{said['name']}\"",
             f"#define EXTENSION_VERSION {json.dumps(said['version'])}",
             f"#define EXTENSION_INSTRUMENTED {int(instrumented)}",
             f"#define EXTENSION_MEMORY_SIZE {placing[0]}u",
             f"#define EXTENSION_MEMORY_ALIGN {placing[1]}u",
             f"#define EXTENSION_TABLE_SIZE {placing[2]}u",
             f"#define EXTENSION_TABLE_ALIGN {placing[3]}u",
             "#define EXTENSION_PREPARE(instance) (void)(instance)"
             + "".join(f", {step}(instance)" for step in steps),
             f"#define EXTENSION_IMPORT(instance, env) "
             f"init_instance_import(instance, {imported})"]
    if data:
        lines.append(f"#define EXTENSION_DATA {data[0]}")
        lines.append(f"#define EXTENSION_DATA_SIZE {data[1]}u")
    text = "\n".join(lines) + "\n\n"
    text += list_macro("FUNCTIONS", [f'"{name}", "{letters(types, result)}"'
                                     for result, name, types in functions])
    text += list_macro("POINTERS", [f'"{name}"' for name in pointers])
    text += list_macro("EXPORTS", [f'"{name}", "{kind}", {function}'
                                   for name, kind, function in exports])
    return text


def write_wrappers(functions, numbers):
    text = ""
    for number, (result, name, types) in enumerate(functions):
        text += wrapper(number, name, types, result)
    pointer = 0
    for member, name in numbers:
        text += number_getter(member, name, pointer)
        pointer += member.startswith("Z_GOT")
    return text


def find_exports(source):
    exports = []
    for name, result, function, parameters in EXPORT.findall(source):
        types = " ".join(part.split()[0] for part in parameters.split(", ")
                         if part)
        exports.append((name, letters(types, result), function))
    return exports


# ---- Functions that are written by hand as well ------------------------------

class Unfit(Exception):
    """A function cannot be done by one that is written by hand."""


def find_body(name, source):
    """The parameters and the text of a function that gives nothing."""
    found = re.findall(rf"^static void w2c_{name}\(Z_extension_instance_t\* "
                       r"instance((?:, u(?:32|64) \w+)*)\) \{\n((?:.*\n)*?)\}\n",
                       source, re.M)
    if f"static void Z_extensionZ_{name}(" not in source or len(found) != 1:
        raise Unfit(f"it exports no function {name} of integers that gives "
                    "nothing")
    return found[0]


def find_poll(name, body):
    """The function that it polls by, at one place and in its one loop. All else
    that it does is to calculate, load and store: it calls nothing and leaves the
    stack alone, so that what is written by hand can do the same."""
    loops = re.findall(r"^ +(w2c_L\d+): ", body, re.M)
    calls = re.findall(r"\b(\w+)\(instance", body)
    others = re.findall(r"instance->\w+|CALL_INDIRECT|TRAP|\w+_grow_memory", body)
    if len(loops) != 1 or len(calls) != 1 or others:
        raise Unfit(f"{name} has {len(loops)} loops and {len(calls)} calls, and "
                    f"uses {others}; it should have one loop that polls, and "
                    "only calculate, load and store")
    if body.index(f"{loops[0]}: ") > body.index(f"{calls[0]}(instance)"):
        raise Unfit(f"{name} calls outside of its loop")
    return calls[0]


def check_poll(poll, source):
    """Whether this is count() of instrument.py, as its loops call it."""
    body = find_one(rf"^static u32 {poll}\(Z_extension_instance_t\* instance\) "
                    r"\{\n((?:.*\n)*?)\}\n", source)
    if (body.count("instance->Z_envZ___torpor_poll_counter;") != 2 or
            body.count("(*Z_envZ_torpor_extension_poll)(") != 1 or
            body.count("(instance") != 1):
        raise Unfit(f"{poll}, which is called, does not count polls")


def call_either(name, parameters):
    """native_NAME, or what was translated where it says that it did nothing."""
    types = [part.split()[0] for part in parameters.split(", ") if part]
    named = "".join(f", {word} p{i}" for i, word in enumerate(types))
    passed = "".join(f", p{i}" for i in range(len(types)))
    return (f"static bool native_{name}(Z_extension_instance_t *instance{named});\n"
            f"static void w2c_{name}(Z_extension_instance_t *instance{named}) {{\n"
            f"  if (!native_{name}(instance{passed}))\n"
            f"    w2c_{name}_translated(instance{passed});\n}}\n")


def split_native(source, names):
    """The source with those functions renamed, and extension-native.h."""
    text, polls = "/* Made by engine/tune_extension.py. */\n", set()
    for name in names:
        parameters, body = find_body(name, source)
        polls.add(find_poll(name, body))
        source = replace(
            source, f"static void w2c_{name}(Z_extension_instance_t* instance"
            f"{parameters}) {{\n", f"static void w2c_{name}_translated("
            f"Z_extension_instance_t* instance{parameters}) {{\n", 1)
        text += call_either(name, parameters)
    for poll in polls:
        check_poll(poll, source)
        text += ("static inline void native_poll(Z_extension_instance_t *instance)"
                 f" {{\n  {poll}(instance);\n}}\n")
    return source, text


def tune_all(module, header, source, names):
    """All that is written: a text for each file."""
    facts = read_facts(module)
    check_members(header)
    start = find_start(source)
    data = find_data(source, facts[1][0])
    check_elements(source, facts[1][2])
    functions, exports = FUNCTION.findall(header), find_exports(source)
    order = find_one(r"^static void init_instance_import\("
                     r"Z_extension_instance_t\* instance, ([^)]*)\)\{", source)
    imported = ", ".join(f"(void *)(env)" for _ in order.split(", "))
    header, source, numbers = numbers_as_members(header, source)
    source = local_memory(set_prologue(tune.set_prologue(
        tune.set_accesses(tune.drop_asm(source)))))
    check_offsets(source)
    header = replace(no_externs(header), '"wasm-rt.h"', '"wasm/wasm-rt.h"', 1)
    shape = write_shape(facts, find_steps(source, start), data, functions, numbers, exports,
                        imported)
    source, native = split_native(all_static(source), names)
    return {"extension.h": header, "extension.c": source,
            "extension-shape.h": shape, "extension-native.h": native,
            "extension-imports.h": write_wrappers(functions, numbers)}


def tune_extension(module, folder_in, folder_out, native=()):
    texts = tune_all(module, (folder_in / "extension.h").read_text(),
                     (folder_in / "extension.c").read_text(), native)
    for name, text in texts.items():
        (folder_out / name).write_text(text)
