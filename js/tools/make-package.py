#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-package.py - builds the npm package: OUT/torpor-vm-VERSION.tgz.

OUT/package gets what goes into it, which is compiled there: a copy of src/ with
what is generated (FILES), dist/, the wasm files and the texts. src/ here gets
the generated files as well, so that an editor finds them. The same sources, by
the same Node, give the same bytes.

Usage: make-package.py --node NODE --engine ENGINE.wasm --helper HELPER
                       --extensions EXTENSIONS --deps DEPS --out OUT

HELPER is what js/helper/make.sh made of DEPS, whose licences go with it. Each
NAME.wasm in EXTENSIONS is one that ships: programs find it as torpor-vm/NAME.wasm.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent
MODULES = PACKAGE / "node_modules"
TOOLS = PACKAGE / "tools"

# What is generated into src/.
FILES = ["abi.ts", "engine-id.ts", "library.ts", "format/helper-wasm.ts"]


# What the licences of others want to go with the compiled code.
LICENCES = {
    "LICENSE-zstd": "zstd/LICENSE",
    "LICENSE-pycryptodome": "pycryptodome/LICENSE.rst",
    "LICENSE-mbedtls": "mbedtls/LICENSE",
    "LICENSE-ada": "ada-url/LICENSE",
}


def run(*command, **how):
    """Runs a program; its failure, with what it said, is ours."""
    command = [str(part) for part in command]
    done = subprocess.run(command, check=False, text=True, **how)
    if done.returncode != 0:
        sys.exit(f"make-package.py: this failed: {' '.join(command)}")
    return done.stdout


def copy_sources(stage):
    """src/ of here, without what is generated, becomes that of the package."""
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(PACKAGE / "src", stage / "src")
    for name in FILES:
        (stage / "src" / name).unlink(missing_ok=True)


def write_description(extensions, stage):
    """package.json, in which programs find the extensions."""
    text = (PACKAGE / "package.json").read_text(encoding="utf-8")
    description = json.loads(text)
    for file in extensions:
        description["exports"][f"./{file.name}"] = f"./{file.name}"
    (stage / "package.json").write_text(
        json.dumps(description, indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8")


def generate(node, engine, helper, stage):
    source = stage / "src"
    run(sys.executable, TOOLS / "make-abi.py", source / "abi.ts")
    run(node, TOOLS / "make-engine-id.mjs", engine, source / "engine-id.ts")
    run(sys.executable, TOOLS / "make-library.py", source / "library.ts")
    shutil.copyfile(helper / "helper-wasm.ts", source / "format/helper-wasm.ts")
    for name in FILES:
        made, here = source / name, PACKAGE / "src" / name
        if not here.is_file() or here.read_bytes() != made.read_bytes():
            shutil.copyfile(made, here)


def compile_sources(node, stage):
    """TypeScript checks them and writes the types, the bundler the code."""
    for module in ("typescript", "rolldown"):
        if not (MODULES / module).is_dir():
            sys.exit(f"make-package.py: there is no {module} in "
                     "js/node_modules; run tools/setup")
    shutil.copyfile(PACKAGE / "tsconfig.json", stage / "tsconfig.json")
    run(node, MODULES / "typescript/bin/tsc", "-p", stage)
    run(node, TOOLS / "bundle.mjs", stage)


def write_reference(stage):
    run(sys.executable, TOOLS / "make-reference.py", stage / "dist",
        stage / "REFERENCE.md")


def copy_rest(engine, helper, extensions, deps, stage):
    shutil.copyfile(engine, stage / "engine.wasm")
    for file in extensions:
        shutil.copyfile(file, stage / file.name)
    shutil.copyfile(helper / "zstd.wasm", stage / "zstd.wasm")
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, stage / name)
    for name, text in LICENCES.items():
        shutil.copyfile(deps / text, stage / name)
    copy_texts(stage)


def copy_texts(stage):
    """The README, and in docs/ the pages that it links to. What those link to
    beyond is not in the package, and stays as words."""
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    (stage / "docs").mkdir()
    for name in sorted(set(re.findall(r"\]\(\.\./docs/([\w-]+\.md)", readme))):
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        page = re.sub(r"\[([^]\n]+)\]\((?!#|https?:)[^)\n]*\)", r"\1", page)
        (stage / "docs" / name).write_text(page, encoding="utf-8")
    (stage / "README.md").write_text(readme.replace("](../docs/", "](docs/"),
                                     encoding="utf-8")


def pack(node, stage, out):
    """npm sets times and owners to the same for all, but keeps modes."""
    for path in stage.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    made = json.loads(run(
        node, npm, "pack", "--json", "--ignore-scripts", "--offline",
        "--loglevel=error",
        "--pack-destination", out, "--cache", out / "npm-cache",
        cwd=stage, stdout=subprocess.PIPE,
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1"}))
    print(out / made[0]["filename"])


def main():
    parser = argparse.ArgumentParser(description="Builds the npm package.")
    for name in ("--node", "--engine", "--helper", "--extensions", "--deps",
                 "--out"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    options = parser.parse_args()
    node, engine, helper, deps, out = (
        path.resolve() for path in
        (options.node, options.engine, options.helper, options.deps,
         options.out))
    extensions = sorted(options.extensions.glob("*.wasm"))
    stage = out / "package"
    out.mkdir(parents=True, exist_ok=True)
    copy_sources(stage)
    write_description(extensions, stage)
    generate(node, engine, helper, stage)
    compile_sources(node, stage)
    write_reference(stage)
    copy_rest(engine, helper, extensions, deps, stage)
    pack(node, stage, out)


if __name__ == "__main__":
    main()
