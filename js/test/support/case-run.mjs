// SPDX-License-Identifier: MIT
//
// case-run.mjs - running a case on virtual time, through the public API.
//
// Time stands still while code runs. When nothing is left to do, the clock moves
// to the next moment at which something is due: a signal of the case, or the
// operation with the earliest due time (the older one of two).
//
//  (1) A *boundary* is where no guest code runs and a job, a signal or a result
//      comes next. There the VM may be replaced by one that was restored from
//      its snapshot, and the program must not notice.
//  (2) So the host keeps no handle over a boundary: the promise of a module is
//      named by what exportHandle gave.
//  (3) Fuel is carried over: it counts what the program does, not the VM.

import { Sleeper } from "./case-sleep.mjs";
import { EvalFlags, InterruptedError, JSException, QuickJS, TrappedError } from "torpor-vm";

const START = 1_700_000_000_000;
const DAY = 86_400_000;
const MARKS = { debug: "[debug] ", log: "", info: "[info] ", warn: "[warn] ", error: "[error] " };

// Minutes west of UTC: one hour ahead of it, two from April to October of years
// of 365 days.
function readZone(seconds) {
  const days = Math.floor((seconds * 1000) / DAY) % 365;
  const day = (days + 365) % 365;
  return day >= 90 && day < 304 ? -120 : -60;
}

// What the program ended with is no failure of the host.
class Ended extends Error {}

function toJson(value) {
  return JSON.stringify(value, (_, part) => {
    if (!(part instanceof Uint8Array)) return part;
    return btoa(Array.from(part, (byte) => String.fromCharCode(byte)).join(""));
  });
}

class Run {
  constructor(test, modules, plan) {
    this.test = test;
    this.modules = modules;
    this.plan = plan;
    this.now = START;
    this.output = "";
    this.error = "";
    this.exit = "done";
    this.boundaries = 0;
    this.arrived = 0; // signals
    this.taken = new Set();
    this.sleeper = new Sleeper(plan.way);
  }

  // ---- The world of a case ---------------------------------------------------

  options(fuel) {
    const { test } = this;
    return {
      exceptions: "throw",
      wasi: {
        now: () => BigInt(this.now) * 1_000_000n,
        random: (bytes) => bytes.forEach((_, i) => (bytes[i] = i + 1)),
      },
      timezoneOffset: readZone,
      console: (level, text) => void (this.output += `${MARKS[level]}${text}\n`),
      moduleLoader: { load: (name) => this.load(name) },
      onUnhandledRejection: (promise, reason, isHandled) =>
        this.noteRejection(promise, reason, isHandled),
      ...(fuel && { fuel }),
      ...(test.memory && { memoryLimit: test.memory }),
      ...(test.deadline && { deadline: test.deadline }),
    };
  }

  load(name) {
    const source = this.modules.get(name);
    if (source === undefined) throw new Error(`there is no ${name}`);
    return source;
  }

  functions() {
    const run = this;
    return {
      hostEcho: (value) => value,
      hostCall(fn, ...args) {
        return run.vm.callFunction(fn, this, ...args);
      },
      hostThrow: (value) => {
        throw value ?? new RangeError("thrown by the host");
      },
      hostFail: () => {
        throw new Error("reading or writing failed");
      },
      "torpor:run.input": () =>
        run.test.input === undefined ? undefined : run.vm.hostToHandle(run.test.input),
      "torpor:run.id": () => "case",
      "torpor:run.step": () => 7,
    };
  }

  // Also one that is not bound: calling it must say so.
  addFunctions() {
    const { vm } = this;
    // Not vm.global, which the VM keeps a handle of (2).
    const global = vm.evalCode("globalThis");
    for (const [name, callback] of Object.entries(this.functions())) {
      if (name.startsWith("torpor:")) vm.registerHostCallback(name, callback);
      else vm.newFunction(name, callback).consume((fn) => vm.setProp(global, name, fn));
    }
    vm.newFunction("hostMissing", () => {}).consume((fn) => vm.setProp(global, "hostMissing", fn));
    vm.unregisterHostCallback("hostMissing");
    global.dispose();
  }

  bindFunctions() {
    for (const [name, callback] of Object.entries(this.functions())) {
      this.vm.registerHostCallback(name, callback);
    }
  }

  // ---- Boundaries ------------------------------------------------------------

  async passBoundary() {
    const { plan } = this;
    const boundary = this.boundaries++;
    if (boundary === 0 && plan.sleep !== undefined) this.sleeper.begin(this.vm);
    if (plan.sleep === "every" ? boundary % plan.boundary !== 0 : boundary !== plan.boundary) {
      return;
    }
    this.vm = await this.sleeper.sleep(this.vm, this.options(this.vm.fuel));
    this.bindFunctions();
  }

  // ---- How it ends -----------------------------------------------------------

  // Runs what runs the program. What ends it is noted, and thrown as Ended.
  enter(call) {
    try {
      return call();
    } catch (error) {
      this.noteEnd(error);
      throw new Ended();
    }
  }

  noteEnd(error) {
    if (error instanceof JSException) {
      this.exit = "thrown";
      this.error = `${error.name}: ${error.message}\n${error.stack}`;
      error.dispose();
    } else if (error instanceof InterruptedError || error instanceof TrappedError) {
      this.exit = error instanceof TrappedError ? "trapped" : "interrupted";
      this.error = error.message;
    } else {
      throw error;
    }
  }

