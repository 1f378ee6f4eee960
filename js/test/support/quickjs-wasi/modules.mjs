// SPDX-License-Identifier: MIT
//
// modules.mjs - cases: modules.

import { add, caught, describeError } from "./case.mjs";

/** A loader of these sources, which notes what it is asked. */
const loader = (sources, normalize) => (m) => {
  m.asked = [];
  return {
    moduleLoader: {
      ...(normalize && {
        normalize: (base, specifier) => {
          m.asked.push(`${specifier} in ${base}`);
          return normalize(base, specifier);
        },
      }),
      load: (name) => {
        m.asked.push(name);
        if (!(name in sources)) throw new RangeError(`no ${name}`);
        return sources[name];
      },
    },
  };
};
const namespace = async (vm, m, code, file = "main.js") => {
  const promise = vm.evalCode(code, file, m.EvalFlags.TYPE_MODULE);
  const settled = vm.resolvePromise(promise);
  vm.executePendingJobs();
  const { value, error } = await settled;
  return error ? describeGuest(vm, error) : vm.dump(value);
};
const describeGuest = (vm, error) =>
  `${error.getProp("name").toString()}: ${error.getProp("message").toString()}`;

add(
  "a module",
  (vm, m) => namespace(vm, m, "export const a = 1; export default [2]; export { a as b }"),
);
add(
  "a module that awaits",
  (vm, m) => namespace(vm, m, "export const a = await Promise.resolve(7)"),
);
add("a module that throws", (vm, m) => namespace(vm, m, "throw new RangeError('at once')"));
add(
  "a module that throws, at once",
  (vm, m) => vm.evalCode("throw 1", "m.js", m.EvalFlags.TYPE_MODULE).promiseState,
  {
    differs: "moduleRun",
    ours: 0,
  },
);
add(
  "a module that is wrong",
  (vm, m) => caught(() => vm.evalCode("export {", "m.js", m.EvalFlags.TYPE_MODULE)),
);
add("imports of names as they are", async (vm, m) => [
  await namespace(vm, m, "import { a } from './a.js'; export const b = a * 2", "dir/main.js"),
  m.asked,
], { options: loader({ "./a.js": "export const a = 4" }) });
add("imports are loaded once", async (vm, m) => [
  await namespace(vm, m, "import { a } from 'a'; export { a }"),
  await namespace(vm, m, "import { a } from 'a'; export { a }", "second.js"),
  m.asked,
], { options: loader({ a: "export const a = {}" }) });
add(
  "imports with names",
  async (vm, m) => [await namespace(vm, m, "export * from './x'"), m.asked],
  {
    options: loader(
      { "root/x": "export const x = 1" },
      (_base, specifier) => specifier.replace(".", "root"),
    ),
  },
);
add("imports with several names", async (vm, m) => [
  await namespace(vm, m, "import './x'; import './y'; export default 1"),
  m.asked,
], {
  options: loader({ "./x": "", "./y": "" }, (_base, specifier) => specifier),
  differs: "moduleOrder",
  ours: [{ default: 1 }, ["./x in main.js", "./y in main.js", "./x", "./y"]],
});
add("import()", async (vm, m) => {
  const promise = vm.evalCode("import('a').then(({ a }) => a + 1)");
  const settled = vm.resolvePromise(promise);
  vm.executePendingJobs();
  return [vm.dump((await settled).value), m.asked];
}, { options: loader({ a: "export const a = 1" }) });
add(
  "import of what is not exported",
  (vm, m) => caught(() => vm.evalCode("import { z } from 'a'", "m.js", m.EvalFlags.TYPE_MODULE)),
  {
    options: loader({ a: "" }),
    differs: "words",
    ours: "SyntaxError: Could not find export 'z' in module 'a' (imported by 'm.js')",
  },
);
add(
  "import of what is not there",
  (vm, m) => caught(() => vm.evalCode("import 'z'", "m.js", m.EvalFlags.TYPE_MODULE)),
  {
    options: loader({}),
    differs: "moduleErrors",
    ours: "ReferenceError: cannot load module 'z' (imported by 'm.js'): no z",
  },
);
add(
  "import without a loader",
  (vm, m) => caught(() => vm.evalCode("import 'z'", "m.js", m.EvalFlags.TYPE_MODULE)),
  {
    differs: "words",
    ours:
      "ReferenceError: cannot load module 'z' (imported by 'm.js'): this VM has no modules; give the option 'moduleLoader'",
  },
);
for (
  const [what, given] of [["a promise", Promise.resolve("")], ["a number", 5], [
    "nothing",
    undefined,
  ]]
) {
  add(
    `a loader that gives ${what}`,
    (vm, m) =>
      caught(() => vm.evalCode("import 'z'", "m.js", m.EvalFlags.TYPE_MODULE)).replace(
        /:.*: /,
        ": ",
      ).slice(0, 30),
    {
      options: () => ({ moduleLoader: { load: () => given } }),
      differs: "moduleErrors",
      ours: "ReferenceError: moduleLoader.l",
    },
  );
}
add(
  "import of JSON",
  (vm, m) =>
    namespace(vm, m, "import x from 'j' with { type: 'json' }; export { x }").catch(describeError),
  {
    options: loader({ j: '{"a":[1]}' }),
    differs: "moduleTypes",
    ours: { x: { a: [1] } },
  },
);
