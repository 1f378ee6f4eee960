// SPDX-License-Identifier: MIT
//
// api-functions.test.mjs - functions of the host that guest code calls: names
// and numbers, what they get, give and throw, re-entry, what is bound after a
// restore.

import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  BusyError,
  DisposedError,
  JSException,
  MisuseError,
  QuickJS,
  StaleHandleError,
} from "torpor-vm";

/** Makes a global function of the guest. */
function bind(vm, name, callback) {
  const f = vm.newFunction(name, callback);
  vm.global.setProp(name, f);
  f.dispose();
}

const restore = async (vm, options) =>
  await QuickJS.restore(QuickJS.serializeSnapshot(vm.snapshot()), options);

test("a host function gets this and arguments, and gives a result", () =>
  withVM((vm) => {
    bind(vm, "add", function (a, b) {
      assert.equal(this.getProp("name").toString(), "self");
      return vm.newNumber(a.toNumber() + b.toNumber());
    });
    assert.equal(run(vm, "({ name: 'self', add }).add(1, 2)"), 3);
    bind(vm, "count", (...all) => all.length);
    assert.equal(run(vm, "count()"), 0);
    assert.equal(run(vm, "count(1, 'a', {}, null, undefined)"), 5);
    assert.equal(run(vm, "count(...Array(5000).fill({}))"), 5000);
    bind(vm, "kind", function (x) {
      return `${this.typeof} ${x?.typeof}`;
    });
    assert.equal(run(vm, "kind.call(5n, Symbol())"), "bigint symbol");
    assert.equal(run(vm, "kind.call(null, () => 1)"), "object function");
    assert.equal(run(vm, "kind.call('s')"), "string undefined");
    assert.equal(run(vm, "kind.call(-0, undefined)"), "number undefined");
    assert.equal(run(vm, "add.name"), "add");
    assert.equal(run(vm, "typeof add.length"), "number");
  }));

test("results of every type", () =>
  withVM((vm) => {
    let result;
    bind(vm, "give", () => result());
    const cases = [
      [() => undefined, "undefined"],
      [() => {}, "undefined"],
      [() => null, "null"],
      [() => true, "true"],
      [() => false, "false"],
      [() => 1.5, "1.5"],
      [() => -0, "-0"],
      [() => NaN, "NaN"],
      [() => "text", "'text'"],
      [() => "\ud800\0é", "'\\ud800\\0é'"],
      [() => 12345678901234567890n, "12345678901234567890n"],
      [() => vm.undefined, "undefined"],
      [() => vm.newString("handle"), "'handle'"],
      [() => vm.global, "globalThis"],
      [() => vm.true, "true"],
    ];
    for (const [make, expected] of cases) {
      result = make;
      assert.equal(run(vm, `Object.is(give(), ${expected})`), true, expected);
      assert.equal(run(vm, `Object.is(give(), ${expected})`), true, expected);
    }
    result = () => vm.hostToHandle({ a: [1, new Map([[1, 2]])] });
    assert.equal(run(vm, "give().a[1].get(1)"), 2);
    result = () => vm.newFunction("inner", (x) => x.toNumber() * 2);
    assert.equal(run(vm, "give()(21)"), 42);
  }));

test("nonsense results are errors of the guest that say what is wanted", () =>
  withVM((vm) => {
    let result;
    bind(vm, "give", () => result);
    const foreign = {};
    for (const wrong of [{}, [], () => 1, Symbol("x"), new Date(), new Error("x"), vm, foreign]) {
      result = wrong;
      const message = run(vm, "try { give(); 'none' } catch (e) { e.name + ': ' + e.message }");
      assert.match(message, /^TypeError: .*hostToHandle/);
    }
    const ended = vm.newObject();
    ended.dispose();
    result = ended;
    assert.match(run(vm, "try { give(); 'none' } catch (e) { e.message }"), /disposed/);
  }));

