// SPDX-License-Identifier: MIT
//
// history.mjs - random histories: VMs are made, used, saved, restored, copied
// and ended in any order, and each is compared with a model of it, a plain
// object of the host.

import { QuickJS } from "torpor-vm";
import { assert } from "./assert.mjs";

/** Equal seeds give equal numbers. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return (most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % most;
  };
}

// What the program of each VM is. The model has the same state in the host.
const PROGRAM = `
var state = { numbers: {}, list: [], map: new Map(), settled: [], calls: 0 };
const waiting = {};
function put(key, value) { state.numbers[key] = value }
function push(value) { state.list.push(value); if (state.list.length > 50) state.list.shift() }
function note(key, value) { state.map.set(key, value); if (state.map.size > 30) state.map.delete(state.map.keys().next().value) }
function wait(id) { new Promise((done) => waiting[id] = done).then((x) => state.settled.push(id + ":" + x)) }
function settle(id, x) { waiting[id]?.(x); delete waiting[id] }
function call(x) { state.calls += host(x) }
function timer(id, ms) { setTimeout(() => state.settled.push("timer " + id), ms) }
function waste(n) { let s = ""; for (let i = 0; i < n; i++) s += { i }.i; return s.length }
function deep(n) { return n ? deep(n - 1) + 1 : 0 }
`;

const emptyModel = () => ({
  numbers: {},
  list: [],
  map: new Map(),
  settled: [],
  calls: 0,
  waiting: [],
  jobs: [],
  timers: [],
});
const copyModel = (model) => structuredClone(model);

export class History {
  constructor(seed) {
    this.random = makeRandom(seed);
    this.seed = seed;
    this.ms = 1_700_000_000_000;
    this.vms = [];
    this.snapshots = [];
    this.ids = 0;
    this.done = {};
  }

  get options() {
    return {
      wasi: { now: () => BigInt(this.ms) * 1_000_000n },
      console: () => {},
      memoryLimit: 16 << 20,
      exceptions: this.random(2) ? "throw" : "return",
      ...(this.random(4) === 0 && { debug: true }),
    };
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  value() {
    return this.pick([
      () => this.random(1000),
      () => -this.random(1000) / 7,
      () => "text " + this.random(1000),
      () => "日本\ud800" + this.random(10),
      () => BigInt(this.random(1e9)) ** 5n,
      () => null,
      () => undefined,
      () => this.random(2) === 1,
      () => [this.random(5), { a: "b" }],
      () => ({ __proto__: null, x: 1 }) && { x: [this.random(3)] },
      () => new Date(this.random(1e9)),
      () => new Uint8Array(this.random(2000)).fill(this.random(256)),
    ])();
  }

  bind(vm) {
    vm.registerHostCallback("host", (x) => {
      vm.newObject().dispose();
      if (x.toNumber() % 3 === 0) return vm.unwrapResult(vm.evalCode("deep(5) - 4"));
      return 1;
    });
  }

  async create() {
    const vm = await QuickJS.create(this.options);
    vm.unwrapResult(vm.evalCode(PROGRAM)).dispose();
    const f = vm.newFunction("host", () => 0);
    vm.global.setProp("host", f);
    f.dispose();
    this.bind(vm);
    this.vms.push({ vm, model: emptyModel(), last: null });
  }

  call(one, name, ...args) {
    const { vm } = one;
    vm.withScope(() => {
      const f = vm.global.getProp(name);
      const handles = args.map((arg) => vm.hostToHandle(arg));
      vm.unwrapResult(vm.callFunction(f, vm.undefined, ...handles));
    });
  }

  compare(one, where) {
    const { vm, model } = one;
    const state = vm.global.getProp("state");
    const seen = vm.dump(state);
    state.dispose();
    const { numbers, list, map, settled, calls } = model;
    assert.deepEqual(seen, { numbers, list, map, settled, calls }, where);
  }

  // What the jobs that wait have done once they have run.
  drain(one) {
    one.vm.executePendingJobs();
    one.model.settled.push(...one.model.jobs.splice(0));
  }

  async step() {
    const live = this.vms.length;
    if (live === 0) return await this.create();
    const one = this.pick(this.vms);
    const { vm, model } = one;
    const action = this.pick(ACTIONS);
    this.done[action] = (this.done[action] ?? 0) + 1;
    await this[action](one, vm, model);
    while (this.vms.length > 12) this.end(this.pick(this.vms));
  }

  put(one, _vm, model) {
    const [key, value] = ["k" + this.random(20), this.value()];
    this.call(one, "put", key, value);
    model.numbers[key] = value;
  }

  setByHandle(_one, vm, model) {
    const [key, value] = ["k" + this.random(20), this.value()];
    vm.withScope(() =>
      vm.global.getProp("state").getProp("numbers").setProp(key, vm.hostToHandle(value))
    );
    model.numbers[key] = value;
  }

  deleteByHandle(_one, vm, model) {
    const key = "k" + this.random(20);
    vm.withScope(() => void vm.global.getProp("state").getProp("numbers").deleteProp(key));
    delete model.numbers[key];
  }

  push(one, _vm, model) {
    const value = this.value();
    this.call(one, "push", value);
    model.list.push(value);
    if (model.list.length > 50) model.list.shift();
  }

  note(one, _vm, model) {
    const [key, value] = [this.random(40), this.value()];
    this.call(one, "note", key, value);
    model.map.set(key, value);
    if (model.map.size > 30) model.map.delete(model.map.keys().next().value);
  }

  evaluate(_one, vm, model) {
    const n = this.random(100);
    vm.unwrapResult(vm.evalCode(`put("e", ${n}); waste(${n})`)).dispose();
    model.numbers.e = n;
  }

  bytecode(_one, vm, model) {
    const n = this.random(100);
    vm.unwrapResult(vm.evalBytecode(vm.compile(`put("b", ${n})`))).dispose();
    model.numbers.b = n;
  }

  hostCall(one, _vm, model) {
    this.call(one, "call", this.random(9));
    model.calls++;
  }

  wait(one, _vm, model) {
    const id = ++this.ids;
    this.call(one, "wait", id);
    model.waiting.push(id);
  }

  settle(one, _vm, model) {
    if (model.waiting.length === 0) return;
    const [id] = model.waiting.splice(this.random(model.waiting.length), 1);
    this.call(one, "settle", id, "x");
    model.jobs.push(`${id}:x`);
  }

  jobs(one) {
    this.drain(one);
  }

  timer(one, _vm, model) {
    const id = ++this.ids;
    const ms = 1 + this.random(1000);
    this.call(one, "timer", id, ms);
    model.timers.push({ id, due: this.ms + ms });
  }

  fire(one, vm, model) {
    this.drain(one);
    const pending = vm.pendingOperations().filter((operation) => operation.kind === "timer");
    assert.equal(pending.length, model.timers.length, "timers");
    if (pending.length === 0) return;
    const first = Math.min(...model.timers.map((timer) => timer.due));
    const at = pending.findIndex((operation) => operation.due === first);
    assert(at >= 0, "the same moments");
    const index = model.timers.findIndex((timer) => timer.due === first);
    vm.settleOperation(pending[at].id, { value: undefined });
    vm.executePendingJobs();
    model.settled.push(`timer ${model.timers.splice(index, 1)[0].id}`);
  }

  tick() {
    this.ms += this.random(500);
  }

  throws(_one, vm) {
    try {
      vm.unwrapResult(vm.evalCode("put('never'.x.y)")).dispose();
      assert.fail("nothing was thrown");
    } catch (error) {
      assert.equal(error.name, "TypeError");
      error.dispose?.();
    }
  }

  recurse(_one, vm) {
    try {
      vm.unwrapResult(vm.evalCode("deep(1e6)")).dispose();
      assert.fail("nothing was thrown");
    } catch (error) {
      assert.equal(error.name, "RangeError");
      error.dispose?.();
    }
  }

  interrupt(_one, vm) {
    vm.fuel = 1 + this.random(2000);
    assert.throws(() => vm.evalCode("for (;;) waste(3)"), /InterruptedError/);
    vm.fuel = 0;
  }

  exhaust(_one, vm) {
    try {
      vm.unwrapResult(
        vm.evalCode("{ const all = []; for (;;) all.push(new Uint8Array(1 << 18)) }"),
      );
      assert.fail("nothing was thrown");
    } catch (error) {
      assert.match(error.message, /memory|length|buffer/i);
      error.dispose?.();
    }
    vm.runGC();
  }

  collect(_one, vm) {
    vm.runGC();
  }

  compareNow(one) {
    this.compare(one, `seed ${this.seed}`);
  }

  save(one, vm, model) {
    const since = one.last && this.random(2) ? one.last : undefined;
    const snapshot = vm.snapshot(since && { since });
    one.last = snapshot;
    this.snapshots.push({ snapshot, model: copyModel(model) });
    if (this.snapshots.length > 10) this.snapshots.splice(this.random(10), 1);
  }

  async restore() {
    if (this.snapshots.length === 0) return;
    const { snapshot, model } = this.pick(this.snapshots);
    const source = this.random(2) && !snapshot.parent
      ? QuickJS.serializeSnapshot(snapshot)
      : snapshot;
    const vm = await QuickJS.restore(source, this.options);
    this.bind(vm);
    const one = { vm, model: copyModel(model), last: this.random(2) ? snapshot : null };
    this.vms.push(one);
    if (this.random(2)) this.compare(one, `seed ${this.seed}, restored`);
  }

  fork(_one, vm, model) {
    const copy = vm.fork(this.options);
    this.bind(copy);
    this.vms.push({ vm: copy, model: copyModel(model), last: null });
  }

  end(one) {
    this.compare(one, `seed ${this.seed}, at its end`);
    this.vms.splice(this.vms.indexOf(one), 1);
    one.vm.dispose();
  }

  finish() {
    for (const one of [...this.vms]) this.end(one);
  }
}

const ACTIONS = [
  ...[
    "put",
    "put",
    "setByHandle",
    "deleteByHandle",
    "push",
    "note",
    "evaluate",
    "bytecode",
    "hostCall",
  ],
  ...[
    "wait",
    "settle",
    "settle",
    "jobs",
    "timer",
    "fire",
    "tick",
    "throws",
    "recurse",
    "interrupt",
    "collect",
  ],
  ...[
    "exhaust",
    "compareNow",
    "compareNow",
    "save",
    "restore",
    "fork",
    "put",
    "push",
    "note",
    "settle",
  ],
];

/** Runs a history of so many steps; what was done how often. */
export async function runHistory(seed, steps) {
  const history = new History(seed);
  for (let i = 0; i < steps; i++) {
    try {
      await history.step();
      if (i % 97 === 0 && history.vms.length > 0) history.end(history.pick(history.vms));
      if (i % 31 === 0) await history.create();
    } catch (error) {
      error.message += ` (seed ${seed}, step ${i})`;
      throw error;
    }
  }
  history.finish();
  return history.done;
}
