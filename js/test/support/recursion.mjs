// SPDX-License-Identifier: MIT
//
// recursion.mjs - programs that recurse without end, by every way that there
// is, and what must hold after each of them.

import { BrokenError, QuickJS, TrappedError } from "torpor-vm";
import { assert } from "./assert.mjs";

const nest = (open, close, n = 100_000) =>
  `${JSON.stringify(open)}.repeat(${n}) + "1" + ${JSON.stringify(close)}.repeat(${n})`;

/** By name: code whose value is true when it ended in an error, which it caught. */
export const RECURSIONS = {
  calls: "const f = () => f() + 1; f()",
  "calls with many variables": `(function f(${
    Array.from({ length: 200 }, (_, i) => "a" + i)
  }) { return f() + a1 })()`,
  "calls with many arguments": "const f = (...a) => f(...a, 1); f()",
  apply: "const f = (...a) => Reflect.apply(f, null, a); f(1)",
  bound: "let f = () => f(); for (let i = 0; i < 5000; i++) f = f.bind(null); f()",
  "a bound chain": "let f = () => 1; for (let i = 0; i < 200000; i++) f = f.bind(null); f()",
  constructors: "class A { constructor() { new A() } } new A()",
  "derived constructors": "class A { constructor() { new B() } } class B extends A { } new B()",
  getters: "class E { get x() { return this.x } } new E().x",
  setters: "class E { set x(v) { this.x = v } } new E().x = 1",
  conversion: "const o = { valueOf() { return +o } }; +o",
  toString: "const o = { toString() { return `${o}` } }; String(o)",
  "array callbacks": "const f = () => [1].map(f); f()",
  sort: "const f = () => [2, 1].sort(f); f()",
  replace: "const f = () => 'x'.replace(/x/, f); f()",
  "JSON both ways": "const f = () => JSON.parse('[1]', f); f()",
  toJSON: "JSON.stringify({ toJSON() { return { x: this.toJSON() } } })",
  generators: "const f = function* () { yield* f() }; [...f()]",
  "async functions":
    "let last; const f = async () => { try { await f() } catch (e) { last = e; throw e } }; f().catch(() => 1); throw last",
  "async generators":
    "let n = 0; const f = async function* () { n++; for await (const x of f()) yield x }; f().next(); throw 1",
  "proxy get": "const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x",
  "proxy chain": "let p = {}; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); p.x",
  "proxy chain has": "let p = {}; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); 'x' in p",
  "proxy chain calls":
    "let p = () => 1; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); p()",
  "proxy chain keys":
    "let p = {}; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); Object.keys(p)",
  "proxy prototype":
    "const p = new Proxy({}, { getPrototypeOf: (t) => Object.getPrototypeOf(p) }); Object.getPrototypeOf(p)",
  "proxy as prototype":
    "const o = {}; const p = new Proxy({}, { get: (t, k) => o[k] }); Object.setPrototypeOf(o, p); o.x",
  instanceof: "const o = { get [Symbol.hasInstance]() { return 1 instanceof o } }; 1 instanceof o",
  isArray: "let p = []; for (let i = 0; i < 200000; i++) p = new Proxy(p, {}); Array.isArray(p)",
  "join cycles": "const a = [1]; a.push([a, { toString: () => a.join() }]); a.join()",
  "deep join": "let a = []; for (let i = 0; i < 200000; i++) a = [a]; String(a)",
  "deep stringify": "let a = []; for (let i = 0; i < 200000; i++) a = [a]; JSON.stringify(a)",
  "deep flat": "let a = []; for (let i = 0; i < 200000; i++) a = [a]; a.flat(Infinity)",
  "deep parse": `JSON.parse(${nest("[", "]")})`,
  "deep parse of objects": `JSON.parse(${nest('{"a":', "}")})`,
  "deep spread": "const f = () => [...{ [Symbol.iterator]: f }]; f()",
  "map callbacks": "const m = new Map([[1, 1]]); const f = () => m.forEach(f); f()",
  "typed arrays": "const f = () => Uint8Array.from([1], f); f()",
  "date conversion": "const d = new Date(); d.toISOString = () => d.toJSON(); d.toJSON()",
  "symbol conversion": "const o = { [Symbol.toPrimitive]() { return o + '' } }; o + ''",
  "tagged templates": "const f = () => f``; f()",
  "eval": "const f = () => eval('f()'); f()",
  "indirect eval": "globalThis.g = () => (0, eval)('g()'); g()",
  Function: "globalThis.g = () => new Function('g()')(); g()",
  "error causes": "const e = new Error('x'); e.message = { toString: () => String(e) }; String(e)",
  prepareStackTrace:
    "Error.prepareStackTrace = () => { throw new Error('x').stack }; const f = () => { new Error('y').stack; f() }; f()",
  "species":
    "class A extends Array { static get [Symbol.species]() { return new A(1).map((x) => x), A } } new A(1).map((x) => x)",
  "console":
    "const o = { get x() { console.log(o); return 1 }, toString() { console.log(`${o}`); return '' } }; `${o}`",
  "deep regexp": `new RegExp(${nest("(", ")")})`,
  "deep regexp groups": `new RegExp(${nest("(?:", ")")})`,
  "deep regexp lookahead": `new RegExp(${nest("(?=", ")")})`,
  "deep regexp sets": `new RegExp(${nest("[", "]")}, "v")`,
  ...Object.fromEntries(
    [
      ["(", ")"],
      ["[", "]"],
      ["{", "}"],
      ["!", ""],
      ["-", ""],
      ["x=>", ""],
      ["async x=>", ""],
      ["`${", "}`"],
      ["function f(){", "}"],
      ["a?", ":b"],
      ["new ", ""],
      ["({a:", "})"],
      ["if(1)", ";"],
      ["for(;;)", ";"],
      ["a:", ";"],
      ["class A extends ", "{}"],
      ["class A { static {", "} }"],
      ["f(", ")"],
      ["a[", "]"],
      ["a**", ""],
      ["a=", ""],
      ["yield ", ""],
      ["await ", ""],
      ["try{", "}finally{}"],
      ["switch(1){case 1:", "}"],
      ["[a=", "]=1"],
      ["({a=", "})"],
      ["(a=", ")=>1"],
      ["a??", ""],
      ["a||(", ")"],
      ["typeof ", ""],
      ["a,(", ")"],
      ["a.b(c=>", ")"],
      ["<!--\n(", ")"],
    ].map((
      [open, close],
    ) => [`source ${open}`, `new Function("return 0;" + ${nest(open, close)}); throw 1`]),
  ),
};