test("a handle of another VM as a result is refused", () =>
  withVM((vm) =>
    withVM((other) => {
      bind(vm, "give", () => other.newObject());
      assert.match(run(vm, "try { give(); 'none' } catch (e) { e.message }"), /another VM/);
      bind(vm, "toss", () => {
        throw other.newObject();
      });
      assert.match(
        run(vm, "try { toss(); 'none' } catch (e) { e.message }"),
        /host function threw/,
      );
    })
  ));

test("what a host function throws is thrown in the guest", () =>
  withVM((vm) => {
    let value;
    bind(vm, "toss", () => {
      throw value;
    });
    for (
      const [made, check] of [
        [undefined, "e === undefined"],
        [null, "e === null"],
        [5, "e === 5"],
        ["text", "e === 'text'"],
        [7n, "e === 7n"],
        [true, "e === true"],
        [Symbol.for("s"), "e === Symbol.for('s')"],
        [
          new RangeError("far"),
          "e instanceof RangeError && e.message === 'far' && /\\S/.test(e.stack)",
        ],
        [
          new TypeError("t", { cause: new Error("c") }),
          "e instanceof TypeError && e.cause.message === 'c'",
        ],
        [
          new AggregateError([new Error("a")], "m"),
          "e instanceof AggregateError && e.errors[0].message === 'a'",
        ],
        [{ code: 5, list: [1] }, "e.code === 5 && e.list[0] === 1"],
        [[1, 2], "Array.isArray(e) && e.length === 2"],
      ]
    ) {
      value = made;
      assert.equal(run(vm, `try { toss(); false } catch (e) { ${check} }`), true, check);
    }
    for (
      const strange of [
        () => 1,
        Symbol("unique"),
        { f: () => 1 },
        Object.create(null),
        vm,
        new (class X {})(),
      ]
    ) {
      value = strange;
      assert.equal(
        run(vm, "try { toss(); false } catch (e) { true }"),
        true,
        String(strange?.constructor),
      );
    }
    value = new Proxy({}, {
      get() {
        throw new Error("trap");
      },
      getPrototypeOf() {
        throw new Error("trap");
      },
    });
    assert.equal(run(vm, "try { toss(); false } catch (e) { true }"), true);
    value = vm.evalCode("({ own: 1 })");
    assert.equal(run(vm, "try { toss(); 0 } catch (e) { e.own }"), 1);
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("an exception that comes back as a handle is thrown on", () =>
  withVM((vm) => {
    bind(vm, "inner", () => vm.evalCode("throw new RangeError('inside')"));
    assert.equal(run(vm, "try { inner() } catch (e) { e.name + e.message }"), "RangeErrorinside");
    const before = vm.getMemoryUsage().handles;
    for (let i = 0; i < 50; i++) run(vm, "try { inner() } catch (e) { }");
    assert.equal(vm.getMemoryUsage().handles, before);
  }));

test('in "throw" mode exceptions pass through a host function unchanged', () =>
  withVM((vm) => {
    bind(vm, "inner", () => vm.evalCode("throw globalThis.kept = { own: 1 }"));
    assert.equal(run(vm, "try { inner(); 0 } catch (e) { e === kept }"), true);
    const error = assert.throws(() => vm.evalCode("inner()"), JSException);
    assert.equal(error.handle.getProp("own").toNumber(), 1);
    error.dispose();
    const before = vm.getMemoryUsage().handles;
    for (let i = 0; i < 50; i++) run(vm, "try { inner() } catch (e) { }");
    assert.equal(vm.getMemoryUsage().handles, before);
  }, { exceptions: "throw" }));

test("arguments end with the call, dup keeps one", () =>
  withVM((vm) => {
    let kept, duplicate, self;
    bind(vm, "keep", function (x) {
      kept = x;
      self = this;
      duplicate = x.dup();
      x.dispose();
      assert.throws(() => x.getProp("a"), StaleHandleError);
    });
    run(vm, "keep.call({}, { a: 1 })");
    assert.throws(() => kept.getProp("a"), StaleHandleError);
    assert.match(thrownBy(() => self.getProp("a")).message, /end when it returns/);
    assert.equal(duplicate.getProp("a").toNumber(), 1);
    duplicate.dispose();
  }));

test("a result that was made in the call is the guest's from then on", () =>
  withVM((vm) => {
    let made, kept;
    const old = vm.newObject();
    bind(vm, "fresh", () => (made = vm.newObject()));
    bind(vm, "old", () => old);
    bind(vm, "dup", () => {
      kept = vm.newObject();
      return kept.dup();
    });
    bind(vm, "same", (x) => x);
    const before = vm.getMemoryUsage().handles;
    for (let i = 0; i < 20; i++) run(vm, "fresh(); old(); same({})");
    assert.equal(vm.getMemoryUsage().handles, before);
    assert.match(thrownBy(() => made.getProp("a")).message, /dup\(\)/);
    assert.equal(old.disposed, false);
    run(vm, "dup().x = 1");
    assert.equal(kept.getProp("x").toNumber(), 1);
    assert.equal(run(vm, "const o = {}; same(o) === o"), true);
  }));

test("host functions call back, as deep as may be", () =>
  withVM((vm) => {
    bind(vm, "down", (n) => {
      const depth = n.toNumber();
      if (depth === 0) return 0;
      const inner = vm.unwrapResult(vm.evalCode(`down(${depth - 1}) + 1`));
      return inner;
    });
    assert.equal(run(vm, "down(100)"), 100);
    bind(vm, "apply", (f, ...args) => vm.unwrapResult(vm.callFunction(f, vm.undefined, ...args)));
    assert.equal(run(vm, "apply((a, b) => apply((c) => c * 2, a + b), 1, 2)"), 6);
    assert.equal(
      run(vm, "try { apply(() => { throw new TypeError('up') }) } catch (e) { e.message }"),
      "up",
    );
    const before = vm.getMemoryUsage().handles;
    run(vm, "down(50)");
    assert.equal(vm.getMemoryUsage().handles, before);
  }));

test("two VMs call each other", () =>
  withVM((vm) =>
    withVM((other) => {
      bind(vm, "there", (n) => run(other, `back(${n.toNumber()})`));
      bind(
        other,
        "back",
        (n) => n.toNumber() === 0 ? 0 : run(vm, `there(${n.toNumber() - 1}) + 1`),
      );
      assert.equal(run(vm, "there(30)"), 30);
      bind(vm, "slow", () => run(other, "for (;;);"));
      other.fuel = 1e6;
      const message = run(vm, "try { slow() } catch (e) { 'caught ' + e.name }");
      assert.equal(message, "caught InterruptedError");
    })
  ));

test("names that cannot be are refused", () =>
  withVM((vm) => {
    for (
      const wrong of [
        "",
        "a\0b",
        "x".repeat(256),
        "é".repeat(128),
        "\ud800",
        5,
        null,
        undefined,
        Symbol("x"),
      ]
    ) {
      assert.throws(() => vm.newFunction(wrong, () => 1), MisuseError);
    }
    for (const wrong of ["", "a\0b", null, undefined, {}, 0, -1, 1.5, NaN]) {
      assert.throws(() => vm.registerHostCallback(wrong, () => 1), MisuseError);
    }
    for (const wrong of [undefined, null, 5, "f", {}]) {
      assert.throws(() => vm.newFunction("f", wrong), MisuseError);
      assert.throws(() => vm.newEphemeralFunction(wrong), MisuseError);
      assert.throws(() => vm.registerHostCallback("f", wrong), MisuseError);
    }
    for (
      const fine of ["x".repeat(255), "日本", "\ufeffx", "a.b c-d", "__proto__", "toString", "1.f"]
    ) {
      bind(vm, fine, () => 7);
      assert.equal(
        vm.callFunction(vm.global.getProp(fine), vm.undefined).toNumber?.() ?? 0,
        7,
        fine,
      );
    }
  }));

test("functions are bound by name after a restore", () =>
  withVM(async (vm) => {
    bind(vm, "say", (x) => `first ${x.toNumber()}`);
    run(vm, "var alias = say");
    const woken = await restore(vm);
    const message = run(woken, "try { alias(1) } catch (e) { e.message }");
    assert.match(message, /'say'/);
    assert.equal(run(woken, "1 + 1"), 2);
    woken.registerHostCallback("say", (x) => `second ${x.toNumber()}`);
    assert.equal(run(woken, "alias(2)"), "second 2");
    assert.equal(woken.unregisterHostCallback("say"), true);
    assert.equal(woken.unregisterHostCallback("say"), false);
    assert.match(run(woken, "try { alias(1) } catch (e) { e.message }"), /'say'/);
    woken.registerHostCallback("say", () => "third");
    woken.registerHostCallback("say", () => "fourth");
    assert.equal(run(woken, "alias()"), "fourth");
    assert.equal(run(vm, "alias(3)"), "first 3");
    woken.dispose();
  }));

test("ids count from 1 in the order of creation", () =>
  withVM(async (vm) => {
    for (const name of ["one", "two", "three"]) bind(vm, name, () => name);
    const woken = await restore(vm);
    woken.registerHostCallback(1, () => "id 1");
    woken.registerHostCallback(3, () => "id 3");
    assert.equal(run(woken, "one()"), "id 1");
    assert.match(run(woken, "try { two() } catch (e) { e.message }"), /'two'/);
    assert.equal(run(woken, "three()"), "id 3");
    woken.registerHostCallback("two", () => "by name");
    woken.registerHostCallback("one", () => "by name");
    assert.equal(run(woken, "one() + two()"), "id 1by name");
    woken.unregisterHostCallback(1);
    assert.equal(run(woken, "one()"), "by name");
    woken.dispose();
  }));

test("a second function of a name is a second binding", () =>
  withVM(async (vm) => {
    const [a, b, c] = ["A", "B", "C"].map((text) => vm.newFunction("same", () => text));
    [a, b, c].forEach((f, i) => vm.global.setProp("f" + i, f));
    assert.equal(run(vm, "f0() + f1() + f2()"), "ABC");
    assert.equal(run(vm, "f0.name + f1.name + f2.name"), "samesamesame");
    const woken = await restore(vm);
    woken.registerHostCallback(1, () => "a");
    woken.registerHostCallback(2, () => "b");
    woken.registerHostCallback(3, () => "c");
    assert.equal(run(woken, "f0() + f1() + f2()"), "abc");
    const again = await restore(woken);
    again.registerHostCallback("same", () => "x");
    assert.equal(run(again, "f0()"), "x");
    assert.match(run(again, "try { f1() } catch (e) { e.message }"), /same/);
    again.dispose();
    woken.dispose();
  }));

test("a number that was freed is a new function's", () =>
  withVM(async (vm) => {
    bind(vm, "old", () => "old");
    const woken = await restore(vm);
    woken.registerHostCallback(1, () => "bound to 1");
    assert.equal(run(woken, "old()"), "bound to 1");
    run(woken, "delete globalThis.old");
    woken.runGC();
    bind(woken, "fresh", () => "fresh");
    assert.equal(run(woken, "fresh()"), "fresh");
    woken.dispose();
  }));

test("thousands of functions, and none is left behind", () =>
  withVM((vm) => {
    for (let i = 0; i < 5000; i++) vm.newFunction(`f${i}`, () => i).dispose();
    for (const one of Array.from({ length: 1000 }, (_, i) => vm.newFunction(`h${i}`, () => i))) {
      one.dispose();
    }
    vm.runGC();
    const before = vm.getMemoryUsage().used;
    for (let round = 0; round < 3; round++) {
      const kept = [];
      for (let i = 0; i < 1000; i++) kept.push(vm.newFunction(`g${i % 500}`, () => i));
      assert.equal(vm.callFunction(kept[999], vm.undefined).toNumber(), 999);
      assert.equal(vm.callFunction(kept[499], vm.undefined).toNumber(), 499);
      for (const one of kept) one.dispose();
      vm.runGC();
    }
    assert(vm.getMemoryUsage().used < before + 50_000, "memory is used again");
  }));

test("an ephemeral function ends with its last use", () =>
  withVM((vm) => {
    const f = vm.newEphemeralFunction((x) => x.toNumber() + 1);
    assert.equal(vm.callFunction(f, vm.undefined, vm.newNumber(1)).toNumber(), 2);
    vm.global.setProp("f", f);
    f.dispose();
    assert.equal(run(vm, "f(2)"), 3);
    assert.equal(run(vm, "f.name"), "");
    const second = vm.newEphemeralFunction(() => "second");
    assert.equal(vm.callFunction(second, vm.undefined).toString(), "second");
    second.dispose();
    run(vm, "delete globalThis.f");
    vm.runGC();
    for (let i = 0; i < 100; i++) vm.newEphemeralFunction(() => i).dispose();
    assert.equal(run(vm, "1 + 1"), 2);
  }));

test("an async function gives the guest a promise", () =>
  withVM(async (vm) => {
    bind(vm, "later", async (x) => {
      const n = x.toNumber();
      await null;
      if (n < 0) throw new RangeError("negative");
      return { twice: n * 2 };
    });
    assert(vm.evalCode("later(1)").isPromise, "a promise");
    const { value } = await vm.resolvePromise(vm.evalCode("later(21).then((v) => v.twice)"));
    assert.equal(value.toNumber(), 42);
    const { error } = await vm.resolvePromise(vm.evalCode("later(-1)"));
    assert.equal(error.getProp("message").toString(), "negative");
    assert.equal(error.getProp("name").toString(), "RangeError");
    bind(vm, "object", async () => vm.evalCode("globalThis.made = {}"));
    const same = await vm.resolvePromise(vm.evalCode("object().then((o) => o === made)"));
    assert.equal(same.value.toBoolean(), true);
    bind(vm, "strange", async () => () => 1);
    const strange = await vm.resolvePromise(vm.evalCode("strange()"));
    assert((strange.value ?? strange.error) !== undefined, "it settles");
    bind(vm, "thenable", () => ({
      then(done) {
        done(5);
      },
    }));
    assert.equal((await vm.resolvePromise(vm.evalCode("thenable()"))).value.toNumber(), 5);
    bind(vm, "badThen", () => ({
      then() {
        throw new Error("then threw");
      },
    }));
    const bad = await vm.resolvePromise(vm.evalCode("badThen()"));
    assert.equal(bad.error.getProp("message").toString(), "then threw");
  }));

test("arguments of an async function end at its first await", () =>
  withVM(async (vm) => {
    let seen;
    bind(vm, "later", async (x) => {
      await null;
      seen = thrownBy(() => x.getProp("a"));
    });
    await vm.resolvePromise(vm.evalCode("later({ a: 1 })"));
    assert(seen instanceof StaleHandleError, "its use is an error");
  }));

test("promises that never settle end with the VM", async () => {
  const vm = await QuickJS.create();
  bind(vm, "never", () => new Promise(() => {}));
  let settle;
  bind(vm, "late", () => new Promise((done) => (settle = done)));
  const waiting = vm.resolvePromise(vm.evalCode("never()"));
  const late = vm.resolvePromise(vm.evalCode("late()"));
  vm.dispose();
  settle(5);
  await assert.rejects(waiting, DisposedError);
  await assert.rejects(late, DisposedError);
  await null;
});

test("dispose inside a host function ends the VM when the call has returned", async () => {
  for (
    const code of [
      "end()",
      "end(); for (;;);",
      "try { end(); for (;;); } catch (e) { for (;;); } finally { for (;;); }",
      "({ get x() { end(); return 1 } }).x",
      "Promise.resolve().then(end); 1",
      "[3, 1, 2].sort(() => { end(); return 1 })",
      "end(); end(); new Array(1000).fill(0).map(end)",
    ]
  ) {
    const vm = await QuickJS.create();
    bind(vm, "end", () => {
      vm.dispose();
      vm.dispose();
    });
    thrownBy(() => vm.evalCode(code));
    thrownBy(() => vm.executePendingJobs());
    assert(vm.disposed, code);
    assert.throws(() => vm.evalCode("1"), DisposedError);
    await withVM((next) => assert.equal(run(next, "typeof end"), "undefined"));
  }
});

test("dispose inside getters, traps and conversions", async () => {
  const uses = {
    getProp: (vm, o) => o.getProp("x"),
    setProp: (vm, o) => o.setProp("x", vm.true),
    has: (_, o) => o.hasOwnProperty("x"),
    keys: (_, o) => o.keys(),
    names: (_, o) => o.getOwnPropertyKeys(),
    descriptor: (_, o) => o.getOwnPropertyDescriptor("x"),
    deleteProp: (_, o) => o.deleteProp("x"),
    defineProp: (vm, o) => o.defineProp("x", vm.true),
    prototype: (_, o) => o.getPrototypeOf(),
    length: (_, o) => o.length,
    toString: (_, o) => o.toString(),
    toNumber: (_, o) => o.toNumber(),
    dump: (vm, o) => vm.dump(o),
    call: (vm, o) => vm.callFunction(o, vm.undefined),
    construct: (vm, o) => vm.construct(o),
    key: (vm, o) => vm.global.getProp(o),
    constructorName: (_, o) => o.constructorName,
    hostToHandle: (vm, o) => vm.hostToHandle({ a: o }),
    unwrap: (vm, o) =>
      vm.unwrapResult(vm.callFunction(vm.evalCode("(o) => { throw o }"), vm.undefined, o)),
    resolve: (vm, o) => vm.newPromise().resolve(o),
    scope: (vm, o) => vm.withScope((scope) => scope.escape(o.getProp("x"))),
  };
  const objects = {
    proxy: `new Proxy(function () {}, new Proxy({}, { get() { end() } }))`,
    object: `({ get x() { end(); return {} }, set x(v) { end() }, get length() { end(); return 1 },
      get constructor() { end() }, get then() { end() },
      toString() { end(); return "x" }, valueOf() { end(); return 1 } })`,
    error: `Object.defineProperty(new Error("m"), "cause", { get() { end() } })`,
  };
  for (const [kind, code] of Object.entries(objects)) {
    for (const [name, use] of Object.entries(uses)) {
      const vm = await QuickJS.create();
      bind(vm, "end", () => vm.dispose());
      const object = vm.unwrapResult(vm.evalCode(code));
      const error = thrownBy(() => use(vm, object));
      assert(error === undefined || error instanceof Error, `${kind} ${name}`);
      if (!vm.disposed) vm.dispose();
      const next = await QuickJS.create();
      assert.equal(run(next, "[1, 2].map((x) => x * 2).join()"), "2,4", `${kind} ${name}`);
      next.dispose();
    }
  }
});

test("snapshot and fork are refused inside a host function", () =>
  withVM((vm) => {
    bind(vm, "sleep", () => void vm.snapshot());
    bind(vm, "copy", () => void vm.fork());
    assert.match(
      run(vm, "try { sleep() } catch (e) { e.name + e.message }"),
      /BusyError.*return from/,
    );
    assert.match(run(vm, "try { copy() } catch (e) { e.name }"), /BusyError/);
    let seen;
    bind(vm, "look", () => {
      seen = [thrownBy(() => vm.snapshot()), vm.getAllocatedSize() > 0, vm.fuel];
    });
    run(vm, "look()");
    assert(seen[0] instanceof BusyError, "by its class");
    assert(vm.snapshot().size > 0, "afterwards it is possible");
  }));

test("everything may be done inside a host function", () =>
  withVM((vm) => {
    bind(vm, "all", (object) => {
      object.setProp("b", vm.newString("x".repeat(20_000)));
      assert.deepEqual(object.keys(), ["a", "b"]);
      vm.runGC();
      vm.getMemoryUsage();
      vm.dump(object);
      vm.withScope((scope) => scope.escape(vm.newObject()));
      const f = vm.newFunction("inner", () => vm.evalBytecode(vm.compile("40 + 2")));
      const result = vm.callFunction(f, vm.undefined);
      f.dispose();
      vm.executePendingJobs();
      const token = vm.exportHandle(object);
      vm.importHandle(token).dispose();
      vm.newPromise().resolve(object);
      return result;
    });
    assert.equal(run(vm, "all({ a: 1 })"), 42);
    assert.equal(run(vm, "all({ a: 1 }) + all({ a: 1 })"), 84);
  }));
