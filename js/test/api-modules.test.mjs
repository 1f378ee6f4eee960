// SPDX-License-Identifier: MIT
//
// api-modules.test.mjs - ES modules: where they come from, at once or later,
// kinds, errors, cycles, import(), and loaders that misbehave.

import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  BusyError,
  DisposedError,
  ExistsError,
  JSException,
  MisuseError,
  QuickJS,
  WrongTypeError,
} from "torpor-vm";

const FILES = {
  "a.js": "export const a = 1; export { b } from './b.js'",
  "b.js": "export const b = 2; export default () => 'called'",
  "dir/c.js": "import { b } from '../b.js'; export const c = b + 1",
  "cycle1.js":
    "import { two } from './cycle2.js'; export const one = 1; export const sum = () => one + two",
  "cycle2.js":
    "import { one } from './cycle1.js'; export const two = 2; export const back = () => one",
  "top.js":
    "export const slow = await new Promise((done) => Promise.resolve().then(() => done('awaited')))",
  "throws.js": "throw new RangeError('in module')",
  "syntax.js": "export const = 1",
  "missing-import.js": "import './nowhere.js'",
  "missing-export.js": "import { nothing } from './b.js'",
  "data.json": '{ "x": [1, 2], "y": "é" }',
  "text.txt": "plain 日本",
  "bytes.bin": new Uint8Array([0, 255, 7]),
  "utf8.js": new TextEncoder().encode("export const u = 'ü日'"),
};

function load(name) {
  if (name in FILES) return FILES[name];
  throw new Error(`no file ${name}`);
}
const later = (f) => async (...args) => {
  await null;
  return f(...args);
};
const LOADERS = {
  "at once": { load },
  "later": { load: later(load) },
  "sometimes later": { load: (name) => (name.length % 2 ? load(name) : later(load)(name)) },
};

for (const [when, moduleLoader] of Object.entries(LOADERS)) {
  test(`modules that come ${when}`, () =>
    withVM(async (vm) => {
      const space = await vm.evalModule(
        "export { a, b } from './a.js'; export const own = 5; export default 6",
        "main.js",
      );
      assert.deepEqual(space.keys().sort(), ["a", "b", "default", "own"]);
      assert.equal(space.getProp("a").toNumber() + space.getProp("b").toNumber(), 3);
      assert.equal(space.getProp("default").toNumber(), 6);
      const c = await vm.evalModule("export { c } from './dir/c.js'", "main2.js");
      assert.equal(c.getProp("c").toNumber(), 3);
      const cycle = await vm.evalModule(
        "import { sum } from './cycle1.js'; import { back } from './cycle2.js'; export const all = sum() + back()",
        "main3.js",
      );
      assert.equal(cycle.getProp("all").toNumber(), 4);
      const top = await vm.evalModule("export { slow } from './top.js'", "main4.js");
      assert.equal(top.getProp("slow").toString(), "awaited");
      const u = await vm.evalModule("export { u } from './utf8.js'", "main5.js");
      assert.equal(u.getProp("u").toString(), "ü日");
      const kinds = await vm.evalModule(
        `import data from "./data.json" with { type: "json" };
        import text from "./text.txt" with { type: "text" };
        import bytes from "./bytes.bin" with { type: "bytes" };
        export { data, text }; export const list = [...bytes]`,
        "main6.js",
      );
      assert.deepEqual(vm.dump(kinds.getProp("data")), { x: [1, 2], y: "é" });
      assert.equal(kinds.getProp("text").toString(), "plain 日本");
      assert.deepEqual(vm.dump(kinds.getProp("list")), [0, 255, 7]);
      const dynamic = await vm.evalModule(
        "const m = await import('./b.js'); export const got = m.default() + m.b; export const failed = await import('./nowhere.js').catch((e) => e.message)",
        "main7.js",
      );
      assert.equal(dynamic.getProp("got").toString(), "called2");
      assert.match(dynamic.getProp("failed").toString(), /nowhere/);
    }, { moduleLoader }));

  test(`errors of modules that come ${when}`, () =>
    withVM(async (vm) => {
      for (
        const [name, expected] of [
          ["throws.js", /RangeError: in module/],
          ["syntax.js", /SyntaxError/],
          ["missing-import.js", /nowhere/],
          ["missing-export.js", /nothing/],
          ["not-there.js", /not-there/],
        ]
      ) {
        const error = await assert.rejects(
          vm.evalModule(`import './${name}'`, `to-${name}`),
          Error,
          name,
        );
        assert.match(`${error.name}: ${error.message}`, expected, name);
        assert.equal(run(vm, "1 + 1"), 2);
      }
      await assert.rejects(vm.evalModule("syntax error", "s.js"), /SyntaxError/);
      await assert.rejects(vm.evalModule("throw 5", "t.js"), Error);
      await assert.rejects(vm.evalModule(5), MisuseError);
      await assert.rejects(vm.evalModule("1", "a\0b"), MisuseError);
    }, { moduleLoader }));
}

