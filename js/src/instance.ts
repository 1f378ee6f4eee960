// SPDX-License-Identifier: MIT
//
// instance.ts - one instance of an engine: its memory as typed arrays, its
// exports, and what guest code calls on the host (module "torpor" of
// guest/abi.h).
//
// An instance outlives VMs: it is reset and used again (pool.ts). What it calls
// is the *seat*, the VM that has it now.
//
//  (1) Views are made anew when memory has grown, which empties the old ones.
//      So whoever called the guest, or is called by it, looks before reading.
//  (2) Whatever leaves an export by an exception has broken the VM: guest
//      frames were thrown away in the middle of their work. Imports throw for
//      that purpose only; exceptions of host functions never get here.
//  (3) Addresses that come from the guest are checked before they are used.

import {
  type EngineExports,
  HOST_RESULT,
  HOST_SLOTS,
  HOST_WINDOW,
  LATER,
  Status,
  TRAP_INTERRUPTED,
} from "./abi.js";
import type { Engine } from "./engine.js";
import { BrokenError, isStackOverflow, TorporError, TrappedError } from "./errors.js";
import type { Linked } from "./extension-table.js";
import { LackingError, withStandIns } from "./older-engine.js";

/** What guest code asks its host; the VM that has the instance answers. */
export interface Seat {
  invoke(index: number, values: number, count: number): number;
  /** The same, of engines before version 4. */
  call(index: number, self: bigint, args: number, count: number): number;
  source(
    name: number,
    size: number,
    type: number,
    importer: number,
    importerSize: number,
  ): number;
  resolve(
    name: number,
    size: number,
    importer: number,
    importerSize: number,
  ): number;
  poll(): number;
  clock(which: number): number;
  zone(ms: number): number;
  random(address: number, size: number): void;
  console(level: number, address: number, size: number): void;
}

/** What an engine exports. */
export interface Exports extends EngineExports {
  memory: WebAssembly.Memory;
  __stack_pointer: WebAssembly.Global;
  __indirect_function_table: WebAssembly.Table;
}

const refuse = (): never => {
  throw new BrokenError("the engine called its host while no VM had it");
};
/** Nobody's: a pooled instance is not entered. */
export const NOBODY: Seat = {
  invoke: refuse,
  call: refuse,
  source: refuse,
  resolve: refuse,
  poll: refuse,
  clock: refuse,
  zone: refuse,
  random: refuse,
  console: refuse,
};

const TRAP_REASONS = ["", "abort", "assertion", "out of memory"];
// A mark of byte order is a character like any other.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the imports of an instance lead to. */
interface Target {
  seat: Seat;
  /** Null as long as it is not known to be of an engine. */
  instance: Instance | null;
}

/** An instance of what may be any module at all. */
export interface Made {
  readonly exports: WebAssembly.Exports;
  readonly target: Target;
}

function importsOf(target: Target): WebAssembly.ModuleImports {
  return {
    invoke: (index: number, values: number, count: number) =>
      target.seat.invoke(index, values, count),
    source: (a: number, b: number, c: number, d: number, e: number) =>
      target.seat.source(a, b, c, d, e),
    resolve: (a: number, b: number, c: number, d: number) => target.seat.resolve(a, b, c, d),
    // What older engines call instead.
    call: (index: number, self: bigint, args: number, count: number) =>
      target.seat.call(index, self, args, count),
    module: (name: number, size: number) =>
      ownerOf(target).older(target.seat.source(name, size, 0, 0, 0)),
    poll: () => target.seat.poll(),
    clock: (which: number) => target.seat.clock(which),
    zone: (ms: number) => target.seat.zone(ms),
    random: (address: number, size: number) => target.seat.random(address, size),
    console: (level: number, address: number, size: number) =>
      target.seat.console(level, address, size),
    trap: (code: number, address: number, size: number): never =>
      ownerOf(target).ended(code, address, size),
  };
}

function ownerOf({ instance }: Target): Instance {
  return instance ?? refuse();
}

/** What engines import that this package knows. */
export function importNames(): string[] {
  return Object.keys(importsOf({ seat: NOBODY, instance: null }));
}

/** An instance of `module`, which nobody has; it may import `others` than those that are known. */
export function instantiate(module: WebAssembly.Module, others: readonly string[] = []): Made {
  const target: Target = { seat: NOBODY, instance: null };
  const imports = importsOf(target);
  for (const name of others) imports[name] = refuse;
  const { exports } = new WebAssembly.Instance(module, { torpor: imports });
  return { exports, target };
}

