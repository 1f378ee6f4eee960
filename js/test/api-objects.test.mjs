// SPDX-License-Identifier: MIT
//
// api-objects.test.mjs - what is done with objects as a whole: prototypes,
// freezing, methods, items, and the entries of collections.

import { newRandom } from "./support/random.mjs";
import { assert, test } from "./support/test.mjs";
import { run, thrownBy, withVM } from "./support/vm.mjs";
import { MisuseError, QuickJS, StaleHandleError, TorporError, WrongTypeError } from "torpor-vm";

const numbers = (handles) => [...handles].map((h) => h.consume((one) => one.toNumber()));

test("prototypes are set, and refused where the guest refuses them", () =>
  withVM((vm) => {
    const object = vm.evalCode("globalThis.o = { own: 1 }");
    const prototype = vm.evalCode("globalThis.p = { tea: 3 }");
    object.setPrototypeOf(prototype);
    assert.equal(run(vm, "o.tea"), 3);
    assert.deepEqual(
      ["own", "tea", "toString", "none", 0].map((key) => object.hasProp(key)),
      [true, true, true, false, false],
    );
    assert.equal(object.hasOwnProperty("tea"), false);
    object.setPrototypeOf(vm.null);
    assert.equal(object.hasProp("toString"), false);
    assert.equal(thrownBy(() => object.setPrototypeOf(vm.newNumber(1))).name, "TypeError");
    assert.equal(thrownBy(() => prototype.setPrototypeOf(prototype.dup())).name, "TypeError");
    assert.throws(() => object.setPrototypeOf(null), MisuseError);
    assert.throws(() => vm.true.setPrototypeOf(object), WrongTypeError);
    assert.throws(() => vm.true.hasProp("a"), WrongTypeError);
    assert.throws(() => object.hasProp({}), MisuseError);
  }));

test("objects are closed as far as one wants", () =>
  withVM((vm) => {
    const states = (h) => [h.isExtensible(), h.isSealed(), h.isFrozen()];
    const object = vm.evalCode("globalThis.o = { a: 1, b: 2 }");
    assert.deepEqual(states(object), [true, false, false]);
    object.preventExtensions();
    assert.deepEqual(states(object), [false, false, false]);
    assert.equal(run(vm, "o.c = 1; delete o.b; o.a = 5; Object.keys(o).join() + o.a"), "a5");
    object.seal();
    assert.deepEqual(states(object), [false, true, false]);
    assert.equal(run(vm, "delete o.a; o.a = 6"), 6);
    object.freeze();
    assert.deepEqual(states(object), [false, true, true]);
    assert.equal(run(vm, "o.a = 7; o.a"), 6);
    const stubborn = vm.evalCode(
      "new Proxy({}, { preventExtensions() { return false }, isExtensible() { throw 8 } })",
    );
    assert.equal(thrownBy(() => stubborn.freeze()).name, "TypeError");
    assert(thrownBy(() => stubborn.isFrozen()) !== undefined, "the trap throws");
    for (const name of ["preventExtensions", "seal", "freeze", "isFrozen"]) {
      assert.throws(() => vm.null[name](), WrongTypeError);
    }
  }));

test("methods are called with their object", () =>
  withVM((vm) => {
    const object = vm.evalCode(
      "({ n: 4, add(a, b) { return this.n + (a ?? 0) + (b ?? 0) }, [Symbol.iterator]: () => 9, bad() { throw new RangeError('no') }, x: 1 })",
    );
    const two = vm.newNumber(2);
    assert.equal(object.callMethod("add").toNumber(), 4);
    assert.equal(object.callMethod("add", two, two).toNumber(), 8);
    assert.equal(object.callMethod(vm.newString("add"), two).toNumber(), 6);
    assert.equal(object.callMethod(Symbol.iterator).toNumber(), 9);
    assert.equal(vm.newString("tea").callMethod("toUpperCase").toString(), "TEA");
    assert.equal(thrownBy(() => vm.unwrapResult(object.callMethod("bad"))).name, "RangeError");
    assert.equal(thrownBy(() => vm.unwrapResult(object.callMethod("x"))).name, "TypeError");
    assert.equal(thrownBy(() => vm.unwrapResult(object.callMethod("none"))).name, "TypeError");
    assert.throws(() => object.callMethod("add", 2), MisuseError);
    assert.throws(() => object.callMethod({}), MisuseError);
  }));

