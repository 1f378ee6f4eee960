// SPDX-License-Identifier: MIT
//
// api-memory.test.mjs - guest memory that ends at every moment, bytecode that
// does what it likes, and hosts without memory: typed errors, and a VM that is
// whole or plainly broken.

import { newRandom } from "./support/random.mjs";
import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import { BrokenError, JSException, LimitError, QuickJS, TorporError } from "torpor-vm";

/** What is done while allocations fail. */
const USES = {
  evalCode: (vm) => vm.evalCode("[1, { a: 'b' }].map((x) => String(x)).join()"),
  "evalCode that throws": (vm) => vm.evalCode("throw new Error('x')"),
  unwrapResult: (vm) => vm.unwrapResult(vm.evalCode("throw new Error('x', { cause: { a: 1 } })")),
  newString: (vm) => vm.newString("text".repeat(100)),
  "newString wide": (vm) => vm.newString("日本".repeat(100)),
  newBigInt: (vm) => vm.newBigInt(2n ** 200n),
  newObject: (vm) => vm.newObject(),
  newArray: (vm) => vm.newArray(),
  newDate: (vm) => vm.newDate(5),
  newMap: (vm) => vm.newMap([[vm.newNumber(1), vm.newNumber(2)]]),
  newSet: (vm) => vm.newSet([vm.newNumber(1)]),
  newSymbolFor: (vm) => vm.newSymbolFor("a symbol"),
  newUint8Array: (vm) => vm.newUint8Array(new Uint8Array(100)),
  newArrayBuffer: (vm) => vm.newArrayBuffer(new Uint8Array(100)),
  newError: (vm) => vm.newError(new RangeError("far", { cause: new Error("c") })),
  newFunction: (vm) => vm.newFunction("another", () => 1),
  newEphemeralFunction: (vm) => vm.newEphemeralFunction(() => 1),
  newPromise: (vm) => vm.newPromise().handle,
  hostToHandle: (vm) => vm.hostToHandle({ a: [1, "b", 5n], m: new Map([[1, new Date(0)]]) }),
  dump: (vm) => void vm.dump(vm.global.getProp("data")),
  getProp: (vm) => vm.global.getProp("a name that is new"),
  "getProp of a long key": (vm) => vm.global.getProp("k".repeat(30_000)),
  "getProp of a symbol": (vm) => vm.global.getProp(Symbol.for("new one")),
  setProp: (vm) => void vm.global.setProp("fresh" + Math.random(), vm.true),
  defineProp: (vm) => void vm.global.defineProp("defined" + Math.random(), vm.true),
  keys: (vm) => void vm.global.getProp("data").keys(),
  getOwnPropertyKeys: (vm) => void vm.global.getProp("data").getOwnPropertyKeys(),
  getOwnPropertyDescriptor: (vm) => vm.global.getOwnPropertyDescriptor("data").value,
  toString: (vm) => void vm.global.getProp("data").toString(),
  className: (vm) => void vm.global.getProp("data").className,
  callFunction: (vm) => vm.callFunction(vm.global.getProp("guest"), vm.undefined, vm.newObject()),
  construct: (vm) => vm.construct(vm.global.getProp("Map")),
  "host function": (vm) => vm.evalCode("host({ a: 1 }, 'text')"),
  "host function that throws": (vm) => vm.evalCode("try { toss() } catch (e) { e.message }"),
  "host function that is async": (vm) => vm.evalCode("later()"),
  compile: (vm) => vm.evalBytecode(vm.compile("1 + 1")),
  jobs: (
    vm,
  ) => (vm.evalCode("Promise.resolve(1).then((x) => x + 1)").dispose(),
    void vm.executePendingJobs()),
  settle: (vm) => void vm.newPromise().resolve(vm.newString("x")),
  operations: (vm) =>
    void vm.settleOperation(vm.beginOperation("kind", { a: 1 }).id, { value: [1] }),
  exportHandle: (vm) => void vm.forgetExport(vm.exportHandle(vm.newObject())),
  dup: (vm) => vm.newObject().dup(),
  callMethod: (vm) => vm.newArray().callMethod("concat", vm.newArray()),
  iterate: (vm) => [...vm.hostToHandle([1, "two", {}])],
  integrity: (vm) => {
    const object = vm.newObject();
    object.setPrototypeOf(vm.newObject());
    object.freeze();
  },
  entries: (vm) => {
    const map = vm.newMap();
    for (let i = 0; i < 20; i++) map.putEntry(vm.newNumber(i), vm.newString("v"));
    map.getEntry(vm.newNumber(3));
    map.deleteEntry(vm.newNumber(4));
  },
  newModule: (vm) => void vm.newModule(`made ${++made}`, vm.hostToHandle({ a: 1 })),
  newClass: (vm) => {
    const Made = vm.newClass(`Made${++made}`, {
      construct: (n) => n.toNumber(),
      id: (n) => n,
      methods: { value: (n) => n },
      getters: { half: (n) => n / 2 },
    });
    Made.newInstance(4).callMethod("value");
    vm.unwrapResult(vm.evalCode(`new ${Made.name}(5).half`));
    if (Made.instances().some((n) => n !== 4 && n !== 5)) throw new Error("other objects");
  },
  usage: (vm) => void vm.getMemoryUsage(),
  snapshot: (vm) => void vm.snapshot(),
  collect: (vm) => void vm.runGC(),
};

