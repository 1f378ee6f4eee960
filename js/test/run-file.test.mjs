// SPDX-License-Identifier: MIT
//
// run-file.test.mjs - a VM as a file of a durable run. That the command goes on
// with it is for run-native.test.mjs to show.

import { bytesOf, extension } from "./support/extension.mjs";
import { assert, test } from "./support/test.mjs";
import { BusyError, DisposedError, inspectSnapshot, QuickJS } from "torpor-vm";

const CODE = `import { signal, sleep } from "torpor:run";
const late = sleep(60_000);
export default await signal("go");
`;
const RUN = { id: "run-1", program: "main.mjs", files: { "main.mjs": CODE } };

async function makeRun(code = CODE, extensions = undefined) {
  const vm = await QuickJS.create({ extensions });
  const main = vm.evalCode(code, "main.mjs", { module: true });
  vm.exportHandle(main);
  vm.executePendingJobs();
  return vm;
}

test("a file has the VM, where it waits, and the run", async () => {
  const vm = await makeRun();
  const before = vm.snapshot();
  const file = vm.exportRun({ ...RUN, input: { amount: 120n } });
  const { operations, waiting, run } = await inspectSnapshot(file);
  assert.deepEqual(operations.map(({ kind }) => kind), ["timer", "signal"]);
  assert.equal(waiting[0].line, 3);
  const text = new TextDecoder().decode(run);
  for (const part of [CODE, ...operations.map(({ id }) => `run-1/0/${id}`)]) {
    assert(text.includes(part), `${part} is in it`);
  }
  assert.deepEqual(vm.snapshot().bytes, before.bytes);
  const woken = await QuickJS.restore(file);
  woken.settleOperation(operations[1].id, { value: 7 });
  woken.executePendingJobs();
  const { value } = await woken.resolvePromise(woken.importHandle(1));
  assert.equal(woken.getProp(value, "default").toNumber(), 7);
  woken.dispose();
  vm.dispose();
});

test("what is no run is refused, with what to do about it", async () => {
  const plain = await QuickJS.create();
  assert.throws(() => plain.exportRun(RUN), { name: "MisuseError", message: /module: true/ });
  plain.exportHandle(plain.newObject());
  assert.throws(() => plain.exportRun(RUN), { name: "MisuseError", message: /vm\.exportHandle/ });
  plain.dispose();
  assert.throws(() => plain.exportRun(RUN), DisposedError);
  const vm = await makeRun();
  const wrong = [
    [undefined, /takes/],
    [null, /takes/],
    [{ ...RUN, files: undefined }, /takes/],
    [{ ...RUN, id: "" }, /id/],
    [{ ...RUN, id: "a b" }, /id/],
    [{ ...RUN, id: "x".repeat(65) }, /id/],
    [{ ...RUN, id: 1 }, /id/],
    [{ ...RUN, program: "other.mjs" }, /not among/],
    [{ ...RUN, program: "toString" }, /not among/],
    [{ ...RUN, program: "a\0b" }, /zero/],
    [{ ...RUN, program: "ä".repeat(2049) }, /4096/],
    [{ ...RUN, files: { ...RUN.files, "b.mjs": 1 } }, /b\.mjs/],
    [{ ...RUN, files: { ...RUN.files, "extension:1": "" } }, /extension:1/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => vm.exportRun(options), { name: "MisuseError", message });
  }
  vm.dispose();
});

test("none is made while guest code is on the stack", async () => {
  const vm = await makeRun();
  let error;
  const look = vm.newFunction("look", () => {
    try {
      vm.exportRun(RUN);
    } catch (caught) {
      error = caught;
    }
  });
  vm.callFunction(look, vm.undefined);
  assert(error instanceof BusyError, String(error));
  vm.dispose();
});

/** Whether these bytes are in those. */
function hasBytes(whole, part) {
  for (let at = whole.indexOf(part[0]); at >= 0; at = whole.indexOf(part[0], at + 1)) {
    if (part.every((byte, i) => whole[at + i] === byte)) return true;
  }
  return false;
}

test("extensions go along, from a VM that was restored or forked as well", async () => {
  const counter = await extension("counter");
  // What is carried is what was loaded, whatever becomes of the caller's bytes.
  const wasm = counter.wasm.slice();
  const vm = await makeRun(CODE, [{ ...counter, wasm }]);
  wasm.fill(0);
  assert(hasBytes(vm.exportRun(RUN), counter.wasm));
  const fork = vm.fork();
  assert(hasBytes(fork.exportRun(RUN), counter.wasm));
  const woken = await QuickJS.restore(vm.snapshot(), { extensions: [counter] });
  assert(hasBytes(woken.exportRun(RUN), counter.wasm));
  for (const one of [vm, fork, woken]) one.dispose();
});

test("an extension that a run cannot keep is refused by its name", async () => {
  const silent = await makeRun(CODE, [await extension("greeter")]);
  const said = { name: "ExtensionError", message: /'greeter' does not say what it is called/ };
  assert.throws(() => silent.exportRun(RUN), said);
  silent.dispose();
  // A section that hosts skip makes it larger than a run may keep.
  const { wasm, ...more } = await extension("counter");
  const size = (16 << 20) + 1;
  const large = new Uint8Array(wasm.length + size + 6);
  large.set(wasm);
  const length = [0, 7, 14, 21].map((shift) => ((size >>> shift) & 127) | (shift < 21 ? 128 : 0));
  large.set([0, ...length, 1, 120], wasm.length);
  const vm = await makeRun(CODE, [{ ...more, wasm: large.subarray(0, wasm.length + 5 + size) }]);
  const limit = { name: "LimitError", message: /'counter' has \d+ bytes.*16777216/ };
  assert.throws(() => vm.exportRun(RUN), limit);
  vm.dispose();
});

/** A module with one text of ASCII in place of another one of the same length. */
function withText(wasm, before, after) {
  const text = Array.from(wasm, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(text.replaceAll(before, after), (c) => c.charCodeAt(0));
}

test("an init function that the command would not find is refused", async () => {
  const wasm = withText(await bytesOf("counter"), "qjs_ext_counter_init", "qjs_ext_counter_1nit");
  const own = await extension("counter", { wasm, initFn: "qjs_ext_counter_1nit" });
  const vm = await makeRun(CODE, [own]);
  const said = { name: "ExtensionError", message: /a run calls 'qjs_ext_counter_init'/ };
  assert.throws(() => vm.exportRun(RUN), said);
  vm.dispose();
});

test("as many extensions as a run keeps go along, and not one more", async () => {
  const wasm = await bytesOf("counter");
  const all = Array.from({ length: 33 }, (_, i) => {
    const name = `count${String(i).padStart(2, "0")}`;
    return { name, wasm: withText(wasm, "counter", name), uninstrumented: true };
  });
  const fits = await makeRun(CODE, all.slice(0, 32));
  const file = fits.exportRun(RUN);
  for (const { wasm } of all.slice(0, 32)) assert(hasBytes(file, wasm));
  fits.dispose();
  const vm = await makeRun(CODE, all);
  const limit = { name: "LimitError", message: /has 33 extensions; a run keeps at most 32/ };
  assert.throws(() => vm.exportRun(RUN), limit);
  vm.dispose();
});
