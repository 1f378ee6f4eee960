// hosts: node
// SPDX-License-Identifier: MIT
//
// examples.test.mjs - the examples of the doc comments: an `@example` line is an expression and
// what it gives, with `vm` a new VM and all that the package exports at hand. Every public member
// of the classes has one.

import * as torpor from "torpor-vm";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, test } from "./support/test.mjs";

const source = join(dirname(fileURLToPath(import.meta.resolve("torpor-vm"))), "../src");
const Run = (async () => {}).constructor;
const names = Object.keys(torpor).filter((name) => name !== "default");

// The lines of a file that are examples: file and number, expression, result.
function examplesOf(file) {
  return readFileSync(join(source, file), "utf8").split("\n").flatMap((line, i) => {
    const found = /^ *\* @example (.*) \/\/ (.*)$/.exec(line);
    return found ? [{ place: `${file}:${i + 1}`, code: found[1], result: found[2] }] : [];
  });
}

// The blocks of code in comments, which are programs with 'vm' at hand.
function blocksOf(file) {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/^ *\* ```js\n((?: *\*.*\n)*?) *\* ```$/gm)].map((found) => ({
    place: `${file}:${text.slice(0, found.index).split("\n").length}`,
    code: found[1].replace(/^ *\* ?/gm, "").replace(/^import .*from "torpor-vm";$/gm, "")
      .replace(/^(\s*)using /gm, "$1const ").replace(/^const vm = /gm, "vm = "),
  }));
}

function evaluate(code, vm) {
  return new Run("vm", ...names, `return (${code})`)(vm, ...names.map((name) => torpor[name]));
}

const files = ["", "format/"].flatMap((folder) =>
  readdirSync(join(source, folder)).filter((name) => name.endsWith(".ts"))
    .map((name) => folder + name)
);
const examples = files.flatMap(examplesOf);

test("there are examples", () => assert.equal(examples.length > 100, true));

for (const { place, code, result } of examples) {
  test(`${place}: ${code}`, async () => {
    const vm = await torpor.QuickJS.create();
    try {
      assert.deepEqual(await evaluate(code, vm), await evaluate(`(${result})`, vm));
    } finally {
      vm.dispose();
    }
  });
}

for (const { place, code } of files.flatMap(blocksOf)) {
  test(`the program at ${place}`, async () => {
    const vm = await torpor.QuickJS.create();
    await new Run("vm", "console", "meta", ...names, code.replaceAll("import.meta", "meta"))(
      vm,
      { log() {}, error() {} },
      import.meta,
      ...names.map((name) => torpor[name]),
    );
    vm.dispose();
  });
}

// Members of a class that a program sees, and whether the comment before each has an example.
function members(file, name) {
  const text = readFileSync(join(source, file), "utf8");
  const start = text.indexOf(`export class ${name} `);
  const body = text.slice(start, text.indexOf("\n}\n", start));
  const member = new RegExp(
    String.raw`(\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?^  (?!private|constructor|protected)` +
      String.raw`(?:static |readonly |async )*(get |set )?(\[?[\w.]+\]?)[(:<]`,
    "gm",
  );
  return [...body.matchAll(member)].filter(([, doc, kind, key]) =>
    !key.startsWith("_") && !key.startsWith("[") && kind !== "set " &&
    !/@internal/.test(doc ?? "") &&
    !["if", "for", "return", "while", "switch"].includes(key)
  );
}

for (const [file, name] of [["vm.ts", "QuickJS"], ["handle.ts", "JSValueHandle"]]) {
  test(`every member of ${name} has an example`, () => {
    const found = members(file, name);
    assert.equal(found.length > 40, true);
    assert.deepEqual(
      found.filter(([, doc]) => !/@example|```js/.test(doc ?? "")).map((m) => m[3]),
      [],
    );
  });
}