async function prepare() {
  const vm = await QuickJS.create({ console: () => {} });
  const bind = (name, callback) => {
    const f = vm.newFunction(name, callback);
    vm.global.setProp(name, f);
    f.dispose();
  };
  bind("host", (object, text) => {
    object.setProp("b", text);
    return vm.hostToHandle([object.getProp("a").toNumber(), text.toString()]);
  });
  bind("toss", () => {
    throw new RangeError("tossed");
  });
  bind("later", async () => 5);
  run(
    vm,
    "var data = { a: [1, 'b'], m: new Map([[1, 2]]) }; function guest(x) { return [x, {}] } 1",
  );
  return vm;
}

/** Names of modules and classes, none twice. */
let made = 0;

const CHECK =
  "[JSON.stringify(data.a), guest(1).length, [3, 1, 2].sort().join(), host({ a: 1 }, 'x').join()].join('|')";
const EXPECTED = '[1,"b"]|2|1,2,3|1,x';

async function requireWhole(vm, label) {
  assert.equal(run(vm, CHECK), EXPECTED, label);
  const woken = await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()));
  assert.equal(run(woken, "guest(1).length"), 2, label);
  woken.dispose();
}

for (const more of [0, 1]) {
  test(`each allocation fails in turn${more ? ", and all that follow" : ""}`, async () => {
    let vm = await prepare();
    let broken = 0, failures = 0;
    for (const [name, use] of Object.entries(USES)) {
      for (let n = 0; n < 400; n++) {
        const label = `${name}, allocation ${n}`;
        const { exports } = vm._core;
        exports.torpor_allocation_fail(n, more);
        const error = thrownBy(() => vm.withScope(() => void use(vm)));
        if (!vm._core.instance.isHurt) exports.torpor_allocation_fail(-1, 0);
        if (error !== undefined) {
          failures++;
          error.dispose?.();
          assert(
            error instanceof TorporError || error instanceof JSException ||
              name === "unwrapResult" ||
              /memory/.test(error.message),
            `${label}: ${error.stack}`,
          );
        }
        const isBroken = thrownBy(() => vm.evalCode("1")) instanceof BrokenError;
        if (isBroken) {
          broken++;
          assert.throws(() => vm.newObject(), BrokenError, label);
          assert.throws(() => vm.snapshot(), BrokenError, label);
          vm.dispose();
          vm = await prepare();
        } else if (n % 8 === 0) {
          await requireWhole(vm, label);
        }
        if (error === undefined && n > 60) break;
      }
      assert.equal(run(vm, CHECK), EXPECTED, name);
    }
    vm.dispose();
    assert(failures > 100, `${failures} failed`);
    assert(broken < failures / 2, `${broken} of ${failures} broke the VM`);
  }, { seconds: 240 });
}

test("handles are given back although memory ended", async () => {
  const vm = await prepare();
  const before = vm.getMemoryUsage().handles;
  for (let round = 0; round < 20; round++) {
    for (const [name, use] of Object.entries(USES)) {
      if (/async|settle|newPromise|operations|Function/.test(name)) continue;
      vm._core.exports.torpor_allocation_fail(round, 0);
      thrownBy(() => vm.withScope(() => void use(vm)))?.dispose?.();
      if (vm._core.instance.isHurt) return vm.dispose();
      vm._core.exports.torpor_allocation_fail(-1, 0);
    }
  }
  run(vm, "1");
  const after = vm.getMemoryUsage().handles;
  assert(after <= before + 10, `${after} handles instead of ${before}`);
  vm.dispose();
});

// ---- Bytecode that does what it likes -------------------------------------------------

async function seal(framed) {
  const copy = framed.slice();
  copy.fill(0, 88, 120);
  copy.set(new Uint8Array(await crypto.subtle.digest("SHA-256", copy)), 88);
  return copy;
}

