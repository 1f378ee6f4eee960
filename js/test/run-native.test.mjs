// hosts: node24
// SPDX-License-Identifier: MIT
//
// run-native.test.mjs - what `vm.exportRun` writes, gone on with by the command.
//
// Environment: TORPOR, the command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QuickJS } from "torpor-vm";
import { assert, test } from "./support/test.mjs";

const NAME = "main.mjs";

async function makeFile(code, { prepare = () => {}, input } = {}) {
  const vm = await QuickJS.create({ console: () => {} });
  prepare(vm);
  const main = vm.evalCode(code, NAME, { module: true });
  vm.exportHandle(main);
  vm.executePendingJobs();
  const file = vm.exportRun({ id: "run", program: NAME, files: { [NAME]: code }, input });
  vm.dispose();
  return file;
}

/** Imports a file, does what `then` says, and gives what the run came to. */
function goOn(file, then = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), "torpor-"));
  const torpor = (...args) => {
    try {
      const options = { cwd: folder, encoding: "utf8", stdio: "pipe", timeout: 60_000 };
      return execFileSync(process.env.TORPOR, [...args, "--store=runs"], options);
    } catch (error) {
      if (error.status === null) throw error;
      return error.stdout + error.stderr;
    }
  };
  try {
    writeFileSync(join(folder, "file"), file);
    assert.equal(torpor("import", "file"), "run\n");
    then(torpor);
    torpor("resume", "run");
    const { state, value, reason } = JSON.parse(torpor("show", "run", "--json"));
    return { state, value, reason, lines: torpor("logs", "run").split("\n").slice(0, -1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("timers and signals go on", async () => {
  const file = await makeFile(
    `
    import { input, runId, signal, sleep, step } from "torpor:run";
    const timer = setInterval(() => console.log("interval"), 30);
    const named = await signal("go");
    clearInterval(timer);
    await sleep("10 ms");
    console.log(runId(), step() > 1);
    export default { named, input: input() };
  `,
    { input: { amount: 12 } },
  );
  const { state, value, lines } = goOn(file, (torpor) => torpor("signal", "run", "go", '"ann"'));
  assert.equal(state, "done");
  assert.deepEqual(value, { named: "ann", input: { amount: 12 } });
  assert.equal(lines.at(-1), "run true");
});

test("a program that has ended is done, one that has failed has failed", async () => {
  const done = goOn(await makeFile("export default 6 * 7;"));
  assert.deepEqual([done.state, done.value], ["done", 42]);
  const failed = goOn(await makeFile("await null; throw new RangeError('too far');"));
  assert.equal(failed.state, "failed");
  assert.match(failed.reason, /^RangeError: too far \(main\.mjs:1:\d+\)$/);
});

test("jobs that had not run are run", async () => {
  const vm = await QuickJS.create();
  const code = "await null; console.log('ran'); export default 1;";
  vm.exportHandle(vm.evalCode(code, NAME, { module: true }));
  assert.equal(vm.hasPendingJobs, true);
  const file = vm.exportRun({ id: "run", program: NAME, files: { [NAME]: code } });
  vm.dispose();
  const { state, lines } = goOn(file);
  assert.deepEqual([state, lines], ["done", ["ran"]]);
});

test("what nobody could do again is rejected as lost", async () => {
  const prepare = (vm) => {
    const fetching = vm.newFunction("pay", () => vm.beginOperation("payment", { sum: 3 }).promise);
    vm.setProp(vm.global, "pay", fetching);
  };
  const { state, value } = goOn(
    await makeFile("export default await pay().catch((error) => error.name);", { prepare }),
  );
  assert.deepEqual([state, value], ["done", "LostError"]);
});

test("functions that only its host had are named when they are called", async () => {
  const prepare = (vm) => vm.setProp(vm.global, "ask", vm.newFunction("ask", () => 1));
  const { state, reason } = goOn(
    await makeFile(`import { sleep } from "torpor:run"; await sleep(10); ask();`, { prepare }),
  );
  assert.equal(state, "failed");
  assert.match(reason, /host function 'ask' is not bound/);
});

test("a run starts again from its beginning", async () => {
  const code =
    `console.log("begins"); await new Promise((go) => setTimeout(go, 10)); export default 1;`;
  const { state, lines } = goOn(await makeFile(code), (torpor) => torpor("rewind", "run", "0"));
  assert.deepEqual([state, lines], ["done", ["begins"]]);
});