test("what can be iterated gives its items", () =>
  withVM((vm) => {
    const items = (code) => numbers(vm.evalCode(code));
    assert.deepEqual(items("[1, 2, 3]"), [1, 2, 3]);
    assert.deepEqual(items("new Set([4, 5])"), [4, 5]);
    assert.deepEqual(items("(function* () { yield 6; yield 7; })()"), [6, 7]);
    assert.deepEqual(items("'89'"), [8, 9]);
    assert.deepEqual(items("[]"), []);
    const pairs = [...vm.evalCode("new Map([['a', 1], ['b', 2]])")];
    assert.deepEqual(pairs.map((pair) => vm.dump(pair)), [["a", 1], ["b", 2]]);
    for (const code of ["({})", "5", "null", "({ [Symbol.iterator]: 1 })"]) {
      assert.equal(thrownBy(() => [...vm.evalCode(code)]).name, "TypeError", code);
    }
    assert.equal(
      thrownBy(() => items("(function* () { yield 1; throw new RangeError('end') })()")).name,
      "RangeError",
    );
  }));

test("a loop that is left early ends the iterator, once", () =>
  withVM((vm) => {
    run(
      vm,
      "var log = []; globalThis.list = { [Symbol.iterator]: () => ({ i: 0, next() { return { value: ++this.i, done: this.i > 5 } }, return() { log.push(this.i); return {} } }) }; 1",
    );
    const list = vm.evalCode("list");
    for (const item of list) if (item.toNumber() === 2) break;
    assert.equal(run(vm, "log.join()"), "2");
    const mine = new Error("mine");
    const failed = thrownBy(() => {
      for (const item of list) if (item.toNumber() === 3) throw mine;
    });
    assert.equal(failed, mine);
    assert.equal(run(vm, "log.join()"), "2,3");
    assert.equal(numbers(list).length, 5);
    assert.equal(run(vm, "log.join()"), "2,3");
    const bad = vm.evalCode(
      "({ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return() { throw new RangeError('late') } }) })",
    );
    assert.equal(
      thrownBy(() => {
        for (const _ of bad) break;
      }).name,
      "RangeError",
    );
    const throwing = vm.evalCode(
      "({ [Symbol.iterator]: () => ({ next() { throw new TypeError('x') }, return() { log.push('!') } }) })",
    );
    assert.equal(thrownBy(() => [...throwing]).name, "TypeError");
    assert.equal(run(vm, "log.join()"), "2,3");
  }));

test("a VM that ends within a loop, and handles that end before it", async () => {
  const vm = await QuickJS.create();
  const list = vm.evalCode("[1, 2, 3]");
  const seen = [];
  assert.throws(() => {
    for (const item of list) {
      seen.push(item.toNumber());
      vm.dispose();
    }
  }, TorporError);
  assert.deepEqual(seen, [1]);
  await withVM((vm) => {
    const iterator = vm.evalCode("[1, 2, 3]").consume((h) => {
      const found = h[Symbol.iterator]();
      found.next().value.dispose();
      return found;
    });
    assert.equal(iterator.next().value.toNumber(), 2);
    const gone = vm.withScope(() => {
      const found = vm.evalCode("[1]")[Symbol.iterator]();
      found.next();
      return found;
    });
    assert.throws(() => gone.next(), StaleHandleError);
  });
});

