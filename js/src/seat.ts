// SPDX-License-Identifier: MIT
//
// seat.ts - what guest code calls on its host, answered for one VM: module
// "torpor" of guest/abi.h.
//
//  (1) No exception of a host function passes through guest frames: it becomes
//      one of the guest, or the VM is broken.
//  (2) Guest code that has to stop does not go on after a host function,
//      whatever that answers.

import { Clock, HOST_HURRY, Status } from "./abi.js";
import {
  FALSE_BITS,
  NULL_BITS,
  NUMBER,
  tagOf,
  TRUE_BITS,
  UNDEFINED,
  UNDEFINED_BITS,
} from "./border.js";
import type { Core } from "./core.js";
import { InstanceId } from "./host-class.js";
import { describeHost } from "./host-value.js";
import { bridge, hostToHandle } from "./data.js";
import { JSException } from "./exception.js";
import type { HostFunctions } from "./function.js";
import { CONSTANT, ENDED, EXCEPTION, GIVEN, JSValueHandle, KEPT, RETURNED } from "./handle.js";
import type { Seat } from "./instance.js";
import type { Modules } from "./module.js";
import { newError } from "./make.js";
import { newString } from "./text.js";

const CALL_MORE = 0x80000000;
const NONE: JSValueHandle[] = [];
/** The upper half of undefined; those of numbers are less, all others more. */
const UNDEFINED_UPPER = (UNDEFINED << 16) >>> 0;
const DATE_LARGEST = 8.64e15;

export class HostSeat implements Seat {
  private readonly core: Core;
  private readonly functions: HostFunctions;
  private readonly modules: Modules;
  /** A handle that the guest is given as a result. */
  lent: bigint | null = null;

  constructor(core: Core, functions: HostFunctions, modules: Modules) {
    this.core = core;
    this.functions = functions;
    this.modules = modules;
  }

  // ---- Host functions --------------------------------------------------------

  /** `this`, and `count` arguments behind it, lie at `values`. */
  invoke(index: number, values: number, count: number): number {
    const { instance } = this.core;
    instance.look();
    const size = (count >>> 0) * 8 + 8;
    const at = instance.range(values >>> 0, size, "the arguments of a host call") >>> 2;
    return this.run(index, this.receiver(at), at + 2, count);
  }

  call(index: number, self: bigint, args: number, count: number): number {
    const { instance } = this.core;
    instance.look();
    const size = (count >>> 0) * 8;
    const at = instance.range(args >>> 0, size, "the arguments of a host call") >>> 2;
    return this.run(index, this.olderReceiver(self), at, count);
  }

  /** `at`: index in u32 of the first argument. */
  private run(index: number, receiver: JSValueHandle, at: number, count: number): number {
    const { core } = this;
    const { instance } = core;
    const which = (index & ~CALL_MORE) >>> 0;
    core.serial = index === which ? 0 : instance.integer(3);
    const callback = this.functions.find(which);
    if (callback === undefined) return this.throwUnbound(which);
    if (!core.hasRoom) {
      return this.throwOn(new RangeError("Maximum call stack size exceeded"), core.order);
    }
    if (this.lent !== null) this.returnLent(this.lent);
    const { scope, order } = core;
    // Most have one or none: those are called without a list of them.
    const first = count === 0 ? core.undefined : this.argument(at);
    const all = count > 1 ? this.list(first, at, count) : NONE;
    let status: number;
    try {
      const given = count === 1
        ? callback.call(receiver, first)
        : count === 0
        ? callback.call(receiver)
        : callback.apply(receiver, all);
      status = this.answer(given, order);
    } catch (error) {
      status = this.throwOn(error, order);
    } finally {
      core.scope = scope;
      if (count === 1) first._state |= RETURNED;
      for (let i = 0; i < all.length; i++) all[i]!._state |= RETURNED;
      if ((receiver._state & CONSTANT) === 0) receiver._state |= RETURNED;
    }
    if (instance.isHurt) throw instance.broken!;
    return core.deadlineAt !== Infinity && this.isLate() ? Status.INTERRUPTED : status;
  }

  /** A handle that ends with the call. */
  private argument(at: number): JSValueHandle {
    const { core } = this;
    const { instance } = core;
    const upper = instance.u32[at + 1]!;
    return upper < UNDEFINED_UPPER
      ? new JSValueHandle(core, NUMBER, instance.f64[at >>> 1]!, 0n)
      : otherThanNumber(core, upper >>> 16, at);
  }

