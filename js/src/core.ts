// SPDX-License-Identifier: MIT
//
// core.ts - the inside of a VM: its instance, entering it, texts on their way
// in, values on their way out.
//
// The public classes (vm.ts, handle.ts) are made of this one and of the files
// that each know one thing (property.ts, text.ts, function.ts, ...). Their calls
// have one shape:
//
//     core.begin();                        may it be entered? is it asleep?
//     const key = core.put("name");        texts go into guest memory
//     const status = core.enter(() => core.exports.torpor_get(bits, ...));
//     return core.give(status);            a handle, or an error
//
//  (1) Texts that are put live until the next begin, or until `end`. The window
//      takes small ones; larger ones are allocated in the guest, and released by
//      `end`, which whoever puts texts calls.
//  (2) Between begin and enter nothing else enters the guest but allocation.
//  (3) Every handle that an entry gives is retained: it lives until it is
//      released. Only what a host function is called with ends with that call.

import {
  CONTROL_HANDLES,
  CONTROL_HEAP_USED,
  CONTROL_JOBS,
  HOST_FUEL,
  HOST_INTERRUPTED,
  HOST_MEMORY_MAX,
  HOST_RETAIN,
  HOST_STACK,
  INTERRUPTED_AT,
  Status,
  STATUS_TEXT,
  TAG_BOOLEAN,
  TAG_NULL,
  TAG_OBJECT,
  TAG_UNDEFINED,
  WINDOW,
} from "./abi.js";
import { FALSE_BITS, NULL_BITS, NUMBER, numberBits, TRUE_BITS, UNDEFINED_BITS } from "./border.js";
import type { Engine } from "./engine.js";
import {
  BrokenError,
  BusyError,
  DisposedError,
  errorOf,
  InterruptedError,
  LimitError,
  MisuseError,
  NotFoundError,
  StaleHandleError,
  TrappedError,
} from "./errors.js";
import { JSException, placeIn } from "./exception.js";
import { YoungHandles } from "./forgotten.js";
import { describeHost } from "./host-value.js";
import { CONSTANT, ENDED, endOf, EXCEPTION, JSValueHandle } from "./handle.js";
import type { Instance } from "./instance.js";
import type { Settings } from "./options.js";
import type { Promises } from "./promise.js";
import type { QuickJS } from "./vm.js";

const encoder = new TextEncoder();
const SIZE_LARGEST = 0x7fffffff;
/** What the guest may use of its stack (guest/stack.h). */
const STACK_USABLE = 240 << 10;
/** What is left for the host at each call of a host function that calls the guest. */
const STACK_OF_CALL = 256;
/** Calls within calls that there is always room for. */
const FEW_CALLS = 8;
/** What a host function finds at least. */
const STACK_LEAST = 24 << 10;
const DISPOSED = "the VM was disposed of";

/** Makes the errors that tell what became of guest code. */
export interface ErrorMaker {
  /** It threw this value, which is the error's from then on. */
  thrown(value: JSValueHandle): Error;
  /** It was stopped; `at` is its stack then, "" where an older engine does not say it. */
  interrupted(why: ErrorOptions | undefined, at: string): Error;
}

const plainErrors: ErrorMaker = {
  thrown: (value) => new JSException(value),
  interrupted: (why, at) =>
    new InterruptedError(`${STATUS_TEXT[Status.INTERRUPTED]}${placeIn(at)}`, why),
};

/** A text in guest memory: UTF-8, a zero byte behind it. */
export interface Placed {
  readonly address: number;
  readonly size: number;
}

export class Core {
  /** One that refuses everything once the VM has ended, since the real one is another VM's then. */
  instance: Instance;
  exports: Instance["exports"];
  readonly engine: Engine;
  readonly settings: Settings;
  /** The public face of this VM. */
  vm!: QuickJS;
  promises!: Promises;
  disposed = false;
  /** Disposed of from inside a host function; done when that has returned. */
  closing = false;
  /** Restored, and not entered since. */
  asleep: boolean;
  /** Of the object of a class that the host function which begins is about; 0: of none. */
  serial = 0;
  /** Counts the handles that were made. */
  order = 0;
  /** Handles of the innermost withScope. */
  scope: JSValueHandle[] | null = null;
  deadlineAt = Infinity;
  /** What a function of the host's threw that had no other way to say it. */
  interruption: { cause?: unknown } | null = null;
  /** The newest error that said that guest code was stopped. */
  private interrupted: Error | null = null;
  /** How this VM tells what became of guest code. */
  errors: ErrorMaker = plainErrors;
  /** What is done at the end of each outermost call. */
  after: (() => void) | null = null;
  /** Told when the VM has ended. */
  ended: (() => void) | null = null;
  readonly undefined: JSValueHandle;
  readonly null: JSValueHandle;
  readonly true: JSValueHandle;
  readonly false: JSValueHandle;
  readonly global: JSValueHandle;
  private cursor = 0;
  private loans: number[] = [];
  private forgotten: bigint[] = [];
  private readonly young: YoungHandles;
  /** The guest's stack is limited as below a host function. */
  private below = false;

