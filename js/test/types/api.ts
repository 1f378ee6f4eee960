// SPDX-License-Identifier: MIT
//
// api.ts - what may be given to the package, and what it gives, in types.

import {
  type Deferred,
  EvalFlags,
  fetchDriver,
  type HandleScope,
  inspectSnapshot,
  Intrinsics,
  JSException,
  type JSValueHandle,
  type ModuleLoader,
  type Operation,
  type Options,
  QuickJS,
  type Snapshot,
  timerDriver,
  VMPool,
} from "torpor-vm";

export async function open(bytes: Uint8Array, module: WebAssembly.Module): Promise<QuickJS> {
  const loader: ModuleLoader = {
    normalize: async (importer, specifier) => importer + specifier,
    load: async (name, kind) => (kind === "json" ? "{}" : name),
  };
  const options: Options = {
    wasm: Promise.resolve(new Response()),
    wasi: { now: () => 0n, random: (room) => void room.fill(0) },
    intrinsics: Intrinsics.ALL & ~Intrinsics.EVAL,
    timezoneOffset: (seconds) => seconds / 60,
    console: { error: (text) => text.trim() },
    drivers: { timer: timerDriver(), fetch: fetchDriver() },
    moduleLoader: loader,
    onUnhandledRejection: (promise, reason, isHandled) => {
      if (!isHandled && promise.isPromise) reason.toString();
    },
  };
  // @ts-expect-error: what is left out is not there
  const wrong: Options = { fuel: undefined };
  await QuickJS.create(wrong);
  await QuickJS.create(bytes.slice());
  await QuickJS.create(module);
  await QuickJS.create({ wasm: new URL("file:///engine.wasm") });
  return QuickJS.create(options);
}

export async function use(vm: QuickJS): Promise<number> {
  const handle: JSValueHandle = vm.evalCode("1", "a.js", EvalFlags.STRICT | EvalFlags.ASYNC);
  vm.newFunction("all", function (first, second) {
    return this.isUndefined ? first ?? null : second ?? 1n;
  });
  vm.newFunction("later", async (value) => ({ size: value?.length }));
  vm.newFunction("nothing", () => {});
  // @ts-expect-error: an object of the host needs hostToHandle
  vm.newFunction("object", () => ({ size: 1 }));
  const deferred: Deferred = vm.newPromise();
  deferred.resolve();
  await deferred.settled;
  const result = await vm.resolvePromise(deferred.handle);
  if (result.error) throw vm.dump(result.error);
  // Where there is no error there is a value.
  const size: number = result.value.length;
  vm.withScope((scope: HandleScope) => scope.escape(handle)).dispose();
  vm.defineProp(handle, Symbol.iterator, vm.true, { writable: true });
  handle.getOwnPropertyDescriptor("size")?.get?.dispose();
  const { id }: Operation = vm.pendingOperations()[0] ?? { ...vm.pendingOperations()[1]! };
  vm.settleOperation(id, { value: [size] });
  // @ts-expect-error: one of both
  vm.settleOperation(id, { value: 1, error: 2 });
  return size;
}

export async function sleep(vm: QuickJS): Promise<unknown> {
  const first: Snapshot = vm.snapshot();
  const chain = [first, vm.snapshot({ since: first }).bytes];
  const woken = await QuickJS.restore(chain, { fuel: 1000 });
  try {
    woken.evalCode("null.x");
  } catch (error) {
    if (error instanceof JSException) error.handle.dispose();
  }
  const pool = await VMPool.create({ snapshot: chain, warm: async (one) => one.runGC() });
  const answer: Promise<number> = pool.run(async (one) => one.evalCode("1").toNumber());
  const { operations } = await inspectSnapshot(first.bytes);
  return [await answer, operations[0]?.kind];
}

// The data of a class is what its constructor gives.
export function classes(vm: QuickJS): string {
  const Book = vm.newClass("Book", {
    construct: (id) => ({ id: id.toNumber(), title: "Emma" }),
    id: (book) => book.id,
    methods: { title: (book, times) => book.title.repeat(times!.toNumber()) },
    restore: (id) => ({ id: Number(id), title: "" }),
  });
  const title: string = Book.dataOf(Book.newInstance({ id: 1, title: "Emma" })).title;
  for (const item of vm.newArray()) item.callMethod("at", vm.newNumber(0)).dispose();
  return title;
}