  noteRejection(promise, reason, isHandled) {
    if (isHandled || (this.main !== undefined && this.isMain(promise))) return;
    this.output += `[unhandled] ${describe(reason)}\n`;
  }

  // How a module ends is told by its exit.
  isMain(promise) {
    const main = this.vm.importHandle(this.main);
    const isSame = main.identity === promise.identity;
    main.dispose();
    return isSame;
  }

  async finish() {
    if (this.main === undefined) return;
    const main = this.vm.importHandle(this.main);
    this.vm.forgetExport(this.main);
    const state = main.promiseState;
    if (state === 0) this.exit = "deadlock";
    if (state === 2) {
      const { error } = await this.vm.resolvePromise(main);
      this.noteEnd(new JSException(error));
    }
    main.dispose();
  }

  // ---- What happens ----------------------------------------------------------

  async runJobs() {
    while (this.vm.hasPendingJobs) {
      await this.passBoundary();
      this.enter(() => this.vm.executePendingJobs(1));
    }
    // Rejections are told once the queue is empty, even if no job ran.
    this.enter(() => this.vm.executePendingJobs());
  }

  settle(id, outcome) {
    this.enter(() => this.vm.settleOperation(id, outcome));
  }

  perform({ id, kind, request }) {
    if (kind === "file-write") {
      this.output += `[write] ${toJson(request)}\n`;
      return this.settle(id, { value: undefined });
    }
    const file = this.test.files.find(({ path }) => path === request.path);
    if (file !== undefined) return this.settle(id, { value: file.bytes });
    return this.settle(id, { error: makeError("Error", "no such file", "ENOENT") });
  }

  // Performs the oldest operation on a file. True when there was one.
  async performFile(pending) {
    const found = pending.find(({ kind }) => kind.startsWith("file-"));
    if (found === undefined) return false;
    await this.passBoundary();
    this.perform(found);
    return true;
  }

  // Gives the oldest signal that somebody waits for. True when one was.
  async giveSignal(pending) {
    if (this.taken.size === this.arrived) return false;
    const waiting = pending.filter(({ kind }) => kind === "signal");
    for (const signal of this.test.signals.slice(0, this.arrived)) {
      const found = waiting.find(({ request }) => request.name === signal.name);
      if (this.taken.has(signal) || found === undefined) continue;
      this.taken.add(signal);
      await this.passBoundary();
      this.settle(found.id, { value: signal.value });
      return true;
    }
    return false;
  }

  findDue(pending) {
    let first;
    for (const operation of pending) {
      if (operation.due === undefined) continue;
      if (first === undefined || operation.due < first.due) first = operation;
    }
    return first;
  }

  // The next thing that happens in the world; false: nothing does.
  async stepWorld() {
    const pending = this.vm.pendingOperations();
    if ((await this.performFile(pending)) || (await this.giveSignal(pending))) return true;
    const due = this.findDue(pending);
    const signal = this.test.signals[this.arrived];
    if (signal !== undefined && (due === undefined || START + signal.at <= due.due)) {
      this.now = Math.max(this.now, START + signal.at);
      this.arrived++;
      return true;
    }
    if (due === undefined) return false;
    this.now = Math.max(this.now, due.due);
    await this.passBoundary();
    if (due.kind === "timer") this.settle(due.id, { value: undefined });
    else this.settle(due.id, { error: makeError("TimeoutError", "the operation timed out") });
    return true;
  }

  // ---- A run -----------------------------------------------------------------

  start() {
    const { vm, test } = this;
    this.addFunctions();
    const flags = test.isModule ? EvalFlags.TYPE_MODULE : EvalFlags.TYPE_GLOBAL;
    const result = this.enter(() => vm.evalCode(test.source, test.name, flags));
    if (test.isModule) this.main = vm.exportHandle(result);
    result.dispose();
  }

  async toEnd() {
    this.start();
    do await this.runJobs(); while (await this.stepWorld());
    await this.passBoundary();
    await this.finish();
  }
}

// Its stack, which would tell of this file, is left out.
function makeError(name, message, code) {
  const error = Object.assign(new Error(message), { name }, code && { code });
  delete error.stack;
  return error;
}

// "Name: message" of an error; any other value as a string. The handle is not
// ours: it is only read.
function describe(reason) {
  if (!reason.isError) return reason.toString();
  const { name, message } = new JSException(reason);
  return [name, message].filter(Boolean).join(": ");
}

/**
 * Runs a case; gives output, error, exit, how many boundaries there were, and
 * the snapshot at the end, which a VM that trapped has none of. `plan` is
 * { way, sleep: "every" | "once", boundary }, or {} for no sleep.
 */
export async function runCase(test, modules, plan = {}) {
  const run = new Run(test, modules, plan);
  run.vm = await QuickJS.create(run.options(test.fuel));
  try {
    await run.toEnd().catch((error) => {
      if (!(error instanceof Ended)) throw error;
    });
    const { output, error, exit, boundaries, vm } = run;
    const final = exit === "trapped" ? undefined : vm.snapshot().bytes;
    return { output, error, exit, boundaries, final };
  } finally {
    run.vm.dispose();
  }
}