  constructor(instance: Instance, settings: Settings, asleep: boolean) {
    this.instance = instance;
    this.exports = instance.exports;
    this.engine = instance.engine;
    this.settings = settings;
    this.asleep = asleep;
    this.young = new YoungHandles(this);
    const constant = (tag: number, number: number, bits: bigint) =>
      new JSValueHandle(this, tag, number, bits, CONSTANT);
    this.undefined = constant(TAG_UNDEFINED, NaN, UNDEFINED_BITS);
    this.null = constant(TAG_NULL, 0, NULL_BITS);
    this.true = constant(TAG_BOOLEAN, 1, TRUE_BITS);
    this.false = constant(TAG_BOOLEAN, 0, FALSE_BITS);
    this.global = constant(TAG_OBJECT, 0, 0n);
  }

  // ---- Entering -------------------------------------------------------------

  /** The host's part of the control block; zero in a snapshot. */
  arm(): void {
    const { instance, settings } = this;
    const at = instance.control;
    instance.u32[(at + HOST_MEMORY_MAX) >>> 2] = settings.memoryMax;
    this.armStack();
    instance.u8[at + HOST_RETAIN] = 1;
    this.setFuel(settings.fuel);
  }

  private armStack(): void {
    const { instance, settings } = this;
    instance.u32[(instance.control + HOST_STACK) >>> 2] = settings.stack;
    this.below = false;
  }

  /**
   * Below a host function the guest may use less of its stack, since the frames
   * of the host's functions need some of the stack that both stand on. Like
   * that recursion through the host ends at the same place on every host, and
   * with an error that the program can catch.
   */
  private armBelow(): void {
    const { instance, settings } = this;
    const most = Math.max(this.stackLeft(), 1);
    instance.u32[(instance.control + HOST_STACK) >>> 2] = settings.stack === 0
      ? most
      : Math.min(most, settings.stack);
    this.below = true;
  }

  /** Bytes of its stack that the guest may still use. */
  private stackLeft(): number {
    const { instance, engine } = this;
    const top = instance.exports.__stack_pointer.value as number;
    return top - (engine.stackSize - STACK_USABLE) - instance.depth * STACK_OF_CALL;
  }

  /**
   * Whether there is room for one more call of a host function: for what it does with the guest,
   * too.
   */
  get hasRoom(): boolean {
    return this.instance.depth < FEW_CALLS || this.stackLeft() > STACK_LEAST;
  }

  /** May it be entered? Wakes it if it is asleep. */
  begin(): void {
    if (this.disposed) throw new DisposedError(DISPOSED);
    const { instance } = this;
    if (instance.broken !== null) {
      throw new BrokenError(
        `the VM is broken (${instance.broken.message})`,
        { cause: instance.broken },
      );
    }
    if (instance.u8.length === 0) instance.look();
    if (this.asleep) this.wake();
    if (instance.depth === 0) {
      this.interruption = null;
      if (this.below) this.armStack();
      if (this.loans.length !== 0) this.end(0);
      if (this.settings.deadline !== 0) {
        this.deadlineAt = performance.now() + this.settings.deadline;
      }
      if (this.forgotten.length !== 0) this.releaseForgotten();
    } else {
      this.armBelow();
    }
    this.cursor = 0;
  }

  private wake(): void {
    this.asleep = false;
    try {
      this.check(this.enter(() => this.exports.torpor_wake(this.settings.wakeFlags)));
      this.configure();
    } catch (error) {
      // What the options leave out would be there if it went on.
      this.instance.isHurt = true;
      throw this.instance.break(
        new TrappedError(`the VM could not wake: ${error}`, { cause: error }),
      );
    }
  }

  /** What the host decides about the language; ends with each sleep. */
  configure(): void {
    const { omit, options } = this.settings;
    const late = options.onUnhandledRejection ? 2 : 0;
    if (omit === "" && late === 0) return;
    this.cursor = 0;
    const mark = this.mark();
    const names = this.put(omit);
    const status = this.enter(() =>
      this.exports.torpor_configure(names.address, names.size, 0, late)
    );
    this.end(mark);
    this.check(status);
  }

