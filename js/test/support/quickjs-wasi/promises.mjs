// SPDX-License-Identifier: MIT
//
// promises.mjs - cases: jobs and promises.

import { add, caught, caughtHost, wait } from "./case.mjs";

add("jobs are counted", (vm) => {
  vm.evalCode(
    "Promise.resolve().then(() => {}).then(() => {}); Promise.reject(1).catch(() => {}); 0",
  );
  return [vm.executePendingJobs(), vm.executePendingJobs()];
});
add("jobs that throw", (vm) => {
  vm.evalCode(
    "queueMicrotask(() => { globalThis.a = 1 }); Promise.resolve().then(() => { throw 1 }); 0",
  );
  return [vm.executePendingJobs(), vm.evalCode("a").toNumber()];
});
add("newPromise", (vm) => {
  const deferred = vm.newPromise();
  const value = vm.newString("v");
  const before = deferred.handle.promiseState;
  deferred.resolve(value);
  deferred.reject(value);
  return [before, deferred.handle.isPromise, deferred.handle.promiseState, value.disposed];
});
add("newPromise rejected", async (vm) => {
  const deferred = vm.newPromise();
  const { settled } = deferred;
  deferred.reject(vm.newError("no"));
  const result = vm.resolvePromise(deferred.handle);
  vm.executePendingJobs();
  await settled;
  return [deferred.handle.promiseState, vm.dump((await result).error).message];
});
add("newPromise that follows another", (vm) => {
  const deferred = vm.newPromise();
  deferred.resolve(vm.evalCode("Promise.resolve(3)"));
  const before = deferred.handle.promiseState;
  vm.executePendingJobs();
  return [before, deferred.handle.promiseState];
});
add("settled", async (vm) => {
  const deferred = vm.newPromise();
  let isSettled = false;
  deferred.settled.then(() => isSettled = true, () => {});
  deferred.resolve(vm.undefined);
  await wait();
  return isSettled;
}, { differs: "settled", ours: true });
add("resolvePromise", async (vm) => {
  const results = [];
  for (const code of ["Promise.resolve({ a: 1 })", "Promise.reject(new TypeError('t'))", "5"]) {
    const settled = vm.resolvePromise(vm.evalCode(code));
    vm.executePendingJobs();
    const result = await settled;
    results.push(
      "error" in result ? `error ${vm.dump(result.error).message}` : vm.dump(result.value),
    );
  }
  return results;
});
add("resolvePromise of what waits for jobs", async (vm) => {
  const settled = vm.resolvePromise(vm.evalCode("(async () => { await 1; return 2 })()"));
  return await Promise.race([
    settled.then(({ value }) => value.toNumber()),
    wait().then(() => "nothing"),
  ]);
}, { differs: "drains", ours: 2 });
add("then without the program's then", (vm) => {
  vm.evalCode("Promise.prototype.then = () => { throw new Error('patched') }; 0");
  const seen = [];
  const note = (name) =>
    vm.newFunction(name, (value) => (seen.push([name, vm.dump(value)]), vm.newNumber(9)));
  const [yes, no] = [note("yes"), note("no")];
  const next = vm.promiseThenRaw(vm.evalCode("Promise.resolve(4)"), yes, no);
  const other = vm.promiseThenRaw(vm.evalCode("Promise.reject(5)"), yes, no);
  const passed = vm.promiseThenRaw(vm.evalCode("Promise.resolve(6)"), vm.undefined, vm.undefined);
  vm.executePendingJobs();
  return [seen, next.promiseState, other.promiseState, passed.promiseState];
});
add("rejections", (vm, m) => {
  vm.evalCode("globalThis.p = Promise.reject(new Error('r')); 0");
  vm.executePendingJobs();
  vm.evalCode("p.catch(() => {}); 0");
  vm.executePendingJobs();
  return m.told.splice(0);
}, { options: told() });
add("rejections that are handled at once", (vm, m) => {
  vm.evalCode("Promise.reject(1).catch(() => {}); 0");
  vm.executePendingJobs();
  return m.told.splice(0);
}, { options: told(), differs: "rejections", ours: [] });
add("rejections that are marked", (vm, m) => {
  const deferred = vm.newPromise();
  vm.markPromiseHandled(deferred.handle);
  vm.markPromiseHandled(vm.newNumber(5));
  deferred.reject(vm.newString("marked"));
  vm.executePendingJobs();
  return m.told.splice(0);
}, { options: told() });
add(
  "rejections whose handler throws",
  (vm) => caughtHost(() => vm.evalCode("Promise.reject(1); 0")),
  {
    options: {
      onUnhandledRejection: () => {
        throw new Error("from the handler");
      },
    },
  },
);
function told() {
  return (m) => {
    m.told = [];
    return {
      onUnhandledRejection: (promise, reason, isHandled) =>
        m.told.push([promise.isPromise, reason.typeof, isHandled]),
    };
  };
}
add("promises of the host", async (vm) => {
  const results = [];
  for (
    const promise of [
      Promise.resolve({ z: [1] }),
      Promise.reject(new RangeError("rr")),
      wait().then(() => "late"),
    ]
  ) {
    const { value, error } = await vm.resolvePromise(vm.hostToHandle(promise));
    results.push(error ? vm.dump(error).message : vm.dump(value));
  }
  return results;
});
add("promises of the host within objects", async (vm) => {
  vm.setProp(vm.global, "o", vm.hostToHandle({ p: Promise.resolve(3), q: [Promise.resolve(4)] }));
  const { value } = await vm.resolvePromise(vm.evalCode("Promise.all([o.p, o.q[0]])"));
  return vm.dump(value);
});
add("promises of what cannot be handed over", async (vm) => {
  const { error } = await vm.resolvePromise(vm.hostToHandle(Promise.resolve(Symbol("unique"))));
  return [error.isError, vm.evalCode("1").toNumber()];
});
add("a failure while nobody waits", async (vm) => {
  const waiting = vm.resolvePromise(vm.newPromise().handle).then(
    () => "settled",
    (error) => error.message,
  );
  vm.evalCode("globalThis.fail = false; 0");
  const later = vm.hostToHandle(Promise.resolve(1));
  vm.setProp(vm.global, "later", later);
  vm.evalCode("later.then(() => { Promise.reject(new Error('lost')) }); 0");
  const what = await Promise.race([waiting, wait().then(() => "nothing")]);
  return [what, caught(() => vm.evalCode("1").toNumber())];
}, {
  options: {
    onUnhandledRejection: () => {
      throw new Error("no handler");
    },
  },
  differs: "failures",
  ours: ["no handler", 1],
});