/** Those that go through the host, as functions of a VM. */
export const HOST_RECURSIONS = {
  "host function calls back": (vm) => vm.evalCode("const f = () => hostCall(f); f()"),
  "host function evaluates": (vm) =>
    vm.evalCode("hostEval('const g = () => hostEval(\"g()\"); g()')"),
  "host function in a getter": (vm) =>
    vm.evalCode("const o = { get x() { return hostGet(o) } }; o.x"),
  "host function in a proxy": (vm) =>
    vm.evalCode("const p = new Proxy({}, { get(t, k) { return hostGet(p) } }); p.x"),
  "host function in sort": (vm) =>
    vm.evalCode("const f = () => [2, 1].sort(() => hostCall(f)); f()"),
  "host function in toString": (vm) =>
    vm.evalCode("const o = { toString: () => hostText(o) }; `${o}`"),
  "host function in dump": (vm) =>
    vm.evalCode("const o = { get x() { return hostDump(o) } }; hostDump(o)"),
  "host function throws deep": (vm) =>
    vm.evalCode("const f = () => { try { hostCall(f) } catch (e) { hostThrow(e) } }; f()"),
  "calls below many frames": (vm) =>
    vm.evalCode("const f = (n) => n ? f(n - 1) : hostCall(() => f(500)); f(500)"),
  "constructors of the host's": (vm) =>
    vm.evalCode("class A { constructor() { hostNew(A) } } hostNew(A)"),
  "jobs below jobs": (vm) =>
    vm.evalCode("const f = () => { Promise.resolve().then(f); hostJobs() }; f()"),
};

function bindHost(vm) {
  const bind = (name, callback) => {
    const f = vm.newFunction(name, callback);
    vm.global.setProp(name, f);
    f.dispose();
  };
  bind("hostCall", (f) => vm.unwrapResult(vm.callFunction(f, vm.undefined)));
  bind("hostEval", (code) => vm.unwrapResult(vm.evalCode(code.toString())));
  bind("hostGet", (o) => vm.unwrapResult(o.getProp("x")));
  bind("hostText", (o) => o.toString());
  bind("hostDump", (o) => void vm.dump(o));
  bind("hostNew", (c) => vm.unwrapResult(vm.construct(c)));
  bind("hostJobs", () => void vm.executePendingJobs());
  bind("hostThrow", () => {
    throw new RangeError("host");
  });
}

/** How a recursion may end; anything else is thrown. */
async function judge(vm, name, attempt) {
  let outcome;
  try {
    const result = attempt(vm);
    outcome = vm.unwrapResult(result).toBoolean() ? "caught" : "no error";
  } catch (error) {
    if (error instanceof TrappedError || error instanceof BrokenError) outcome = "broken";
    else outcome = "thrown";
    if (globalThis.VERBOSE) {
      console.log(
        name,
        error.name,
        error.message,
        error.cause?.stack?.split("\n").slice(0, 6).join("\n"),
      );
    }
  }
  if (outcome === "broken") requireBroken(vm, name);
  else await requireWhole(vm, name);
  return outcome;
}

function requireBroken(vm, name) {
  const object = vm.undefined;
  for (
    const use of [
      () => vm.evalCode("1"),
      () => vm.newObject(),
      () => vm.snapshot(),
      () => vm.fork(),
      () => vm.executePendingJobs(),
      () => vm.callFunction(object, object),
      () => vm.runGC(),
    ]
  ) {
    assert.throws(use, BrokenError, name);
  }
}