  /** Calls an export that gives a status. */
  enter(run: () => number): number {
    if (this.disposed) throw new DisposedError(DISPOSED);
    const { instance } = this;
    let status: number;
    instance.depth++;
    try {
      status = run();
    } catch (error) {
      instance.isHurt = true;
      instance.hurtBy ??= error;
      throw instance.trapped(error);
    } finally {
      instance.depth--;
      instance.look();
    }
    if (this.interruption !== null && instance.depth === 0) return Status.INTERRUPTED;
    return status;
  }

  /** Gives the outcome of an entry, and ends the call. */
  giveLast(status: number): JSValueHandle {
    try {
      return this.give(status);
    } finally {
      this.leave();
    }
  }

  /** Runs `make`, whose handles no scope ends. */
  unscoped<T>(make: () => T): T {
    const { scope } = this;
    this.scope = null;
    try {
      return make();
    } finally {
      this.scope = scope;
    }
  }

  /** At the end of a public call that may have run code of the program. */
  leave(): void {
    if (this.instance.depth !== 0) return;
    if (this.engine.isOlder && !this.disposed && !this.asleep && this.instance.broken === null) {
      this.enter(() => this.exports.torpor_scope_close(0));
    }
    if (this.after !== null) this.after();
  }

  /** Not from inside a host function. */
  requireOutside(what: string): void {
    if (this.instance.depth !== 0) {
      throw new BusyError(
        `${what} is not possible while guest code is on the stack; return from the host function first`,
      );
    }
  }

  // ---- Texts in -------------------------------------------------------------

  /** What `end` is given. */
  mark(): number {
    return this.loans.length;
  }

  /** Releases the texts that were put since `mark`. */
  end(mark: number): void {
    while (this.loans.length > mark) {
      const address = this.loans.pop()!;
      if (!this.disposed && this.instance.broken === null) {
        this.enter(() => this.exports.torpor_release(address));
      }
    }
  }

  /** Room for `size` bytes and a zero byte behind them. */
  room(size: number): number {
    if (size > WINDOW) return this.allocate(size + 1);
    const needed = (size + 8) & ~7;
    if (this.cursor + needed > WINDOW) return this.allocate(size + 1);
    const address = this.instance.window + this.cursor;
    this.cursor += needed;
    return address;
  }

  private allocate(size: number): number {
    if (size > SIZE_LARGEST) {
      throw new LimitError("a text or buffer of more than 2 GiB does not fit into a VM");
    }
    const address = this.enter(() => this.exports.torpor_allocate(size)) >>> 0;
    if (address === 0) {
      throw new LimitError(`the VM has no memory for ${size} bytes; raise memoryLimit`);
    }
    this.instance.range(address, size, "an allocation");
    this.loans.push(address);
    return address;
  }

  /** Bytes that the guest owns from then on; 0: no memory. */
  hand(bytes: Uint8Array): number {
    if (bytes.length >= SIZE_LARGEST) return 0;
    const address = this.enter(() => this.exports.torpor_allocate(bytes.length + 1)) >>> 0;
    if (address === 0) return 0;
    this.instance.range(address, bytes.length + 1, "an allocation");
    this.instance.u8.set(bytes, address);
    this.instance.u8[address + bytes.length] = 0;
    return address;
  }

  /** Puts a text as UTF-8; lone surrogates become U+FFFD. */
  put(text: string): Placed {
    const length = text.length;
    if (length <= 64) {
      const address = this.room(length);
      const u8 = this.instance.u8;
      let at = 0;
      for (; at < length; at++) {
        const unit = text.charCodeAt(at);
        if (unit >= 128) break;
        u8[address + at] = unit;
      }
      if (at === length) {
        u8[address + length] = 0;
        return { address, size: length };
      }
    }
    if (this.cursor + length * 3 + 8 <= WINDOW) {
      const address = this.room(length * 3);
      const u8 = this.instance.u8;
      const size = encoder.encodeInto(
        text,
        u8.subarray(address, address + length * 3),
      ).written;
      u8[address + size] = 0;
      return { address, size };
    }
    return this.putBytes(encoder.encode(text));
  }

  putBytes(bytes: Uint8Array): Placed {
    const address = this.room(bytes.length);
    this.instance.u8.set(bytes, address);
    this.instance.u8[address + bytes.length] = 0;
    return { address, size: bytes.length };
  }

