// SPDX-License-Identifier: MIT
//
// quickjs-wasi.ts - a program in TypeScript that was written for quickjs-wasi.

import {
  CompileFlags,
  type Deferred,
  EvalFlags,
  type HandleScope,
  type HostFunction,
  Intrinsics,
  JSException,
  type JSOwnPropertyDescriptor,
  type JSPropertyDescriptor,
  JSValueHandle,
  MAX_STACK_SIZE,
  type MemoryUsage,
  QuickJS,
  type QuickJSOptions,
  type Snapshot,
  type WasiOptions,
} from "torpor-vm/quickjs-wasi";

const wasi: WasiOptions = (memory) => ({
  clock_time_get(_id: number, _precision: bigint, at: number) {
    new DataView(memory.buffer).setBigUint64(at, 0n, true);
    return 0;
  },
});

const options: QuickJSOptions = {
  wasi,
  maxStackSize: MAX_STACK_SIZE,
  intrinsics: Intrinsics.ALL & ~Intrinsics.EVAL,
  moduleLoader: { normalize: (base, specifier) => base + specifier, load: (name) => name },
  onUnhandledRejection: (promise, reason, isHandled) => {
    if (!isHandled) console.log(promise.promiseState, reason.toString());
  },
};

export async function run(): Promise<number | undefined> {
  using vm = await QuickJS.create(options);
  const add: HostFunction = (a, b) => vm.newNumber(a!.toNumber() + b!.toNumber());
  vm.setProp(vm.global, "add", vm.newFunction("add", add));
  using own = vm.newFunction("own", function () {
    const self: JSValueHandle = this;
    return self.getProp("x");
  });
  try {
    vm.evalCode("add(1", "sum.js", EvalFlags.STRICT);
  } catch (error) {
    if (error instanceof JSException) console.log(error.handle.isError, error.stack, own.typeof);
  }
  const deferred: Deferred = vm.newPromise();
  deferred.resolve(vm.true);
  const result = await vm.resolvePromise(deferred.handle);
  if ("error" in result) return undefined;
  const flags: JSPropertyDescriptor = { enumerable: true };
  vm.defineProp(vm.global, "done", result.value, flags);
  const found: JSOwnPropertyDescriptor | undefined = vm.global.getOwnPropertyDescriptor("done");
  const code = vm.compile("1", "one.js", 0, CompileFlags.STRIP_DEBUG);
  const one = vm.withScope((scope: HandleScope) => scope.escape(vm.evalBytecode(code)));
  const usage: MemoryUsage = vm.getMemoryUsage();
  // @ts-expect-error: a host function gives a handle
  vm.newFunction("wrong", () => 5);
  return one.toNumber() + usage.objCount + (found?.enumerable ? 1 : 0);
}

export async function wake(bytes: Uint8Array): Promise<JSValueHandle> {
  const snapshot: Snapshot = QuickJS.deserializeSnapshot(bytes);
  const vm: QuickJS = await QuickJS.restore(snapshot, { timezoneOffset: "host" });
  return vm.evalCode("state");
}
