// SPDX-License-Identifier: MIT
//
// api-classes.test.mjs - classes whose objects belong to the host: making them,
// what the guest can do with them, sleeping, and their end.

import { newRandom } from "./support/random.mjs";
import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import {
  DisposedError,
  ExistsError,
  MisuseError,
  NotFoundError,
  QuickJS,
  StaleHandleError,
  WrongTypeError,
} from "torpor-vm";

/** A class of points; `log` gets what becomes of them. */
function newPoint(vm, log = [], more = {}) {
  return vm.newClass("Point", {
    length: 2,
    construct(x, y) {
      return { x: x.toNumber(), y: y?.toNumber() ?? 0 };
    },
    id: ({ x, y }) => x * 1000 + y,
    methods: {
      length: (p) => Math.hypot(p.x, p.y),
      plus(p, other) {
        return point(this.vm).newInstance({ x: p.x + point(this.vm).dataOf(other).x, y: p.y });
      },
      later: async (p) => {
        await null;
        return p.x;
      },
      fail() {
        throw new RangeError("too far");
      },
      self() {
        return this.dup();
      },
      "[Symbol.iterator]": (p) => p.x,
    },
    getters: { x: (p) => p.x, y: (p) => p.y },
    setters: { x: (p, to) => void (p.x = to.toNumber()) },
    statics: { origin: () => "here" },
    finalize: (p, id) => log.push(`${p.x} ${id}`),
    ...more,
  });
}

const points = new WeakMap();
const point = (vm) => points.get(vm);

async function withPoint(use, log, more) {
  await withVM(async (vm) => {
    points.set(vm, newPoint(vm, log, more));
    await use(vm, points.get(vm));
  });
}

test("programs use a class of the host's as any other", () =>
  withPoint(async (vm, Point) => {
    assert.equal(run(vm, "globalThis.p = new Point(3, 4); p.length()"), 5);
    assert.equal(run(vm, "p.x = 6; `${p.x} ${p.y}`"), "6 4");
    assert.equal(run(vm, "p.plus(new Point(1)).x"), 7);
    assert.equal(run(vm, "Point.origin()"), "here");
    assert.equal(run(vm, "p[Symbol.iterator]()"), 6);
    assert.equal(run(vm, "p.self() === p"), true);
    assert.equal(
      run(vm, "`${p instanceof Point} ${Point.name} ${Point.length} ${p}`"),
      "true Point 2 [object Point]",
    );
    assert.equal(
      run(vm, "Object.getOwnPropertyNames(Point.prototype).sort().join()"),
      "constructor,fail,later,length,plus,self,x,y",
    );
    assert.equal(run(vm, "try { p.fail() } catch (e) { `${e}` }"), "RangeError: too far");
    const { value } = await vm.resolvePromise(vm.evalCode("p.later()"));
    assert.equal(value.toNumber(), 6);
    assert.equal(
      run(
        vm,
        "class Far extends Point { far() { return this.length() > 9 } } new Far(30, 40).far()",
      ),
      true,
    );
    assert.deepEqual(Point.dataOf(vm.evalCode("p")), { x: 6, y: 4 });
    assert.deepEqual([Point.name, Point.handle.typeof], ["Point", "function"]);
  }));

test("nothing else passes for an object of the class", () =>
  withPoint((vm, Point) => {
    vm.newClass("Other", { construct: () => 1, methods: { one: (n) => n } });
    for (
      const self of [
        "{}",
        "Point.prototype",
        "new Proxy(new Point(1), {})",
        "Object.create(new Point(1))",
        "new Other()",
        "null",
        "5",
      ]
    ) {
      assert.equal(
        run(vm, `try { Point.prototype.length.call(${self}) } catch (e) { e.name }`),
        "TypeError",
        self,
      );
    }
    for (const code of ["Point(1)", "Point.call({}, 1)", "new Point.prototype.length()"]) {
      assert.equal(run(vm, `try { ${code} } catch (e) { e.name }`), "TypeError", code);
    }
    for (const code of ["({})", "5", "Point", "new Other()", "new Proxy(new Point(1), {})"]) {
      assert.throws(() => Point.dataOf(vm.evalCode(code)), WrongTypeError, code);
    }
    vm.newClass("Closed", { methods: { one: () => 1 } });
    assert.equal(
      run(vm, "try { new Closed() } catch (e) { `${e}` }"),
      "TypeError: objects of this class are made by the host only",
    );
    // A function that is made under a method's name is about no object.
    vm.setProp(vm.global, "stray", vm.newFunction("Closed.two", () => 2));
    assert.equal(run(vm, "stray()"), 2);
  }));

