// SPDX-License-Identifier: MIT
//
// operation.ts - what a VM waits for: promises that the outside settles. The
// guest keeps the table of them in its memory, where it is read in place.
//
// Drivers (driver.ts) are told of operations that begin and of those that the
// program cancels, after the call in which that happened.

import {
  CONTROL_OPERATION_COUNT,
  CONTROL_OPERATION_LAST,
  CONTROL_OPERATIONS,
  HOST_CANCELLED,
  OPERATION_BEGUN,
  OPERATION_DUE,
  OPERATION_ID,
  OPERATION_KIND,
  OPERATION_KIND_SIZE,
  OPERATION_REQUEST,
  OPERATION_REQUEST_SIZE,
  OPERATION_SIZE,
  Outcome,
  Status,
} from "./abi.js";
import { numberBits } from "./border.js";
import type { Core } from "./core.js";
import { asHandle } from "./data.js";
import { readCbor } from "./data/cbor-read.js";
import type { Cancel, Driver } from "./driver.js";
import { MisuseError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

/** One thing that a VM waits for. */
export interface Operation {
  /** Never used again in this VM. */
  readonly id: number;
  /** Who performs it: "timer", "module", or what the host began. */
  readonly kind: string;
  /** What is to be done, as data. */
  readonly request: unknown;
  /** When it is due, in milliseconds since 1970; undefined if at no certain time. */
  readonly due: number | undefined;
  /** When it began, likewise. */
  readonly begun: number;
  /** Whether it began before this VM was woken: somebody may have performed it already. */
  readonly resumed: boolean;
}

/**
 * How an operation ends: one of both. Handles stay the caller's; other values are handed over as
 * data.
 */
export type Outcomes = { value: unknown; error?: never } | { error: unknown; value?: never };

/** false, true and null in CBOR. */
const SIMPLE = [0xf4, 0xf5, 0xf6];

export class Operations {
  private readonly core: Core;
  /** Those that a driver performs. */
  private readonly begun = new Map<number, Cancel>();
  /** The lower half of the newest id that was looked at, and that of an operation. */
  private seen = 0;
  private newest = 0;
  /** The newest that there was when the VM woke. */
  private readonly woken: number;

  constructor(core: Core) {
    this.core = core;
    this.woken = core.asleep
      ? core.word(CONTROL_OPERATION_LAST) + core.word(CONTROL_OPERATION_LAST + 4) * 4294967296
      : 0;
  }

  get count(): number {
    return this.core.word(CONTROL_OPERATION_COUNT);
  }

  list(): Operation[] {
    const { core } = this;
    const { count } = this;
    const table = core.word(CONTROL_OPERATIONS);
    core.instance.range(table, count * 4, "the table of operations");
    const found: Operation[] = [];
    for (let i = 0; i < count; i++) {
      found.push(this.read(core.instance.u32[(table >>> 2) + i]!));
    }
    return found;
  }

  private read(at: number): Operation {
    const { instance } = this.core;
    instance.range(at, OPERATION_SIZE, "an operation");
    const view = new DataView(instance.u8.buffer, at, OPERATION_SIZE);
    const due = view.getFloat64(OPERATION_DUE, true);
    return {
      id: Number(view.getBigUint64(OPERATION_ID, true)),
      kind: this.text(
        view.getUint32(OPERATION_KIND, true),
        view.getUint32(OPERATION_KIND_SIZE, true),
      ),
      request: this.request(
        view.getUint32(OPERATION_REQUEST, true),
        view.getUint32(OPERATION_REQUEST_SIZE, true),
      ),
      due: due === 0 ? undefined : due,
      begun: view.getFloat64(OPERATION_BEGUN, true),
      resumed: Number(view.getBigUint64(OPERATION_ID, true)) <= this.woken,
    };
  }

  private bytes(address: number, size: number): Uint8Array {
    const { instance } = this.core;
    instance.range(address, size, "an operation");
    return instance.u8.subarray(address, address + size);
  }

  /** A kind, which is short and ASCII as a rule: that needs no decoder. */
  private text(address: number, size: number): string {
    const { instance } = this.core;
    const { u8 } = instance;
    instance.range(address, size, "an operation");
    if (size > 32) return instance.text(address, size);
    let text = "";
    for (let at = address; at < address + size; at++) {
      if (u8[at]! >= 128) return instance.text(address, size);
      text += String.fromCharCode(u8[at]!);
    }
    return text;
  }

  /** What is to be done; most timers have nothing but null or a boolean to say. */
  private request(address: number, size: number): unknown {
    const bytes = this.bytes(address, size);
    const simple = size === 1 ? SIMPLE.indexOf(bytes[0]!) : -1;
    return simple < 0 ? readCbor(bytes) : [false, true, null][simple];
  }

  /** Begins one for the program: a promise of what it becomes. */
  begin(kind: string, request: unknown, due = 0): { id: number; promise: JSValueHandle } {
    const { core } = this;
    if (typeof kind !== "string" || kind === "") {
      throw new MisuseError("the kind of an operation is a string that is not empty");
    }
    if (typeof due !== "number" || !Number.isFinite(due)) {
      throw new MisuseError("when an operation is due is a number of milliseconds since 1970");
    }
    core.begin();
    const asked = asHandle(core, request);
    core.begin();
    const mark = core.mark();
    const name = core.put(kind);
    const bits = core.bits(asked);
    const status = core.enter(() =>
      core.exports.torpor_operation_begin(name.address, name.size, bits, due)
    );
    try {
      core.check(status);
      return { id: core.instance.integer(0), promise: core.take(1) };
    } finally {
      if (asked !== request) asked.dispose();
      core.end(mark);
    }
  }

  /** Ends one; the guest learns of it when its jobs run. */
  settle(id: number, outcome: Outcomes): void {
    const { core } = this;
    if (
      !Number.isSafeInteger(id) || id < 1 || typeof outcome !== "object" || outcome === null ||
      "value" in outcome === "error" in outcome
    ) {
      throw new MisuseError(
        "settleOperation takes the id of an operation, and { value } or { error }",
      );
    }
    core.begin();
    const rejected = "error" in outcome;
    const given = rejected ? outcome.error : outcome.value;
    const handle = asHandle(core, given);
    core.begin();
    const bits = handle.isNumber ? numberBits(handle._number) : core.bits(handle);
    const status = core.enter(() =>
      core.exports.torpor_operation_settle(
        BigInt(id),
        rejected ? Outcome.REJECT : Outcome.RESOLVE,
        bits,
      )
    );
    this.begun.delete(id);
    try {
      core.foundNothing(status, `no operation ${id} is pending`);
    } finally {
      if (handle !== given) handle.dispose();
    }
  }

  // ---- Drivers --------------------------------------------------------------

  /** Begins and cancels what drivers perform. */
  update(driverOf: (kind: string) => Driver | undefined): void {
    this.takeCancelled();
    if (this.core.word(CONTROL_OPERATION_LAST) === this.seen) return;
    for (const at of this.newOnes()) {
      const driver = driverOf(this.kindAt(at));
      if (driver !== undefined) this.start(driver, this.read(at));
    }
  }

  /** Where those lie that began since this was asked last, in order. Ids ascend. */
  private newOnes(): number[] {
    const { core, count } = this;
    const table = core.word(CONTROL_OPERATIONS);
    core.instance.range(table, count * 4, "the table of operations");
    const found: number[] = [];
    for (let i = count - 1; i >= 0; i--) {
      const at = core.instance.u32[(table >>> 2) + i]!;
      core.instance.range(at, OPERATION_SIZE, "an operation");
      if (Number(core.instance.u64[(at + OPERATION_ID) >>> 3]!) <= this.newest) break;
      found.push(at);
    }
    this.seen = core.word(CONTROL_OPERATION_LAST);
    if (found.length !== 0) {
      this.newest = Number(core.instance.u64[(found[0]! + OPERATION_ID) >>> 3]!);
    }
    return found.reverse();
  }

  private kindAt(at: number): string {
    const { u32 } = this.core.instance;
    return this.text(u32[(at + OPERATION_KIND) >>> 2]!, u32[(at + OPERATION_KIND_SIZE) >>> 2]!);
  }

  private start(driver: Driver, operation: Operation): void {
    const { core } = this;
    const { id } = operation;
    this.begun.set(id, () => {});
    let returned = false;
    const settle = (outcome: Outcomes): void => {
      if (!returned || core.instance.depth !== 0) return queueMicrotask(() => settle(outcome));
      this.settleFor(id, outcome);
    };
    try {
      const cancel = driver(operation, settle);
      if (typeof cancel === "function") this.begun.set(id, cancel);
    } catch (error) {
      settle({ error });
    }
    returned = true;
  }

  /** What a driver says when it is done. */
  private settleFor(id: number, outcome: Outcomes): void {
    const { core } = this;
    if (!this.begun.has(id) || core.disposed || core.instance.broken !== null) return;
    try {
      this.settle(id, outcome);
      core.promises.drain();
    } catch (error) {
      core.report(error);
    }
  }

  private takeCancelled(): void {
    const { core } = this;
    // The lower half is one more than there are; 0: not known.
    while (core.word(HOST_CANCELLED) !== 1) {
      const status = core.enter(() => core.exports.torpor_operation_cancelled());
      if (status !== Status.OK) return;
      const id = core.instance.integer(0);
      const cancel = this.begun.get(id);
      this.begun.delete(id);
      cancel?.();
    }
  }

  /** The VM has ended: nothing is performed for it any more. */
  end(): void {
    const cancels = [...this.begun.values()];
    this.begun.clear();
    const failed: unknown[] = [];
    for (const cancel of cancels) {
      try {
        cancel();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length !== 0) throw failed[0];
  }
}
