// SPDX-License-Identifier: MIT
// hosts: node bun
//
// format-golden.test.mjs - what slept in an engine of a release wakes in that
// engine, which lies beside it (test/golden). The lines of NAME.txt say what is
// asked of the woken VM:
//
//   eval CODE      evaluates CODE and runs all jobs
//   gives TEXT     String() of what the last eval gave
//   settle JSON    settles the first pending operation, and runs all jobs

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { assert } from "./support/test.mjs";
import { extension } from "./support/extension.mjs";
import { hold, test } from "./support/hold.mjs";
import { EngineError, QuickJS, unpackSnapshot, UnsupportedError } from "torpor-vm";

const SOURCE = process.env.TORPOR_SOURCE;
assert(SOURCE, "TORPOR_SOURCE names the source");
const GOLDEN = join(SOURCE, "test/golden");

const UNPACK = "import lzma, sys; sys.stdout.buffer.write(lzma.open(sys.argv[1]).read())";

// Large ones are saved by whole pages now, which they were not then.
const LARGE = ["heap"];

function readEngine(folder) {
  const packed = join(GOLDEN, folder, "engine.wasm.xz");
  return new Uint8Array(execFileSync("python3", ["-c", UNPACK, packed], { maxBuffer: 2 ** 26 }));
}

function readChain(folder, name) {
  return readdirSync(join(GOLDEN, folder))
    .filter((file) => file.startsWith(`${name}.`) && /\.\d+$/.test(file))
    .sort((a, b) => Number(a.split(".").pop()) - Number(b.split(".").pop()))
    .map((file) => new Uint8Array(readFileSync(join(GOLDEN, folder, file))));
}

function readQuestions(folder, name) {
  const text = readFileSync(join(GOLDEN, folder, `${name}.txt`), "utf8");
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const space = line.indexOf(" ");
    return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
  });
}

function ask(vm, code) {
  const value = vm.unwrapResult(vm.evalCode(code, "golden.js"));
  vm.executePendingJobs();
  return value.toString();
}

function settle(vm, json) {
  const [operation] = vm.pendingOperations();
  vm.settleOperation(operation.id, { value: JSON.parse(json) });
  vm.executePendingJobs();
}

function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function wakeProgram(wasm, folder, name) {
  const chain = readChain(folder, name);
  const vm = hold(await QuickJS.restore(chain, { wasm }));
  const stored = await unpackSnapshot(chain[0]);
  if (chain.length === 1 && !LARGE.includes(name)) {
    assert(same(vm.snapshot().bytes, stored), `${name}: saved again`);
  }
  let given;
  for (const [verb, rest] of readQuestions(folder, name)) {
    if (verb === "eval") given = ask(vm, rest);
    else if (verb === "settle") settle(vm, rest);
    else if (verb === "gives") assert.equal(given, rest, name);
    else assert.fail(`${name}.txt has a line '${verb}'`);
  }
  return chain;
}

const folders = readdirSync(GOLDEN, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

for (const folder of folders) {
  test(`what slept in engine ${folder} wakes in it`, async () => {
    const wasm = readEngine(folder);
    const names = readdirSync(join(GOLDEN, folder))
      .filter((file) => file.endsWith(".txt"))
      .map((file) => file.slice(0, -4));
    assert(names.length >= 8, `${names.length} programs`);
    const older = hold(await QuickJS.create({ wasm }));
    await assert.rejects(older.loadExtension(await extension("counter")), UnsupportedError);
    assert.equal(ask(older, "1 + 1"), "2");
    for (const name of names) {
      const chain = await wakeProgram(wasm, folder, name);
      await assert.rejects(QuickJS.restore(chain), EngineError, `${name} in another engine`);
    }
  });
}

test("there are golden engines", () => assert(folders.length >= 2, `${folders.length}`));