test("a constructor that throws, or gives no id, leaves nothing", () =>
  withVM((vm) => {
    const log = [];
    const Bad = vm.newClass("Bad", {
      construct(how) {
        if (how.toNumber() === 0) throw new RangeError("none");
        return how.toNumber();
      },
      id: (how) => how === 1 ? "one" : how === 2 ? 1.5 : -1n,
      finalize: (how, id) => log.push(how, id),
    });
    assert.equal(
      run(vm, "[0, 1, 2].map(n => { try { new Bad(n) } catch (e) { return e.name } }).join()")
        .split(",")[0],
      "RangeError",
    );
    assert.deepEqual(Bad.instances(), []);
    assert.equal(run(vm, "new Bad(3) instanceof Bad"), true);
    assert.throws(() => Bad.newInstance(1), MisuseError);
    Bad.newInstance(4).dispose();
    vm.runGC();
    vm.executePendingJobs();
    assert.deepEqual(log.sort(), [18446744073709551615n, 18446744073709551615n, 3, 4].sort());
  }));

test("the host is told once of each object that is gone", async () => {
  const log = [];
  await withPoint((vm, Point) => {
    run(vm, "globalThis.kept = new Point(1, 1); new Point(2, 2); 1");
    Point.newInstance({ x: 3, y: 3 }).dispose();
    vm.runGC();
    vm.executePendingJobs();
    assert.deepEqual(log.splice(0).sort(), ["2 2002", "3 3003"]);
    Point.newInstance({ x: 4, y: 4 });
    assert.deepEqual(Point.instances().map(({ x }) => x).sort(), [1, 4]);
  }, log);
  assert.deepEqual(log, ["4 4004", "1 1001"]);
});

test("objects sleep by their ids", async () => {
  const log = [];
  await withPoint(async (vm) => {
    run(vm, "globalThis.list = [new Point(1, 2), new Point(3, 4)]; 1");
    const bytes = QuickJS.serializeSnapshot(vm.snapshot());
    for (const copy of [await QuickJS.restore(bytes), vm.fork()]) {
      assert.equal(
        run(copy, "try { list[0].length() } catch (e) { e.message }").includes("'Point.length'"),
        true,
        "nobody has bound it",
      );
      const restored = [];
      const Point = newPoint(copy, log, {
        restore(id) {
          restored.push(id);
          return { x: Number(id / 1000n), y: Number(id % 1000n) };
        },
      });
      points.set(copy, Point);
      assert.equal(run(copy, "list[1].length() + list[1].x"), 8);
      assert.deepEqual(restored, [3004n]);
      assert.deepEqual(Point.instances().map(({ x }) => x).sort(), [1, 3]);
      assert.equal(run(copy, "new Point(5, 12).length()"), 13);
      copy.dispose();
      assert.deepEqual(log.splice(0).sort(), ["1 1002", "3 3004", "5 5012"]);
    }
    const lost = await QuickJS.restore(bytes);
    const Point = newPoint(lost);
    assert.equal(run(lost, "try { list[0].length() } catch (e) { e.name }"), "LostError");
    assert.equal(thrownBy(() => Point.instances()).name, "LostError");
    lost.dispose();
    const other = await QuickJS.restore(bytes);
    const Other = other.newClass("Other");
    assert.throws(() => Other.dataOf(other.evalCode("list[0]")), NotFoundError);
    other.dispose();
  });
});