  /** Writes border values side by side; the address of the first. */
  putValues(handles: readonly JSValueHandle[], from = 0): number {
    const count = handles.length - from;
    const address = count <= 64 ? this.instance.slots * 4 : this.room(count * 8);
    for (let i = 0; i < count; i++) {
      this.write((address >>> 3) + i, handles[i + from]!);
    }
    return address;
  }

  /** Writes a handle's value at an index of 64-bit words. */
  write(index: number, handle: JSValueHandle): void {
    this.require(handle);
    if (handle._tag === NUMBER) {
      const number = handle._number;
      this.instance.f64[index] = number === number ? number : NaN;
    } else {
      this.instance.u64[index] = handle._bits !== 0n ? handle._bits : this.globalBits();
    }
  }

  slot(n: number, bits: bigint): void {
    this.instance.u64[(this.instance.slots >>> 1) + n] = bits;
  }

  /** Two slots: where a text lies and how long it is. */
  slotText(n: number, placed: Placed): void {
    const at = this.instance.slots + 2 * n;
    const { u32 } = this.instance;
    u32[at] = placed.address;
    u32[at + 1] = 0;
    u32[at + 2] = placed.size;
    u32[at + 3] = 0;
  }

  // ---- Values ---------------------------------------------------------------

  isHandle(value: unknown): value is JSValueHandle {
    return value instanceof JSValueHandle;
  }

  /** Refuses what is no handle, of another VM, or at its end. */
  require(handle: JSValueHandle): void {
    if (!(handle instanceof JSValueHandle)) {
      throw new MisuseError(
        `a handle is wanted, not ${describeHost(handle)}; vm.hostToHandle makes one`,
      );
    }
    if (handle._core !== this) {
      throw new StaleHandleError("this handle belongs to another VM");
    }
    if (handle._state & ENDED) throw new StaleHandleError(endOf(handle));
  }

  bits(handle: JSValueHandle): bigint {
    this.require(handle);
    if (handle._tag === NUMBER) return numberBits(handle._number);
    return handle._bits !== 0n ? handle._bits : this.globalBits();
  }

  /** The value of result[n] as a handle of its own. */
  take(n = 0): JSValueHandle {
    const { instance } = this;
    const at = instance.result + 2 * n;
    const upper = instance.u32[at + 1]!;
    if (upper < 0xfff90000) {
      return new JSValueHandle(this, NUMBER, instance.f64[at >>> 1]!, 0n);
    }
    const tag = upper >>> 16;
    if (tag === TAG_UNDEFINED) return this.undefined;
    if (tag === TAG_NULL) return this.null;
    if (tag === TAG_BOOLEAN) return instance.u32[at]! & 1 ? this.true : this.false;
    return this.own(tag, instance.u64[at >>> 1]!);
  }

  /** A handle that is released with the object that this gives. */
  own(tag: number, bits: bigint): JSValueHandle {
    if (this.engine.isOlder) bits = this.retained(bits);
    const handle = new JSValueHandle(this, tag, 0, bits);
    handle._order = ++this.order;
    if (this.scope !== null) this.scope.push(handle);
    this.young.add(handle);
    return handle;
  }

  /** Older engines give handles that end together: the same value in one that does not. */
  private retained(bits: bigint): bigint {
    this.check(this.enter(() => this.exports.torpor_value_retain(bits)));
    return this.instance.u64[this.instance.result >>> 1]!;
  }

  /** The bits of the global object, whose handle in the guest is made when it is needed. */
  private globalBits(): bigint {
    this.check(this.enter(() => this.exports.torpor_global()));
    return (this.global._bits = this.instance.u64[this.instance.result >>> 1]!);
  }

  /** Before a snapshot, which does not depend on whether the host used the global object. */
  releaseGlobal(): void {
    if (this.global._bits !== 0n) this.release(this.global._bits);
    this.global._bits = 0n;
  }

  /** What was thrown, as a handle that says so. */
  takeException(): JSValueHandle {
    const found = this.take();
    const handle = found._state & CONSTANT
      ? new JSValueHandle(this, found._tag, found._number, found._bits)
      : found;
    handle._state |= EXCEPTION;
    return handle;
  }

  /** Releases a handle at once. */
  release(bits: bigint): void {
    const { instance } = this;
    if (this.disposed || instance.broken !== null || this.asleep) return;
    this.enter(() => this.exports.torpor_value_release(bits));
  }

  /** The object of a handle was collected: releases it when the VM is entered next. */
  forget(bits: bigint): void {
    if (!this.disposed) this.forgotten.push(bits);
  }

