// SPDX-License-Identifier: MIT
//
// run-file.test.mjs - a VM as a file of a durable run. That the command goes on
// with it is for run-native.test.mjs to show.

import { assert, test } from "./support/test.mjs";
import { BusyError, DisposedError, inspectSnapshot, QuickJS } from "torpor-vm";

const CODE = `import { signal, sleep } from "torpor:run";
const late = sleep(60_000);
export default await signal("go");
`;
const RUN = { id: "run-1", program: "main.mjs", files: { "main.mjs": CODE } };

async function makeRun(code = CODE) {
  const vm = await QuickJS.create();
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
