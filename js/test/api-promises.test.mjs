// SPDX-License-Identifier: MIT
//
// api-promises.test.mjs - promises both ways, jobs, operations, drivers.

import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  DisposedError,
  JSException,
  MisuseError,
  NotFoundError,
  QuickJS,
  timerDriver,
  WrongTypeError,
} from "torpor-vm";

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const restore = async (vm, options) =>
  await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()), options);

test("resolvePromise gives { value } or { error }", () =>
  withVM(async (vm) => {
    const { value, error } = await vm.resolvePromise(vm.evalCode("Promise.resolve({ a: 1 })"));
    assert.equal(value.getProp("a").toNumber(), 1);
    assert.equal(error, undefined);
    const refused = await vm.resolvePromise(vm.evalCode("Promise.reject(new TypeError('no'))"));
    assert.equal(refused.value, undefined);
    assert.equal(refused.error.getProp("message").toString(), "no");
    const later = await vm.resolvePromise(
      vm.evalCode("(async () => { for (let i = 0; i < 100; i++) await i; return 'late' })()"),
    );
    assert.equal(later.value.toString(), "late");
    const [a, b] = ["var p = Promise.resolve(1); p", "p"].map((code) =>
      vm.resolvePromise(vm.evalCode(code))
    );
    assert.equal((await a).value.toNumber() + (await b).value.toNumber(), 2);
    for (const code of ["({ then(f) { f(1) } })", "1", "null", "() => 1"]) {
      assert.throws(() => vm.resolvePromise(vm.evalCode(code)), WrongTypeError);
    }
  }));