export class Instance {
  readonly engine: Engine;
  private readonly target: Target;
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
  /** Address of the control block. */
  readonly control: number;
  /** Indexes into u32 of result[0] and of the first slot. */
  readonly result: number;
  readonly slots: number;
  /** Address of the window, for small texts. */
  readonly window: number;
  u8!: Uint8Array<ArrayBuffer>;
  u32!: Uint32Array<ArrayBuffer>;
  f64!: Float64Array<ArrayBuffer>;
  u64!: BigUint64Array<ArrayBuffer>;
  /** The extensions that are loaded, in their order; replaced, never changed. */
  linked: readonly Linked[] = [];
  /** How many were ever bound to it. */
  bound = 0;
  /** What lies behind the baseline is another VM's, and has to be written over (pool.ts). */
  isStale = false;
  /** How much of the function table the VM has (extension-table.ts). */
  tableSize: number;
  /** How many entries are on the stack. */
  depth = 0;
  /**
   * Guest frames were thrown away, so nothing can be entered any more. Set
   * without a call, for which the host's stack may have no room.
   */
  isHurt = false;
  /** What threw them away. */
  hurtBy: unknown = undefined;
  private reason: TorporError | null = null;

  /** `made`: an instance of that engine that nobody has entered. */
  constructor(engine: Engine, made: Made) {
    this.engine = engine;
    this.target = made.target;
    this.target.instance = this;
    this.tableSize = engine.tableSize;
    const exports = made.exports as unknown as Exports;
    this.exports = engine.isOlder ? withStandIns(this, exports) : exports;
    this.memory = this.exports.memory;
    this.control = engine.control;
    this.result = (engine.control + HOST_RESULT) >>> 2;
    this.slots = (engine.control + HOST_SLOTS) >>> 2;
    this.window = engine.control + HOST_WINDOW;
    this.look();
  }

  /** Whoever has the instance; it is entered by nobody else. */
  set seat(seat: Seat) {
    this.target.seat = seat;
  }

  /** Makes the views anew if memory has grown since. */
  look(): void {
    if (this.u8 !== undefined && this.u8.length !== 0) return;
    const buffer = this.memory.buffer as ArrayBuffer;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
  }

  /** The answer about a module, for an engine that does not know all of them. */
  older(status: number): number {
    if (status === Status.OK) return status;
    this.look();
    this.setResult(0, 0n);
    return status === LATER ? Status.UNSUPPORTED : status;
  }

  /** The error that says what it means that an export threw. */
  trapped(error: unknown): TorporError {
    this.look();
    if (error instanceof LackingError && error === this.hurtBy) {
      this.isHurt = false;
      this.hurtBy = undefined;
      return error;
    }
    return this.broken!;
  }

  /** Why nothing can be entered any more; null while all is well. */
  get broken(): TorporError | null {
    if (!this.isHurt) return null;
    return (this.reason ??= trapError(this.hurtBy));
  }

  /** Lets nothing enter any more. */
  break(reason: TorporError): TorporError {
    this.isHurt = true;
    return (this.reason ??= reason);
  }

  /** Guest code ended itself. */
  ended(code: number, address: number, size: number): never {
    this.look();
    const what = TRAP_REASONS[code >>> 0] ?? "trap";
    const text = this.text(address >>> 0, Math.min(size >>> 0, 200));
    this.isHurt = true;
    this.reason ??= new TrappedError(
      code === TRAP_INTERRUPTED
        ? "guest code was interrupted inside an extension, which cannot be left halfway; dispose of this VM or restore a snapshot"
        : code === 3
        ? "out of memory, where no error could be thrown; dispose of this VM or restore a snapshot, and raise memoryLimit"
        : `guest code ended itself (${what}): ${text}; dispose of this VM or restore a snapshot`,
    );
    throw this.reason;
  }

  /** Breaks the VM: the guest's memory contradicts itself. */
  damaged(what: string): never {
    throw this.break(
      new TrappedError(
        `the VM's memory is damaged: ${what} lies outside of it; dispose of this VM or restore a snapshot`,
      ),
    );
  }

  /** Checks that guest memory has these bytes. */
  range(address: number, size: number, what: string): number {
    if (address + size > this.u8.length) this.damaged(what);
    return address;
  }

  /** UTF-8 in guest memory, "" where there is none. */
  text(address: number, size: number): string {
    if (address + size > this.u8.length) return "";
    return decoder.decode(this.u8.subarray(address, address + size));
  }

  /** result[n] as an unsigned number of up to 53 bits. */
  integer(n: number): number {
    const at = this.result + 2 * n;
    return this.u32[at]! + this.u32[at + 1]! * 4294967296;
  }

  setResult(n: number, bits: bigint): void {
    this.u64[(this.result >>> 1) + n] = bits;
  }
}

/** A stack overflow is the host's RangeError, a fault a WebAssembly.RuntimeError. */
function trapError(error: unknown): TorporError {
  if (error instanceof TorporError) return error;
  const remedy = "dispose of this VM or restore a snapshot";
  if (isStackOverflow(error)) {
    return new TrappedError(
      `the host's stack ended below guest code; ${remedy}, recurse less through host functions, or give the host a larger stack`,
      { cause: error },
    );
  }
  const said = error instanceof Error ? error.message : String(error);
  return new TrappedError(`guest code was ended: ${said}; ${remedy}`, {
    cause: error,
  });
}
