#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-reference.py - the API reference of the npm package, made from its types.

Reads what tsc wrote (DIST/*.d.ts, with the doc comments): for each name that
index.d.ts exports its declaration, what its comment says, and its members. A
name without a comment is an error.

Usage: make-reference.py DIST OUT.md
"""

import pathlib
import re
import sys
import textwrap

KINDS = r"(?:declare )?(?:abstract )?(class|function|const|interface|type)"
GROUPS = (
    ("VMs", ("QuickJS", "Options", "Wasi", "Intrinsics", "EvalFlags",
             "EvalOptions", "CompileFlags", "CompileOptions", "HandleScope",
             "VMPool", "PoolOptions", "EngineSource", "ExtensionOptions",
             "ExtensionBytes", "ExtensionInfo")),
    ("Values", ("JSValueHandle", "Brand", "PropertyKeyLike", "PropertyFlags",
                "OwnDescriptor", "HostFunction", "HostResult", "Deferred",
                "PromiseResult", "PromiseState", "JSException")),
    ("Sleeping", ("Snapshot", "SaveOptions", "SnapshotInfo", "RunOptions")),
)


def fail(what):
    sys.exit(f"make-reference.py: {what}")


def exported(index):
    """Name and file of each export, in the order of index.d.ts."""
    for names, file in re.findall(r"export (?:type )?\{([^}]*)\} from \"([^\"]+)\"",
                                  index):
        for name in names.split(","):
            name = name.strip().removeprefix("type ").strip()
            if name:
                yield name.split(" as ")[-1], file


def clean(comment):
    """Text and example of a doc comment."""
    lines = [re.sub(r"^\s*(/\*\*|\*/|\*)? ?", "", line).removesuffix("*/").rstrip()
             for line in comment.strip().split("\n")]
    text = textwrap.dedent("\n".join(lines)).strip()
    example = re.search(r"^@example (.*)$", text, re.M)
    text = re.sub(r"^@example .*$", "", text, flags=re.M).strip()
    return text, example and example.group(1)


def block_end(text, start):
    """Behind the bracket that closes the first one from 'start'."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at + 1
    fail("brackets that do not match")


def find(file, name):
    """Comment, kind and declaration of a name in a file, or where that has it
    from."""
    text = file.read_text(encoding="utf-8")
    for other, source in exported(text):
        if other == name:
            return find(file.parent / (source.removesuffix(".js") + ".d.ts"),
                        name)
    pattern = (r"((?:/\*\*(?:[^*]|\*(?!/))*\*/\s*)?)export " + KINDS + r" "
               + re.escape(name) + r"\b")
    found = re.search(pattern, text)
    if found is None:
        fail(f"there is no declaration of {name}")
    comment, kind = found.group(1), found.group(2)
    rest = text[found.start() + len(comment):]
    if kind in ("class", "interface"):
        rest = rest[:block_end(rest, rest.index("{"))]
    else:
        ends = re.search(r";\n(?=\S|$)|;$|\n\}[^;]*;", rest)
        rest = rest[:ends.end()] if ends else rest
    return comment, kind, rest.removeprefix("export ").removeprefix("declare ")


def members(declaration):
    """Comment and signature of each member of a class or interface."""
    body = declaration[declaration.index("{") + 1:declaration.rindex("}")]
    pattern = r"((?:    /\*\*(?:[^*]|\*(?!/))*\*/\n)?)    (?! )([^\n]*(?:\n {5,}[^\n]*|\n    \}[^\n]*)*)"
    for comment, signature in re.findall(pattern, body):
        signature = signature.strip()
        if re.match(r"(private|protected|constructor|_|\[Symbol)", signature):
            continue
        yield comment, re.sub(r"\s+", " ", signature).rstrip(";")


def write_members(declaration, out):
    for comment, signature in members(declaration):
        text, example = clean(comment)
        if signature.startswith("set "):
            continue
        signature = re.sub(r"^get (\w+)\(\)", r"\1", signature)
        out.append(f"- `{signature}`")
        for part in (text, example and f"`{example}`"):
            if part:
                out.append("\n" + textwrap.indent(part, "  "))
    out.append("")


def write_name(name, file, out):
    comment, kind, declaration = find(file, name)
    said, example = clean(comment)
    out.append(f"### {name}\n")
    if said:
        out.append(said + "\n")
    if example:
        out.append(f"`{example}`\n")
    if kind == "class":
        head = declaration[:declaration.index("{")].strip()
        out.append(f"```ts\n{head}\n```\n")
        write_members(declaration, out)
    elif kind == "interface":
        write_members(declaration, out)
    else:
        out.append(f"```ts\n{declaration.strip()}\n```\n")
    return said


def main():
    dist, target = map(pathlib.Path, sys.argv[1:])
    names = dict(exported((dist / "index.d.ts").read_text(encoding="utf-8")))
    grouped = {name for _, group in GROUPS for name in group}
    errors = [name for name in names if name.endswith("Error")]
    others = [name for name in names if name not in grouped | set(errors)]
    out = ["# The API of torpor-vm", "",
           "Made from the doc comments. `vm` is a VM in the examples; "
           "`// ...` is what an expression gives.", ""]
    bare = []
    for title, group in (*GROUPS, ("Other functions and types", others),
                         ("Errors", ["TorporError"] + [
                             name for name in errors if name != "TorporError"])):
        out.append(f"## {title}\n")
        for name in group:
            if name not in names:
                fail(f"index.ts does not export {name}")
            file = dist / (names[name].removesuffix(".js") + ".d.ts")
            if not write_name(name, file, out):
                bare.append(name)
    if bare:
        fail(f"without a doc comment: {', '.join(bare)}")
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip() + "\n"
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