test("normalize names modules, at once or later", async () => {
  for (const delay of [(f) => f, later]) {
    const asked = [];
    const moduleLoader = {
      normalize: delay((importer, specifier) => {
        asked.push([importer, specifier]);
        return specifier.replace(/^lib:/, "");
      }),
      load: delay(load),
    };
    await withVM(async (vm) => {
      const space = await vm.evalModule(
        "import { b } from 'lib:b.js'; export const x = b",
        "main.js",
      );
      assert.equal(space.getProp("x").toNumber(), 2);
      assert.deepEqual(asked[0], ["main.js", "lib:b.js"]);
      const again = await vm.evalModule(
        "import { b } from 'lib:b.js'; export const y = b",
        "again.js",
      );
      assert.equal(again.getProp("y").toNumber(), 2);
    }, { moduleLoader });
  }
});

test("nothing of a module runs before all names are there", () =>
  withVM(async (vm) => {
    run(vm, "var runs = 0");
    await vm.evalModule("import './a.js'; runs++", "main.js");
    assert.equal(run(vm, "runs"), 1);
  }, { moduleLoader: { normalize: later((_, name) => name.replace("./", "")), load } }));

test("modules whose names come later are evaluated beside each other", () =>
  withVM(async (vm) => {
    run(vm, "var runs = []");
    const files = ["one", "two", "three", "main", "main"];
    const spaces = await Promise.all(files.map((file, i) =>
      vm.evalModule(
        `import { b } from 'lib:b.js'; import { c } from 'deep${i}'; runs.push(${i}); export { b, c }`,
        `${file}.js`,
      )
    ));
    assert.deepEqual(spaces.map((space) => vm.dump(space)), files.map((_, i) => ({ b: 2, c: i })));
    assert.deepEqual(run(vm, "runs.sort()"), [0, 1, 2, 3, 4]);
  }, {
    moduleLoader: {
      normalize: later((_, name) => name.replace(/^lib:/, "")),
      load: later((name) => {
        const [, kind, n] = /^(deep|leaf)(\d)$/.exec(name) ?? [];
        if (kind === "deep") return `import { n } from 'leaf${n}'; export const c = n;`;
        return kind === "leaf" ? `export const n = ${n};` : load(name);
      }),
    },
  }));

test("a module that has run is never evaluated anew", () =>
  withVM(async (vm) => {
    run(vm, "var runs = 0");
    // import() cannot wait for a name, and neither can what it loads.
    for (
      const [code, imports] of [
        ["await import('later')", ""],
        ["await import('./now1.js')", ""],
        ["await import('./now2.js')", "import 'fine'; "],
        ["import.meta.resolve('url')", ""],
        ["throw new Error('its own')", "import 'fine'; "],
      ]
    ) {
      const before = run(vm, "runs");
      const [error, other] = await Promise.allSettled([
        vm.evalModule(`${imports}runs++; ${code}`, "main.js"),
        vm.evalModule(`import 'other ${before}'; runs++`, "main.js"),
      ]);
      assert.match(error.reason.message, /its own|need a name at once|evalModule waits/);
      assert.equal(other.status, "fulfilled", code);
      assert.equal(run(vm, "runs"), before + 2, code);
    }
  }, {
    moduleLoader: {
      normalize: (_, name) => name.startsWith("./") ? name : later(() => name)(),
      load: later((name) => (name.startsWith("./") ? `import 'bare ${name}';` : "")),
    },
  }));

test("loaders that misbehave", async () => {
  const wrong = {
    "gives nothing": { load: () => undefined },
    "gives a number": { load: () => 5 },
    "gives an object": { load: () => ({}) },
    "gives a handle": { load: () => ({ then: 5 }) },
    "gives nothing later": { load: async () => undefined },
    "throws": {
      load: () => {
        throw new RangeError("disk");
      },
    },
    "throws nothing": {
      load: () => {
        throw undefined;
      },
    },
    "throws what has no text": {
      load: () => {
        throw Object.create(null);
      },
    },
    "refuses": { load: () => Promise.reject(new RangeError("disk")) },
    "names nothing": { normalize: () => "", load },
    "names a number": { normalize: () => 5, load },
    "names too much": { normalize: () => "x".repeat(5000), load },
    "names with a zero": { normalize: () => "a\0b", load },
    "refuses to name": { normalize: () => Promise.reject(new Error("no name")), load },
    "names a number later": { normalize: async () => 5, load },
    "throws a name": {
      normalize: () => {
        throw new Error("no name");
      },
      load,
    },
  };
  for (const [label, moduleLoader] of Object.entries(wrong)) {
    await withVM(async (vm) => {
      await assert.rejects(vm.evalModule("import './b.js'", "main.js"), Error, label);
      assert.equal(run(vm, "1 + 1"), 2, label);
      const later = vm.evalCode("import('./b.js').catch((e) => 'refused')");
      const { value } = await vm.resolvePromise(later);
      assert.equal(value.toString(), "refused", label);
    }, { moduleLoader });
  }
  await withVM(async (vm) => {
    await assert.rejects(vm.evalModule("import './b.js'", "main.js"), /moduleLoader|module/);
    assert.equal((await vm.evalModule("export const x = 1")).getProp("x").toNumber(), 1);
  });
});