test("jobs run when they are drained, as many as are asked for", () =>
  withVM((vm) => {
    run(
      vm,
      "var order = []; for (let i = 0; i < 5; i++) Promise.resolve(i).then((x) => order.push(x)); 1",
    );
    assert.equal(run(vm, "order.length"), 0);
    assert(vm.hasPendingJobs, "jobs wait");
    assert.equal(vm.executePendingJobs(2), 2);
    assert.equal(run(vm, "order.join()"), "0,1");
    assert.equal(vm.executePendingJobs(), 3);
    assert.equal(vm.executePendingJobs(), 0);
    assert.equal(vm.hasPendingJobs, false);
    assert.equal(run(vm, "order.join()"), "0,1,2,3,4");
    for (const wrong of ["1", 1n, -1, NaN, null, {}, Symbol("x")]) {
      assert.throws(() => vm.executePendingJobs(wrong), MisuseError);
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("a Deferred settles a promise once", () =>
  withVM(async (vm) => {
    const deferred = vm.newPromise();
    assert(deferred.handle.isPromise, "a promise");
    assert.equal(deferred.handle.promiseState, 0);
    vm.global.setProp("p", deferred.handle);
    const result = vm.resolvePromise(vm.evalCode("p.then((x) => x + 1)"));
    deferred.resolve(vm.newNumber(1));
    deferred.resolve(vm.newNumber(2));
    deferred.reject(vm.newNumber(3));
    await deferred.settled;
    assert.equal(deferred.handle.promiseState, 1);
    vm.executePendingJobs();
    assert.equal((await result).value.toNumber(), 2);
    const refused = vm.newPromise();
    vm.markPromiseHandled(refused.handle);
    refused.reject(vm.newError("why"));
    await refused.settled;
    assert.equal(refused.handle.promiseState, 2);
    const empty = vm.newPromise();
    empty.resolve();
    assert((await vm.resolvePromise(empty.handle)).value.isUndefined, "undefined without a value");
    const wrong = vm.newPromise();
    assert.throws(() => wrong.resolve(5), MisuseError);
    wrong.resolve(vm.true);
    await wrong.settled;
    const follows = vm.newPromise();
    follows.resolve(vm.evalCode("Promise.resolve(7)"));
    assert.equal((await vm.resolvePromise(follows.handle)).value.toNumber(), 7);
  }));

test("promises inside values go both ways", () =>
  withVM(async (vm) => {
    const dumped = vm.dump(
      vm.evalCode("({ good: Promise.resolve([1]), bad: Promise.reject(new RangeError('no')) })"),
    );
    assert.deepEqual(await dumped.good, [1]);
    const error = await assert.rejects(dumped.bad, RangeError);
    assert.equal(error.message, "no");
    vm.global.setProp(
      "p",
      vm.hostToHandle({
        good: Promise.resolve({ a: 5 }),
        bad: Promise.reject(new TypeError("host")),
      }),
    );
    const good = await vm.resolvePromise(vm.evalCode("p.good.then((v) => v.a)"));
    assert.equal(good.value.toNumber(), 5);
    const bad = await vm.resolvePromise(vm.evalCode("p.bad.catch((e) => e.name + e.message)"));
    assert.equal(bad.value.toString(), "TypeErrorhost");
  }));

test("a rejected promise that nobody looks at does not end the host", async () => {
  const vm = await QuickJS.create();
  vm.dump(vm.evalCode("({ a: Promise.reject(new Error('1')), b: new Promise(() => {}) })"));
  vm.resolvePromise(vm.evalCode("new Promise(() => {})"));
  void vm.newPromise();
  vm.hostToHandle({ p: Promise.reject(new Error("2")) });
  const f = vm.newFunction("f", async () => {
    throw new Error("3");
  });
  vm.callFunction(f, vm.undefined);
  await sleep(5);
  vm.dump(vm.evalCode("[Promise.reject(4)]"));
  vm.dispose();
  await sleep(5);
});

test("disposing the VM rejects what the host awaits", async () => {
  const vm = await QuickJS.create();
  const waiting = vm.resolvePromise(vm.evalCode("new Promise(() => {})"));
  const { settled } = vm.newPromise();
  const inside = vm.dump(vm.evalCode("[new Promise(() => {})]"))[0];
  const module = vm.evalModule("await new Promise(() => {})");
  vm.dispose();
  for (const one of [waiting, settled, inside, module]) await assert.rejects(one, DisposedError);
});

// ---- Operations -------------------------------------------------------------------

test("the program's timers are operations", () =>
  withVM(async (vm) => {
    run(
      vm,
      "var seen = []; setTimeout(() => seen.push('a'), 1000); setTimeout((x) => seen.push(x), 5, 'b'); 1",
    );
    const pending = vm.pendingOperations();
    assert.deepEqual(pending.map((one) => one.kind), ["timer", "timer"]);
    assert(pending[0].due > pending[1].due, "with the moment when they are due");
    vm.settleOperation(pending[1].id, { value: undefined });
    vm.executePendingJobs();
    assert.equal(run(vm, "seen.join()"), "b");
    assert.throws(() => vm.settleOperation(pending[1].id, { value: 1 }), NotFoundError);
    const woken = await restore(vm);
    assert.deepEqual(woken.pendingOperations().map((one) => one.id), [pending[0].id]);
    woken.settleOperation(pending[0].id, { value: undefined });
    woken.executePendingJobs();
    assert.equal(run(woken, "seen.join()"), "b,a");
    woken.dispose();
    for (const wrong of [0, -1, 1.5, NaN, "1", 1n, null, undefined, {}]) {
      assert.throws(() => vm.settleOperation(wrong, { value: 1 }), MisuseError);
    }
    for (const wrong of [undefined, null, {}, 5, { value: 1, error: 2 }, [1]]) {
      assert.throws(() => vm.settleOperation(pending[0].id, wrong), MisuseError);
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("the host begins operations, too", () =>
  withVM(async (vm) => {
    const { id, promise } = vm.beginOperation("ask", { question: [1] }, 5000);
    const [asked] = vm.pendingOperations();
    assert.deepEqual([asked.id, asked.kind, asked.request, asked.due], [id, "ask", {
      question: [1],
    }, 5000]);
    vm.global.setProp("p", promise);
    const result = vm.resolvePromise(vm.evalCode("p.then((v) => v.answer)"));
    vm.settleOperation(id, { value: { answer: 42 } });
    vm.executePendingJobs();
    assert.equal((await result).value.toNumber(), 42);
    const second = vm.beginOperation("ask");
    const failed = vm.resolvePromise(second.promise);
    vm.settleOperation(second.id, { error: new RangeError("far") });
    vm.executePendingJobs();
    assert.equal((await failed).error.getProp("message").toString(), "far");
    for (const wrong of ["", 5, null, undefined]) {
      assert.throws(() => vm.beginOperation(wrong), MisuseError);
    }
    for (const wrong of ["5", 5n, NaN, Infinity, null]) {
      assert.throws(() => vm.beginOperation("ask", 1, wrong), MisuseError);
    }
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("timerDriver performs timers, in order, also of code that throws", () =>
  withVM(async (vm) => {
    run(
      vm,
      `var seen = []; setTimeout(() => seen.push(2), 20); setTimeout(() => seen.push(1), 5);
      const c = setTimeout(() => seen.push("never"), 10); clearTimeout(c);
      const i = setInterval(() => { seen.push("i"); if (seen.length > 4) clearInterval(i) }, 2); 1`,
    );
    thrownBy(() => vm.evalCode("setTimeout(() => seen.push('thrower'), 1); throw 1"));
    const end = performance.now() + 5000;
    while (vm.pendingOperations().length > 0 && performance.now() < end) await sleep(5);
    const seen = run(vm, "seen.join()");
    assert(seen.indexOf("1") < seen.indexOf("2"), seen);
    assert.match(seen, /thrower/);
    assert.equal(/never/.test(seen), false);
  }, { drivers: { timer: timerDriver() }, exceptions: "throw" }));

test("drivers that settle at once, throw, or give nonsense", async () => {
  const cancelled = [];
  const drivers = {
    now: (operation, settle) => {
      settle({ value: operation.request });
      settle({ value: "again" });
    },
    throws: () => {
      throw new RangeError("driver");
    },
    nonsense: () => "no function",
    never: ({ id }) => () => cancelled.push(id),
    badCancel: () => () => {
      throw new Error("cancel");
    },
  };
  const vm = await QuickJS.create({ drivers });
  const ask = async (kind, request) => {
    const { promise } = vm.beginOperation(kind, request);
    const { value, error } = await vm.resolvePromise(promise);
    return vm.dump(value ?? error);
  };
  assert.equal(await ask("now", 5), 5);
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => ask("now", n))), [1, 2, 3]);
  assert.equal((await ask("throws")).message, "driver");
  vm.beginOperation("nonsense");
  const { id } = vm.beginOperation("never");
  vm.beginOperation("badCancel");
  assert.throws(() => vm.dispose(), /cancel/);
  assert(vm.disposed, "it has ended all the same");
  assert.deepEqual(cancelled, [id]);
  const next = await QuickJS.create();
  assert.equal(run(next, "1 + 1"), 2);
  next.dispose();
});
