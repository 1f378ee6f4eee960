// SPDX-License-Identifier: MIT
//
// extension-shipped.test.mjs - the extensions that ship: each is part of the
// package, and its tests (extensions/NAME/test/*.js) hold here, as on every host.
//
// A test is a script, which runs behind check.js; where its value is a promise,
// that is awaited. In NAME.sleep.js what follows a line "//// sleep" runs after
// the VM was saved and woken; a promise before that may still be pending. A line
// "// extensions: NAME..." says which ones are loaded, where it is not just the
// one whose test it is, and what that adds to.

import { assert, host, listData, readData, readText } from "./support/test.mjs";
import { hold, test } from "./support/hold.mjs";
import { run } from "./support/vm.mjs";
import { PromiseState, QuickJS, timerDriver, VMPool } from "torpor-vm";

const paths = await listData("shipped/");
const names = paths.flatMap((path) => path.match(/^shipped\/([^/]+)\.wasm$/)?.[1] ?? []);
const check = paths.includes("shipped/check.js") ? await readText("shipped/check.js") : "";

const given = (wanted) =>
  Promise.all(wanted.map(async (name) => ({ name, wasm: await readData(`shipped/${name}.wasm`) })));

async function evaluate(vm, code, filename, mayWait = false) {
  const result = vm.unwrapResult(vm.evalCode(code, filename));
  if (!result.isPromise) return;
  const settled = vm.resolvePromise(result);
  vm.executePendingJobs();
  if (mayWait && result.promiseState === PromiseState.PENDING) {
    settled.catch(() => {});
    return;
  }
  const { error } = await settled;
  if (error === undefined) return;
  const thrown = vm.dump(error);
  throw thrown instanceof Error ? thrown : new Error(`rejected with ${String(thrown)}`);
}

/** "encoding-legacy" adds to "encoding", and comes behind that. */
const before = (name) => names.filter((other) => name.startsWith(`${other}-`));

function inOrder(list) {
  return [...new Set(list.flatMap((name) => [...before(name), name]))];
}

async function runScript(path) {
  // In a web worker the host's own stack may end first, which breaks the VM.
  if (host === "worker" && path.endsWith("/recursion.js")) return;
  const code = await readText(path);
  const [, name, file] = path.split("/");
  const wanted = code.match(/^\/\/ extensions: (.*)$/m)?.[1].trim().split(/\s+/) ?? inOrder([name]);
  const options = { extensions: await given(wanted), drivers: { timer: timerDriver } };
  const [first, after] = code.split(/^\/\/\/\/ sleep$/m);
  let vm = hold(await QuickJS.create(options));
  await evaluate(vm, check, "check.js");
  await evaluate(vm, first, file, after !== undefined);
  if (after === undefined) return;
  const { bytes } = vm.snapshot();
  vm.dispose();
  vm = hold(await QuickJS.restore(bytes, options));
  assert.deepEqual(vm.snapshot().bytes, bytes, "a snapshot after waking is the same");
  await evaluate(vm, after, file);
}

/** The bytes in the end, of a VM that slept in the middle or did not. */
async function bytesAfter(path, sleeps) {
  const [first, after] = (await readText(path)).split(/^\/\/\/\/ sleep$/m);
  const extensions = await given(inOrder([path.split("/")[1]]));
  let state = 1;
  const random = (bytes) =>
    bytes.forEach((_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[i] = state >>> 24;
    });
  const options = { extensions, wasi: { now: () => 1_700_000_000_000_000_000n, random } };
  const take = (vm, code) => {
    vm.unwrapResult(vm.evalCode(`${code}\n;0`, "test.js")).dispose();
    vm.executePendingJobs();
  };
  let vm = hold(await QuickJS.create(options));
  take(vm, check);
  take(vm, first);
  if (sleeps) vm = hold(await QuickJS.restore(vm.snapshot(), options));
  take(vm, after);
  return vm.snapshot().bytes;
}

for (const path of paths) {
  const name = path.match(/^shipped\/([^/]+)\/[^/]+\.js$/)?.[1];
  if (name !== undefined && names.includes(name)) {
    test(path.slice("shipped/".length), () => runScript(path), { seconds: 120 });
    if (!path.endsWith(".sleep.js")) continue;
    test(`${path.slice("shipped/".length)} leaves the same bytes, slept or not`, async () => {
      assert.deepEqual(await bytesAfter(path, true), await bytesAfter(path, false));
    });
  }
}

test("all that ship live beside each other, in both orders, asleep and in pools", async () => {
  for (const order of [inOrder(names), inOrder([...names].reverse())]) {
    const extensions = await given(order);
    const vm = hold(await QuickJS.create({ extensions }));
    assert.deepEqual(vm.extensions.map((one) => one.name), order);
    const { bytes } = vm.snapshot();
    const woken = hold(await QuickJS.restore(bytes, { extensions }));
    assert.deepEqual(woken.snapshot().bytes, bytes);
    assert.equal(run(hold(woken.fork()), "1 + 1"), 2);
    const pool = await VMPool.create({ extensions });
    for (let i = 0; i < 3; i++) assert.equal(pool.run((one) => run(one, "2 + 2")), 4);
    pool.dispose();
  }
});

test("each has a name by which programs import it", async () => {
  if (host === "page" || host === "worker" || !import.meta.resolve) return;
  for (const name of names) {
    const url = import.meta.resolve(`torpor-vm/${name}.wasm`);
    const extensions = [...(await given(before(name))), { name, wasm: url }];
    const vm = hold(await QuickJS.create({ extensions }));
    assert.equal(vm.extensions.at(-1).name, name);
  }
});