  private releaseForgotten(): void {
    const forgotten = this.forgotten;
    this.forgotten = [];
    for (const bits of forgotten) this.release(bits);
  }

  // ---- Outcomes -------------------------------------------------------------

  /** The result of an entry: a handle. What was thrown is one, too, unless the VM throws. */
  give(status: number, throws = this.settings.throws): JSValueHandle {
    if (status === Status.OK) return this.take();
    if (status !== Status.THROWN) return this.refuse(status);
    const thrown = this.takeException();
    if (throws) throw this.errors.thrown(thrown);
    return thrown;
  }

  /** The result of an entry that makes a value of the host's, and runs no code of the program. */
  made(status: number): JSValueHandle {
    this.check(status);
    return this.take();
  }

  /** For entries that give nothing: what was thrown is thrown as a JSException. */
  check(status: number): void {
    if (status === Status.OK) return;
    if (status === Status.THROWN) throw this.errors.thrown(this.takeException());
    this.refuse(status);
  }

  /** A handle, or an error that says what there is not. */
  found(status: number, what: string): JSValueHandle {
    this.foundNothing(status, what);
    return this.take();
  }

  foundNothing(status: number, what: string): void {
    if (status === Status.NOT_FOUND) throw new NotFoundError(what);
    this.check(status);
  }

  /** Whether this error says that guest code of this VM was stopped, and not that of another. */
  isInterruption(error: unknown): boolean {
    return error !== null && error === this.interrupted;
  }

  /** The VM has ended, and its instance will be another VM's. */
  leaveInstance(): void {
    this.disposed = true;
    this.instance = GONE;
    this.exports = GONE.exports;
  }

  /** What failed while nobody waited. */
  report(error: unknown): void {
    if (this.isInterruption(error)) {
      return; /* the jobs that are left run when they are drained next */
    }
    this.promises.fail(error);
  }

  refuse(status: number): never {
    if (status === Status.INTERRUPTED) {
      if (this.closing) throw new DisposedError("the VM was disposed of while it ran");
      const why = this.interruption;
      // Below a host function it stays: what called that has to stop, too.
      if (this.instance.depth === 0) this.interruption = null;
      const at = this.interruptedAt();
      throw (this.interrupted = this.errors.interrupted(why ?? undefined, at));
    }
    if (status === Status.LIMIT) throw new LimitError(this.limitText());
    throw errorOf(status);
  }

  /** The stack of what was interrupted, which it leaves in the window. */
  private interruptedAt(): string {
    if ((this.word(HOST_INTERRUPTED) & INTERRUPTED_AT) === 0) return "";
    const { u8, window } = this.instance;
    return new TextDecoder().decode(u8.subarray(window, u8.indexOf(0, window)));
  }

  private limitText(): string {
    return "the VM has no memory left, or too many handles are alive; raise memoryLimit, or dispose of handles";
  }

  // ---- Facts ----------------------------------------------------------------

  word(offset: number): number {
    return this.instance.u32[(this.instance.control + offset) >>> 2]!;
  }

  get heapUsed(): number {
    return this.word(CONTROL_HEAP_USED);
  }

  get handleCount(): number {
    return this.word(CONTROL_HANDLES);
  }

  get hasJobs(): boolean {
    return this.word(CONTROL_JOBS) !== 0;
  }

  setFuel(fuel: number): void {
    const at = (this.instance.control + HOST_FUEL) >>> 2;
    this.instance.u32[at] = fuel >>> 0;
    this.instance.u32[at + 1] = Math.floor(fuel / 4294967296);
  }

  get fuel(): number {
    const at = (this.instance.control + HOST_FUEL) >>> 2;
    return this.instance.u32[at]! + this.instance.u32[at + 1]! * 4294967296;
  }
}

// ---- After the end ------------------------------------------------------------

/** What a VM has for an instance once it has ended: nothing can be read or done there. */
const GONE = makeGone();

function makeGone(): Instance {
  const refuse = (): never => {
    throw new DisposedError(DISPOSED);
  };
  const gone = {
    exports: new Proxy({}, { get: refuse }),
    u8: new Uint8Array(0),
    u32: new Uint32Array(0),
    f64: new Float64Array(0),
    u64: new BigUint64Array(0),
    depth: 0,
    isHurt: false,
    broken: null,
    look: () => {},
    range: refuse,
    integer: refuse,
    setResult: refuse,
    trapped: (error: unknown) => error,
  };
  return gone as unknown as Instance;
}
