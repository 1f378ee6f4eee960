// SPDX-License-Identifier: MIT
//
// quickjs-wasi-compare.test.mjs - quickjs-wasi of npm and
// torpor-vm/quickjs-wasi, side by side: programs, and every method and property
// that its declarations have.
//
// hosts: node

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, show, test } from "./support/test.mjs";
import { MODULES, SOURCE } from "./hosts.mjs";
import { cases, describeError } from "./support/quickjs-wasi/cases.mjs";
import { differences } from "./support/quickjs-wasi/differences.mjs";
import { programs } from "./support/quickjs-wasi/programs.mjs";
import { EngineError } from "torpor-vm";
import * as ours from "torpor-vm/quickjs-wasi";

const PEER = join(MODULES, "quickjs-wasi");
const theirs = await import(join(PEER, "dist/index.js"));
const files = {
  theirs: readFileSync(join(PEER, "quickjs.wasm")),
  ours: readFileSync(new URL(import.meta.resolve("torpor-vm/engine.wasm"))),
};
/** The modules, with what is given to `create`: compiled once, as programs do. */
const sides = {
  theirs: { ...theirs, bytes: files.theirs, wasm: await WebAssembly.compile(files.theirs) },
  ours: { ...ours, bytes: files.ours, wasm: await WebAssembly.compile(files.ours) },
};

// ---- programs -----------------------------------------------------------------

for (const { name, run, gives } of programs) {
  test(`either package ${name}`, async () => {
    assert.deepEqual(await run(sides.theirs), gives, "theirs");
    assert.deepEqual(await run(sides.ours), gives, "ours");
  });
}

// ---- every call ---------------------------------------------------------------

const called = new Set();

/** Node 20 gives the symbol another description. */
const nameOf = (key) => key === Symbol.dispose ? "[Symbol.dispose]" : String(key);

/** Notes which members of a class are used. */
function watch(name, object) {
  for (const key of Reflect.ownKeys(object)) {
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (key === "constructor" || key === "prototype") continue;
    const note = (run) =>
      run && function (...args) {
        called.add(`${name}.${nameOf(key)}`);
        return run.apply(this, args);
      };
    if (typeof property.value === "function") property.value = note(property.value);
    else if (property.get) {
      Object.assign(property, { get: note(property.get), set: note(property.set) });
    } else continue;
    if (property.configurable) Object.defineProperty(object, key, property);
  }
}

for (const name of ["QuickJS", "JSValueHandle", "JSException"]) {
  watch(name, theirs[name]);
  watch(name, theirs[name].prototype);
}

const SECONDS = 5;

/** What a case comes to that ends neither well nor badly. */
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms, "nothing came"));

async function runCase({ run, options }, side) {
  const m = { ...side };
  const given = typeof options === "function" ? options(m) : options;
  let vm;
  try {
    vm = await m.QuickJS.create({ wasm: m.wasm, ...given });
    return plain(await Promise.race([run(vm, m), later(SECONDS * 1000)]));
  } catch (error) {
    return describeError(error);
  } finally {
    vm?.dispose();
  }
}

/** Handles as what they are, and so on: values that can be compared. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  return value === null || typeof value !== "object" || value.vm === undefined
    ? value
    : `handle of ${value.typeof}`;
}

function isEqual(a, b) {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

const shown = new Set();
for (const one of cases) {
  const what = one.differs === undefined ? "the same" : `another (${one.differs})`;
  test(`${one.name}: ${what}`, async () => {
    const our = await runCase(one, sides.ours);
    const their = one.alone ? "not asked" : await runCase(one, sides.theirs);
    if (one.differs === undefined) return assert.deepEqual(our, their);
    assert(one.differs in differences, `there is no row '${one.differs}'`);
    shown.add(one.differs);
    assert(!isEqual(our, their), `both give ${show(our)}`);
    if ("ours" in one) assert.deepEqual(our, one.ours);
  });
}

// ---- nothing is forgotten -------------------------------------------------------

const MEMBER = new RegExp(
  "^ {4}(?!private|constructor|[/*])(?:static |readonly |get |set )*" +
    String.raw`(\w+|\[Symbol\.dispose\])\??[(<:]`,
  "gm",
);

/** The public members of a class in the declarations of the package. */
function declared(text, name) {
  const start = text.search(new RegExp(`^export declare class ${name}\\b`, "m"));
  const body = text.slice(start, text.indexOf("\n}", start));
  return [...body.matchAll(MEMBER)].map(([, key]) => key).filter((key) => !key.startsWith("_"))
    .map((key) => `${name}.${key}`);
}

test("every member that is declared was compared", () => {
  const text = readFileSync(join(PEER, "dist/index.d.ts"), "utf8");
  const members = ["QuickJS", "JSValueHandle", "JSException"].flatMap((name) =>
    declared(text, name)
  );
  assert(members.length > 100, `${members.length} members were found`);
  // Fields, which nobody can watch.
  const fields = ["JSValueHandle.vm", "JSValueHandle.ptr", "JSException.handle"];
  const left = members.filter((key) => !called.has(key) && !fields.includes(key));
  assert.deepEqual([...new Set(left)], []);
});

test("the engine of quickjs-wasi is refused", async () => {
  for (const wasm of [files.theirs, sides.theirs.wasm]) {
    const error = await assert.rejects(ours.QuickJS.create({ wasm }), EngineError);
    assert.match(error.message, /engine\.wasm of torpor-vm/);
  }
});

test("every name that is exported is there", () => {
  for (const name of Object.keys(theirs)) {
    assert.equal(typeof ours[name], typeof theirs[name], name);
  }
});

test("every difference is one, and the document has it", () => {
  const untested = ["extensions"];
  const rows = Object.keys(differences).filter((key) => !untested.includes(key));
  assert.deepEqual(rows.filter((key) => !shown.has(key)), []);
  const text = readFileSync(join(SOURCE, "docs/moving-from-quickjs-wasi.md"), "utf8");
  const lines = text.split("\n").map((line) => line.replace(/\s+/g, " ").trim());
  for (const [what, their, our] of Object.values(differences)) {
    const row = `| ${what} | ${their} | ${our} |`;
    assert(lines.includes(row), `the document has no row ${row}`);
  }
});