const CHECK = `globalThis.checks = (globalThis.checks ?? 0) + 1;
  [JSON.stringify({ a: [1, { b: 2 }] }), [3, 1, 2].sort().join(), "x".padStart(3, "ab"),
   new Map([[1, 2]]).get(1), /(\\d+)/.exec("a12")[1], [...(function* () { yield 1; yield 2 })()].length,
   (() => { const f = (n) => n ? f(n - 1) + 1 : 0; return f(50) })()].join("|")`;
const EXPECTED = '{"a":[1,{"b":2}]}|1,2,3|abx|2|12|2|50';

async function requireWhole(vm, name) {
  const run = (one) => one.dump(one.unwrapResult(one.evalCode(CHECK)));
  assert.equal(run(vm), EXPECTED, name);
  vm.runGC();
  const woken = await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()));
  assert.equal(run(woken), EXPECTED, `${name}, restored`);
  woken.dispose();
}

/** Runs all of them; how each ended, by name. */
export async function recurse(options, tell = () => {}) {
  const outcomes = {};
  const attempts = {
    ...Object.fromEntries(
      Object.entries(RECURSIONS).map(([name, code]) => [
        name,
        (vm) => vm.evalCode(`(() => { try { ${code} } catch (e) { return true } return false })()`),
      ]),
    ),
    ...HOST_RECURSIONS,
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    const vm = await QuickJS.create({
      memoryLimit: 128 << 20,
      console: () => {},
      deadline: 5000,
      ...options,
    });
    bindHost(vm);
    const begin = performance.now();
    outcomes[name] = await judge(vm, name, attempt);
    tell(name, outcomes[name], performance.now() - begin);
    vm.dispose();
  }
  return outcomes;
}

// ---- The end of the host's stack -----------------------------------------------------

/** What is done at every depth of the host's stack. */
const USES = {
  evaluates: (vm) => vm.evalCode("[1, 2, 3].map((x) => x * 2).join()").dispose(),
  throws: (vm) => vm.evalCode("throw new Error('x')").dispose(),
  "calls the host": (vm) => vm.evalCode("hostText({ toString() { return 'x' } })").dispose(),
  "is called back": (vm) => vm.evalCode("hostCall(() => hostEval('1 + 1'))").dispose(),
  unwraps: (vm) => vm.unwrapResult(vm.evalCode("null.x")),
  "makes values": (vm) => {
    vm.newString("x".repeat(100)).dispose();
    vm.newString("x".repeat(20_000)).dispose();
    vm.newObject().dispose();
    vm.newMap([[vm.true, vm.null]]).dispose();
    vm.newUint8Array(new Uint8Array(10)).dispose();
    vm.newError(new Error("x")).dispose();
  },
  "hands over data": (vm) => vm.hostToHandle({ a: [1, { b: "c" }], d: new Date(0) }).dispose(),
  dumps: (vm) => vm.dump(vm.global.getProp("data")),
  properties: (vm) => {
    const data = vm.global.getProp("data");
    data.setProp("x", vm.newString("y"));
    data.getProp("a".repeat(10_000)).dispose();
    data.keys();
    data.hasOwnProperty(Symbol.iterator);
    data.getOwnPropertyDescriptor("x").value.dispose();
    data.dispose();
  },
  functions: (vm) => vm.newFunction("f", () => 1).dispose(),
  promises: (vm) => {
    const deferred = vm.newPromise();
    deferred.resolve(vm.true);
    vm.executePendingJobs();
  },
  bytecode: (vm) => vm.evalBytecode(vm.compile("1 + 1")).dispose(),
  snapshots: (vm) => void vm.snapshot(),
  forks: (vm) => vm.fork().dispose(),
  scopes: (vm) => vm.withScope((scope) => scope.escape(vm.newObject()).dispose()),
  exports: (vm) => vm.forgetExport(vm.exportHandle(vm.global)),
  collects: (vm) => vm.runGC(),
};

// Goes to the end of the host's stack, and calls `use` at each step back.
function useAtEveryDepth(use) {
  let steps = 0;
  const down = () => {
    try {
      down();
    } catch {
      // The stack ended below.
    }
    if (steps++ < 400) use();
  };
  down();
}

/** Uses VMs at the end of the host's stack; how often they broke. */
export async function useAtEnds() {
  let broken = 0;
  for (const [name, use] of Object.entries(USES)) {
    for (let i = 0; i < 10; i++) {
      const vm = await QuickJS.create({ console: () => {} });
      bindHost(vm);
      vm.evalCode("globalThis.data = { a: [1, { b: 'c' }], m: new Map([[1, 2]]), d: new Date(0) }")
        .dispose();
      const attempt = () => {
        try {
          use(vm);
        } catch (error) {
          if (name !== "unwraps" || error.name !== "TypeError") throw error;
        }
      };
      // What is compiled when it is called first needs more of the stack then.
      for (let k = 0; k < 20; k++) attempt();
      useAtEveryDepth(attempt);
      if (await judge(vm, name, (one) => one.evalCode("true")) === "broken") broken++;
      vm.dispose();
    }
    // Nothing is wrong with what is used again.
    const next = await QuickJS.create();
    await requireWhole(next, name);
    next.dispose();
  }
  return broken;
}