test("a random history of objects, that sleep too, ends each once", async () => {
  let ids = 0;
  const below = newRandom(11);
  const done = Array(8).fill(0);
  const ended = [];
  const define = (vm) =>
    vm.newClass("Thing", {
      construct: () => ({ id: ++ids }),
      id: (thing) => thing.id,
      restore: (id) => ({ id: Number(id) }),
      methods: { id: (thing) => thing.id },
      finalize: (thing, id) => ended.push(thing.id === Number(id) ? thing.id : "wrong"),
    });
  let vm = await QuickJS.create();
  let Thing = define(vm);
  run(vm, "var slots = Array(16).fill(null); 1");
  const slots = Array(16).fill(null);
  /** The objects that the host of this VM knows. */
  let known = new Set();
  const settle = () => {
    vm.runGC();
    vm.executePendingJobs();
    const live = new Set(slots.filter((id) => id !== null));
    const expected = [...known].filter((id) => !live.has(id)).sort();
    assert.deepEqual(ended.splice(0).sort(), expected);
    known = new Set([...known].filter((id) => live.has(id)));
  };
  /** What makes objects, which the host gets to know. */
  const knowing = (make) => {
    const first = ids;
    const made = make();
    for (let id = first + 1; id <= ids; id++) known.add(id);
    return made;
  };
  const many = (slot) =>
    `for (let i = 0; i < ${[1, 300, 700][below(3)]}; i++)
    slots[${slot}] = new Thing(); 1`;
  for (let step = 0; step < 400; step++) {
    const slot = below(16);
    const what = below(done.length);
    done[what]++;
    switch (what) {
      case 0:
      case 1:
        run(vm, `slots[${slot}] = new Thing(); 1`);
        known.add(slots[slot] = ids);
        break;
      case 2: {
        const made = Thing.newInstance({ id: ++ids });
        vm.global.getProp("slots").consume((list) => list.setProp(slot, made));
        made.dispose();
        known.add(slots[slot] = ids);
        break;
      }
      case 3:
        run(vm, `slots[${slot}] = null; 1`);
        slots[slot] = null;
        break;
      case 4:
        assert.equal(run(vm, `slots[${slot}]?.id() ?? null`), slots[slot]);
        if (slots[slot] !== null) known.add(slots[slot]);
        break;
      case 5:
        knowing(() => run(vm, many(slot)));
        slots[slot] = ids;
        break;
      case 6: {
        // Below a host function none ends.
        const inside = vm.newEphemeralFunction(() => {
          const before = ended.length;
          run(vm, many(slot));
          vm.newEphemeralFunction(() => 1).dispose();
          return ended.length - before;
        });
        const result = knowing(() => vm.callFunction(inside, vm.undefined));
        assert.equal(result.consume((h) => h.toNumber()), 0);
        inside.dispose();
        slots[slot] = ids;
        break;
      }
      default:
        settle();
        if (below(4) !== 0) break;
        const next = below(2) === 0 ? vm.fork() : await QuickJS.restore(vm.snapshot());
        vm.dispose();
        assert.deepEqual(ended.splice(0).sort(), [...known].sort());
        known = new Set();
        vm = next;
        Thing = define(vm);
    }
  }
  assert.equal(Math.min(...done) > 20, true, `${done}`);
  const live = slots.filter((id) => id !== null).sort();
  assert.deepEqual(Thing.instances().map(({ id }) => id).sort(), live);
  live.forEach((id) => known.add(id));
  settle();
  vm.dispose();
  assert.deepEqual(ended.sort(), live);
});

test("a hidden class is the host's to give", () =>
  withVM((vm) => {
    const Secret = vm.newClass("fs.Secret", {
      hidden: true,
      construct: () => 7,
      methods: { n: (n) => n },
    });
    assert.equal(run(vm, "typeof Secret + typeof fs"), "undefinedundefined");
    vm.setProp(vm.global, "C", Secret.handle);
    assert.equal(run(vm, "`${C.name} ${new C().n()}`"), "Secret 7");
  }));

