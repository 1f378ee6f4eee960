// hosts: node
// SPDX-License-Identifier: MIT
//
// examples.test.mjs - the examples of the doc comments: an `@example` line is an expression and
// what it gives, with `vm` a new VM and all that the package exports at hand. What the package
// exports has one, and so has every public member of its classes and every option.

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
  const text = `return (${code.replaceAll("import.meta", "meta")})`;
  return new Run("vm", "meta", ...names, text)(
    vm,
    import.meta,
    ...names.map((name) => torpor[name]),
  );
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

// ---- Each public name has one -----------------------------------------------------

const texts = files.map((file) => readFileSync(join(source, file), "utf8"));
const hasExample = (doc) => /@example|```js/.test(doc ?? "");
const DOC = String.raw`(\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?`;

// The comment before what the package exports by a name, and what is in its braces.
function declaration(name) {
  const head = new RegExp(
    `^${DOC}export (?:async )?(?:class|const|function|interface) ${name}\\b`,
    "m",
  );
  const exporter = readFileSync(join(source, "index.ts"), "utf8");
  const from = new RegExp(`\\b${name}\\b[^{}]*\\} from "\\./(.+)\\.js"`).exec(exporter)?.[1];
  const text = texts[files.indexOf(`${from}.ts`)];
  const found = head.exec(text);
  const start = found.index + found[0].length;
  return { doc: found[1], body: text.slice(start, text.indexOf("\n}", start) + 1) };
}

// Members that a program sees: the comment before each, and its name.
function members(body) {
  const member = new RegExp(
    `${DOC}^  (?!private|constructor|protected)(?:static |readonly |declare |async )*` +
      String.raw`(get |set )?(\[?[\w.]+\]?)\??[(:<]`,
    "gm",
  );
  return [...body.matchAll(member)].filter(([, doc, kind, key]) =>
    !key.startsWith("_") && !key.startsWith("[") && kind !== "set " &&
    !/@internal/.test(doc ?? "") &&
    !["if", "for", "return", "while", "switch"].includes(key)
  );
}

for (const name of names) {
  test(`${name} has an example`, () => assert(hasExample(declaration(name).doc)));
}

for (
  const [name, least] of Object.entries({
    QuickJS: 60,
    JSValueHandle: 50,
    Snapshot: 5,
    JSException: 2,
    Deferred: 4,
    VMPool: 5,
    Options: 18,
    PoolOptions: 2,
    SaveOptions: 1,
    TorporError: 2,
    Wasi: 4,
    ModuleLoader: 2,
    HandleScope: 1,
  })
) {
  test(`every member of ${name} has an example`, () => {
    const { doc, body } = declaration(name);
    const found = members(body);
    assert(found.length >= least, `${found.length} members`);
    // One program may show all of a small type.
    if (least < 5 && hasExample(doc)) return;
    assert.deepEqual(found.filter((one) => !hasExample(one[1])).map((one) => one[3]), []);
  });
}