test("a random history of entries is that of the host's own collections", () =>
  withVM((vm) => {
    const below = newRandom(7);
    const done = new Map();
    const values = [0, -0, NaN, 1, "", "a", null, undefined, true, false, 10n];
    const handles = values.map((value) => vm.hostToHandle(value));
    const pairs = [[vm.newMap(), new Map()], [vm.newSet(), new Set()]];
    for (let step = 0; step < 3000; step++) {
      const [guest, host] = pairs[below(2)];
      const [k, v] = [below(values.length), below(values.length)];
      const isMap = host instanceof Map;
      const what = below(6);
      done.set(`${isMap} ${what}`, (done.get(`${isMap} ${what}`) ?? 0) + 1);
      switch (what) {
        case 0:
        case 1:
          guest.putEntry(handles[k], isMap ? handles[v] : undefined);
          if (isMap) host.set(values[k], values[v]);
          else host.add(values[k]);
          break;
        case 2:
          assert.equal(guest.deleteEntry(handles[k]), host.delete(values[k]));
          break;
        case 3:
          assert.equal(guest.hasEntry(handles[k]), host.has(values[k]));
          break;
        case 4:
          if (isMap) assert(Object.is(vm.dump(guest.getEntry(handles[k])), host.get(values[k])));
          break;
        default:
          if (below(40) === 0) {
            guest.clearEntries();
            host.clear();
          }
      }
      assert.equal(guest.entryCount, host.size);
      if (step % 50 === 0) {
        const items = [...guest].map((item) => item.consume((one) => vm.dump(one)));
        assert.deepEqual(items, [...host]);
      }
    }
    assert.equal(done.size, 12);
    assert.equal(Math.min(...done.values()) > 100, true);
  }));

test("entries of collections, whatever the program made of their methods", () =>
  withVM((vm) => {
    run(
      vm,
      "for (const C of [Map, Set, WeakMap, WeakSet]) for (const name of ['get', 'set', 'has', 'add', 'delete', 'clear']) C.prototype[name] = () => { throw 1 }; 1",
    );
    const [map, key, value] = [vm.newMap(), vm.newString("k"), vm.newNumber(5)];
    map.putEntry(key, value);
    map.putEntry(vm.newNumber(NaN), vm.true);
    assert.equal(map.entryCount, 2);
    assert.equal(map.getEntry(vm.newString("k")).toNumber(), 5);
    assert.equal(map.getEntry(vm.newNumber(NaN)).toBoolean(), true);
    assert(map.getEntry(vm.null).isUndefined, "there is none");
    assert.deepEqual([map.hasEntry(key), map.hasEntry(value)], [true, false]);
    assert.deepEqual([map.deleteEntry(key), map.deleteEntry(key)], [true, false]);
    map.clearEntries();
    assert.equal(map.entryCount, 0);
    const set = vm.newSet();
    set.putEntry(key);
    set.putEntry(vm.newString("k"));
    assert.equal(set.entryCount, 1);
    const object = vm.newObject();
    for (const code of ["new WeakMap()", "new WeakSet()"]) {
      const weak = vm.evalCode(code);
      weak.putEntry(object, code.includes("Map") ? value : undefined);
      assert.deepEqual([weak.hasEntry(object), weak.entryCount], [true, 1]);
      assert.equal(thrownBy(() => weak.putEntry(value)).name, "TypeError");
      assert.throws(() => weak.clearEntries(), WrongTypeError);
      assert.equal(weak.deleteEntry(object), true);
    }
    assert.throws(() => set.getEntry(key), WrongTypeError);
    for (
      const other of [object, vm.newArray(), key, vm.null, vm.evalCode("new Proxy(new Map(), {})")]
    ) {
      assert.throws(() => other.putEntry(key), WrongTypeError);
      assert.throws(() => other.hasEntry(key), WrongTypeError);
      assert.throws(() => other.entryCount, WrongTypeError);
    }
    assert.throws(() => map.putEntry("k"), MisuseError);
  }));