test("a loader may use the VM, and end it", async () => {
  let vm;
  const seen = [];
  vm = await QuickJS.create({
    moduleLoader: {
      load: (name) => {
        seen.push(run(vm, "counter++"), thrownBy(() => vm.snapshot()) instanceof BusyError);
        return load(name);
      },
    },
  });
  run(vm, "var counter = 0");
  await vm.evalModule("import './a.js'", "main.js");
  assert.deepEqual(seen, [0, true, 1, true]);
  vm.dispose();
  for (const when of ["load", "normalize"]) {
    vm = await QuickJS.create({
      moduleLoader: {
        load: (name) => {
          if (when === "load") vm.dispose();
          return load(name);
        },
        ...(when === "normalize" && { normalize: () => (vm.dispose(), "b.js") }),
      },
    });
    await vm.evalModule("import './b.js'; for (;;);", "main.js").catch((error) => {
      assert(error instanceof DisposedError, String(error));
    });
    assert(vm.disposed, when);
  }
  const next = await QuickJS.create();
  assert.equal(run(next, "1 + 1"), 2);
  next.dispose();
});

test("disposing the VM while modules are on their way", async () => {
  let give;
  const vm = await QuickJS.create({
    moduleLoader: { load: () => new Promise((done) => (give = done)) },
  });
  const module = vm.evalModule("import './b.js'", "main.js");
  await null;
  vm.dispose();
  give?.("export const b = 1");
  await assert.rejects(module, DisposedError);
});

test("a module that is waited for is asked for again after a restore", async () => {
  const vm = await QuickJS.create({ moduleLoader: { load: () => new Promise(() => {}) } });
  run(vm, "var got; import('./b.js').then((m) => got = m.b); 1");
  vm.executePendingJobs();
  const bytes = QuickJS.serializeSnapshot(vm.snapshot());
  vm.dispose();
  const woken = await QuickJS.restore(bytes, { moduleLoader: { load: later(load) } });
  run(woken, "1");
  for (let i = 0; i < 20 && run(woken, "got") === undefined; i++) await null;
  woken.executePendingJobs();
  assert.equal(run(woken, "got"), 2);
  woken.dispose();
});

test('in "throw" mode a module\'s error is a JSException', () =>
  withVM(async (vm) => {
    const error = await assert.rejects(vm.evalModule("throw { code: 5 }", "t.js"), JSException);
    assert.equal(error.handle.getProp("code").toNumber(), 5);
    error.dispose();
  }, { exceptions: "throw" }));

test("newModule makes modules of objects, which sleep", () =>
  withVM(async (vm) => {
    const exports = vm.hostToHandle({ version: 3, default: "menu" });
    exports.setProp("twice", vm.newFunction("twice", (n) => n.toNumber() * 2));
    assert.equal(vm.newModule("app", exports), undefined);
    assert.throws(() => vm.newModule("app", exports), ExistsError);
    const source =
      "import d, { twice, version } from 'app'; export const got = [d, twice(version)]";
    const module = await vm.evalModule(source, "main.js");
    assert.deepEqual(vm.dump(module.getProp("got")), ["menu", 6]);
    const woken = await QuickJS.restore(vm.snapshot());
    woken.registerHostCallback("twice", (n) => n.toNumber() * 20);
    const again = await woken.evalModule(source, "again.js");
    assert.deepEqual(woken.dump(again.getProp("got")), ["menu", 60]);
    woken.dispose();
  }));

test("newModule says what is wrong", () =>
  withVM((vm) => {
    const object = vm.newObject();
    for (const name of ["", "torpor:x", "a\0b", "é".repeat(128), undefined, 5]) {
      assert.throws(() => vm.newModule(name, object), MisuseError, String(name));
    }
    vm.newModule("é".repeat(127), object);
    for (const source of ["5", "'text'", "new Proxy({}, {})"]) {
      assert.throws(() => vm.newModule("none", vm.evalCode(source)), WrongTypeError);
    }
    assert.throws(() => vm.newModule("none", {}), MisuseError);
  }));