  private list(first: JSValueHandle, at: number, count: number): JSValueHandle[] {
    const all = [first];
    for (let i = 1; i < count; i++) all.push(this.argument(at + 2 * i));
    return all;
  }

  private receiver(at: number): JSValueHandle {
    const { core } = this;
    return core.instance.u32[at + 1] === UNDEFINED_UPPER ? core.undefined : this.argument(at);
  }

  private olderReceiver(self: bigint): JSValueHandle {
    const { core } = this;
    const bits = BigInt.asUintN(64, self);
    if (bits === UNDEFINED_BITS) return core.undefined;
    const tag = tagOf(Number(bits >> 32n));
    return new JSValueHandle(core, tag, tag === NUMBER ? toDouble(bits) : Number(bits & 1n), bits);
  }

  /** Releases the handle of the result before, which the guest has taken by now. */
  returnLent(bits: bigint): void {
    this.lent = null;
    this.core.release(bits);
  }

  /** `order` is that of the newest handle from before the call. */
  private answer(given: unknown, order: number): number {
    if (given instanceof JSValueHandle && given._tag === NUMBER) return this.answerNumber(given);
    return typeof given === "number" ? this.giveNumber(given) : this.answerOther(given, order);
  }

  private answerOther(given: unknown, order: number): number {
    const { core } = this;
    if (given === undefined) return Status.OK;
    if (given instanceof JSValueHandle) return this.answerHandle(given, order);
    if (isThenable(given)) return this.answerHandle(bridge(core, given), order);
    switch (typeof given) {
      case "boolean":
        return this.give(given ? TRUE_BITS : FALSE_BITS);
      case "string":
        return this.answerHandle(newString(core, given), order);
      case "bigint":
        return this.answerHandle(hostToHandle(core, given), order);
    }
    if (given === null) return this.give(NULL_BITS);
    if (given instanceof InstanceId) return this.give(given.id);
    throw new TypeError(
      `a host function gave ${
        describeHost(given)
      }; it gives a handle (vm.hostToHandle makes one), a primitive or a promise`,
    );
  }

  /** A handle that was made in the call ends with it, unless somebody keeps it. */
  private answerHandle(handle: JSValueHandle, order: number): number {
    const { core } = this;
    const bits = core.bits(handle);
    if (handle._state & EXCEPTION) return this.throwHandle(handle, order);
    if (handle._order > order && (handle._state & KEPT) === 0) {
      handle._state |= GIVEN;
      // That of a host function further in was taken by now.
      if (this.lent !== null) this.returnLent(this.lent);
      this.lent = bits;
    }
    return this.give(bits);
  }

  private answerNumber(handle: JSValueHandle): number {
    const { core } = this;
    if (handle._core !== core || (handle._state & (ENDED | EXCEPTION)) !== 0) {
      return this.throwBits(core.bits(handle));
    }
    return this.giveNumber(handle._number);
  }

  /** As `give`, without making a bigint of it. */
  private giveNumber(number: number): number {
    const { instance } = this.core;
    if (instance.isHurt) throw instance.broken!;
    instance.f64[instance.result >>> 1] = number === number ? number : NaN;
    return Status.OK;
  }

  private give(bits: bigint): number {
    const { instance } = this.core;
    if (instance.broken) throw instance.broken;
    instance.setResult(0, bits);
    return Status.OK;
  }

  // ---- Throwing --------------------------------------------------------------

  /** `order` is that of the newest handle from before the call. */
  private throwOn(error: unknown, order: number): number {
    const { core } = this;
    if (core.instance.broken) throw core.instance.broken;
    if (core.isInterruption(error)) {
      core.interruption ??= {};
      return Status.INTERRUPTED;
    }
    try {
      return this.throwValue(error, order);
    } catch {
      if (core.instance.broken) throw core.instance.broken;
      const made = newError(
        core,
        `a host function threw what cannot be handed over: ${tell(error)}`,
      );
      return this.throwHandle(made, order);
    }
  }

  /** Fails for what cannot be handed over. */
  private throwValue(error: unknown, order: number): number {
    const { core } = this;
    const own = error instanceof JSException ? error.handle : error;
    if (own instanceof JSValueHandle && own._core === core && !own.disposed) {
      return this.throwHandle(own, order);
    }
    return this.throwHandle(hostToHandle(core, error), order);
  }