// What code is compiled, altered, and given a checksum that is right; a VM that it breaks is
// replaced. 'runAltered' gives the error that running it threw.
async function newAlterations() {
  const options = { fuel: 1e6, memoryLimit: 32 << 20, deadline: 2000, console: () => {} };
  let vm = await QuickJS.create(options), broken = 0;
  const framed = vm.compile(
    `(function f(a, b) { const o = { x: a, y: [b] }; try { for (const k in o) a += o[k] } catch (e) {}
    return \`\${a}\` + o.y.length + (() => a)() })(1, "text")`,
  );
  return {
    size: framed.length,
    async runAltered(changes) {
      // All ones stand for a checksum of the engine's own that is not looked at.
      const altered = framed.slice().fill(255, 121, 125);
      for (const [at, byte] of changes) altered[at] = byte;
      const sealed = await seal(altered);
      vm.fuel = 1e5;
      const error = thrownBy(() =>
        vm.withScope(() => void vm.unwrapResult(vm.evalBytecode(sealed)))
      );
      vm.fuel = 0;
      const after = thrownBy(() => vm.evalCode("1").dispose());
      if (after === undefined) return error;
      broken++;
      assert.throws(() => vm.newObject(), BrokenError, String(after));
      vm.dispose();
      vm = await QuickJS.create(options);
      assert.equal(run(vm, "[1, 2].join()"), "1,2");
      return error;
    },
    /** Ends it; gives how many VMs broke. */
    end: () => (vm.dispose(), broken),
  };
}

test("altered bytecode with a valid checksum breaks its own VM at most", async () => {
  if (globalThis.crypto?.subtle === undefined) return;
  const code = await newAlterations();
  for (const seed of [1, 2, 3]) {
    const next = newRandom(seed);
    for (let i = 0; i < 600; i++) {
      const changes = [];
      for (let k = next(3); k >= 0; k--) {
        changes.push([125 + next(code.size - 125), next(256)]);
      }
      await code.runAltered(changes);
    }
  }
  assert(code.end() > 0, "some of them trap");
}, { seconds: 240 });

test("bytecode with instructions that do not exist is refused", async () => {
  if (globalThis.crypto?.subtle === undefined) return;
  const code = await newAlterations();
  let refused = 0;
  for (let at = 125; at < code.size; at++) {
    for (const byte of [0, 250, 251, 252, 253, 254, 255]) {
      const error = await code.runAltered([[at, byte]]);
      if (/damaged bytecode/.test(error?.message)) refused++;
    }
  }
  code.end();
  assert(refused > 100, `${refused} were refused`);
}, { seconds: 240 });

// ---- Hosts without memory -----------------------------------------------------------------

test("many VMs live side by side", async () => {
  const vms = [];
  for (let i = 0; i < 100; i++) {
    const vm = await QuickJS.create();
    run(vm, `var own = ${i}; 1`);
    vms.push(vm);
  }
  for (const [i, vm] of vms.entries()) assert.equal(run(vm, "own"), i);
  for (const vm of vms) vm.dispose();
});

test("strings and buffers that are gigantic are refused", () =>
  withVM((vm) => {
    for (const size of [2 ** 29 - 100, 2 ** 28]) {
      let text;
      try {
        text = "x".repeat(size);
      } catch {
        continue;
      }
      for (
        const use of [(t) => vm.newString(t), (t) => vm.evalCode(t), (t) => vm.global.getProp(t)]
      ) {
        const error = thrownBy(() => {
          const result = use(text);
          if (result.isException) vm.unwrapResult(result);
        });
        assert(error instanceof Error, `${size}`);
        vm.runGC();
        assert.equal(run(vm, "1 + 1"), 2);
      }
    }
    for (const size of [2 ** 30, 2 ** 31, 2 ** 32]) {
      let bytes;
      try {
        bytes = new Uint8Array(size);
      } catch {
        continue;
      }
      for (const use of [(b) => vm.newUint8Array(b), (b) => vm.newArrayBuffer(b)]) {
        assert(thrownBy(() => use(bytes)) instanceof Error, `${size}`);
        assert.equal(run(vm, "1 + 1"), 2);
      }
    }
  }, { memoryLimit: 64 << 20 }), { seconds: 240 });

test("the guest's own largest strings and buffers come out, or are refused", () =>
  withVM((vm) => {
    const text = vm.evalCode("'x'.repeat(50_000_000)");
    assert.equal(text.toString().length, 50_000_000);
    text.dispose();
    const wide = vm.evalCode("'日'.repeat(30_000_000)");
    assert.equal(wide.toString().at(-1), "日");
    wide.dispose();
    const bytes = vm.evalCode("new Uint8Array(100_000_000)");
    assert.equal(bytes.toUint8Array().length, 100_000_000);
    bytes.dispose();
    assert(vm.evalCode("'x'.repeat(2 ** 30)").isException, "the engine's own limit");
    assert(vm.evalCode("new ArrayBuffer(2 ** 32)").isException, "and that of memory");
    assert.equal(thrownBy(() => vm.newString(5)) instanceof LimitError, false);
  }), { seconds: 240 });
