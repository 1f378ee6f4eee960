// SPDX-License-Identifier: MIT
//
// programs.mjs - programs as people write them for quickjs-wasi,
// one for each thing that its documentation shows.
//
// Each gets the module that it would import, and what that module wants as its
// option `wasm`; nothing in it knows which package it has. `gives` is what it
// must come to, with either.

/** Lets what was promised happen. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

/** The numbers of a record, so that nothing of a snapshot is compared. */
function fixedClock(ms) {
  return (memory) => ({
    clock_time_get(_id, _precision, at) {
      new DataView(memory.buffer).setBigUint64(at, BigInt(ms) * 1_000_000n, true);
      return 0;
    },
  });
}

async function evaluate({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const result = vm.evalCode("12 * 12 - 2");
  const number = result.toNumber();
  result[Symbol.dispose]();
  vm[Symbol.dispose]();
  return number;
}

async function values({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const kept = [vm.newString("good morning"), vm.newNumber(0.25), vm.newBigInt(-(2n ** 62n))];
  ["greeting", "share", "debt"].forEach((name, i) => vm.setProp(vm.global, name, kept[i]));
  kept.forEach((handle) => handle.dispose());
  const text = vm.evalCode("`${greeting}: ${share} of ${debt}`").consume((h) => h.toString());
  const given = vm.hostToHandle({ id: 7, tags: ["a", "b"], open: true, none: null });
  const back = vm.dump(given);
  const key = vm.newString("tags");
  const tags = vm.getProp(given, key).consume((h) => h.length);
  given.dispose();
  key.dispose();
  vm.dispose();
  return { text, back, tags };
}

async function hostFunctions({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const area = vm.newFunction(
    "area",
    (width, height) => vm.newNumber(width.toNumber() * height.toNumber()),
  );
  vm.setProp(vm.global, "area", area);
  area.dispose();
  const own = vm.newFunction("label", function (suffix) {
    const name = this.getProp("name").consume((h) => h.toString());
    return vm.newString(name + suffix.toString());
  });
  vm.setProp(vm.global, "label", own);
  own.dispose();
  const result = vm.evalCode("[area(3, 5), ({ name: 'box', label }).label('!')]");
  const given = vm.dump(result);
  vm.dispose();
  return given;
}

async function asyncHostFunctions({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const price = vm.newFunction("price", (item) => {
    const name = item.toString();
    const deferred = vm.newPromise();
    settle().then(() => {
      if (name === "tea") deferred.resolve(vm.newNumber(3));
      else deferred.reject(vm.newError(new RangeError(`no ${name} today`)));
      vm.executePendingJobs();
    });
    return deferred.handle;
  });
  vm.setProp(vm.global, "price", price);
  const answers = [];
  for (const item of ["tea", "soup"]) {
    const promise = vm.evalCode(`(async () => 2 * await price("${item}"))()`);
    const settled = await vm.resolvePromise(promise);
    answers.push("error" in settled ? vm.dump(settled.error).message : vm.dump(settled.value));
  }
  vm.dispose();
  return answers;
}

async function module({ QuickJS, EvalFlags, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const promise = vm.evalCode(
    "export const size = 3; export default 'medium';",
    "sizes.js",
    EvalFlags.TYPE_MODULE,
  );
  vm.executePendingJobs();
  const { value } = await vm.resolvePromise(promise);
  const given = [value.getProp("size").toNumber(), value.getProp("default").toString()];
  vm.dispose();
  return given;
}

async function imports({ QuickJS, EvalFlags, wasm }) {
  const sources = {
    "lib/shape.js": "import { pi } from './round.js'; export const circle = (r) => pi * r * r;",
    "lib/round.js": "export const pi = 3;",
  };
  const vm = await QuickJS.create({
    wasm,
    moduleLoader: {
      normalize: (base, specifier) =>
        specifier.startsWith("./")
          ? base.replace(/[^/]*$/, specifier.slice(2))
          : `lib/${specifier}`,
      load: (name) => {
        if (name in sources) return sources[name];
        throw new Error(`there is no module ${name}`);
      },
    },
  });
  const promise = vm.evalCode(
    "import { circle } from 'shape.js'; export const size = circle(2);",
    "main.js",
    EvalFlags.TYPE_MODULE,
  );
  vm.executePendingJobs();
  const { value } = await vm.resolvePromise(promise);
  const size = value.getProp("size").toNumber();
  let message;
  try {
    vm.evalCode("import 'cube.js'", "other.js", EvalFlags.TYPE_MODULE);
  } catch (error) {
    message = /there is no module lib\/cube\.js/.test(error.message);
    error.dispose();
  }
  vm.dispose();
  return { size, message };
}

/** A module that is not there yet is thrown for, fetched, and asked for again. */
async function fetchAndRetry({ QuickJS, EvalFlags, wasm }) {
  const far = {
    one: "import { two } from 'two'; export const sum = 1 + two;",
    two: "export const two = 2;",
  };
  const cache = new Map();
  const asked = [];
  let missing = null;
  const vm = await QuickJS.create({
    wasm,
    moduleLoader: {
      load: (name) => {
        if (cache.has(name)) return cache.get(name);
        missing = name;
        throw new Error(`not here yet: ${name}`);
      },
    },
  });
  const run = async (code) => {
    for (;;) {
      missing = null;
      try {
        return vm.evalCode(code, "entry", EvalFlags.TYPE_MODULE);
      } catch (error) {
        if (missing === null) throw error;
        asked.push(missing);
        await settle();
        cache.set(missing, far[missing]);
      }
    }
  };
  const promise = await run("import { sum } from 'one'; export { sum };");
  vm.executePendingJobs();
  const { value } = await vm.resolvePromise(promise);
  const sum = value.getProp("sum").toNumber();
  vm.dispose();
  return { sum, asked };
}

async function errors({ QuickJS, JSException, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const told = [];
  try {
    vm.evalCode("const find = (x) => x.part.name;\nfind({});", "find.js");
  } catch (error) {
    told.push(error instanceof JSException, error instanceof Error, error.name);
    told.push(/at find \(find\.js:1:\d+\)/.test(error.stack), error.handle.isError);
    error.dispose();
    told.push(error.handle.disposed);
  }
  const made = vm.newError(new SyntaxError("not like this"));
  vm.setProp(vm.global, "fromHost", made);
  told.push(vm.evalCode("`${fromHost.name}: ${fromHost.message}`").toString());
  try {
    vm.evalCode("throw Object.assign(new Error('no room'), { code: 'FULL' })");
  } catch (error) {
    told.push(error.message, error.handle.getProp("code").toString());
  }
  vm.dispose();
  return told;
}

async function fixedTime({ QuickJS, wasm }) {
  const rows = [];
  for (let i = 0; i < 2; i++) {
    const vm = await QuickJS.create({ wasm, wasi: fixedClock(1_700_000_000_000) });
    rows.push(vm.dump(vm.evalCode("[Date.now(), Math.random(), Math.random(), Math.random()]")));
    vm.dispose();
  }
  return rows;
}

async function movingTime({ QuickJS, wasm }) {
  let now = 1_600_000_000_000n;
  const vm = await QuickJS.create({
    wasm,
    wasi: (memory) => ({
      clock_time_get(_id, _precision, at) {
        new DataView(memory.buffer).setBigUint64(at, now * 1_000_000n, true);
        return 0;
      },
    }),
  });
  const first = vm.evalCode("new Date().toISOString()").toString();
  now += 86_400_000n;
  const second = vm.evalCode("new Date().toISOString()").toString();
  vm.dispose();
  return [first, second];
}

async function memoryLimit({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm, memoryLimit: 3 << 20 });
  const told = [];
  try {
    vm.evalCode("const rows = []; for (let i = 0; ; i++) rows.push('row '.repeat(200) + i);");
  } catch (error) {
    told.push(error.name, error.message);
    error.dispose();
  }
  told.push(vm.evalCode("'still here'").toString(), vm.getAllocatedSize() > 0);
  vm.dispose();
  return told;
}

async function interrupt({ QuickJS, wasm }) {
  let asked = 0;
  const vm = await QuickJS.create({ wasm, interruptHandler: () => ++asked > 3 });
  const told = [];
  try {
    vm.evalCode("try { for (;;); } catch { 'caught' } finally { globalThis.cleaned = true }");
  } catch (error) {
    told.push(error.name, error.message, error.handle.isError);
    error.dispose();
  }
  asked = -Infinity;
  told.push(vm.evalCode("6 * 7").toNumber(), vm.evalCode("typeof cleaned").toString());
  vm.dispose();
  return told;
}

async function zones({ QuickJS, wasm }) {
  const told = [];
  for (const timezoneOffset of [480, 0, (seconds) => (seconds < 1_000_000 ? -60 : -120)]) {
    const vm = await QuickJS.create({ wasm, timezoneOffset });
    told.push(
      vm.dump(vm.evalCode(
        "[new Date(0).getTimezoneOffset(), new Date(2e9).getTimezoneOffset(), new Date(0).getHours()]",
      )),
    );
    vm.dispose();
  }
  const vm = await QuickJS.create({ wasm });
  told.push(
    vm.evalCode("new Date(1e12).getTimezoneOffset()").toNumber() ===
      new Date(1e12).getTimezoneOffset(),
  );
  vm.dispose();
  return told;
}

/** A promise is left pending, sleeps as bytes, and is settled in another VM. */
async function sleep({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  vm.evalCode(`
    globalThis.total = 1;
    globalThis.paid = new Promise((resolve) => { globalThis.pay = resolve; });
    paid.then((sum) => { total += sum; });
  `).dispose();
  vm.executePendingJobs();
  const bytes = QuickJS.serializeSnapshot(vm.snapshot());
  vm.dispose();

  const woken = await QuickJS.restore(QuickJS.deserializeSnapshot(bytes.slice()), { wasm });
  const pay = woken.global.getProp("pay");
  woken.callFunction(pay, woken.undefined, woken.newNumber(99)).dispose();
  woken.executePendingJobs();
  const total = woken.global.getProp("total").consume((h) => h.toNumber());
  woken.dispose();
  return total;
}

async function bindAgain({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const twice = vm.newFunction("twice", (n) => vm.newNumber(n.toNumber() * 2));
  vm.setProp(vm.global, "twice", twice);
  const told = [vm.evalCode("twice(21)").toNumber()];
  const snapshot = vm.snapshot();
  vm.dispose();
  const woken = await QuickJS.restore(snapshot, { wasm });
  try {
    woken.evalCode("twice(1)");
  } catch (error) {
    told.push(/twice/.test(error.message));
  }
  woken.registerHostCallback("twice", (n) => woken.newNumber(n.toNumber() + n.toNumber()));
  told.push(woken.evalCode("twice(100)").toNumber());
  woken.dispose();
  return told;
}

async function uniqueNames({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const told = [];
  vm.setProp(vm.global, "one", vm.newFunction("one", () => vm.newNumber(1)));
  try {
    vm.newFunction("one", () => vm.newNumber(2));
  } catch (error) {
    told.push(error instanceof Error, /one/.test(error.message));
  }
  told.push(vm.unregisterHostCallback("one"), vm.unregisterHostCallback("one"));
  vm.newFunction("one", () => vm.newNumber(3));
  told.push(vm.evalCode("one()").toNumber());
  vm.dispose();
  return told;
}

async function scopes({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const root = vm.evalCode("({ order: { buyer: { name: 'Ada' } } })");
  const seen = [];
  const name = vm.withScope((scope) => {
    const order = root.getProp("order");
    const buyer = order.getProp("buyer");
    seen.push(order, buyer);
    return scope.escape(buyer.getProp("name"));
  });
  const told = [name.toString(), name.disposed, ...seen.map((handle) => handle.disposed)];
  vm.dispose();
  return told;
}

async function bytecode({ QuickJS, EvalFlags, CompileFlags, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const code = vm.compile("let n = 0; while (n * n < 2000) n++; n");
  const other = await QuickJS.create({ wasm });
  const told = [other.evalBytecode(code).toNumber()];
  const flags = CompileFlags.STRIP_SOURCE | CompileFlags.STRIP_DEBUG;
  const module = vm.compile("export const root = 45;", "root.js", EvalFlags.TYPE_MODULE, flags);
  const promise = other.evalBytecode(module);
  other.executePendingJobs();
  told.push(other.dump((await other.resolvePromise(promise)).value));
  vm.dispose();
  other.dispose();
  return told;
}

async function introspection({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const told = {};
  for (
    const [name, code] of Object.entries({
      map: "new Map()",
      set: "new Set()",
      date: "new Date(0)",
      regexp: "/x/",
      view: "new DataView(new ArrayBuffer(1))",
      proxy: "new Proxy({}, { get() { throw new Error('seen') } })",
      fake: "({ __proto__: Map.prototype, get [Symbol.toStringTag]() { throw 1 } })",
    })
  ) {
    const handle = vm.evalCode(code);
    told[name] = ["isMap", "isSet", "isDate", "isRegExp", "isDataView", "isProxy"]
      .filter((is) => handle[is]).join();
    handle.dispose();
  }
  const accessor = vm.evalCode("({ get secret() { throw new Error('ran') } })");
  const { get, set, enumerable } = accessor.getOwnPropertyDescriptor("secret");
  told.accessor = [get.isFunction, set.isUndefined, enumerable];
  const [a, b] = [vm.evalCode("globalThis.shared = []"), vm.evalCode("shared")];
  told.identity = [a.identity === b.identity, vm.true.identity];
  vm.dispose();
  return told;
}

async function ephemeral({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const seen = [];
  const visit = vm.newEphemeralFunction((value, key) => {
    seen.push([key.toString(), value.toNumber()]);
    return vm.undefined;
  });
  const map = vm.evalCode("new Map([['x', 1], ['y', 2]])");
  vm.callFunction(map.getProp("forEach"), map, visit).dispose();
  visit.dispose();
  vm.dispose();
  return seen;
}

async function promises({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  vm.setProp(vm.global, "later", vm.hostToHandle(settle().then(() => ({ ready: true }))));
  const promise = vm.evalCode("later.then(({ ready }) => ready ? 'go' : 'wait')");
  const { value } = await vm.resolvePromise(promise);
  const deferred = vm.newPromise();
  const waiting = vm.resolvePromise(deferred.handle).then(() => "settled", () => "ended");
  const told = [value.toString(), deferred.handle.promiseState];
  vm.dispose();
  told.push(await waiting);
  return told;
}

async function rejections({ QuickJS, wasm }) {
  const told = [];
  const vm = await QuickJS.create({
    wasm,
    onUnhandledRejection: (promise, reason, isHandled) =>
      told.push([promise.isPromise, reason.toString(), isHandled]),
  });
  vm.evalCode("globalThis.lost = Promise.reject('why not'); 0");
  vm.executePendingJobs();
  vm.evalCode("lost.catch(() => {}); 0");
  vm.executePendingJobs();
  vm.dispose();
  return told;
}

async function awaiting({ QuickJS, EvalFlags, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const promise = vm.evalCode("await null; await 20 + 3", "top.js", EvalFlags.ASYNC);
  vm.executePendingJobs();
  const { value } = await vm.resolvePromise(promise);
  const given = vm.dump(value);
  vm.dispose();
  return given;
}

async function tokens({ QuickJS, wasm }) {
  const vm = await QuickJS.create({ wasm });
  const pristine = vm.evalCode("Array.prototype.map");
  const token = vm.exportHandle(pristine);
  const snapshot = vm.snapshot();
  vm.dispose();
  const woken = await QuickJS.restore(snapshot, { wasm });
  woken.evalCode("Array.prototype.map = () => 'patched'; 0");
  const map = woken.importHandle(token);
  const list = woken.evalCode("[1, 2, 3]");
  const square = woken.evalCode("(x) => x * x");
  const given = woken.dump(woken.callFunction(map, list, square));
  woken.dispose();
  return given;
}

async function leftOut({ QuickJS, Intrinsics, wasm }) {
  const vm = await QuickJS.create({
    wasm,
    intrinsics: Intrinsics.ALL & ~Intrinsics.PROXY & ~Intrinsics.WEAK_REF,
  });
  const given = vm.dump(vm.evalCode("[typeof Proxy, typeof WeakRef, typeof Map, typeof Date]"));
  vm.dispose();
  return given;
}

/** Every program: its name, itself, and what it gives. */
export const programs = [
  ["evaluates", evaluate, 142],
  ["makes and reads values", values, {
    text: "good morning: 0.25 of -4611686018427387904",
    back: { id: 7, tags: ["a", "b"], open: true, none: null },
    tags: 2,
  }],
  ["calls the host", hostFunctions, [15, "box!"]],
  ["waits for the host", asyncHostFunctions, [6, "no soup today"]],
  ["runs a module", module, [3, "medium"]],
  ["imports", imports, { size: 12, message: true }],
  ["fetches what it imports, and tries again", fetchAndRetry, { sum: 3, asked: ["one", "two"] }],
  ["catches errors", errors, [
    true,
    true,
    "TypeError",
    true,
    true,
    true,
    "SyntaxError: not like this",
    "no room",
    "FULL",
  ]],
  ["stops the clock", fixedTime, [
    [1700000000000, 0.4250777419229457, 0.7318575301997312, 0.4407643123773133],
    [1700000000000, 0.4250777419229457, 0.7318575301997312, 0.4407643123773133],
  ]],
  ["moves the clock", movingTime, ["2020-09-13T12:26:40.000Z", "2020-09-14T12:26:40.000Z"]],
  ["limits memory", memoryLimit, ["InternalError", "out of memory", "still here", true]],
  ["interrupts", interrupt, ["InternalError", "interrupted", true, 42, "undefined"]],
  ["lives in a time zone", zones, [[480, 480, 16], [0, 0, 0], [-60, -120, 1], true]],
  ["sleeps and wakes", sleep, 100],
  ["binds host functions again", bindAgain, [42, true, 200]],
  ["has one host function of a name", uniqueNames, [true, true, true, false, 3]],
  ["ends handles with a scope", scopes, ["Ada", false, true, true]],
  ["compiles", bytecode, [45, { root: 45 }]],
  ["looks without running code", introspection, {
    map: "isMap",
    set: "isSet",
    date: "isDate",
    regexp: "isRegExp",
    view: "isDataView",
    proxy: "isProxy",
    fake: "",
    accessor: [true, true, true],
    identity: [true, 0],
  }],
  ["passes a function for a moment", ephemeral, [["x", 1], ["y", 2]]],
  ["hands over promises", promises, ["go", 0, "ended"]],
  ["tells of rejections", rejections, [[true, "why not", false], [true, "why not", true]]],
  ["awaits at the top", awaiting, { value: 23 }],
  ["names a value across a snapshot", tokens, [1, 4, 9]],
  ["leaves out what it does not want", leftOut, ["undefined", "undefined", "function", "function"]],
].map(([name, run, gives]) => ({ name, run, gives }));