  /** Throws its value. A handle that was made in the call ends with that. */
  private throwHandle(handle: JSValueHandle, order: number): number {
    const status = this.throwBits(this.core.bits(handle));
    if (handle._order > order && (handle._state & KEPT) === 0) handle.dispose();
    return status;
  }

  private throwBits(bits: bigint): number {
    const { core } = this;
    core.enter(() => core.exports.torpor_throw(bits));
    return Status.THROWN;
  }

  private throwUnbound(index: number): number {
    const name = this.functions.nameOf(index) ?? `number ${index + 1}`;
    return this.throwOn(
      new Error(
        `the host function '${name}' is not bound on this host`,
      ),
      this.core.order,
    );
  }

  // ---- Stopping --------------------------------------------------------------

  private isLate(): boolean {
    return this.core.deadlineAt !== Infinity && performance.now() >= this.core.deadlineAt;
  }

  /** After other imports: the guest asks soon. */
  private hurryIfLate(): void {
    const { instance } = this.core;
    if (this.isLate()) instance.u8[instance.control + HOST_HURRY] = 1;
  }

  poll(): number {
    const { core } = this;
    if (this.isLate() || core.interruption !== null || core.closing) return 1;
    const ask = core.settings.interrupt;
    if (ask === undefined) return 0;
    try {
      if (ask() !== true) return 0;
      core.interruption ??= {};
      return 1;
    } catch (error) {
      core.interruption = { cause: error };
      return 1;
    }
  }

  // ---- Time, randomness, console ---------------------------------------------

  clock(which: number): number {
    const now = this.guard(
      () => this.core.settings.clock(which),
      which === Clock.WALL ? Date.now() : performance.now(),
    );
    this.hurryIfLate();
    return now;
  }

  zone(ms: number): number {
    if (!(Math.abs(ms) <= DATE_LARGEST)) return 0;
    const minutes = this.guard(() => this.core.settings.zone(ms), 0);
    this.hurryIfLate();
    return Number.isFinite(minutes) ? Math.trunc(minutes) : 0;
  }

  random(address: number, size: number): void {
    const { instance, settings } = this.core;
    instance.look();
    const at = instance.range(address >>> 0, size >>> 0, "a buffer for random bytes");
    const bytes = new Uint8Array(size >>> 0);
    this.guard(() => settings.random(bytes), undefined);
    instance.look();
    instance.u8.set(bytes, at);
    this.hurryIfLate();
  }

  console(level: number, address: number, size: number): void {
    const { instance, settings } = this.core;
    instance.look();
    const at = instance.range(address >>> 0, size >>> 0, "a message to the console");
    const text = instance.text(at, size >>> 0);
    this.guard(() => settings.print(level >>> 0, text), undefined);
    instance.look();
    this.hurryIfLate();
  }

  /**
   * A function of the options that throws: the program is interrupted, and the call fails with
   * that.
   */
  private guard<T>(run: () => T, otherwise: T): T {
    const { core } = this;
    try {
      return run();
    } catch (error) {
      if (core.instance.broken) throw core.instance.broken;
      core.interruption ??= { cause: error };
      core.instance.u8[core.instance.control + HOST_HURRY] = 1;
      return otherwise;
    }
  }

  // ---- Modules ---------------------------------------------------------------

  source(name: number, size: number, type: number, importer: number, importerSize: number): number {
    const status = this.modules.source(
      name >>> 0,
      size >>> 0,
      type >>> 0,
      importer >>> 0,
      importerSize >>> 0,
    );
    this.hurryIfLate();
    return status;
  }

  resolve(name: number, size: number, importer: number, importerSize: number): number {
    const status = this.modules.resolve(name >>> 0, size >>> 0, importer >>> 0, importerSize >>> 0);
    this.hurryIfLate();
    return status;
  }
}

/** Whose tag that is; its value lies at index `at` in u32. */
function otherThanNumber(core: Core, tag: number, at: number): JSValueHandle {
  const { u32, u64 } = core.instance;
  return new JSValueHandle(core, tag, tag === UNDEFINED ? NaN : u32[at]! & 1, u64[at >>> 1]!);
}

/** What a host function threw, for a sentence; it may be a proxy that throws. */
function tell(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : describeHost(error);
  } catch {
    return "an object";
  }
}

const scratch = new BigUint64Array(1);
const scratchNumber = new Float64Array(scratch.buffer);

function toDouble(bits: bigint): number {
  scratch[0] = bits;
  return scratchNumber[0]!;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