test("classes are refused that make no sense, and leave nothing", () =>
  withVM((vm) => {
    for (
      const options of [
        null,
        5,
        { consruct: () => 1 },
        { construct: 5 },
        { methods: [5] },
        { methods: { a: 5 } },
        { getters: null },
        { length: -1 },
        { length: 1.5 },
        { methods: { "get a": () => 1 }, getters: { a: () => 2 } },
        { methods: { ["x".repeat(300)]: () => 1 } },
      ]
    ) {
      assert.throws(() => vm.newClass("A", options), MisuseError);
    }
    for (const name of [undefined, 5, "", "a\0b", "\ud800", "x".repeat(256)]) {
      assert.throws(() => vm.newClass(name, {}), MisuseError);
    }
    assert.equal(run(vm, "typeof A"), "undefined");
    const A = vm.newClass("A", { construct: () => 1 });
    assert.throws(() => vm.newClass("A", {}), ExistsError);
    assert.equal(run(vm, "new A() instanceof A"), true);
    assert.throws(() => A.dataOf(5), MisuseError);
    const object = A.newInstance(1);
    object.dispose();
    assert.throws(() => A.dataOf(object), StaleHandleError);
    const other = vm.fork();
    assert.throws(() => A.dataOf(other.newObject()), StaleHandleError);
    other.dispose();
  }));

test("one call that makes very many objects does not keep them all", async () => {
  await withVM((vm) => {
    let live = 0, most = 0;
    vm.newClass("Thing", {
      construct(n) {
        most = Math.max(most, ++live);
        return n.toNumber();
      },
      methods: { n: (n) => n },
      finalize: () => live--,
    });
    vm.newFunction("nested", () => vm.evalCode("for (let i = 0; i < 600; i++) new Thing(i)"))
      .consume((f) => vm.setProp(vm.global, "nested", f));
    const sum = run(
      vm,
      `
      let sum = 0;
      for (let i = 0; i < 20000; i++) sum += new Thing(i).n();
      sum`,
    );
    assert.equal(sum, 199990000);
    assert.equal(live, 0);
    assert.equal(most > 1 && most < 1000, true, `${most}`);
    // Below another host function they wait.
    most = 0;
    run(vm, "nested(); new Thing(1).n()");
    assert.equal(most >= 600, true, `${most}`);
    assert.equal(live, 0);
  });
});

test("a finalizer does not run below a host function that knows the object", async () => {
  await withVM((vm) => {
    const log = [];
    const Thing = vm.newClass("Thing", {
      construct: () => "from the guest",
      finalize: (data) => log.push(data),
    });
    run(vm, "var thing = new Thing(); 1");
    const drop = vm.newFunction("drop", () => {
      Thing.newInstance("from the host").dispose();
      run(vm, "thing = null; 1");
      vm.newFunction("more", () => 1).dispose();
      vm.newEphemeralFunction(() => 1).dispose();
      return log.length;
    });
    assert.equal(vm.callFunction(drop, vm.undefined).consume((h) => h.toNumber()), 0);
    assert.deepEqual(log, ["from the host", "from the guest"]);
    drop.dispose();
  });
});

test("what finalizers and methods do to the VM", async () => {
  const vm = await QuickJS.create();
  const seen = [];
  const A = vm.newClass("A", {
    construct: (n) => n.toNumber(),
    methods: {
      end: () => vm.dispose(),
      nested: (n) => vm.evalCode(`new A(${n} + 1).value()`).consume((h) => h.toNumber()),
      value: (n) => n,
    },
    finalize(n) {
      seen.push(n);
      if (n === 9) vm.evalCode("1").dispose();
    },
  });
  assert.equal(run(vm, "new A(1).nested()"), 2);
  run(vm, "new A(9); 1");
  vm.runGC();
  vm.executePendingJobs();
  assert.deepEqual(seen.splice(0).sort(), [1, 2, 9]);
  assert.throws(() => run(vm, "new A(5).end(); 1"), DisposedError);
  assert.deepEqual(seen, [5]);
  assert.throws(() => A.newInstance(1), DisposedError);
  assert.throws(() => A.instances(), DisposedError);
  assert.throws(() => vm.newClass("B"), DisposedError);
});
