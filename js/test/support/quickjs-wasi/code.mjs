// SPDX-License-Identifier: MIT
//
// code.mjs - cases: running code.

import { add, caught } from "./case.mjs";

add(
  "values of scripts",
  (vm) =>
    ["1 + 1", "'text'", "let x = 5; x", "", "if (true) 'if'", "({})", "null"].map((code) =>
      vm.dump(vm.evalCode(code))
    ),
);
add(
  "names of files in stacks",
  (vm) =>
    caught(() => vm.evalCode("\n\nnull.x", "folder/file.js").dispose()) +
    vm.evalCode("try { null.x } catch (e) { e.stack }", "other.js").toString(),
);
add("exceptions", (vm, m) =>
  [
    "throw new TypeError('bad')",
    "throw 'text'",
    "throw 5",
    "throw { a: 1 }",
    "throw { name: 'N', message: 'M', stack: 'S' }",
    "throw Object.assign(new Error('e'), { name: 'Named' })",
    "class Own extends RangeError { name = 'Own' }; throw new Own('mine')",
    "let = 1; let let = 2",
    "nothing.there",
    "JSON.parse('{')",
  ].map((code) => {
    try {
      return vm.evalCode(code, "x.js");
    } catch (error) {
      const { name, message, stack, handle } = error;
      return [error instanceof m.JSException, name, message, stack, handle.typeof, String(error)];
    }
  }));
add("exceptions of null", (vm) => caught(() => vm.evalCode("throw null")), {
  differs: "thrown",
  ours: "Error: null",
});
add("exceptions of undefined", (vm) => caught(() => vm.evalCode("throw undefined")), {
  differs: "thrown",
  ours: "Error: undefined",
});
add("texts of exceptions can be set", (vm) => {
  try {
    vm.evalCode("throw new Error('one')");
  } catch (error) {
    error.message = "two";
    error.name = "Other";
    error.stack = "stack";
    const texts = [error.message, error.name, error.stack, Object.keys(error).join()];
    error[Symbol.dispose]();
    return [...texts, error.handle.disposed];
  }
});
add("the value of an exception", (vm) => {
  try {
    vm.evalCode("throw Object.assign(new Error('e'), { code: 42 })");
  } catch (error) {
    return [
      error.handle.getProp("code").toNumber(),
      error.handle.isError,
      error.dispose(),
      error.handle.disposed,
    ];
  }
});
add("strict mode", (vm, m) => caught(() => vm.evalCode("undeclared = 1", "x", m.EvalFlags.STRICT)));
add("unknown flags", (vm) => caught(() => vm.evalCode("1", "x", 1 << 16).toNumber()), {
  differs: "flags",
  ours: "refused",
});
add("a barrier for stacks", (vm, m) => {
  const run = vm.newFunction(
    "run",
    () => vm.evalCode("new Error().stack", "inner.js", m.EvalFlags.BACKTRACE_BARRIER),
  );
  vm.setProp(vm.global, "run", run);
  return vm.evalCode("(function outer() { return run() })()", "outer.js").toString();
});
add(
  "COMPILE_ONLY of wrong code",
  (vm, m) => caught(() => vm.evalCode("let = ;", "x", m.EvalFlags.COMPILE_ONLY)),
);
add("COMPILE_ONLY runs nothing", (vm, m) => {
  vm.evalCode("globalThis.ran = true", "x", m.EvalFlags.COMPILE_ONLY);
  return vm.evalCode("typeof ran").toString();
});
add("COMPILE_ONLY gives", (vm, m) => vm.evalCode("1", "x", m.EvalFlags.COMPILE_ONLY).typeof, {
  differs: "compileOnly",
  ours: "undefined",
});
add("await at the top", async (vm, m) => {
  const promise = vm.evalCode("await 1; 'done'", "x", m.EvalFlags.ASYNC);
  vm.executePendingJobs();
  return vm.dump((await vm.resolvePromise(promise)).value);
});
add("await at the top that throws", async (vm, m) => {
  const promise = vm.evalCode("await 1; throw new RangeError('late')", "x", m.EvalFlags.ASYNC);
  const settled = vm.resolvePromise(promise);
  vm.executePendingJobs();
  return vm.dump((await settled).error).message;
});
add("compile and run", (vm, m) => {
  const code = vm.compile("(() => 6 * 7)()", "x.js", 0, m.CompileFlags.STRIP_SOURCE);
  return [
    code instanceof Uint8Array,
    vm.evalBytecode(code).toNumber(),
    vm.evalBytecode(code).toNumber(),
  ];
});
add("compile what awaits", async (vm, m) => {
  const promise = vm.evalBytecode(vm.compile("await 2 + 3", "x.js", m.EvalFlags.ASYNC));
  const settled = vm.resolvePromise(promise);
  vm.executePendingJobs();
  return vm.dump((await settled).value);
});
add("compile wrong code", (vm) => caught(() => vm.compile("let = ;")), {
  differs: "compile",
  ours: "SyntaxError: unexpected token in expression: ';'",
});
add("run what throws from bytecode", (vm) => caught(() => vm.evalBytecode(vm.compile("null.x"))));
add("run other bytes", (vm) => caught(() => vm.evalBytecode(new Uint8Array(500))), {
  differs: "bytecode",
  ours: "refused",
});
add("call", (vm) => {
  const fn = vm.evalCode("(function (...args) { return [this?.id, ...args] })");
  const self = vm.evalCode("({ id: 9 })");
  return vm.dump(
    vm.callFunction(fn, self, vm.newNumber(1), vm.newString("two"), vm.null, vm.true, vm.undefined),
  );
});
add(
  "call without arguments",
  (vm) => vm.callFunction(vm.evalCode("() => 'none'"), vm.undefined).toString(),
);
add(
  "call of what throws",
  (vm) =>
    caught(() =>
      vm.callFunction(vm.evalCode("() => { throw new TypeError('in it') }"), vm.undefined)
    ),
);
add(
  "call of what is no function",
  (vm) => caught(() => vm.callFunction(vm.newNumber(1), vm.undefined)),
);
add("construct", (vm) => {
  const made = vm.construct(vm.evalCode("Date"), vm.newNumber(86400000));
  return vm.callFunction(made.getProp("toISOString"), made).toString();
});
add(
  "construct what throws",
  (vm) =>
    caught(() =>
      vm.construct(vm.evalCode("(class { constructor() { throw new RangeError('new') } })"))
    ),
);
add("construct what is no constructor", (vm) => caught(() => vm.construct(vm.evalCode("() => 1"))));
add("construct a number", (vm) => caught(() => vm.construct(vm.newNumber(1))), {
  differs: "words",
  ours: "TypeError: not a constructor",
});
add(
  "interrupt",
  (vm) => [caught(() => vm.evalCode("for (;;);")), vm.evalCode("typeof 1").toString()],
  {
    options: { interruptHandler: every(2) },
  },
);
add("interrupt in a call", (vm) => {
  const fn = vm.evalCode("() => { for (;;); }");
  return caught(() => vm.callFunction(fn, vm.undefined));
}, { options: { interruptHandler: () => true } });
add("interrupt in a job", (vm, m) => {
  vm.evalCode(
    "Promise.resolve().then(() => { for (;;); }).then(() => { globalThis.after = 1 }); 0",
  );
  m.isLate = true;
  const told = caught(() => vm.executePendingJobs());
  m.isLate = false;
  return [told, vm.evalCode("typeof after").toString()];
}, { options: (m) => ({ interruptHandler: () => m.isLate }) });
function every(n) {
  let count = 0;
  return () => ++count % n === 0;
}
